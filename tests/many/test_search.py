"""The search: what is drawn, who goes on, that going on is one longer fit, and what becomes of trials that fail."""

import numpy as np
import pytest

pytest.importorskip("sklearn")
stats = pytest.importorskip("scipy.stats")

from sklearn.model_selection import KFold, ParameterSampler  # noqa: E402

import fastbp  # noqa: E402
from fastbp import Dense, Sequential  # noqa: E402
from fastbp.many.halving import rung_epochs  # noqa: E402
from fastbp.many.space import sampled  # noqa: E402
from fastbp.seeds import seeding  # noqa: E402

X = np.random.default_rng(0).uniform(-1, 1, size=(100, 2)).astype("float32")
Y = (X[:, :1] * X[:, 1:]).astype("float32")
SPACE = {"units": [2, 4, 8], "rate": stats.loguniform(1e-5, 1e-1)}


def build(units=4, rate=0.01, activation="tanh"):
    model = Sequential([Dense(units, activation), Dense(1)])
    model.compile(fastbp.Adam(rate), "mse", metrics=["mae"])
    return model


def search(space=SPACE, function=build, **settings):
    return fastbp.search(function, space, X, Y, **{"trials": 9, "epochs": 9, "seed": 0, "verbose": 0, **settings})


@pytest.fixture(scope="module")
def found():
    return search()


# -- what is drawn


@pytest.mark.parametrize("space", [SPACE, {"units": [1, 2, 3], "activation": ("tanh", "relu")}, [SPACE, {"units": range(3)}]])
def test_parameters_are_drawn_as_scikit_learn_draws_them(space):
    expected = [dict(drawn) for drawn in ParameterSampler(space, 5, random_state=7)]
    assert sampled(space, 5, 7) == expected
    assert all(type(value) in (int, float, str) for drawn in sampled(space, 5, 7) for value in drawn.values())


def test_lists_that_have_no_more_to_give_make_fewer_trials():
    assert [trial.parameters["units"] for trial in search({"units": [3, 5]}, epochs=1).trials] in ([3, 5], [5, 3])


def test_the_same_seed_finds_the_same(found):
    again = search(threads=2)
    assert again.best_parameters == found.best_parameters
    assert [trial.score for trial in again.trials] == [trial.score for trial in found.trials]
    assert search(seed=1, epochs=1).trials[0].parameters != found.trials[0].parameters


def test_a_seed_is_given_to_whoever_takes_one():
    seeds = []

    def with_seed(units, seed):
        seeds.append(seed)
        return build(units)

    search({"units": [2, 3]}, with_seed, epochs=1)
    assert len({*seeds[1:]}) == 2 and all(isinstance(seed, int) for seed in seeds)


# -- who goes on


def test_epochs_of_the_rungs():
    assert rung_epochs(1, 7, 3) == [7] and rung_epochs(3, 90, 3) == [10, 30, 90] and rung_epochs(3, 2, 3) == [1, 2]
    assert rung_epochs(np.array([2, 5]), 90, 3) == [2, 5]


def test_a_third_goes_on_each_time_and_it_is_the_better_one(found):
    epochs = [trial.epochs for trial in found.trials]
    assert sorted(epochs) == [1] * 6 + [3] * 2 + [9]
    for rung, left in ((1, 3), (3, 1)):
        reached = [trial for trial in found.trials if rung in trial.scores]
        on = sorted(reached, key=lambda trial: trial.scores[rung].mean())[:left]
        assert {trial.number for trial in on} == {trial.number for trial in reached if trial.epochs > rung}
    assert found.best_trial.epochs == 9 and found.best_score == found.best_trial.scores[9].mean()
    assert all(bool(trial.models) == (trial is found.best_trial) for trial in found.trials)


def held_out_rows():
    """The rows that a search with seed 0 measures on, found by what it hands to the models."""
    seen = {}

    class Spy(fastbp.callbacks.Callback):
        def on_train_begin(self, logs=None):
            train, _ = self.model._learnt_from
            seen["train"] = np.array(train.x)

    search({"units": [2]}, epochs=1, callbacks=[Spy()])
    train = {row.tobytes() for row in seen["train"]}
    return np.array([i for i, row in enumerate(X) if row.tobytes() not in train])


def test_going_on_is_one_longer_fit(found):
    """The best model is, to the last bit, what a fit of all its epochs at once makes of it."""
    best, test = found.best_trial, held_out_rows()
    assert len(test) == 20
    train = np.setdiff1d(np.arange(100), test)
    with seeding(fastbp.many.building.member_seeds(0, 9)[best.number]):
        alone = build(**best.parameters)
    alone.fit(X[train], Y[train], epochs=9, verbose=0)
    for a, b in zip(found.best_model.get_weights(), alone.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert found.best_score == pytest.approx(alone.evaluate(X[test], Y[test], verbose=0)[0], rel=1e-6)


def test_larger_values_of_some_metrics_are_better():
    labels = (X[:, 0] > 0).astype(int)

    def classifier(units):
        model = Sequential([Dense(units, "tanh"), Dense(1, "sigmoid")])
        model.compile(fastbp.Adam(0.02), "binary_crossentropy", metrics=["accuracy"])
        return model

    settings = {"trials": 4, "epochs": 6, "rungs": [1, 6], "factor": 2, "seed": 0, "verbose": 0}
    up = fastbp.search(classifier, {"units": [1, 2, 4, 8]}, X, labels, objective="val_accuracy", **settings)
    assert up.maximize and up.objective == "accuracy"
    early = sorted(trial.scores[1].mean() for trial in up.trials)
    assert sorted(trial.scores[1].mean() for trial in up.trials if trial.epochs == 6) == early[2:]
    down = fastbp.search(classifier, {"units": [1, 2, 4, 8]}, X, labels, objective="accuracy", mode="min", **settings)
    assert not down.maximize and down.best_score <= up.best_score


def test_a_trial_that_stops_early_competes_with_those_that_do_not():
    class Stop(fastbp.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            self.model.stop_training = self.model.layers[0].units == 8

    found = search(
        {"units": [1, 8]}, lambda units: build(units, 0.1 if units == 8 else 1e-6), epochs=40, rungs=1, callbacks=[Stop()]
    )
    assert {trial.parameters["units"]: trial.epochs for trial in found.trials} == {1: 40, 8: 1}
    assert found.best_parameters == {"units": 8}


def test_one_rung_trains_all_to_the_end():
    assert {trial.epochs for trial in search(rungs=1, epochs=3).trials} == {3}


# -- what trials are measured on


def test_other_data_to_measure_on():
    other = np.random.default_rng(5).uniform(-1, 1, size=(30, 2))
    found = search(validation=(other, other[:, :1] * other[:, 1:]), epochs=2)
    expected = found.best_model.evaluate(other, other[:, :1] * other[:, 1:], verbose=0)[0]
    assert found.best_score == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("refit", [True, False])
def test_cross_validation_of_each_trial(refit):
    pytest.importorskip("pandas")
    found = search(cv=KFold(3), refit=refit, trials=3, epochs=3)
    best = found.best_trial
    assert [len(model.get_weights()) for model in best.models] == [4, 4, 4]
    for i, (_, test) in enumerate(KFold(3).split(X)):
        assert best.scores[3][i] == pytest.approx(best.models[i].evaluate(X[test], Y[test], verbose=0)[0], rel=1e-6)
    assert found.best_score == pytest.approx(best.scores[3].mean())
    assert "std" in found.to_frame()
    if not refit:
        assert found.best_model is None
        return
    with seeding(fastbp.many.building.member_seeds(0, 9)[3 * best.number]):
        alone = build(**best.parameters)
    alone.fit(X, Y, epochs=3, verbose=0)
    np.testing.assert_array_equal(found.best_model.predict(X), alone.predict(X))


def test_the_size_of_batches_is_a_parameter_of_the_fit():
    found = search({"batch_size": [10, 80]}, epochs=2, rungs=1)
    assert {trial.parameters["batch_size"]: trial.batch_size for trial in found.trials} == {10: 10, 80: 80}
    steps = {trial.batch_size: model.optimizer.steps for trial in search_models(found) for model in trial.models}
    assert steps == {10: 16, 80: 2}

    def takes_it(batch_size):
        return build(units=batch_size)

    found = search({"batch_size": [3]}, takes_it, epochs=1)
    assert found.best_model.layers[0].units == 3 and found.best_trial.batch_size is None


def search_models(found):
    """The trials that still have models: where there is one rung, all have."""
    return [trial for trial in found.trials if trial.models]


def test_callbacks_see_the_held_out_rows():
    logs = []

    class Look(fastbp.callbacks.Callback):
        def __deepcopy__(self, memo):
            return Look()

        def on_epoch_end(self, epoch, found=None):
            logs.append(sorted(found))

    search({"units": [2]}, epochs=2, callbacks=[Look()])
    assert logs and all(names == ["loss", "mae", "val_loss", "val_mae"] for names in logs)


# -- failures


def test_trials_that_fail_are_reported_and_not_fatal():
    pytest.importorskip("pandas")

    def fragile(kind):
        if kind == "raises":
            raise RuntimeError("no such network")
        model = Sequential([Dense(2 if kind == "misfit" else 1)])
        model.compile(fastbp.SGD(1e30 if kind == "diverges" else 0.01), "mse")
        return None if kind == "nothing" else model

    found = search({"kind": ["raises", "good", "diverges", "misfit", "nothing"]}, fragile, epochs=4, rungs=1)
    errors = {trial.parameters["kind"]: type(trial.error).__name__ for trial in found.trials}
    assert errors == {
        "raises": "RuntimeError",
        "good": "NoneType",
        "diverges": "TrainingDiverged",
        "misfit": "ValueError",
        "nothing": "TypeError",
    }
    assert found.best_parameters == {"kind": "good"} and np.isfinite(found.best_score)
    table = found.to_frame()
    assert (
        table["param_kind"][0] == "good"
        and table["score"].isna().sum() == 4
        and "no such network" in str(table["error"].tolist())
    )
    assert "5 trials, 4 of which failed" in str(found)
    assert len(found.plot()) == 1
    with pytest.raises(RuntimeError, match="no such network"):
        search({"kind": ["raises"]}, fragile)
    with pytest.raises(fastbp.TrainingDiverged):
        search({"kind": ["diverges"]}, fragile, epochs=4)


def test_a_time_that_is_over():
    settings = {"epochs": 100_000, "rungs": [1, 100_000], "factor": 2, "batch_size": 2, "time_budget": 1.0}
    found = search({"units": [2, 3, 4, 5]}, **settings)
    assert max(trial.epochs for trial in found.trials) < 100_000 and found.best_model is not None


@pytest.mark.parametrize(
    ("settings", "error", "text"),
    [
        ({"function": 3}, TypeError, "build must be a function of the parameters"),
        ({"function": build()}, TypeError, "build must be a function of the parameters"),
        ({"space": 3}, TypeError, "space must be a dict"),
        ({"space": {}}, ValueError, "space must have at least one parameter"),
        ({"space": []}, TypeError, "space must be a dict"),
        ({"space": {"units": []}}, ValueError, r"space\['units'\] must hold at least one value"),
        ({"space": {"units": 3}}, TypeError, r"space\['units'\] must be a list, or a distribution"),
        ({"space": {"unit": [3]}}, TypeError, r"build\(units, rate, activation\), and batch_size, got 'unit'"),
        ({"trials": 0}, ValueError, "trials must be an integer of at least 1"),
        ({"epochs": 0}, ValueError, "epochs must be an integer of at least 1"),
        ({"rungs": 0}, ValueError, "rungs must be an integer of at least 1"),
        ({"rungs": [5, 3]}, ValueError, "rungs must be epochs that rise"),
        ({"factor": 1}, ValueError, "factor must be an integer of at least 2"),
        ({"objective": "maee"}, ValueError, "objective must be one of 'loss', 'mae', got 'maee'. Did you mean 'mae'"),
        ({"mode": "up"}, ValueError, "mode must be 'auto', 'min' or 'max', got 'up'"),
        ({"validation": 0.0}, ValueError, "validation must be a part of the rows, or data, got 0.0"),
        ({"validation": (X,)}, ValueError, "validation must be"),
        ({"cv": 1}, ValueError, "cv must be at least 2"),
        ({"seed": -3}, ValueError, "seed must be an integer of at least 0"),
        ({"space": {"batch_size": [0]}}, ValueError, "batch_size must be an integer of at least 1"),
        ({"refit": 1}, TypeError, "refit must be True or False"),
        ({"speed": 1}, TypeError, "speed"),
    ],
)
def test_bad_input_to_search(settings, error, text):
    with pytest.raises(error, match=text):
        search(**settings)


def test_an_optimizer_that_all_models_share_is_refused():
    shared = fastbp.Adam(0.01)

    def careless(units):
        model = Sequential([Dense(units), Dense(1)])
        model.compile(shared, "mse")
        return model

    with pytest.raises(ValueError, match="share nothing that training changes"):
        search({"units": [1, 2, 3]}, careless)


# -- tables and pictures


def test_the_table_is_in_order(found):
    pytest.importorskip("pandas")
    table = found.to_frame()
    assert table.columns.tolist() == ["trial", "param_rate", "param_units", "score", "epochs", "seconds", "error"]
    assert table["epochs"].tolist() == [9, 3, 3, 1, 1, 1, 1, 1, 1] and table.index.name == "rank"
    assert table["score"][3:].is_monotonic_increasing and (table["seconds"] > 0).all()


def test_the_picture(found, tmp_path):
    pytest.importorskip("matplotlib")
    rate, units = found.plot(tmp_path / "search.png")
    assert (tmp_path / "search.png").read_bytes()[:4] == b"\x89PNG"
    assert rate.get_xscale() == "log" and rate.get_xlabel() == "rate" and units.get_xlabel() == "units"
    points = np.concatenate([c.get_offsets() for c in rate.collections if c.get_label().endswith("epochs")])
    expected = [(trial.parameters["rate"], trial.score) for trial in found.trials]
    np.testing.assert_allclose(sorted(map(tuple, points)), sorted(expected), rtol=1e-6)


def test_the_picture_of_names():
    axes = search({"activation": ["tanh", "relu", None]}, epochs=1).plot()
    assert {tick.get_text() for tick in axes[0].get_xticklabels()} == {"tanh", "relu", "None"}
