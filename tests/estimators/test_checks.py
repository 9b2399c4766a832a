"""scikit-learn's checks of estimators."""

import pytest

pytest.importorskip("sklearn", minversion="1.9")

from sklearn.utils.estimator_checks import parametrize_with_checks  # noqa: E402

from fastbp import MLPClassifier, MLPRegressor  # noqa: E402

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
