"""scikit-learn's checks of estimators."""

import numpy as np
import pytest

pytest.importorskip("sklearn", minversion="1.9")

from sklearn.utils.estimator_checks import parametrize_with_checks  # noqa: E402

from fastbp import EnsembleClassifier, EnsembleRegressor, MLPClassifier, MLPRegressor  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore")  # the checks fit for a few epochs
KINDS = (MLPClassifier, MLPRegressor)

SETTINGS = [
    {},
    {"solver": "sgd", "learning_rate_init": 0.01},
    {"solver": "lbfgs"},
    {"scale": True, "activation": ("tanh",), "hidden_layer_sizes": (20,), "batch_size": 400},
]
# With early stopping there are checks that scikit-learn's own estimators do not pass either.
RANDOM_SPLIT = "which samples are validated on is drawn among rows, whatever they weigh"
NOT_FOR_EARLY_STOPPING = {
    "check_fit_score_takes_y": "scikit-learn's own tests want partial_fit to be refused after fit",
    "check_sample_weight_equivalence_on_dense_data": RANDOM_SPLIT,
    "check_sample_weight_equivalence_on_sparse_data": RANDOM_SPLIT,
    "check_class_weight_classifiers": "it stops when the class that counts is right, whatever becomes of the others",
}


@parametrize_with_checks([kind(max_iter=100, **settings) for kind in KINDS for settings in SETTINGS])
def test_check(estimator, check):
    check(estimator)


@parametrize_with_checks(
    [kind(max_iter=100, early_stopping=True, n_iter_no_change=50) for kind in KINDS],
    expected_failed_checks=lambda estimator: NOT_FOR_EARLY_STOPPING,
)
def test_check_with_early_stopping(estimator, check):
    check(estimator)


ROWS_ARE_DRAWN = "which rows a member learns from is drawn among rows, whatever they weigh"
NOT_FOR_BOOTSTRAP = {"check_sample_weight_equivalence_on_dense_data": ROWS_ARE_DRAWN}
FEW = {"n_estimators": 2, "hidden_layer_sizes": (20,), "learning_rate_init": 0.02, "max_iter": 40, "n_threads": 1}


@parametrize_with_checks(
    [kind(**FEW) for kind in (EnsembleClassifier, EnsembleRegressor)],
    expected_failed_checks=lambda estimator: NOT_FOR_BOOTSTRAP,
)
def test_check_of_ensembles(estimator, check):
    check(estimator)


@pytest.mark.parametrize("kind", [EnsembleClassifier, EnsembleRegressor])
def test_weights_without_bootstrap(kind):
    """A sample of weight 2 counts as two, and one of weight 0 is not there."""
    X = np.random.default_rng(0).normal(size=(60, 3))
    y = (X[:, 0] > 0).astype(int) if kind is EnsembleClassifier else X[:, 0] * X[:, 1]
    weights = np.random.default_rng(1).integers(0, 3, 60)
    rows = np.repeat(np.arange(60), weights)
    a, b = (kind(**{**FEW, "batch_size": 200}, bootstrap=False, random_state=0) for _ in range(2))
    a.fit(X, y, sample_weight=weights)
    b.fit(X[rows], y[rows])
    np.testing.assert_allclose(a.predict(X), b.predict(X), rtol=1e-4, atol=1e-4)
