"""scikit-learn's estimators of multi-layer perceptrons, on the compiled kernels.

``MLPClassifier`` and ``MLPRegressor`` take the place of those of ``sklearn.neural_network``: change the import and go on.
"""

try:
    import sklearn  # noqa: F401
except ImportError as error:
    raise ImportError("fastbp's estimators need scikit-learn, which pip install 'fastbp[sklearn]' installs") from error

from .classifier import MLPClassifier
from .conversion import from_sklearn
from .ensemble_classifier import EnsembleClassifier
from .ensemble_regressor import EnsembleRegressor
from .regressor import MLPRegressor

__all__ = ["EnsembleClassifier", "EnsembleRegressor", "MLPClassifier", "MLPRegressor", "from_sklearn"]
