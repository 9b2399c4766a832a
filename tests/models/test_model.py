"""Sequential as its users meet it: learning, measuring, predicting, and the lower level."""

import copy
import pickle
import subprocess
import sys

import numpy as np
import pytest

import fastbp
import oracle
from fastbp import Dense, Input, Sequential

RNG = np.random.default_rng(0)
X = RNG.normal(size=(64, 3)).astype("float32")
Y = np.stack([X[:, 0] * X[:, 1], np.sin(X[:, 2])], axis=1)


def regression(seed=0, optimizer="adam", **settings):
    model = Sequential([Input((3,)), Dense(16, "tanh"), Dense(2)], seed=seed, **settings)
    model.compile(optimizer, "mse", metrics=["mae"])
    return model


def equal(one, other):
    return all(np.array_equal(a, b) for a, b in zip(one.get_weights(), other.get_weights(), strict=True))


# --------------------------------------------------------------------------------------------------------- learning


def test_a_network_learns():
    model = regression(optimizer=fastbp.Adam(0.01))
    history = model.fit(X, Y, epochs=300, verbose=0)
    assert history.history["loss"][-1] < 0.05 * history.history["loss"][0]
    assert model.evaluate(X, Y, verbose=0, return_dict=True)["mae"] < 0.15


def test_classes_are_learnt():
    angle = RNG.uniform(0, 6.28, 600)
    radius = 1 + RNG.integers(0, 3, 600)
    x = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)
    model = Sequential([Dense(32, "relu"), Dense(32, "relu"), Dense(3, "softmax")], seed=0)
    model.compile(fastbp.Adam(0.01), "sparse_categorical_crossentropy", metrics=["accuracy"])
    history = model.fit(x[:500], radius[:500] - 1, epochs=40, validation_data=(x[500:], radius[500:] - 1), verbose=0)
    assert history.history["val_accuracy"][-1] > 0.95
    assert model.predict(x).sum(axis=1) == pytest.approx(1, abs=1e-5)


def test_fit_goes_on_where_it_stopped():
    """Two fits of one epoch are one fit of two, optimizer's state and all."""
    twice, once = regression(), regression()
    for _ in range(2):
        twice.fit(X, Y, shuffle=False, verbose=0)
    once.fit(X, Y, epochs=2, shuffle=False, verbose=0)
    assert equal(twice, once)


def test_seed_decides_everything():
    one, same, other = regression(3), regression(3), regression(4)
    histories = [model.fit(X, Y, epochs=3, batch_size=10, verbose=0).history for model in (one, same, other)]
    assert histories[0] == histories[1] != histories[2]
    assert equal(one, same) and not equal(one, other)


def test_shuffling_can_be_switched_off():
    shuffled, ordered, by_hand = regression(), regression(), regression()
    shuffled.fit(X, Y, verbose=0)
    ordered.fit(X, Y, shuffle=False, verbose=0)
    for start in (0, 32):
        by_hand.train_on_batch(X[start : start + 32], Y[start : start + 32])
    assert equal(ordered, by_hand) and not equal(ordered, shuffled)


def test_validation_measures_what_evaluate_measures():
    model = regression()
    history = model.fit(X, Y, epochs=3, validation_split=0.25, verbose=0).history
    loss, mae = model.evaluate(X[48:], Y[48:], verbose=0)
    assert history["val_loss"][-1] == pytest.approx(loss) and history["val_mae"][-1] == pytest.approx(mae)


def test_validation_data_takes_precedence_over_the_split():
    model, whole = regression(), regression()
    model.fit(X, Y, validation_data=(X[:5], Y[:5]), validation_split=0.5, verbose=0)
    whole.fit(X, Y, verbose=0)
    assert equal(model, whole)


def test_the_default_optimizer_is_keras_s():
    model = Sequential([Dense(1)])
    model.compile(loss="mse")
    assert model.optimizer == fastbp.RMSprop()


def test_learning_rate_may_change_and_the_optimizer_keeps_its_state():
    model, by_hand = regression(), regression()
    model.fit(X, Y, epochs=2, shuffle=False, verbose=0)
    model.optimizer.learning_rate = 1e-5
    model.fit(X, Y, shuffle=False, verbose=0)
    rule = oracle.Optimizer({"name": "adam", "learning_rate": 1e-3})
    weights = [w.astype(float) for w in by_hand.get_weights()]
    network = [{"activation": "tanh"}, {"activation": "linear"}]
    for rate in (1e-3, 1e-3, 1e-5):
        rule.settings["learning_rate"] = rate
        weights, _ = oracle.train_epoch(network, weights, {"name": "mean_squared_error"}, rule, X, Y, 32)
    for actual, expected in zip(model.get_weights(), weights, strict=True):
        assert actual == pytest.approx(expected, abs=1e-5)


def test_compile_starts_the_optimizer_afresh():
    model = regression()
    weights = model.get_weights()
    model.fit(X, Y, shuffle=False, verbose=0)
    after = model.get_weights()
    model.set_weights(weights)
    model.compile("adam", "mse")
    model.fit(X, Y, shuffle=False, verbose=0)
    assert all(np.array_equal(a, b) for a, b in zip(after, model.get_weights(), strict=True))


def test_float64():
    model = regression(dtype="float64")
    model.fit(X, Y, epochs=2, verbose=0)
    assert {w.dtype for w in model.get_weights()} == {np.dtype("float64")}
    weights = model.get_weights()
    expected, _ = oracle.forward([{"activation": "tanh"}, {"activation": "linear"}], weights, X)
    assert model.predict(X) == pytest.approx(expected, rel=1e-12, abs=1e-12)


def test_threads_change_nothing():
    models = [regression() for _ in range(2)]
    for threads, model in zip((1, 2), models, strict=True):
        model.fit(X, Y, epochs=2, validation_split=0.2, threads=threads, verbose=0)
    assert equal(*models) and models[0].history.history == models[1].history.history


# --------------------------------------------------------------------------------------------------- going wrong


def exploding():
    """Least squares by steps that are a little too long: the loss grows by a steady factor until it overflows."""
    model = Sequential([Input((3,)), Dense(2)], seed=0)
    model.compile(fastbp.SGD(3.0), "mse")
    return model


def test_divergence_leaves_the_weights_of_the_last_finished_epoch():
    model = exploding()
    with np.errstate(all="raise"), pytest.raises(fastbp.TrainingDiverged) as caught:
        model.fit(X, Y, batch_size=8, epochs=1000, verbose=0)
    error, finished = caught.value, len(model.history.epoch)
    assert error.epoch == finished + 1 > 1 and 1 <= error.step <= 8
    assert f"epoch {error.epoch}, step {error.step}" in str(error) and "learning_rate below 3" in str(error)
    assert np.isfinite(model.history.history["loss"]).all()

    until_then = exploding()
    until_then.fit(X, Y, batch_size=8, epochs=finished, verbose=0)
    assert equal(model, until_then) and np.isfinite(model.get_weights()[0]).all()
    assert pickle.loads(pickle.dumps(error)).step == error.step


def test_a_model_that_diverged_can_go_on():
    model = exploding()
    with pytest.raises(fastbp.TrainingDiverged):
        model.fit(X, Y, epochs=1000, verbose=0)
    fresh = fastbp.models.clone_model(model, seed=1)
    fresh.build(3)
    model.set_weights(fresh.get_weights())
    model.optimizer.learning_rate = 0.01
    assert model.fit(X, Y, epochs=3, verbose=0).history["loss"][-1] < 10


def test_a_batch_that_diverges_leaves_the_weights():
    model = Sequential([Input((3,)), Dense(2)], dtype="float64")
    model.compile("sgd", "mse")
    huge = [np.full((3, 2), 1e200), np.zeros(2)]
    model.set_weights(huge)
    with pytest.raises(fastbp.TrainingDiverged, match="step 1"):
        model.train_on_batch(X, Y)
    assert np.array_equal(model.get_weights()[0], huge[0])


def test_an_interrupted_fit_keeps_what_it_has(monkeypatch):
    model = regression()
    model.compile("adam", "mse")
    calls = []

    def interrupted(*arguments):
        """The third call is interrupted when two of its epochs have ended."""
        calls.append(arguments[0])
        if len(calls) < 3:
            return train(*arguments)
        train(2, *arguments[1:])
        raise KeyboardInterrupt

    train = model._need_engine("the test").train_epochs
    monkeypatch.setattr(model._engine, "train_epochs", interrupted)
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, Y, epochs=1000, verbose=0)
    finished = calls[0] + calls[1] + 2
    assert model.history.epoch == list(range(finished)) and len(model.history.history["loss"]) == finished
    monkeypatch.undo()
    same = regression()
    same.compile("adam", "mse")
    same.fit(X, Y, epochs=finished, verbose=0)
    assert equal(model, same)
    model.fit(X, Y, verbose=0)


def test_an_interrupt_while_epochs_are_noted_loses_none(monkeypatch):
    """Several hundred epochs end in one call, and Ctrl-C comes while the history takes them in."""
    model, puts = regression(), []
    model.compile("adam", "mse")

    def interrupted(values, position, value):
        puts.append(value)
        if len(puts) == 333:
            raise KeyboardInterrupt
        put(values, position, value)

    put = fastbp.callbacks.history._put
    monkeypatch.setattr(fastbp.callbacks.history, "_put", interrupted)
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, Y, batch_size=len(X), epochs=10_000, verbose=0)
    history, finished = model.history, model._engine.steps
    lists = history.epoch, history.threads, history.gflops, history.samples_per_second, history.history["loss"]
    assert [len(values) for values in lists] == [finished] * 5 and history.epoch == list(range(finished))


def test_an_interrupted_backward_leaves_forward_alone(monkeypatch):
    model = regression()
    weights, expected = model.get_weights(), model.forward(X)

    def interrupted(*arguments):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(model._engine._runner, "run", interrupted)
        with pytest.raises(KeyboardInterrupt):
            model.backward(np.ones_like(Y))
    for _ in range(2):
        assert np.array_equal(model.forward(X[::-1]), expected[::-1])
    assert all(np.array_equal(a, b) for a, b in zip(model.get_weights(), weights, strict=True))


@pytest.mark.parametrize("threads", [1, 2])
def test_epochs_of_one_call_are_those_of_many(threads):
    """Short epochs share a call into the kernel; what needs something after each epoch has calls of their own."""
    together, apart = regression(), regression()
    together.compile("adam", "mse")
    history = together.fit(X, Y, batch_size=16, epochs=300, verbose=0, threads=threads).history
    for i in range(300):
        loss = apart.fit(X, Y, batch_size=16, epochs=i + 1, initial_epoch=i, verbose=0, threads=threads).history["loss"]
        assert loss == history["loss"][i : i + 1]
    assert equal(together, apart) and together._engine.steps == apart._engine.steps


# -------------------------------------------------------------------------------------------- measuring, predicting


def test_what_is_returned():
    plain, measured = regression(), regression()
    plain.compile("adam", "mse")
    for call in ("evaluate", "test_on_batch", "train_on_batch"):
        settings = {"verbose": 0} if call == "evaluate" else {}
        loss = getattr(plain, call)(X, Y, **settings)
        both = getattr(measured, call)(X, Y, **settings)
        assert type(loss) is float and type(both) is list and both[0] == pytest.approx(loss)
    assert list(measured.test_on_batch(X, Y, return_dict=True)) == ["loss", "mae"] == measured.metrics_names


def test_measuring_changes_nothing():
    model, untouched = regression(), regression()
    model.evaluate(X, Y, verbose=0)
    model.test_on_batch(X, Y)
    model.predict(X)
    model.forward(X)
    model.backward(Y)
    model.value_and_gradient(X, Y)
    assert equal(model, untouched)
    model.fit(X, Y, epochs=2, verbose=0)
    untouched.fit(X, Y, epochs=2, verbose=0)
    assert equal(model, untouched)


@pytest.mark.parametrize("rows", [1, 2, 7, 64])
def test_predictions(rows):
    model = regression()
    expected, _ = oracle.forward([{"activation": "tanh"}, {"activation": "linear"}], model.get_weights(), X[:rows])
    for call in (model.predict, model.predict_on_batch, model.forward):
        p = call(X[:rows])
        assert p.shape == (rows, 2) and p.dtype == "float32"
        assert p == pytest.approx(expected, rel=1e-4, abs=1e-5)
    assert model.predict(X[:rows], 32, 0, threads=1) is not model.predict(X[:rows])


def test_predictions_are_new_arrays():
    model = regression()
    first = model.predict(X)
    kept = first.copy()
    model.predict(-X)
    assert np.array_equal(first, kept)


# -------------------------------------------------------------------------------------------------- the lower level


def test_value_and_gradient_are_those_of_the_loss():
    model = regression(dtype="float64")
    loss, gradients = model.value_and_gradient(X, Y)
    weights = model.get_weights()
    expected, reference = oracle.value_and_gradient(
        [{"activation": "tanh"}, {"activation": "linear"}], weights, {"name": "mean_squared_error"}, X, Y
    )
    assert type(loss) is float and loss == pytest.approx(expected)
    for actual, wanted, weight in zip(gradients, reference, weights, strict=True):
        assert actual.shape == weight.shape and actual == pytest.approx(wanted, rel=1e-9, abs=1e-12)


def test_a_loop_of_ones_own_is_a_fit():
    """forward, the gradient of one's own loss, backward, apply_gradients: the same as train_on_batch."""
    own, model = (regression(dtype="float64", optimizer=fastbp.SGD(0.1, momentum=0.9)) for _ in range(2))
    x, y = X.astype(float), Y.astype(float)
    for _ in range(5):
        p = own.forward(x)
        dx = own.backward(2 * (p - y) / y.size)
        own.apply_gradients(own.gradients)
        model.train_on_batch(x, y)
    assert dx.shape == x.shape
    for a, b in zip(own.get_weights(), model.get_weights(), strict=True):
        assert a == pytest.approx(b, rel=1e-9, abs=1e-12)


def test_forward_may_see_another_batch_before_backward():
    model = regression(dtype="float64")
    model.forward(X[:5])
    model.backward(Y[:5])
    first = model.gradients
    model.forward(X)
    model.predict(X[:5])
    model.value_and_gradient(X[:7], Y[:7])
    model.backward(Y)
    whole = model.gradients
    model.forward(X[:5])
    model.backward(Y[:5])
    assert all(np.array_equal(a, b) for a, b in zip(first, model.gradients, strict=True))
    assert whole[0] != pytest.approx(first[0])


# ----------------------------------------------------------------------------------------------------------- copies


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))])
def test_a_copy_is_a_model_of_its_own(duplicate):
    model = regression()
    model.fit(X, Y, epochs=2, shuffle=False, verbose=0)
    other = duplicate(model)
    assert equal(model, other) and np.array_equal(model.predict(X), other.predict(X))
    before = model.get_weights()
    other.fit(X, Y, epochs=2, shuffle=False, verbose=0)
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))
    model.fit(X, Y, epochs=2, shuffle=False, verbose=0)
    assert equal(model, other)  # the optimizer's state came along


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))])
def test_a_copy_of_what_is_not_built_or_compiled(duplicate):
    model = duplicate(Sequential([Dense(2)], seed=0))
    assert not model.built
    model = duplicate(Sequential([Input((3,)), Dense(2)], seed=0))
    assert equal(model, Sequential([Input((3,)), Dense(2)], seed=0))


# ------------------------------------------------------------------------------------------------------ the package


def run(code):
    return subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True).stdout


def test_importing_is_light():
    heavy = ["numba", "llvmlite", "tqdm", "pandas", "sklearn", "matplotlib", "scipy", "difflib", "fastbp.engine.engine"]
    code = f"import fastbp, sys; fastbp.Dense(3); print([m for m in {heavy} if m in sys.modules])"
    assert run(code).strip() == "[]"


def test_command_line(capsys):
    from fastbp.__main__ import main

    main(["warmup"])
    assert capsys.readouterr() == ("", "")
    with pytest.raises(SystemExit):
        main(["cooldown"])
    assert "warmup" in capsys.readouterr().err


def test_public_names_are_there():
    for name in fastbp.__all__:
        assert getattr(fastbp, name) is not None
