"""What differs between the versions of scikit-learn."""

from typing import Any

import numpy as np


def validated_features(estimator: Any, X: Any) -> Any:
    """X as scikit-learn's checks leave it, against what the estimator was fitted to."""
    return validated(estimator, X, accept_sparse=["csr", "csc"], reset=False)


def validated(estimator: Any, *data: Any, **settings: Any) -> Any:
    """X, or X and y, as scikit-learn's checks leave them."""
    try:
        from sklearn.utils.validation import validate_data
    except ImportError:  # before 1.6
        return estimator._validate_data(*data, **settings)
    return validate_data(estimator, *data, **settings)


def checked_weights(sample_weight: Any, X: Any) -> np.ndarray:
    """Weights of samples, as scikit-learn checks them."""
    from sklearn.utils.validation import _check_sample_weight

    weights: np.ndarray = _check_sample_weight(sample_weight, X)
    return weights
