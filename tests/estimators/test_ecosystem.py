"""The estimators among scikit-learn's tools, in pickles, and in joblib's workers."""

import os
import pickle
import subprocess
import sys

import numpy as np
import pytest

sklearn = pytest.importorskip("sklearn", minversion="1.6")

import joblib  # noqa: E402
from sklearn import neural_network as theirs  # noqa: E402
from sklearn.base import clone  # noqa: E402
from sklearn.calibration import CalibratedClassifierCV  # noqa: E402
from sklearn.ensemble import BaggingClassifier, StackingRegressor  # noqa: E402
from sklearn.experimental import enable_halving_search_cv  # noqa: E402, F401
from sklearn.frozen import FrozenEstimator  # noqa: E402
from sklearn.inspection import PartialDependenceDisplay, permutation_importance  # noqa: E402
from sklearn.linear_model import Ridge  # noqa: E402
from sklearn.model_selection import GridSearchCV, HalvingRandomSearchCV, cross_val_score  # noqa: E402
from sklearn.pipeline import make_pipeline  # noqa: E402
from sklearn.preprocessing import StandardScaler  # noqa: E402

import fastbp  # noqa: E402
from fastbp import MLPClassifier, MLPRegressor  # noqa: E402
from fastbp.estimators.workers import is_within_worker, threads_of  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

rng = np.random.default_rng(2)
X = rng.normal(size=(120, 4))
Y = X[:, 0] * X[:, 1] + X[:, 2]
LABELS = np.array(["a", "b", "c"])[np.digitize(X[:, 0], [-0.4, 0.4])]
QUICK = {"hidden_layer_sizes": (8,), "max_iter": 30, "learning_rate_init": 0.02, "random_state": 0}
CLASSIFIER, REGRESSOR = MLPClassifier(**QUICK), MLPRegressor(**QUICK)


def test_parameters_and_clones():
    cloned = clone(CLASSIFIER.set_params(alpha=0.01))
    assert cloned.get_params() == CLASSIFIER.get_params()
    for ours, other in ((MLPClassifier, theirs.MLPClassifier), (MLPRegressor, theirs.MLPRegressor)):
        mine, known = ours().get_params(), other().get_params()
        assert {name: mine[name] for name in known} == known
        assert list(mine) == sorted(mine)
        assert isinstance(ours(), other)
        by_position = {"hidden_layer_sizes": (5,), "activation": "tanh"}
        assert ours(*(["poisson"] if ours is MLPRegressor else []), *by_position.values()).get_params()["activation"] == "tanh"


@pytest.mark.parametrize("backend", ["loky", "threading"])
def test_searches_find_what_they_find_one_by_one(backend):
    grid = {"alpha": [1e-4, 100.0]}
    with joblib.parallel_config(backend):
        found = GridSearchCV(clone(CLASSIFIER), grid, cv=2, n_jobs=2).fit(X, LABELS)
    alone = GridSearchCV(clone(CLASSIFIER), grid, cv=2).fit(X, LABELS)
    np.testing.assert_array_equal(found.cv_results_["mean_test_score"], alone.cv_results_["mean_test_score"])
    assert found.score(X, LABELS) > 0.8


def test_tools_that_wrap_estimators():
    scaled = make_pipeline(StandardScaler(), clone(CLASSIFIER))
    assert cross_val_score(scaled, X, LABELS, cv=2).mean() > 0.7
    halving = HalvingRandomSearchCV(
        clone(CLASSIFIER), {"alpha": [1e-4, 1e-3, 1e-2]}, cv=2, random_state=0, factor=2, n_candidates=3
    )
    assert halving.fit(X, LABELS).score(X, LABELS) > 0.6
    assert CalibratedClassifierCV(clone(CLASSIFIER), cv=2).fit(X, LABELS).predict_proba(X).shape == (120, 3)
    assert StackingRegressor([("mlp", clone(REGRESSOR)), ("ridge", Ridge())], cv=2).fit(X, Y).score(X, Y) > 0.5
    assert BaggingClassifier(clone(CLASSIFIER), n_estimators=3, random_state=0).fit(X, LABELS).score(X, LABELS) > 0.8
    fitted = clone(CLASSIFIER).fit(X, LABELS)
    importances = permutation_importance(fitted, X, LABELS, n_repeats=3, random_state=0).importances_mean
    assert importances.argmax() == 0
    frozen = FrozenEstimator(fitted).fit(X[:10], LABELS[:10])
    np.testing.assert_array_equal(frozen.predict(X), fitted.predict(X))


def test_partial_dependence_is_drawn():
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    display = PartialDependenceDisplay.from_estimator(clone(REGRESSOR).fit(X, Y), X, [0, (0, 1)], grid_resolution=5)
    assert len(display.pd_results) == 2
    plt.close("all")


def test_metadata_is_routed():
    weights = rng.uniform(size=120)
    with sklearn.config_context(enable_metadata_routing=True):
        asked = clone(REGRESSOR).set_fit_request(sample_weight=True)
        piped = make_pipeline(StandardScaler().set_fit_request(sample_weight=False), asked).fit(X, Y, sample_weight=weights)
    by_hand = clone(REGRESSOR).fit(StandardScaler().fit_transform(X), Y, sample_weight=weights)
    assert piped[-1].loss_curve_ == by_hand.loss_curve_


def test_frames():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(X, columns=list("abcd"))
    scaled = make_pipeline(StandardScaler(), clone(CLASSIFIER)).set_output(transform="pandas").fit(frame, LABELS)
    assert scaled[-1].feature_names_in_.tolist() == list("abcd")
    fitted = clone(CLASSIFIER).fit(frame, LABELS)
    with pytest.raises(ValueError, match="feature names"):
        fitted.predict(frame[list("badc")])
    with pytest.warns(UserWarning, match="does not have valid feature names"):
        fitted.predict(X)


def test_html_diagram():
    html = make_pipeline(StandardScaler(), clone(CLASSIFIER))._repr_html_()
    assert "MLPClassifier" in html and "sk-estimator" in html
    assert repr(MLPRegressor(alpha=0.5)) == "MLPRegressor(alpha=0.5)"


# -- pickles


@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
@pytest.mark.parametrize("settings", [{}, {"early_stopping": True}, {"scale": True}])
def test_a_fitted_estimator_is_as_small_as_its_parameters(solver, settings):
    x = rng.normal(size=(3000, 40))
    x = x.astype(np.float32) if solver == "adam" else x
    regressor = MLPRegressor(hidden_layer_sizes=(200,), solver=solver, max_iter=5, random_state=0, **settings)
    regressor.fit(x, x[:, 0])
    regressor.predict(x)
    size = sum(w.nbytes for w in [*regressor.coefs_, *regressor.intercepts_])
    assert len(pickle.dumps(regressor)) < size + 8_000
    assert not any(getattr(value, "nbytes", 0) > 8_000 for value in vars(regressor).values())


def test_pickles_and_joblib_predict_the_same(tmp_path):
    for fitted in (clone(CLASSIFIER).fit(X, LABELS), clone(REGRESSOR).fit(X, Y)):
        joblib.dump(fitted, tmp_path / "fitted.joblib")
        for again in (pickle.loads(pickle.dumps(fitted)), joblib.load(tmp_path / "fitted.joblib")):
            np.testing.assert_array_equal(again.predict(X), fitted.predict(X))
            again.predict(X[:1])
    mapped = joblib.load(tmp_path / "fitted.joblib", mmap_mode="r")
    np.testing.assert_array_equal(mapped.predict(X), fitted.predict(X))


def test_partial_fits_go_on_from_a_pickle():
    one = clone(REGRESSOR).set_params(batch_size=20)
    for _ in range(5):
        one.partial_fit(X, Y)
    other = pickle.loads(pickle.dumps(one))
    for made in (one, other):
        for _ in range(5):
            made.partial_fit(X, Y)
    assert one.loss_curve_ == other.loss_curve_
    np.testing.assert_array_equal(one.predict(X), other.predict(X))


def test_weights_that_are_assigned_are_used():
    fitted = clone(REGRESSOR).fit(X, Y)
    for rows in (1, 120):
        fitted.predict(X[:rows])
        fitted.coefs_[0][...] = rng.normal(size=(4, 8))
        fitted.intercepts_[-1] = np.array([5.0])
        expected = np.maximum(X @ fitted.coefs_[0] + fitted.intercepts_[0], 0) @ fitted.coefs_[1] + 5
        np.testing.assert_allclose(fitted.predict(X[:rows]), expected[:rows, 0], rtol=1e-10)
    fitted.coefs_[0] = np.ones((4, 9))
    with pytest.raises(ValueError, match="coefs_ and intercepts_ must have the shapes|shape"):
        fitted.predict(X)


# -- threads


@pytest.mark.parametrize("backend", ["loky", "threading", "multiprocessing"])
def test_a_worker_of_joblib_uses_one_thread(backend):
    with joblib.parallel_config(backend):
        found = joblib.Parallel(n_jobs=2)(joblib.delayed(threads_of)(MLPRegressor(n_threads=n)) for n in (None, 2))
    assert found == [1, 2]
    assert not is_within_worker()
    assert threads_of(MLPRegressor()) is None


# -- to and from scikit-learn


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
@pytest.mark.parametrize("data", ["classes", "two", "labels", "number", "numbers", "counts"])
def test_conversion_both_ways(data, solver):
    y = {
        "classes": LABELS,
        "two": LABELS == "a",
        "labels": np.stack([LABELS == "a", LABELS == "b"], axis=1).astype(int),
        "number": Y,
        "numbers": np.stack([Y, X[:, 3]], axis=1),
        "counts": rng.poisson(np.exp(X[:, :1] / 2))[:, 0],
    }[data]
    kind = "MLPRegressor" if data in ("number", "numbers", "counts") else "MLPClassifier"
    settings = {**QUICK, "solver": solver, **({"loss": "poisson"} if data == "counts" else {})}
    other = getattr(theirs, kind)(**settings).fit(X, y)
    mine = fastbp.from_sklearn(other)
    assert type(mine) is getattr(fastbp, kind)
    back = mine.to_sklearn()
    assert type(back) is type(other)
    for method in ("predict_proba", "predict") if kind == "MLPClassifier" else ("predict",):
        expected = getattr(other, method)(X)
        for converted in (mine, back, pickle.loads(pickle.dumps(mine))):
            found = getattr(converted, method)(X)
            if method == "predict_proba" or kind == "MLPRegressor":
                np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-300)
            else:
                np.testing.assert_array_equal(found, expected)
    assert back.get_params() == other.get_params()
    fitted = getattr(fastbp, kind)(scale=True, **settings).fit(X * 100 + 5, y)
    method = "predict_proba" if kind == "MLPClassifier" else "predict"
    np.testing.assert_allclose(getattr(fitted.to_sklearn(), method)(X), getattr(fitted, method)(X), rtol=1e-6, atol=1e-9)
    if solver == "adam":
        for converted in (mine, back):
            converted.partial_fit(X, y)


def test_what_cannot_be_converted():
    with pytest.raises(TypeError, match="MLPClassifier or MLPRegressor, got Ridge"):
        fastbp.from_sklearn(Ridge())
    with pytest.raises(sklearn.exceptions.NotFittedError):
        fastbp.from_sklearn(theirs.MLPRegressor())
    for settings, said in (
        ({"normalization": "layer"}, "normalization"),
        ({"activation": "gelu"}, "activation"),
        ({"loss": "gaussian_nll"}, "loss"),
    ):
        with pytest.raises(ValueError, match=f"{said} must be"):
            clone(REGRESSOR).set_params(**settings).fit(X, Y).to_sklearn()


# -- without scikit-learn


def test_without_scikit_learn_the_estimators_say_what_to_install():
    program = """
import sys
sys.modules["sklearn"] = None
import fastbp
for name in ("MLPClassifier", "MLPRegressor", "from_sklearn"):
    assert name in dir(fastbp)
    try:
        getattr(fastbp, name)
    except ImportError as error:
        assert "pip install 'fastbp[sklearn]'" in str(error), error
    else:
        raise AssertionError(name)
"""
    subprocess.run([sys.executable, "-c", program], check=True, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)})


def test_importing_fastbp_does_not_import_scikit_learn():
    program = "import sys, fastbp; assert 'sklearn' not in sys.modules and 'scipy' not in sys.modules"
    subprocess.run([sys.executable, "-c", program], check=True, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)})
