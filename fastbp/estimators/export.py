"""A fitted estimator as one of scikit-learn."""

from copy import deepcopy
from typing import Any

import numpy as np
from sklearn.base import is_classifier
from sklearn.neural_network import MLPClassifier as ScikitLearnClassifier
from sklearn.neural_network import MLPRegressor as ScikitLearnRegressor
from sklearn.utils.validation import check_is_fitted

# What a fitted estimator has that both know.
FITTED = (
    "coefs_",
    "intercepts_",
    "loss_",
    "best_loss_",
    "loss_curve_",
    "validation_scores_",
    "best_validation_score_",
    "n_iter_",
    "t_",
    "n_layers_",
    "n_outputs_",
    "out_activation_",
    "classes_",
    "n_features_in_",
    "feature_names_in_",
    "_label_binarizer",
    "_no_improvement_count",
)


def to_sklearn(estimator: Any) -> Any:
    """scikit-learn's estimator in place of one of fastbp."""
    check_is_fitted(estimator)
    theirs = ScikitLearnClassifier if is_classifier(estimator) else ScikitLearnRegressor
    made = theirs()
    parameters = estimator.get_params(deep=False)
    _check_known(estimator)
    made.set_params(**{name: parameters[name] for name in made.get_params(deep=False)})
    made.set_params(activation=_activation(estimator))
    with_fitted(made, estimator)
    scaling = getattr(estimator, "_scaling", None)
    if scaling is not None:
        made.coefs_ = [np.asarray(coef, np.float64) for coef in made.coefs_]
        made.intercepts_ = [np.asarray(intercept, np.float64) for intercept in made.intercepts_]
        scaling.folded(made.coefs_, made.intercepts_)
    return made


def _check_known(estimator: Any) -> None:
    """Refuse what scikit-learn does not have."""
    loss = getattr(estimator, "loss", None)
    if loss not in ("log_loss", "squared_error", "poisson", "absolute_error", "huber", "quantile"):
        raise ValueError(f"loss must be one whose outputs are the predictions for to_sklearn, got {loss!r}")
    if estimator.normalization is not None:
        raise ValueError(f"normalization must be None for to_sklearn, got {estimator.normalization!r}")


def _activation(estimator: Any) -> str:
    """The one activation of all hidden layers, by scikit-learn's name."""
    given = estimator.activation
    names = {given} if isinstance(given, str) else set(given)
    names = {{"linear": "identity", "sigmoid": "logistic"}.get(name, name) for name in names}
    if len(names) > 1 or not names <= {"identity", "logistic", "tanh", "relu"}:
        raise ValueError(f"activation must be one of scikit-learn's for to_sklearn, got {given!r}")
    return names.pop() if names else "identity"


def with_fitted(made: Any, estimator: Any) -> Any:
    """The estimator, with copies of what another one has from its fit."""
    for name in FITTED:
        if hasattr(estimator, name):
            setattr(made, name, deepcopy(getattr(estimator, name)))
    return made
