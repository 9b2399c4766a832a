"""Every parameter, against what scikit-learn makes of it: the same initial weights, samples in the same order."""

import warnings

import numpy as np
import pytest

theirs = pytest.importorskip("sklearn.neural_network")
sklearn = pytest.importorskip("sklearn", minversion="1.7")  # from which it has weights of samples and the Poisson loss

from scipy import sparse  # noqa: E402
from sklearn.exceptions import ConvergenceWarning  # noqa: E402

import fastbp as ours  # noqa: E402

rng = np.random.default_rng(0)
X = rng.normal(size=(150, 5))
CLASSES = np.digitize(X[:, 0] * X[:, 1] + 0.1 * rng.normal(size=150), [-0.3, 0.3])
DATA = {
    "classes": (X, np.array(["a", "b", "c"])[CLASSES]),
    "two": (X, CLASSES > 0),
    "labels": (X, np.stack([CLASSES == 0, CLASSES > 0, X[:, 2] > 0], axis=1).astype(int)),
    "number": (X, X[:, 0] * X[:, 1] - X[:, 2]),
    "numbers": (X, np.stack([X[:, 0] * X[:, 1], 3 * X[:, 2], X[:, 3] ** 2], axis=1)),
    "counts": (X, rng.poisson(np.exp(X[:, :2]))),
}
WEIGHTS = rng.uniform(0, 3, 150) * (rng.uniform(size=150) > 0.1)

CASES = [
    *((data, {}) for data in DATA),
    *((data, {"batch_size": 32, "alpha": 0.5}) for data in DATA),
    *((data, {"batch_size": 32, "alpha": 0.5, "sample_weight": WEIGHTS}) for data in DATA),
    *((data, {"solver": "lbfgs", "alpha": 0.1}) for data in DATA),
    *(
        ("numbers", {"activation": name, "solver": solver})
        for name in ("identity", "logistic", "tanh")
        for solver in ("adam", "lbfgs")
    ),
    *(("classes", {"hidden_layer_sizes": sizes, "activation": "logistic"}) for sizes in ((), 7, (7, 4, 3))),
    ("counts", {"loss": "poisson", "batch_size": 40}),
    ("counts", {"loss": "poisson", "solver": "lbfgs", "sample_weight": WEIGHTS}),
    *(
        (
            "classes",
            {"solver": "sgd", "batch_size": 16, "learning_rate": rule, "learning_rate_init": 0.1, "tol": 1e-3, "max_iter": 150},
        )
        for rule in ("constant", "invscaling", "adaptive")
    ),
    ("number", {"solver": "sgd", "learning_rate": "invscaling", "learning_rate_init": 0.05, "power_t": 0.2}),
    ("numbers", {"solver": "sgd", "momentum": 0.0}),
    ("numbers", {"solver": "sgd", "momentum": 0.5, "nesterovs_momentum": False, "sample_weight": WEIGHTS, "batch_size": 50}),
    ("numbers", {"beta_1": 0.5, "beta_2": 0.9, "epsilon": 0.1, "learning_rate_init": 0.01}),
    ("number", {"tol": 0.1, "n_iter_no_change": 3, "max_iter": 200}),
    ("number", {"tol": 10.0, "n_iter_no_change": np.inf}),
    ("labels", {"early_stopping": True, "learning_rate_init": 0.05, "max_iter": 60}),
    (
        "classes",
        {"early_stopping": True, "validation_fraction": 0.3, "n_iter_no_change": 4, "learning_rate_init": 0.05, "max_iter": 60},
    ),
    ("number", {"early_stopping": True, "sample_weight": WEIGHTS, "learning_rate_init": 0.02, "max_iter": 60}),
    (
        "two",
        {
            "early_stopping": True,
            "solver": "sgd",
            "learning_rate": "adaptive",
            "learning_rate_init": 0.5,
            "max_iter": 60,
            "batch_size": 20,
        },
    ),
    ("number", {"solver": "lbfgs", "max_fun": 7}),
    ("number", {"solver": "lbfgs", "tol": 0.05, "max_iter": 200, "sample_weight": WEIGHTS}),
    ("numbers", {"alpha": 0.0, "batch_size": 1000}),
]


def estimator(module, data, **settings):
    kind = "MLPRegressor" if data in ("number", "numbers", "counts") else "MLPClassifier"
    defaults = {"random_state": 3, "shuffle": False, "max_iter": 15, "hidden_layer_sizes": (12,)}
    return getattr(module, kind)(**{**defaults, **settings})


def outcome(call):
    """What a call returns, and the warnings that it gave."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        found = call()
    return found, sorted((warning.category.__name__, str(warning.message)[:40]) for warning in caught)


def assert_alike(a, b, X, rtol=1e-5):
    for name in ("n_iter_", "t_", "n_layers_", "n_outputs_", "out_activation_", "n_features_in_"):
        assert getattr(a, name) == getattr(b, name), name
    for name in ("loss_", "best_loss_", "best_validation_score_", "loss_curve_", "validation_scores_"):
        assert hasattr(a, name) == hasattr(b, name), name
        if getattr(a, name, None) is None:
            assert getattr(b, name, None) is None, name
        else:
            np.testing.assert_allclose(getattr(b, name), getattr(a, name), rtol=rtol, atol=1e-12, err_msg=name)
    for mine, other in zip([*b.coefs_, *b.intercepts_], [*a.coefs_, *a.intercepts_], strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-4, atol=1e-6)
        assert mine.dtype == other.dtype
    predict = "predict_proba" if hasattr(a, "predict_proba") else "predict"
    np.testing.assert_allclose(getattr(b, predict)(X), getattr(a, predict)(X), rtol=1e-4, atol=1e-6)
    assert np.mean(b.predict(X) == a.predict(X)) == 1 or predict == "predict"
    assert b.predict(X).shape == a.predict(X).shape


@pytest.mark.parametrize(("data", "settings"), CASES)
def test_a_fit_is_that_of_scikit_learn(data, settings):
    x, y = DATA[data]
    settings = dict(settings)
    weights = settings.pop("sample_weight", None)
    fits = [outcome(lambda m=module: estimator(m, data, **settings).fit(x, y, weights)) for module in (theirs, ours)]
    (a, theirs_warned), (b, ours_warned) = fits
    assert ours_warned == theirs_warned
    assert_alike(a, b, x, 1e-4 if settings.get("solver") == "lbfgs" else 1e-5)


@pytest.mark.parametrize("data", DATA)
@pytest.mark.parametrize("container", [sparse.csr_array, sparse.csc_array])
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_sparse_inputs(data, container, monkeypatch):
    x, y = DATA[data]
    x = container(np.where(x > 0.5, x, 0))
    a = estimator(theirs, data, batch_size=32).fit(x, y)
    assert_alike(a, estimator(ours, data, batch_size=32).fit(x, y), x)
    for module in ("rows", "forward"):  # as if they were too large to be made dense at once
        monkeypatch.setattr(f"fastbp.estimators.{module}.MAX_DENSE_BYTES", 40 * 5 * 8)
    assert_alike(a, estimator(ours, data, batch_size=32).fit(x, y), x)


@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_warm_starts(solver):
    x, y = DATA["classes"]
    made = [
        estimator(m, "classes", solver=solver, warm_start=True, batch_size=32 if solver != "lbfgs" else "auto")
        for m in (theirs, ours)
    ]
    for _ in range(2):
        assert_alike(*(one.fit(x, y) for one in made), x, 1e-4)
    with pytest.raises(ValueError, match="warm_start can only be used where"):
        made[1].fit(x[:3], y[:1].repeat(3))


@pytest.mark.parametrize("solver", ["adam", "sgd"])
@pytest.mark.parametrize("data", ["classes", "labels", "numbers"])
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_partial_fits_before_and_after_a_fit_and_with_weights_put_in(data, solver):
    x, y = DATA[data]
    labels = {"classes": np.unique(y)} if data == "classes" else {"classes": [0, 1, 2]} if data == "labels" else {}
    made = [estimator(m, data, solver=solver, batch_size=32, learning_rate_init=0.01) for m in (theirs, ours)]
    for one in made:
        for rows in (slice(0, 80), slice(40, 150), slice(10, 20)):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", UserWarning)
                one.partial_fit(x[rows], y[rows], **labels)
    assert_alike(*made, x)
    for one in made:
        one.fit(x, y).partial_fit(x, y)
    assert_alike(*made, x)
    for one in made:
        one.coefs_[0] = one.coefs_[0] * 0.5
        one.intercepts_[1][...] = 0.25
    assert_alike(*made, x)
    for one in made:
        one.partial_fit(x, y)
    assert_alike(*made, x)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_float32_is_computed_in_float32():
    x, y = DATA["classes"]
    a, b = (estimator(m, "classes", batch_size=32).fit(x.astype(np.float32), y) for m in (theirs, ours))
    assert {w.dtype for w in [*b.coefs_, *b.intercepts_]} == {np.dtype(np.float32)}
    np.testing.assert_allclose(b.loss_curve_, a.loss_curve_, rtol=1e-4)
    assert b.predict_proba(x.astype(np.float32)).dtype == a.predict_proba(x.astype(np.float32)).dtype


def test_verbose_prints_the_same(capsys):
    x, y = DATA["two"]
    printed = []
    for module in (theirs, ours):
        with pytest.warns(ConvergenceWarning):
            estimator(module, "two", verbose=True, early_stopping=True, max_iter=4).fit(x, y)
        printed.append(capsys.readouterr().out)
    assert printed[0] == printed[1]


@pytest.mark.parametrize(
    "settings",
    [
        {"hidden_layer_sizes": (0,)},
        {"hidden_layer_sizes": (3, -1)},
        {"solver": "newton"},
        {"activation": "sine"},
        {"alpha": -1},
        {"beta_1": 1.0},
        {"batch_size": 0},
        {"max_iter": 0},
        {"validation_fraction": 1.5},
        {"random_state": "x"},
    ],
)
def test_what_scikit_learn_refuses_is_refused_alike(settings):
    x, y = DATA["two"]
    refused = []
    for module in (theirs, ours):
        with pytest.raises(ValueError) as caught:
            estimator(module, "two", **settings).fit(x, y)
        refused.append(caught.value)
    assert type(refused[0]) is type(refused[1])
    for name in settings:
        assert name in str(refused[1])


@pytest.mark.parametrize("bad", ["nan", "rows", "one_dimensional", "features", "unfitted"])
def test_bad_data_is_refused_alike(bad):
    x, y = DATA["number"]
    errors = []
    for module in (theirs, ours):
        made = estimator(module, "number")
        with pytest.raises(Exception) as caught, warnings.catch_warnings():  # noqa: B017
            warnings.simplefilter("ignore")
            if bad == "nan":
                made.fit(np.where(x > 2, np.nan, x), y)
            elif bad == "rows":
                made.fit(x, y[:-1])
            elif bad == "one_dimensional":
                made.fit(x[:, 0], y)
            elif bad == "features":
                made.fit(x, y).predict(x[:, :3])
            else:
                made.predict(x)
        errors.append(caught.value)
    assert type(errors[0]) is type(errors[1])
    assert str(errors[0]).replace("MLP", "") == str(errors[1]).replace("MLP", "")
