"""Fitted estimators of scikit-learn as fastbp's."""

from typing import Any

from sklearn.neural_network import MLPClassifier as ScikitLearnClassifier
from sklearn.neural_network import MLPRegressor as ScikitLearnRegressor
from sklearn.utils.validation import check_is_fitted

from .base import Estimator
from .classifier import MLPClassifier
from .export import with_fitted
from .forward import Predictor
from .regressor import MLPRegressor


def from_sklearn(estimator: Any) -> Any:
    """fastbp's estimator in place of a fitted one of scikit-learn, which predicts the same.

    Parameters
    ----------
    estimator : sklearn.neural_network.MLPClassifier or MLPRegressor

    Returns
    -------
    fastbp.MLPClassifier or fastbp.MLPRegressor
        ``partial_fit`` and warm starts go on from its weights, with an optimizer that starts afresh.

    Examples
    --------
    >>> import fastbp
    >>> from sklearn.neural_network import MLPRegressor
    >>> theirs = MLPRegressor(solver="lbfgs", random_state=0).fit([[0.0], [1.0], [2.0]], [0.0, 1.0, 4.0])
    >>> ours = fastbp.from_sklearn(theirs)
    >>> bool(abs(ours.predict([[1.5]]) - theirs.predict([[1.5]])) < 1e-6)
    True
    """
    if isinstance(estimator, Estimator):
        raise TypeError(f"estimator must be one of scikit-learn, got fastbp's {type(estimator).__name__}")
    for theirs, ours in ((ScikitLearnClassifier, MLPClassifier), (ScikitLearnRegressor, MLPRegressor)):
        if isinstance(estimator, theirs):
            check_is_fitted(estimator)
            made = with_fitted(ours(**estimator.get_params(deep=False)), estimator)
            made._scaling, made._others, made._predictor = None, [], Predictor()
            made.validation_loss_curve_ = None
            return made
    raise TypeError(f"estimator must be scikit-learn's MLPClassifier or MLPRegressor, got {type(estimator).__name__}")
