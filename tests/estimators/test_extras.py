"""What the estimators have beyond scikit-learn's."""

import pickle
import time
import warnings

import numpy as np
import pytest

pytest.importorskip("sklearn")

from sklearn.exceptions import ConvergenceWarning, NotFittedError  # noqa: E402
from sklearn.metrics import log_loss, mean_absolute_error, mean_pinball_loss, r2_score  # noqa: E402
from sklearn.preprocessing import StandardScaler  # noqa: E402

import fastbp  # noqa: E402
from fastbp import MLPClassifier, MLPRegressor  # noqa: E402
from fastbp.estimators.scores import accuracy, r2  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

rng = np.random.default_rng(1)
X = rng.normal(size=(200, 4))
Y = np.sin(2 * X[:, 0]) + X[:, 1]
LABELS = np.array(["no", "yes"])[(X[:, 0] + X[:, 1] > 0.8).astype(int)]
QUICK = {"hidden_layer_sizes": (10,), "max_iter": 10, "random_state": 0}


# -- layers


def test_each_layer_has_its_activation():
    regressor = MLPRegressor(hidden_layer_sizes=(6, 5), activation=("gelu", "tanh"), random_state=0, max_iter=3).fit(X, Y)
    hidden = fastbp.activations.gelu(X @ regressor.coefs_[0] + regressor.intercepts_[0])
    hidden = np.tanh(hidden @ regressor.coefs_[1] + regressor.intercepts_[1])
    expected = hidden @ regressor.coefs_[2] + regressor.intercepts_[2]
    np.testing.assert_allclose(regressor.predict(X), expected[:, 0], rtol=1e-10)


def test_as_many_of_one_activation_are_that_activation():
    a = MLPRegressor(**{**QUICK, "hidden_layer_sizes": (6, 5)}, activation=("tanh", "tanh")).fit(X, Y)
    b = MLPRegressor(**{**QUICK, "hidden_layer_sizes": (6, 5)}, activation="tanh").fit(X, Y)
    assert a.loss_curve_ == b.loss_curve_


@pytest.mark.parametrize("normalization", ["batch", "layer"])
@pytest.mark.parametrize("dropout", [0.0, (0.5, 0.0)])
def test_normalization_and_dropout(normalization, dropout):
    settings = {"hidden_layer_sizes": (30, 20), "random_state": 0, "learning_rate_init": 0.01, "max_iter": 100}
    regressor = MLPRegressor(normalization=normalization, dropout=dropout, **settings).fit(X, Y)
    assert regressor.score(X, Y) > (0.7 if dropout else 0.95)
    kinds = [type(layer).__name__ for layer in regressor.model_.layers]
    assert kinds.count("BatchNormalization" if normalization == "batch" else "LayerNormalization") == 2
    assert kinds.count("Dropout") == (1 if dropout else 0)
    again = pickle.loads(pickle.dumps(regressor))
    np.testing.assert_array_equal(again.predict(X), regressor.predict(X))
    np.testing.assert_array_equal(again.model_.predict(X, verbose=0)[:, 0], regressor.predict(X))
    np.testing.assert_allclose(regressor.predict(X[:2]), regressor.predict(X)[:2], rtol=1e-10)


def test_dropout_is_drawn_from_random_state():
    fits = [MLPRegressor(**{**QUICK, "random_state": seed}, dropout=0.5).fit(X, Y).loss_curve_ for seed in (0, 0, 1)]
    assert fits[0] == fits[1] != fits[2]


def test_model_is_the_network():
    classifier = MLPClassifier(**QUICK).fit(X, LABELS)
    model = classifier.model_
    assert isinstance(model, fastbp.Sequential)
    np.testing.assert_allclose(model.predict(X, verbose=0)[:, 0], classifier.predict_proba(X)[:, 1], rtol=1e-12)
    counts = MLPRegressor(loss="poisson", **QUICK).fit(X, np.arange(200) % 3)
    np.testing.assert_allclose(counts.model_.predict(X, verbose=0)[:, 0], counts.predict(X), rtol=1e-12)
    with pytest.raises(AttributeError, match="fitted"):
        _ = MLPRegressor().model_


# -- losses


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_absolute_error_learns_medians(solver):
    y = Y + 20 * (rng.uniform(size=200) < 0.1)
    settings = {"solver": solver, "random_state": 0, "max_iter": 300, "learning_rate_init": 0.01, "tol": 0.0}
    absolute, squared = (MLPRegressor(loss, **settings).fit(X, y) for loss in ("absolute_error", "squared_error"))
    assert mean_absolute_error(Y, absolute.predict(X)) < mean_absolute_error(Y, squared.predict(X))


def test_huber_has_its_delta():
    losses = {
        delta: MLPRegressor("huber", alpha=0.0, delta=delta, batch_size=200, **{**QUICK, "max_iter": 1}) for delta in (0.1, 1e6)
    }
    start = MLPRegressor(alpha=0.0, batch_size=200, **{**QUICK, "max_iter": 1}).fit(X, Y)
    assert losses[1e6].fit(X, Y).loss_ == pytest.approx(start.loss_, rel=1e-10)
    assert losses[0.1].fit(X, Y).loss_ < 0.1 * np.abs(Y).max() * 3


def test_a_column_for_each_quantile():
    levels = [0.1, 0.5, 0.9]
    regressor = MLPRegressor("quantile", quantile=levels, learning_rate_init=0.01, max_iter=300, random_state=0)
    predicted = regressor.fit(X, Y + rng.normal(size=200)).predict(X)
    assert predicted.shape == (200, 3)
    below = [np.mean(Y + rng.normal(size=200) < column) for column in predicted.T]
    assert below[0] < 0.3 < below[1] < 0.7 < below[2]
    one = MLPRegressor("quantile", quantile=0.9, **QUICK).fit(X, Y)
    assert one.predict(X).shape == (200,)
    loss = MLPRegressor("quantile", quantile=0.9, alpha=0.0, learning_rate_init=1e-12, **{**QUICK, "max_iter": 1}).fit(X, Y)
    assert loss.loss_ == pytest.approx(mean_pinball_loss(Y, loss.predict(X), alpha=0.9), rel=1e-6)


@pytest.mark.parametrize("scale", [False, True])
@pytest.mark.parametrize("targets", [1, 2])
def test_gaussian_nll_knows_how_far_targets_are_spread(scale, targets):
    x = rng.uniform(-1, 1, size=(600, 1))
    y = np.repeat(2 * x, targets, axis=1) + rng.normal(size=(600, targets)) * np.where(x > 0, 1.0, 0.1) + np.arange(targets)
    settings = {"learning_rate_init": 0.01, "max_iter": 100, "random_state": 0, "tol": 0.0}
    regressor = MLPRegressor("gaussian_nll", (20,), scale=scale, **settings).fit(x, y if targets > 1 else y[:, 0])
    mean, std = regressor.predict(x, return_std=True)
    assert mean.shape == std.shape == ((600,) if targets == 1 else (600, 2))
    np.testing.assert_array_equal(mean, regressor.predict(x))
    mean, std = mean.reshape(600, -1), std.reshape(600, -1)
    noisy = x[:, 0] > 0.3
    assert (std[noisy].mean(axis=0) > 0.6).all() and (std[noisy].mean(axis=0) < 1.5).all()
    assert (std[x[:, 0] < -0.3].mean(axis=0) < 0.4).all()
    assert np.abs(mean - 2 * x - np.arange(targets))[~noisy].mean() < 0.3
    assert regressor.score(x, y) > 0.5


def test_return_std_is_for_one_loss():
    with pytest.raises(ValueError, match="return_std must be False but for loss='gaussian_nll'"):
        MLPRegressor(**QUICK).fit(X, Y).predict(X, return_std=True)


# -- weights, scale, dtype


@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
def test_class_weight_is_the_weight_of_samples(solver):
    weights = np.where(LABELS == "yes", 3.0, 0.5) * np.linspace(0, 1, 200)
    settings = {**QUICK, "solver": solver, "batch_size": 32 if solver != "lbfgs" else "auto"}
    a = MLPClassifier(class_weight={"yes": 3.0, "no": 0.5}, **settings).fit(X, LABELS, np.linspace(0, 1, 200))
    b = MLPClassifier(**settings).fit(X, LABELS, weights)
    np.testing.assert_allclose(a.predict_proba(X), b.predict_proba(X), rtol=1e-9)
    balanced = MLPClassifier(class_weight="balanced", **settings).fit(X, LABELS)
    share = np.mean(LABELS == "yes")
    by_hand = MLPClassifier(class_weight={"yes": 0.5 / share, "no": 0.5 / (1 - share)}, **settings).fit(X, LABELS)
    np.testing.assert_allclose(balanced.predict_proba(X), by_hand.predict_proba(X), rtol=1e-9)
    with pytest.raises(ValueError, match="class_weight must be a dict for partial_fit"):
        MLPClassifier(class_weight="balanced").partial_fit(X, LABELS, classes=["no", "yes"])


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_scale_is_a_pipeline_of_scalers(solver):
    x, y = X * [1e3, 1e-3, 1, 10] + [1e4, 0, -5, 1], 1000 * Y + 5e4
    inside = MLPRegressor(scale=True, solver=solver, shuffle=False, **QUICK).fit(x, y)
    inputs, targets = StandardScaler().fit(x), StandardScaler().fit(y[:, None])
    outside = MLPRegressor(solver=solver, shuffle=False, **QUICK)
    outside.fit(inputs.transform(x), targets.transform(y[:, None])[:, 0])
    expected = targets.inverse_transform(outside.predict(inputs.transform(x))[:, None])[:, 0]
    np.testing.assert_allclose(inside.predict(x), expected, rtol=1e-8)
    again = pickle.loads(pickle.dumps(inside))
    np.testing.assert_array_equal(again.predict(x), inside.predict(x))
    classifier = MLPClassifier(scale=True, learning_rate_init=0.02, max_iter=100, random_state=0).fit(x, LABELS)
    assert classifier.score(x, LABELS) > 0.95
    before = inside.score(x, y)
    inside.set_params(warm_start=True).fit(x, y)
    assert inside.score(x, y) > before


def test_scale_leaves_a_constant_feature_alone():
    x = np.column_stack([X, np.full(200, 7.0)])
    assert np.isfinite(MLPRegressor(scale=True, **QUICK).fit(x, Y).predict(x)).all()


def test_dtype_is_what_it_is_computed_in():
    for dtype in ("float32", np.float64):
        for solver in ("adam", "lbfgs"):
            regressor = MLPRegressor(dtype=dtype, solver=solver, **QUICK).fit(X.astype(np.float32), Y)
            assert {w.dtype for w in [*regressor.coefs_, *regressor.intercepts_]} == {np.dtype(dtype)}
    single, double = (MLPRegressor(dtype=dtype, **QUICK).fit(X, Y) for dtype in ("float32", None))
    np.testing.assert_allclose(single.loss_curve_, double.loss_curve_, rtol=1e-4)


@pytest.mark.parametrize("settings", [{}, {"batch_size": 30}, {"batch_size": 30, "early_stopping": True}, {"dropout": 0.3}])
def test_the_same_bits_for_any_number_of_threads(settings):
    fits = [MLPRegressor(n_threads=n, **QUICK, **settings).fit(X, Y) for n in (1, 2, 3, 8)]
    for other in fits[1:]:
        assert other.loss_curve_ == fits[0].loss_curve_
        np.testing.assert_array_equal(other.predict(X), fits[0].predict(X))


def test_weights_of_one_are_none():
    a, b = (MLPRegressor(batch_size=30, **QUICK).fit(X, Y, sample_weight=w) for w in (None, np.ones(200)))
    np.testing.assert_allclose(a.loss_curve_, b.loss_curve_, rtol=1e-12)


# -- validation, early stopping, callbacks, time


def test_validation_data_is_measured_after_each_epoch():
    classifier = MLPClassifier(**QUICK)
    classifier.fit(X[:150], LABELS[:150], validation_data=(X[150:], LABELS[150:]))
    assert len(classifier.validation_loss_curve_) == len(classifier.validation_scores_) == classifier.n_iter_ == 10
    assert classifier.validation_scores_[-1] == classifier.score(X[150:], LABELS[150:])
    expected = log_loss(LABELS[150:], classifier.predict_proba(X[150:]))
    assert classifier.validation_loss_curve_[-1] == pytest.approx(expected, rel=1e-8)
    plain = MLPClassifier(**QUICK).fit(X[:150], LABELS[:150])
    assert plain.loss_curve_ == classifier.loss_curve_
    assert plain.validation_loss_curve_ is None


@pytest.mark.parametrize("loss", ["squared_error", "poisson", "quantile", "gaussian_nll"])
def test_validation_of_a_regressor(loss):
    y, weights = np.abs(Y), rng.uniform(size=50)
    regressor = MLPRegressor(loss, quantile=[0.2, 0.8], **QUICK)
    regressor.fit(X[:150], y[:150], validation_data=(X[150:], y[150:], weights))
    predicted, target = regressor.predict(X[150:]), y[150:]
    if loss == "quantile":
        expected = np.mean(
            [mean_pinball_loss(target, p, alpha=q, sample_weight=weights) for p, q in zip(predicted.T, [0.2, 0.8], strict=True)]
        )
        predicted, target = predicted, np.stack([target] * 2, axis=1)
    elif loss == "squared_error":
        expected = 0.5 * np.average((predicted - target) ** 2, weights=weights)
    elif loss == "poisson":
        expected = np.average(target * np.log(target / predicted) - target + predicted, weights=weights)
    else:
        std = regressor.predict(X[150:], return_std=True)[1]
        expected = np.average(np.log(std) + 0.5 * ((predicted - target) / std) ** 2, weights=weights)
    assert regressor.validation_loss_curve_[-1] == pytest.approx(expected, rel=1e-6)
    assert regressor.validation_scores_[-1] == pytest.approx(r2_score(target, predicted, sample_weight=weights), rel=1e-6)


def test_early_stopping_by_data_that_is_given():
    regressor = MLPRegressor(
        hidden_layer_sizes=(30,), early_stopping=True, learning_rate_init=0.03, max_iter=500, random_state=0
    )
    regressor.fit(X[:150], Y[:150], validation_data=(X[150:], Y[150:]))
    assert regressor.n_iter_ < 500
    assert regressor.best_validation_score_ == max(regressor.validation_scores_)
    assert regressor.score(X[150:], Y[150:]) == pytest.approx(regressor.best_validation_score_, rel=1e-12)


@pytest.mark.parametrize("given", [True, False])
def test_early_stopping_of_partial_fits(given):
    regressor = MLPRegressor(hidden_layer_sizes=(30,), early_stopping=True, learning_rate_init=0.05, tol=1e-3, random_state=0)
    held_out = {"validation_data": (X[150:], Y[150:])} if given else {}
    for _ in range(300):
        regressor.partial_fit(X[:150], Y[:150], **held_out)
    assert len(regressor.validation_scores_) < 300
    kept = regressor.predict(X)
    regressor.partial_fit(X[:150], Y[:150], **held_out)
    np.testing.assert_array_equal(regressor.predict(X), kept)
    if given:
        assert r2_score(Y[150:], kept[150:]) == pytest.approx(max(regressor.validation_scores_), rel=1e-12)


@pytest.mark.parametrize("validated", [True, False])
def test_restore_best(validated):
    held_out = {"validation_data": (X[150:], Y[150:])} if validated else {}
    settings = {
        "hidden_layer_sizes": (30,),
        "learning_rate_init": 0.3,
        "max_iter": 29,
        "random_state": 1,
        "tol": 0.0,
        "batch_size": 16,
    }
    best, last = (MLPRegressor(restore_best=flag, **settings).fit(X[:150], Y[:150], **held_out) for flag in (True, False))
    assert best.loss_curve_ == last.loss_curve_
    if validated:
        assert best.score(X[150:], Y[150:]) == pytest.approx(max(best.validation_scores_), rel=1e-12)
        assert last.score(X[150:], Y[150:]) == pytest.approx(last.validation_scores_[-1], rel=1e-12)
    else:
        at_best = int(np.argmin(best.loss_curve_)) + 1
        assert at_best < 29
        settings["max_iter"] = at_best
        np.testing.assert_array_equal(best.predict(X), MLPRegressor(**settings).fit(X[:150], Y[:150]).predict(X))


def test_callbacks_see_epochs():
    seen = []

    class Watcher(fastbp.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            seen.append((epoch, dict(logs)))
            self.model.stop_training = epoch == 4

    regressor = MLPRegressor(callbacks=[Watcher()], **QUICK).fit(X[:150], Y[:150], validation_data=(X[150:], Y[150:]))
    assert regressor.n_iter_ == len(seen) == 5
    assert [logs["loss"] for _, logs in seen] == regressor.loss_curve_
    assert [logs["val_loss"] for _, logs in seen] == regressor.validation_loss_curve_
    assert [logs["val_score"] for _, logs in seen] == regressor.validation_scores_
    assert regressor.loss_curve_ == MLPRegressor(**QUICK).fit(X[:150], Y[:150]).loss_curve_[:5]


def test_callbacks_of_fastbp():
    stopping = fastbp.callbacks.EarlyStopping("val_loss", patience=3, restore_best_weights=True)
    plateau = fastbp.callbacks.ReduceLROnPlateau("loss", patience=2)
    regressor = MLPRegressor(
        hidden_layer_sizes=(30,), callbacks=[stopping, plateau], learning_rate_init=0.1, max_iter=300, random_state=0
    )
    regressor.fit(X[:150], Y[:150], validation_data=(X[150:], Y[150:]))
    assert regressor.n_iter_ < 300
    expected = 0.5 * np.mean((regressor.predict(X[150:]) - Y[150:]) ** 2)
    assert expected == pytest.approx(min(regressor.validation_loss_curve_), rel=1e-8)


def test_time_budget_ends_a_fit():
    x, y = np.tile(X, (20, 1)), np.tile(Y, 20)
    for solver in ("adam", "lbfgs"):
        regressor = MLPRegressor(
            time_budget=0.05, max_iter=10**6, max_fun=10**7, tol=0.0, n_iter_no_change=10**6, solver=solver
        )
        start = time.perf_counter()
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            regressor.fit(x, y)
        assert time.perf_counter() - start < 60  # far from a million epochs
        assert 0 < regressor.n_iter_ < 10**6
        assert any(issubclass(warning.category, ConvergenceWarning) for warning in caught)


# -- scores


@pytest.mark.parametrize("weighted", [False, True])
def test_scores_are_those_of_scikit_learn(weighted):
    weights = rng.uniform(size=40) if weighted else None
    y = np.column_stack([rng.normal(size=40), np.ones(40), np.ones(40)])
    outputs = np.column_stack([y[:, 0] + 0.3 * rng.normal(size=40), np.ones(40), np.zeros(40)])
    assert r2(outputs, y, weights) == pytest.approx(r2_score(y, outputs, sample_weight=weights), rel=1e-12)
    assert np.isnan(r2(np.full((3, 1), np.inf), np.ones((3, 1)), None))
    assert np.isnan(accuracy(np.full((3, 1), np.nan), np.ones((3, 1)), None, True))


# -- what is refused


@pytest.mark.parametrize(
    ("kind", "settings", "said"),
    [
        (MLPClassifier, {"n_threads": 0}, "'n_threads'.*Got 0"),
        (MLPRegressor, {"time_budget": -1}, "'time_budget'.*Got -1"),
        (
            MLPRegressor,
            {"activation": ("relu", "tanh")},
            r"activation must be .* each of the 1 hidden layers, got \('relu', 'tanh'\)",
        ),
        (MLPRegressor, {"activation": ("softmax",)}, "activation must hold names among .*'softmax'"),
        (MLPRegressor, {"dropout": 1.0}, "'dropout'.*Got 1.0"),
        (MLPRegressor, {"dropout": (0.1, 0.2)}, "dropout must be .* 1 hidden layers"),
        (MLPRegressor, {"dropout": (1.5,)}, r"dropout must be in \[0, 1\), got 1.5"),
        (MLPRegressor, {"normalization": "group"}, "'normalization'.*Got 'group'"),
        (MLPRegressor, {"dtype": "float16"}, "'dtype'.*float16"),
        (MLPRegressor, {"dtype": np.int64}, "dtype must be 'float32', 'float64' or None"),
        (MLPRegressor, {"loss": "quantile", "quantile": [0.5, 1.0]}, r"quantile must be .* between 0 and 1, got \[0.5, 1.0\]"),
        (MLPRegressor, {"loss": "quantile", "quantile": 1.5}, "'quantile'.*Got 1.5"),
        (MLPRegressor, {"loss": "quantile", "quantile": []}, "quantile must be"),
        (MLPRegressor, {"loss": "huber", "delta": 0.0}, "'delta'.*Got 0.0"),
        (MLPRegressor, {"loss": "log_cosh"}, "'loss'.*Got 'log_cosh'"),
        (MLPRegressor, {"loss": "poisson"}, "y must be at least 0 for loss='poisson'"),
        (MLPRegressor, {"scale": "yes"}, "'scale'"),
        (MLPRegressor, {"restore_best": 2.5}, "'restore_best'"),
        (MLPClassifier, {"class_weight": "heavy"}, "'class_weight'.*Got 'heavy'"),
        (MLPRegressor, {"solver": "lbfgs", "dropout": 0.5}, "dropout must be left out for solver='lbfgs'"),
        (MLPRegressor, {"solver": "lbfgs", "normalization": "batch"}, "normalization must be 'layer' or None"),
        (MLPRegressor, {"solver": "lbfgs", "callbacks": [fastbp.callbacks.EarlyStopping()]}, "callbacks must be left out"),
        (MLPRegressor, {"callbacks": [fastbp.callbacks.GradientMonitor()]}, "callbacks must not look at single batches"),
    ],
)
def test_what_is_refused(kind, settings, said):
    with pytest.raises((ValueError, TypeError), match=said):
        kind(**settings).fit(X, LABELS if kind is MLPClassifier else Y)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (X, r"validation_data must be \(X, y\)"),
        ((X, LABELS[:10]), "as many targets"),
        ((X, LABELS.astype("U9").copy()), None),
        ((X[:, :2], LABELS), "features"),
        ((X, np.full(200, "maybe")), "classes among"),
    ],
)
def test_validation_data_that_is_refused(data, said):
    if said is None:
        MLPClassifier(**QUICK).fit(X, LABELS, validation_data=data)
        return
    with pytest.raises(ValueError, match=said):
        MLPClassifier(**QUICK).fit(X, LABELS, validation_data=data)


def test_predictions_need_a_fit():
    for method in ("predict", "predict_proba"):
        with pytest.raises(NotFittedError):
            getattr(MLPClassifier(), method)(X)
