"""Training by the rows that the workers of a cluster hold: on two processes, one of which is killed at times."""

import copy
import pickle
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from clusters import InOrder, kill_one, killing, local_cluster, whole

import fastbp
from fastbp.callbacks import EarlyStopping, LambdaCallback
from fastbp.seeds import spawned

da = pytest.importorskip("dask.array")
pytest.importorskip("distributed")

RNG = np.random.default_rng(0)
X = RNG.normal(size=(600, 4)).astype("float32")
Y = (X[:, :1] * X[:, 1:2] + X[:, 2:3]).astype("float32")
CUTS = (150, 100, 350)  # rows of partitions


@pytest.fixture(scope="module")
def shared_client():
    with local_cluster() as client:
        yield client


@pytest.fixture
def client(shared_client):
    return whole(shared_client)


def made(optimizer="adam", seed=3, dtype="float32", layers=None, loss="mse", metrics=("mae",)):
    layers = layers or [fastbp.Dense(8, "tanh"), fastbp.Dense(1)]
    model = fastbp.Sequential([fastbp.Input((4,)), *layers], seed=seed, dtype=dtype)
    model.compile(optimizer, loss, metrics=list(metrics))
    return model


def dask_data(x=X, y=Y, cuts=CUTS):
    return da.from_array(x, chunks=(cuts, -1)), da.from_array(y, chunks=(cuts, -1))


def same(a, b):
    return all(np.array_equal(u, v) for u, v in zip(a.get_weights(), b.get_weights(), strict=True))


def fit(client, model, *data, **settings):
    return fastbp.dask.fit(model, *(data or dask_data()), client=client, verbose=0, **settings)


# ------------------------------------------------------------------------------------------------------------- averaging


@pytest.mark.parametrize("optimizer", ["sgd", fastbp.Adam(0.01, amsgrad=True), fastbp.SGD(0.05, momentum=0.9, nesterov=True)])
def test_one_shard_gives_the_bits_of_a_fit(client, optimizer):
    """Where one worker has all rows, rounds are epochs: nothing is lost between them."""
    model, alone = made(copy.deepcopy(optimizer)), made(optimizer)
    with pytest.warns(UserWarning, match="1 of 2 workers, 1 will do nothing"):
        history = fit(client, model, *dask_data(cuts=(600,)), rounds=3, local_epochs=2)
    expected = alone.fit(X, Y, epochs=6, verbose=0)
    assert same(model, alone)
    for name in ("loss", "mae"):
        assert history.history[name] == expected.history[name][1::2]
    assert model.optimizer.iterations == alone.optimizer.iterations == 6 * 19
    model.fit(X, Y, verbose=0)  # it goes on as the other does
    alone.fit(X, Y, verbose=0)
    assert same(model, alone)


def by_hand(rounds, local_epochs, shards):
    """The same rounds in this process: a copy for each shard, whose weights and moments are averaged in float64."""
    from fastbp.many.averaging import place, state_of

    model = made()
    engine = model._build(4)
    seed = model._shuffle_seed
    generators = [spawned(int(engine.state.generator[0]), i) for i in range(len(shards))]
    for _ in range(rounds):
        states, start = [], state_of(engine)
        for i, (x, y) in enumerate(shards):
            own = made()
            own._shuffle_seed = spawned(seed, i)
            place(own._build(4), start, generators[i])
            own.fit(x, y, epochs=local_epochs, verbose=0)
            states.append(state_of(own._engine))
            generators[i] = int(own._engine.state.generator[0])
        counts = [len(x) for x, _ in shards]
        mean = [
            [np.average([a.astype("float64") for a in arrays], axis=0, weights=counts) for arrays in zip(*parts, strict=True)]
            for parts in zip(*states, strict=True)
        ]
        place(engine, [[a.astype(b.dtype) for a, b in zip(m, s, strict=True)] for m, s in zip(mean, states[0], strict=True)], 0)
    return model


def test_two_shards_are_averaged_by_their_rows(client):
    """Unequal ones, whose workers take other numbers of steps: weights, moments and their bias corrections."""
    model = made()
    fit(client, model, rounds=2, local_epochs=2)
    first = sum(CUTS[:2])  # rows of the worker that has two of the three partitions
    expected = by_hand(2, 2, [(X[:first], Y[:first]), (X[first:], Y[first:])])
    for a, b in zip(model.get_weights(), expected.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=2e-5, atol=1e-6)


def test_the_same_seed_gives_the_same_bits(client):
    models = [made(layers=[fastbp.Dense(8, "tanh"), fastbp.layers.Dropout(0.3), fastbp.Dense(1)]) for _ in range(2)]
    for model in models:
        fit(client, model, rounds=2)
    assert same(*models)


def test_a_mean_of_equal_states_is_that_state():
    from fastbp.many.averaging import Mean

    arrays = [[RNG.normal(size=(5, 3)).astype("float32")], [np.array([0.1])]]
    mean = Mean(3.0, 0.5, arrays, ["a"]).with_other(Mean(7.0, 0.5, copy.deepcopy(arrays), ["b"]))
    assert mean.rows == 10 and mean.loss == 0.5 and mean.reports == ["a", "b"]
    assert all(
        np.array_equal(a, b) for own, others in zip(mean.arrays, arrays, strict=True) for a, b in zip(own, others, strict=True)
    )


def test_a_mean_is_weighted_by_rows():
    from fastbp.many.averaging import Mean

    values, rows = [1.0, 4.0, -2.0], [1, 2, 5]
    means = [Mean(n, v, [[np.full(2, v)]]) for v, n in zip(values, rows, strict=True)]
    mean = means[0].with_other(means[1]).with_other(means[2])
    assert mean.loss == pytest.approx(np.average(values, weights=rows))
    np.testing.assert_allclose(mean.arrays[0][0], np.average(values, weights=rows))
    assert Mean(0, 0.0, [[np.zeros(1)]]).with_other(Mean(0, 0.0, [[np.zeros(1)]])).arrays[0][0] == 0


# ------------------------------------------------------------------------------------------------------------------ data


def test_frames_and_parquet_give_what_arrays_give(client, tmp_path):
    pd, dd = pytest.importorskip("pandas"), pytest.importorskip("dask.dataframe")
    names = ["a", "b", "c", "d"]
    table = pd.DataFrame(X, columns=names).assign(target=Y[:, 0], weight=np.linspace(0.5, 1.5, 600), other=1.0)
    weight = table["weight"].to_numpy()
    cuts = (300, 300)
    for i in range(2):
        table.iloc[i * 300 : (i + 1) * 300].to_parquet(tmp_path / f"part.{i}.parquet", index=False)
    expected = made()
    fit(client, expected, *dask_data(cuts=cuts), rounds=2, sample_weight=da.from_array(weight, chunks=(cuts,)))
    frame = dd.from_pandas(table, npartitions=2)
    ways = [
        (str(tmp_path), "target", {"columns": names, "sample_weight": "weight"}),
        (tmp_path, ["target"], {"columns": names, "sample_weight": "weight"}),
        (frame.drop(columns="other"), "target", {"sample_weight": "weight"}),
        (frame[names], frame["target"], {"sample_weight": frame["weight"]}),
    ]
    for x, y, settings in ways:
        model = made()
        fit(client, model, x, y, rounds=2, **settings)
        assert same(model, expected)
        assert model._feature_names == tuple(names)


def test_rows_stay_on_the_workers_that_hold_them(client):
    """Nothing but states and the model moves: far less than the rows."""
    x = da.random.default_rng(0).normal(size=(40_000, 4), chunks=(10_000, 4)).astype("float32").persist()
    y = x[:, :1].persist()
    received = client.run(lambda dask_worker: dask_worker.transfer_outgoing_bytes_total)
    fit(client, made(), x, y, rounds=2, batch_size=1000)
    after = client.run(lambda dask_worker: dask_worker.transfer_outgoing_bytes_total)
    assert sum(after.values()) - sum(received.values()) < 20_000 < x.nbytes / 10


def test_dask_knows_how_large_things_are():
    """Else it would take rows for what is quickly moved."""
    from dask.sizeof import sizeof

    from fastbp.data import Rows
    from fastbp.many.averaging import Mean

    assert sizeof(Rows(X, Y, np.ones(600))) >= X.nbytes + Y.nbytes + 4800
    assert sizeof(Mean(1.0, 0.0, [[X], [Y, Y]])) >= X.nbytes + 2 * Y.nbytes


def test_labels_counts_and_empty_partitions(client):
    labels = (Y[:, 0] > 0).astype("int64")
    layers, loss = [fastbp.Dense(8, "tanh"), fastbp.Dense(2, "softmax")], "sparse_categorical_crossentropy"
    model = made(fastbp.Adam(0.03), layers=layers, loss=loss, metrics=["accuracy"])
    x, y = da.from_array(X, chunks=((300, 0, 300), 4)), da.from_array(labels, chunks=((300, 0, 300),))
    history = fit(client, model, x, y, rounds=6, batch_size=20, class_weight={0: 1.0, 1: 2.0})
    assert history.history["accuracy"][-1] > 0.8 > history.history["accuracy"][0]
    assert history.history["loss"][-1] < history.history["loss"][0]


# ---------------------------------------------------------------------------------------------------------- lost workers


@pytest.mark.parametrize("sync", ["rounds", pytest.param("step", marks=pytest.mark.soak)])
def test_a_worker_that_is_killed_costs_nothing_but_time(client, sync):
    settings = {"rounds": 3, "local_epochs": {"rounds": 1500, "step": 1}[sync], "batch_size": 8, "sync": sync}
    undisturbed, model = made(), made()
    expected = fit(client, undisturbed, **settings).history["loss"]
    callback, done = killing(client, in_round=1, after=0.1)
    history = fit(client, model, callbacks=[callback], **settings)
    assert done and history.history["loss"] == expected
    assert same(model, undisturbed)


# ----------------------------------------------------------------------------------------------------- outer optimizers


def test_an_outer_step_of_rate_one_takes_the_average(client):
    plain, outer = made(), made()
    fit(client, plain, rounds=2)
    fit(client, outer, rounds=2, outer_optimizer=fastbp.SGD(1.0))
    for a, b in zip(plain.get_weights(), outer.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)


def test_diloco_follows_its_rule():
    """Nesterov's momentum on the averaged difference, as PyTorch and Keras have it; what is not learnt is averaged."""
    from fastbp.many.outer import Outer

    model = made(layers=[fastbp.layers.BatchNormalization(), fastbp.Dense(1)])
    outer = Outer(model, fastbp.SGD(0.7, momentum=0.9, nesterov=True))
    weights, velocity = model.get_weights(), [0.0] * 6
    learnt = [weight.trainable for weight in model.weights]
    for _ in range(3):
        averaged = [w + RNG.normal(size=w.shape).astype("float32") for w in weights]
        moved, expected = outer.step(weights, averaged), []
        for i, (old, new) in enumerate(zip(weights, averaged, strict=True)):
            velocity[i] = 0.9 * velocity[i] - 0.7 * (old - new)
            expected.append(old + 0.9 * velocity[i] - 0.7 * (old - new) if learnt[i] else new)
        for a, b in zip(moved, expected, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5)
        weights = moved
    assert learnt == [True, True, False, False, True, True]


# ------------------------------------------------------------------------------------------------------------ every step


def test_steps_together_are_those_of_one_machine(client):
    """In float64, by SGD with momentum: batches are those of both workers together, and the gradient is their mean."""
    cuts, size = (320, 280), 50
    model, alone = (made(fastbp.SGD(0.1, momentum=0.9), dtype="float64", metrics=()) for _ in range(2))
    x, y = X.astype("float64"), Y.astype("float64")
    history = fit(client, model, *dask_data(x, y, cuts), rounds=2, sync="step", batch_size=size, shuffle=False)
    parts = [-(-2 * size * cut // 600) for cut in cuts]
    losses = []
    for _ in range(2):
        total = 0.0
        for step in range(6):
            rows = [np.arange(600)[:320][step * parts[0] :][: parts[0]], np.arange(320, 600)[step * parts[1] :][: parts[1]]]
            rows = np.concatenate(rows)
            total += alone.train_on_batch(x[rows], y[rows]) * len(rows)
        losses.append(total / 600)
    for a, b in zip(model.get_weights(), alone.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-10)
    np.testing.assert_allclose(history.history["loss"], losses, rtol=1e-10)


def test_steps_of_one_shard_go_through_the_rows_as_a_fit_does(client):
    model, alone = made(dtype="float64", metrics=()), made(dtype="float64", metrics=())
    x, y = X[:150].astype("float64"), Y[:150].astype("float64")
    with pytest.warns(UserWarning, match="do nothing"):
        fit(client, model, *dask_data(x, y, (150,)), rounds=2, local_epochs=2, sync="step")
    alone.fit(x, y, epochs=4, verbose=0)
    for a, b in zip(model.get_weights(), alone.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9)


# ------------------------------------------------------------------------------------------------------------ stragglers


def slow(seconds):
    """On a worker: have each training take so much longer."""
    from fastbp.many.replica import Replica

    own = Replica.train
    Replica.own = own
    Replica.train = lambda *arguments: (time.sleep(seconds), own(*arguments))[1]


def fast():
    from fastbp.many.replica import Replica

    Replica.train = Replica.own


def test_a_worker_that_is_late_is_left_out_of_the_round(client, monkeypatch):
    from fastbp.many import rounds

    monkeypatch.setattr(rounds, "GRACE", 0.3)
    late = sorted(client.nthreads())[0]
    client.run(slow, 1.5, workers=[late])
    try:
        history = fit(client, made(), rounds=1, straggler_factor=1.5)
    finally:
        client.run(fast, workers=[late])
    assert history.history["workers"] == [1.0]
    assert fit(client, made(), rounds=1).history.keys() == {"loss", "mae"}


def test_a_worker_whose_time_is_over_trains_fewer_steps(monkeypatch):
    from fastbp.data import Rows
    from fastbp.many.replica import Replica, Task

    rows, packed = Rows(X, Y), pickle.dumps(made(metrics=()))
    task = {"fit": "f", "shard": 0, "generator": 1, "learning_rate": 0.01, "epochs": 3, "batch_size": 10, "shuffle": True}
    monkeypatch.setattr("fastbp.many.replica.own_threads", lambda: 1)
    short, long = (Replica(packed, 0, 4).train(Task(**task, seconds=seconds), rows) for seconds in (1e-9, 1e9))
    assert short.rows == 10 and short.reports[0].epoch.steps == 1
    assert long.rows == 1800 and long.reports[0].epoch.steps == 60


# ------------------------------------------------------------------------------------- validation, callbacks, divergence


def test_validation_and_callbacks(client):
    model, seen = made(fastbp.SGD(0.05)), []

    def end(epoch, logs):
        seen.append((epoch, sorted(logs), float(model.optimizer.learning_rate)))
        model.optimizer.learning_rate = 0.0

    stopping = EarlyStopping("val_loss", patience=1)
    history = fit(
        client,
        model,
        rounds=9,
        validation_data=dask_data(X[:50], Y[:50], (50,)),
        callbacks=[LambdaCallback(on_epoch_end=end), stopping],
    )
    assert [epoch for epoch, *_ in seen] == history.epoch == [0, 1]  # nothing is learnt at a rate of 0
    assert seen[0][1] == ["loss", "mae", "val_loss", "val_mae"]
    assert history.history["val_loss"][0] == history.history["val_loss"][1]
    assert history.history["val_loss"][-1] == pytest.approx(model.evaluate(X[:50], Y[:50], verbose=0)[0])


def test_a_schedule_goes_by_the_steps(client):
    rate = fastbp.optimizers.schedules.ExponentialDecay(0.1, 20, 0.5)
    model = made(fastbp.SGD(rate))
    fit(client, model, *dask_data(cuts=(300, 300)), rounds=2, batch_size=30)
    assert model.optimizer.iterations == 20 and model.optimizer.learning_rate == pytest.approx(0.05)


def test_what_diverges_leaves_the_weights_of_the_round_before(client):
    model = made(fastbp.SGD(1e-3))
    before = []

    def begin(epoch, logs=None):
        before.append(model.get_weights())
        model.optimizer.learning_rate = 1e-3 if epoch < 1 else 1e30

    with pytest.raises(fastbp.TrainingDiverged) as caught:
        fit(client, model, rounds=5, callbacks=[LambdaCallback(on_epoch_begin=begin)])
    assert caught.value.epoch == 2 and len(model.history.epoch) == 1
    assert all(np.array_equal(a, b) for a, b in zip(model.get_weights(), before[-1], strict=True))


# ------------------------------------------------------------------------------------------------------------- bad input


def frame():
    pd, dd = pytest.importorskip("pandas"), pytest.importorskip("dask.dataframe")
    return dd.from_pandas(pd.DataFrame(X, columns=["a", "b", "c", "d"]), npartitions=2)


@pytest.mark.parametrize(
    ("change", "kind", "text"),
    [
        (lambda: {"rounds": -1}, ValueError, "rounds must be an integer of at least 0, got -1"),
        (lambda: {"local_epochs": 0}, ValueError, "local_epochs must be an integer of at least 1"),
        (lambda: {"batch_size": 0}, ValueError, "batch_size must be"),
        (lambda: {"sync": "steps"}, ValueError, "sync must be one of 'rounds', 'step', got 'steps'. Did you mean 'step'"),
        (lambda: {"straggler_factor": 0.5}, ValueError, "straggler_factor must be a finite number of at least 1"),
        (lambda: {"straggler_factor": 2, "sync": "step"}, ValueError, "straggler_factor must be None where sync is 'step'"),
        (lambda: {"outer_optimizer": "lm"}, TypeError, "outer_optimizer must be an optimizer that takes steps"),
        (lambda: {"outer_optimizer": "sgd", "sync": "step"}, ValueError, "outer_optimizer must be None where sync is 'step'"),
        (lambda: {"class_weight": "balanced"}, ValueError, "class_weight must be a dict, got 'balanced'"),
        (lambda: {"client": "tcp://nowhere"}, TypeError, "client must be a dask.distributed.Client that waits"),
        (lambda: {"x": X}, TypeError, "x must be a dask array, a dask DataFrame or the path of a Parquet folder"),
        (lambda: {"x": da.from_array(X[:, :3])}, ValueError, "x must have 4 features, as the model takes, got 3"),
        (lambda: {"y": da.from_array(Y[:-1])}, ValueError, "x and y must have the same number of rows, got 600 and 599"),
        (lambda: {"y": "target"}, ValueError, "y must not be names where x is a dask array"),
        (lambda: {"y": None}, ValueError, "y must be a dask collection or names of columns of x, got None"),
        (lambda: {"columns": ["a"]}, ValueError, "columns must not be names where x is a dask array"),
        (lambda: {"x": frame(), "y": "e"}, ValueError, "y must name columns of x .a, b, c, d., got 'e'"),
        (lambda: {"x": frame(), "y": "a", "columns": ["a", "b"]}, ValueError, "columns must be features alone"),
        (lambda: {"y": da.from_array(np.full((600, 1), np.nan), chunks=(CUTS, 1))}, ValueError, "partition . of y must be fin"),
        (
            lambda: {name: da.from_array(np.zeros((0, width)), chunks=(-1, width)) for name, width in (("x", 4), ("y", 1))},
            ValueError,
            "x must have at least 1 sample",
        ),
        (lambda: {"callbacks": [fastbp.callbacks.BackupAndRestore("nowhere")]}, ValueError, "callbacks must do without single"),
        (lambda: {"model": made("lm")}, TypeError, "fastbp.dask.fit takes a single step"),
        (lambda: {"model": fastbp.Sequential([fastbp.Dense(1)])}, ValueError, "compile"),
        (lambda: {"model": "model"}, TypeError, "model must be a Sequential or Model of fastbp, got 'model'"),
        (
            lambda: {"sync": "step", "model": made(layers=[fastbp.layers.BatchNormalization(), fastbp.Dense(1)])},
            ValueError,
            "sync must be 'rounds' for BatchNormalization",
        ),
    ],
)
def test_bad_input_leaves_the_model(client, change, kind, text):
    x, y = dask_data()
    given = {"model": made(), "x": x, "y": y, "client": client, **change()}
    model = given["model"]
    before = model.get_weights() if getattr(model, "built", False) else []
    with pytest.raises(kind, match=text):
        fastbp.dask.fit(**given, verbose=0)
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights() if before else [], strict=True))


def test_a_cluster_without_workers_says_so_at_once():
    import distributed

    with (
        distributed.LocalCluster(n_workers=0, processes=False, dashboard_address=":0") as cluster,
        distributed.Client(cluster) as client,
    ):
        for call in (
            lambda: fit(client, made()),
            lambda: fastbp.fit_many([made()], X, Y, client=client, verbose=0),
        ):
            with pytest.raises(ValueError, match="client must have workers, got a cluster without any"):
                call()


def test_a_worker_of_another_kind_is_named(client):
    from fastbp.many.workers import check_kinds, kind

    version, cpu = kind()
    other = sorted(client.nthreads())[1]

    def change(version):
        import fastbp

        fastbp.__version__ = version

    client.run(change, "0.0.1", workers=[other])
    try:
        with pytest.raises(ValueError, match=f"fastbp {version}, got {other} with fastbp 0.0.1"):
            fit(client, made())
    finally:
        client.run(change, version, workers=[other])
    check_kinds({"a": (version, cpu)})
    with pytest.warns(UserWarning, match=r"differ by rounding: b \(another\)"):
        check_kinds({"a": (version, cpu), "b": (version, "another")})
    with pytest.raises(ValueError, match="got c, where it cannot be imported: ModuleNotFoundError"):
        check_kinds({"c": ModuleNotFoundError("no fastbp")})


def test_without_dask_the_extra_is_named(monkeypatch):
    from fastbp.many import workers

    def nowhere(name):
        raise ImportError(name)

    monkeypatch.setattr(workers, "import_module", nowhere)
    with pytest.raises(ImportError, match=r"pip install fastbp\[dask\]"):
        fastbp.dask.fit(made(), *dask_data(), verbose=0)


# ------------------------------------------------------------------------------------------------------------ many models


def population(count=6):
    models = [made(fastbp.Adam(0.01), seed, layers=[fastbp.Dense(4 + seed, "tanh"), fastbp.Dense(1)]) for seed in range(count)]
    models[2].compile(fastbp.SGD(1e30), "mse", metrics=["mae"])
    models[3].compile("adam", lambda t, p: (t - p) ** 4, metrics=["mae"])
    return models


def settings_of_many():
    rows = [RNG.integers(0, 600, 500) for _ in range(6)]
    data = [None] * 5 + [(X[:200], Y[:200])]
    return {"epochs": [3, 3, 3, 3, 5, 5], "rows": [*rows[:5], None], "data": data, "validation": 0.2, "verbose": 0}


def check_many(members, models, alone):
    assert [member.model for member in members] == models
    for member, expected in zip(members, alone, strict=True):
        assert same(member.model, expected.model) and member.history.history == expected.history.history
        assert member.model.history is member.history and member.seconds > 0
        assert type(member.error) is type(expected.error)
    assert isinstance(members[2].error, fastbp.TrainingDiverged)
    for models in zip(members[:2], alone[:2], strict=True):  # they go on as they would
        for member in models:
            member.model.fit(X, Y, verbose=0)
        assert same(models[0].model, models[1].model)
        assert models[0].model.optimizer.iterations == models[1].model.optimizer.iterations


def test_members_have_the_same_bits_on_a_cluster(client):
    models, settings = population(), settings_of_many()
    members = fastbp.fit_many(models, X, Y, client=client, **settings)
    check_many(members, models, fastbp.fit_many(population(), X, Y, **settings))


def test_members_of_a_worker_that_is_killed_run_again(client):
    models, twins = ([made(seed=seed) for seed in range(12)] for _ in range(2))
    timer = threading.Timer(0.25, kill_one, [client])
    timer.start()
    members = fastbp.fit_many(models, X, Y, epochs=800, batch_size=8, client=client, verbose=0)
    assert not timer.is_alive()  # it was done before the end
    fastbp.fit_many(twins, X, Y, epochs=800, batch_size=8, verbose=0)
    assert [member.error for member in members] == [None] * 12
    assert all(same(a, b) for a, b in zip(models, twins, strict=True))


def test_callbacks_of_members_come_back(client):
    models = [made(fastbp.SGD(0.0), seed) for seed in range(2)]
    stopping = [EarlyStopping("loss", patience=1 + i) for i in range(2)]
    members = fastbp.fit_many(models, X, Y, epochs=9, callbacks=[[one] for one in stopping], client=client, verbose=0)
    assert [len(member.history.epoch) for member in members] == [2, 3]
    assert [one.stopped_epoch for one in stopping] == [1, 2] and models[0].stop_training


def test_a_time_budget_holds_on_a_cluster(client):
    models = [made(seed=seed) for seed in range(3)]
    start = time.perf_counter()
    members = fastbp.fit_many(models, X, Y, epochs=10**6, time_budget=0.5, client=client, verbose=0)
    assert time.perf_counter() - start < 60  # all epochs would take an hour
    assert sum(isinstance(member.error, TimeoutError) for member in members) >= 1
    assert all(len(member.history.epoch) < 10**6 for member in members)


@pytest.mark.parametrize("kind", [ThreadPoolExecutor, InOrder])
def test_members_have_the_same_bits_in_an_executor(kind):
    models, settings = population(), settings_of_many()
    with kind(2) as executor:
        members = fastbp.fit_many(models, X, Y, executor=executor, **settings)
    check_many(members, models, fastbp.fit_many(population(), X, Y, **settings))


@pytest.mark.parametrize(
    ("settings", "kind", "text"),
    [
        ({"executor": 3}, TypeError, "executor must have a submit.function, .arguments., got int"),
        ({"executor": 3, "client": 3}, ValueError, "client and executor must not both be given"),
        ({"client": 3}, TypeError, "client must be a dask.distributed.Client"),
    ],
)
def test_bad_places_to_train_at(settings, kind, text):
    with pytest.raises(kind, match=text):
        fastbp.fit_many([made()], X, Y, verbose=0, **settings)
