"""Ensembles as estimators: what they predict is what their members do, standardized or not."""

import pickle

import numpy as np
import pytest

pytest.importorskip("sklearn")

from sklearn.base import clone  # noqa: E402
from sklearn.exceptions import NotFittedError  # noqa: E402
from sklearn.model_selection import GridSearchCV, cross_val_score  # noqa: E402
from sklearn.pipeline import make_pipeline  # noqa: E402
from sklearn.preprocessing import StandardScaler  # noqa: E402

import fastbp  # noqa: E402
from fastbp import Dense, EnsembleClassifier, EnsembleRegressor, Sequential  # noqa: E402

rng = np.random.default_rng(0)
X = rng.normal(size=(150, 3)) * [1, 10, 0.1] + [0, 50, 0]
Y = 1000 + 100 * (X[:, 0] + 0.1 * (X[:, 1] - 50))
NAMES = np.array(["low", "middle", "high"])[np.digitize(Y, [950, 1050])]
QUICK = {"n_estimators": 4, "hidden_layer_sizes": (10,), "learning_rate_init": 0.02, "max_iter": 30, "random_state": 0}


def test_numbers_come_back_as_they_were_given():
    regressor = EnsembleRegressor(**QUICK).fit(X, Y)
    assert regressor.score(X, Y) > 0.9
    x = (X - X.mean(axis=0)) / X.std(axis=0)
    members = regressor.ensemble_.predict_members(x)[..., 0] * Y.std() + Y.mean()
    mean, deviation = regressor.predict(X, return_std=True)
    np.testing.assert_allclose(mean, members.mean(axis=0), rtol=1e-6)
    np.testing.assert_allclose(deviation, members.std(axis=0), rtol=1e-4)
    np.testing.assert_allclose(regressor.predict_quantiles(X, [0.1, 0.9]), np.quantile(members, [0.1, 0.9], axis=0), rtol=1e-6)
    assert regressor.predict_quantiles(X, 0.5).shape == (150,)


def test_without_scale_rows_go_in_as_they_are():
    x, y = (X - [0, 50, 0]) / [1, 10, 0.1], (Y - 1000) / 100
    regressor = EnsembleRegressor(**QUICK, scale=False).fit(x, y)
    np.testing.assert_array_equal(regressor.predict(x), regressor.ensemble_.predict(x)[:, 0])
    assert len(regressor.estimators_) == 4 and all(model.dtype == "float64" for model in regressor.estimators_)
    assert EnsembleRegressor(**QUICK, dtype="float32").fit(x, y).estimators_[0].dtype == "float32"


def test_several_targets():
    targets = np.column_stack([Y, -Y / 10])
    regressor = EnsembleRegressor(**{**QUICK, "n_estimators": 24}, oob_score=True).fit(X, targets)
    mean, deviation = regressor.predict(X, return_std=True)
    assert mean.shape == deviation.shape == regressor.oob_prediction_.shape == (150, 2)
    np.testing.assert_allclose(mean.mean(axis=0), targets.mean(axis=0), rtol=0.05)
    assert (deviation[:, 0] / deviation[:, 1]).mean() == pytest.approx(10, rel=0.5)


def test_noise_that_is_learnt():
    noisy = Y + rng.normal(size=150) * 50
    regressor = EnsembleRegressor("gaussian_nll", **{**QUICK, "max_iter": 100}).fit(X, noisy)
    mean, deviation = regressor.predict(X, return_std=True)
    assert mean.shape == (150,) and 25 < np.median(deviation) < 100
    low, high = regressor.predict_quantiles(X, [0.05, 0.95])
    assert 0.8 < np.mean((noisy > low) & (noisy < high)) < 1
    assert np.median(EnsembleRegressor(**QUICK).fit(X, noisy).predict(X, return_std=True)[1]) < 25


@pytest.mark.parametrize("loss", ["absolute_error", "huber"])
def test_other_losses(loss):
    assert EnsembleRegressor(loss, **QUICK).fit(X, Y).score(X, Y) > 0.8


@pytest.mark.parametrize("kind", [EnsembleRegressor, EnsembleClassifier])
def test_out_of_bag(kind):
    y = Y if kind is EnsembleRegressor else NAMES
    estimator = kind(**{**QUICK, "n_estimators": 24}, oob_score=True).fit(X, y)
    if kind is EnsembleClassifier:
        found = estimator.oob_decision_function_
        assert found.shape == (150, 3) and estimator.oob_score_ == np.mean(estimator.classes_[found.argmax(axis=1)] == NAMES)
    else:
        found = estimator.oob_prediction_
        assert estimator.oob_score_ == pytest.approx(1 - ((Y - found) ** 2).sum() / ((Y - Y.mean()) ** 2).sum(), rel=1e-5)
    assert 0.7 < estimator.oob_score_ < estimator.score(X, y) + 0.02
    with pytest.raises(ValueError, match="oob_score must be False without bootstrap"):
        kind(bootstrap=False, oob_score=True).fit(X, y)


@pytest.mark.parametrize("classes", [2, 3])
def test_classes(classes):
    y = NAMES if classes == 3 else np.where(NAMES == "low", "low", "other")
    classifier = EnsembleClassifier(**QUICK).fit(X, y)
    found, deviation = classifier.predict_proba(X, return_std=True)
    assert found.shape == deviation.shape == (150, classes) and classifier.score(X, y) > 0.8
    np.testing.assert_allclose(found.sum(axis=1), 1, rtol=1e-5)
    members = classifier.ensemble_.predict_members((X - X.mean(axis=0)) / X.std(axis=0))
    np.testing.assert_allclose(found[:, -1], members.mean(axis=0)[:, -1], rtol=1e-5, atol=1e-9)
    np.testing.assert_allclose(deviation[:, -1], members.std(axis=0)[:, -1], rtol=1e-4, atol=1e-6)
    names, of_chosen = classifier.predict(X, return_std=True)
    np.testing.assert_array_equal(names, classifier.classes_[found.argmax(axis=1)])
    np.testing.assert_array_equal(of_chosen, deviation[np.arange(150), found.argmax(axis=1)])
    np.testing.assert_allclose(np.exp(classifier.predict_log_proba(X)), found)


def test_weights_of_classes():
    y = np.where(Y + 150 * rng.normal(size=150) > 1250, "rare", "frequent")
    settings = {**QUICK, "learning_rate_init": 0.05}
    plain = EnsembleClassifier(**settings).fit(X, y).predict_proba(X)[:, 1].mean()
    balanced = EnsembleClassifier(**settings, class_weight="balanced").fit(X, y).predict_proba(X)[:, 1].mean()
    assert plain < 0.3 and balanced > plain + 0.05


@pytest.mark.parametrize(
    ("layer", "loss"),
    [
        ((3, "softmax"), "categorical_crossentropy"),
        ((3, "softmax"), "sparse_categorical_crossentropy"),
        ((3,), fastbp.losses.SparseCategoricalCrossentropy(from_logits=True)),
    ],
)
def test_networks_of_ones_own(layer, loss):
    def build():
        model = Sequential([Dense(12, "selu"), Dense(*layer)])
        model.compile(fastbp.Adam(0.02), loss)
        return model

    classifier = EnsembleClassifier(build=build, n_estimators=3, max_iter=30, random_state=0).fit(X, NAMES)
    assert classifier.score(X, NAMES) > 0.9
    np.testing.assert_allclose(classifier.predict_proba(X).sum(axis=1), 1, rtol=1e-5)
    with pytest.raises(ValueError, match="build must make networks of 2 outputs, one for each class, got 3"):
        EnsembleClassifier(build=build).fit(X, NAMES == "low")


def test_pickles_clones_and_stands_in_pipelines():
    regressor = EnsembleRegressor(**QUICK).fit(X, Y)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(regressor)).predict(X), regressor.predict(X))
    np.testing.assert_array_equal(clone(regressor).fit(X, Y).predict(X), regressor.predict(X))
    quick = EnsembleRegressor(**{**QUICK, "n_estimators": 2, "max_iter": 5})
    assert cross_val_score(make_pipeline(StandardScaler(), quick), X, Y, cv=2).shape == (2,)
    grid = GridSearchCV(quick, {"hidden_layer_sizes": [(4,), (8,)]}, cv=2).fit(X, Y)
    assert grid.best_estimator_.predict(X).shape == (150,)


@pytest.mark.parametrize("kind", [EnsembleRegressor, EnsembleClassifier])
@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"n_estimators": 0}, "n_estimators"),
        ({"bootstrap": "yes"}, "bootstrap"),
        ({"max_iter": 0}, "max_iter"),
        ({"hidden_layer_sizes": (0,)}, "hidden_layer_sizes"),
        ({"activation": ("tanh", "relu")}, "activation"),
        ({"dtype": "float16"}, "dtype"),
        ({"alpha": -1}, "alpha"),
    ],
)
def test_bad_settings(kind, settings, text):
    with pytest.raises(ValueError, match=text):
        kind(**settings).fit(X, NAMES if kind is EnsembleClassifier else Y)


def test_bad_data():
    with pytest.raises(NotFittedError):
        EnsembleRegressor().predict(X)
    with pytest.raises(ValueError, match="y must hold at least 2 classes, got 1 class"):
        EnsembleClassifier().fit(X, ["a"] * 150)
    with pytest.raises(ValueError, match="sample_weight must be more than 0 for at least one row"):
        EnsembleClassifier(class_weight=dict.fromkeys(NAMES, 0)).fit(X, NAMES)
