"""Cross-validation: each fold is what a fit and an evaluation of these rows would give, and folds are scikit-learn's."""

import sys

import numpy as np
import pytest

pytest.importorskip("sklearn")

from sklearn.model_selection import (  # noqa: E402
    GroupKFold,
    KFold,
    LeaveOneGroupOut,
    ShuffleSplit,
    StratifiedKFold,
    TimeSeriesSplit,
)

import fastbp  # noqa: E402
from fastbp import Dense, Input, Sequential  # noqa: E402
from fastbp.many.folds import folds  # noqa: E402
from fastbp.models.cloning import fresh_copy  # noqa: E402

X = np.random.default_rng(0).normal(size=(60, 3)).astype("float32")
Y = X @ np.array([[1.0], [-2.0], [0.5]], "float32")
CLASSES = np.repeat([0, 1, 2], 20)
GROUPS = np.arange(60) % 4
LOSSES = {
    "mse": (fastbp.losses.get("mse"), Y),
    "sparse": (fastbp.losses.get("sparse_categorical_crossentropy"), CLASSES),
    "one-hot": (fastbp.losses.get("categorical_crossentropy"), np.eye(3)[CLASSES]),
    "binary": (fastbp.losses.get("binary_crossentropy"), (CLASSES > 0)[:, None].astype("float32")),
}


def model(**settings):
    made = Sequential([Dense(4, "tanh"), Dense(1)], seed=3, **settings)
    made.compile(fastbp.Adam(0.01), "mse", metrics=["mae"])
    return made


@pytest.mark.parametrize("weights", [None, np.linspace(0.5, 2, 60)])
def test_each_fold_is_a_fit_and_an_evaluation_of_its_rows(weights):
    original = model()
    original.fit(X, Y, epochs=2, verbose=0)  # what it has learnt does not count
    found = fastbp.cross_validate(original, X, Y, cv=3, epochs=4, batch_size=8, sample_weight=weights, verbose=0)
    for i, (train, test) in enumerate(KFold(3).split(X)):
        alone = model()
        own = {"sample_weight": None if weights is None else weights[train]}
        history = alone.fit(X[train], Y[train], epochs=4, batch_size=8, verbose=0, **own)
        measured = {"sample_weight": None if weights is None else weights[test]}
        expected = alone.evaluate(X[test], Y[test], verbose=0, return_dict=True, **measured)
        np.testing.assert_array_equal(found.models[i].get_weights()[0], alone.get_weights()[0])
        assert {name: values[i] for name, values in found.scores.items()} == pytest.approx(expected, rel=1e-6)
        assert found.histories[i].history["loss"] == pytest.approx(history.history["loss"], rel=1e-6)
        assert found.histories[i].history["val_loss"][-1] == pytest.approx(expected["loss"], rel=1e-5)
        np.testing.assert_array_equal(found.folds[i][1], test)
    assert found.train_scores is None and found.seconds.shape == (3,) and (found.seconds > 0).all()


def test_scores_of_the_rows_that_were_learnt_from():
    found = fastbp.cross_validate(model(), X, Y, cv=3, epochs=2, return_train_score=True, verbose=0)
    for i, (train, _) in enumerate(found.folds):
        expected = found.models[i].evaluate(X[train], Y[train], verbose=0, return_dict=True)
        assert {name: values[i] for name, values in found.train_scores.items()} == pytest.approx(expected, rel=1e-6)


def test_as_a_table_and_in_words():
    pytest.importorskip("pandas")
    found = fastbp.cross_validate(model(), X, Y, cv=2, epochs=1, return_train_score=True, verbose=0)
    table = found.to_frame()
    assert table.columns.tolist() == ["loss", "mae", "train_loss", "train_mae", "seconds", "error"]
    np.testing.assert_array_equal(table["mae"], found.scores["mae"])
    assert table.index.name == "fold" and table["error"].isna().all()
    assert str(found).splitlines()[0] == "2 folds, mean and standard deviation:" and "mae: " in str(found)


@pytest.mark.parametrize("name", LOSSES)
def test_numbers_of_folds_are_those_of_scikit_learn(name):
    loss, y = LOSSES[name]
    splitter = KFold(4) if name == "mse" else StratifiedKFold(4)
    labels = y.argmax(axis=1) if name == "one-hot" else y.ravel()
    for (train, test), (own_train, own_test) in zip(splitter.split(X, labels), folds(4, loss, X, y), strict=True):
        np.testing.assert_array_equal(train, own_train)
        np.testing.assert_array_equal(test, own_test)
        assert name == "mse" or np.isin(np.unique(labels), labels[own_test]).all()


@pytest.mark.parametrize(
    "cv",
    [
        KFold(3, shuffle=True, random_state=0),
        StratifiedKFold(3),
        GroupKFold(4),
        LeaveOneGroupOut(),
        TimeSeriesSplit(3),
        ShuffleSplit(2, test_size=0.25, random_state=1),
    ],
)
def test_splitters(cv):
    loss, y = LOSSES["sparse"]
    groups = GROUPS if "Group" in type(cv).__name__ else None
    expected = list(cv.split(X, y, groups))
    for (train, test), own in zip(expected, folds(cv, loss, X, y, groups), strict=True):
        np.testing.assert_array_equal(train, own[0])
        np.testing.assert_array_equal(test, own[1])


def test_pairs_of_rows_and_masks():
    pairs = [(np.arange(10), np.arange(10, 20)), ([5, 6], [7])]
    mask = np.arange(60) < 30
    found = fastbp.cross_validate(model(), X, Y, cv=[*pairs, (mask, ~mask)], epochs=1, verbose=0)
    assert [len(train) for train, _ in found.folds] == [10, 2, 30]


def test_a_function_builds_a_model_for_each_fold():
    made = []

    def build():
        made.append(model())
        return made[-1]

    found = fastbp.cross_validate(build, X, Y, cv=3, epochs=1, verbose=0)
    assert all(any(one is other for other in made) for one in found.models)
    assert found.scores["loss"] == pytest.approx(fastbp.cross_validate(model(), X, Y, cv=3, epochs=1, verbose=0).scores["loss"])


def test_copies_learn_what_the_model_would_and_leave_it_alone():
    original = model(name="named")
    first = fresh_copy(original)
    original.fit(X, Y, epochs=2, verbose=0)
    second = fresh_copy(original)
    for copy in (first, second):
        copy.fit(X, Y, epochs=2, verbose=0)
        np.testing.assert_array_equal(copy.get_weights()[0], original.get_weights()[0])
        assert copy.optimizer is not original.optimizer and copy.metrics_names == ["loss", "mae"]
    found = fastbp.cross_validate(original, X, Y, cv=2, epochs=1, verbose=0)  # whose name no two may have
    assert original.name == "named" and len(found.models) == 2


@pytest.mark.parametrize("compiled", ["schedule", "custom", "solver", "functional", "frozen", "spared"])
def test_copies_of_all_kinds(compiled):
    def build():
        layers = [Dense(4, "tanh"), Dense(1)]
        if compiled == "functional":
            x = Input((3,))
            made = fastbp.Model(x, layers[1](layers[0](x)), seed=1)
        else:
            made = Sequential(layers, seed=1)
        layers[0].trainable = compiled != "frozen"
        optimizer = {"schedule": fastbp.Adam(fastbp.optimizers.schedules.ExponentialDecay(0.1, 4, 0.5)), "solver": "lbfgs"}
        optimizer["spared"] = fastbp.AdamW(0.1, weight_decay=0.5)
        optimizer["spared"].exclude_from_weight_decay(var_names=["bias"])
        loss = (lambda y_true, y_pred: (y_true - y_pred) ** 2) if compiled == "custom" else "mse"
        made.compile(optimizer.get(compiled, "adam"), loss)
        return made

    used = build()
    used.fit(X, Y, epochs=2, verbose=0)
    copy, fresh = fresh_copy(used), build()
    for one in (copy, fresh):
        one.fit(X, Y, epochs=3, verbose=0)
    for a, b in zip(copy.get_weights(), fresh.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_fold_that_diverges_is_reported():
    spoilt = Y.copy()
    spoilt[5] = 1e30
    steep = Sequential([Dense(1)], seed=0)
    steep.compile(fastbp.SGD(1e5), "mse", metrics=["mae"])
    pairs = [(np.arange(10), np.arange(10, 20)), (np.arange(20, 60), np.arange(6, 10))]
    mild = model()
    mild.compile(fastbp.SGD(0.01), "mse")
    with pytest.warns(UserWarning, match="1 of 2 folds have failed and have NaN for scores, the first by TrainingDiverged"):
        found = fastbp.cross_validate(mild, X, spoilt, cv=pairs, epochs=20, verbose=0)
    assert np.isnan(found.scores["loss"]).tolist() == [True, False]
    assert isinstance(found.members[0].error, fastbp.TrainingDiverged)
    with pytest.raises(fastbp.TrainingDiverged):
        fastbp.cross_validate(steep, X, spoilt, cv=2, epochs=200, verbose=0)


def test_an_extra_that_is_missing_is_named(monkeypatch):
    found = fastbp.cross_validate(model(), X, Y, cv=[(np.arange(9), np.arange(9, 12))], verbose=0)  # which needs none
    monkeypatch.setitem(sys.modules, "sklearn.model_selection", None)
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ImportError, match=r"fastbp\[sklearn\]"):
        fastbp.cross_validate(model(), X, Y, verbose=0)
    with pytest.raises(ImportError, match=r"fastbp\[sklearn\]"):
        fastbp.search(lambda units: model(), {"units": [1]}, X, Y, verbose=0)
    with pytest.raises(ImportError, match="pip install pandas"):
        found.to_frame()


@pytest.mark.parametrize(
    ("cv", "error", "text"),
    [
        (1, ValueError, "cv must be at least 2 folds, got 1"),
        (True, TypeError, "cv must be a number of folds"),
        (2.5, TypeError, "cv must be a number of folds, a splitter or pairs of rows, got 2.5"),
        (100, ValueError, "100"),
        ([], ValueError, "cv must give at least one fold"),
        ([(np.arange(3),)], TypeError, "cv must give pairs of rows"),
        ([(np.arange(3), np.array([60]))], ValueError, r"cv \(fold 0\) must hold numbers of rows from 0 to 59"),
        ([(np.arange(3), [])], ValueError, r"cv \(fold 0\) must hold numbers of rows"),
        ([(np.arange(3), np.array([0.5]))], ValueError, r"cv \(fold 0\) must hold numbers of rows"),
        (GroupKFold(2), ValueError, "groups"),
    ],
)
def test_bad_folds(cv, error, text):
    with pytest.raises(error, match=text):
        fastbp.cross_validate(model(), X, Y, cv=cv, verbose=0)


@pytest.mark.parametrize(
    ("arguments", "settings", "error", "text"),
    [
        ((3, X, Y), {}, TypeError, "build must be a compiled model|model must be"),
        ((Sequential([Dense(1)]), X, Y), {}, ValueError, "must be compiled first"),
        ((model(), X, Y[:7]), {}, ValueError, "7"),
        ((model(), X, Y), {"epochs": -1}, ValueError, "epochs"),
        ((model(), X, Y), {"return_train_score": "no"}, TypeError, "return_train_score must be True or False"),
        ((model(), X, Y), {"speed": 1}, TypeError, "speed"),
    ],
)
def test_bad_input_to_cross_validate(arguments, settings, error, text):
    with pytest.raises(error, match=text):
        fastbp.cross_validate(*arguments, verbose=0, **settings)
