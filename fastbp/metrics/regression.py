"""Metrics of predicted numbers. Most are means over samples of the function of that name."""

from typing import Any

import numpy as np

from . import errors
from .arrays import pair
from .reductions import Mean, MeanOfFunction


class MeanSquaredError(MeanOfFunction):
    """The mean of ``(y_pred - y_true)^2``.

    Parameters
    ----------
    name : str
    dtype : str, optional

    Examples
    --------
    >>> from fastbp import metrics
    >>> float(metrics.MeanSquaredError()([[0, 1], [0, 0]], [[1, 1], [0, 0]]))
    0.25
    """

    _function = staticmethod(errors.mean_squared_error)
    _direction = "down"


class MeanAbsoluteError(MeanOfFunction):
    """The mean of ``|y_pred - y_true|``.

    Examples
    --------
    >>> from fastbp import metrics
    >>> float(metrics.MeanAbsoluteError()([[0, 1], [0, 0]], [[1, 1], [0, 0]]))
    0.25
    """

    _function = staticmethod(errors.mean_absolute_error)
    _direction = "down"


class MeanAbsolutePercentageError(MeanOfFunction):
    """The mean of ``100 |y_pred - y_true| / |y_true|``, where targets below 1e-7 in size count as that.

    Examples
    --------
    >>> from fastbp import metrics
    >>> float(metrics.MeanAbsolutePercentageError()([[2.0], [4.0]], [[1.0], [5.0]]))
    37.5
    """

    _function = staticmethod(errors.mean_absolute_percentage_error)
    _direction = "down"


class MeanSquaredLogarithmicError(MeanOfFunction):
    """The mean of ``(log(1 + y_pred) - log(1 + y_true))^2``, where numbers below 1e-7 count as that.

    Examples
    --------
    >>> from fastbp import metrics
    >>> float(metrics.MeanSquaredLogarithmicError()([[1.0]], [[3.0]]))
    0.480...
    """

    _function = staticmethod(errors.mean_squared_logarithmic_error)
    _direction = "down"


class LogCoshError(MeanOfFunction):
    """The mean of ``log(cosh(y_pred - y_true))``.

    Examples
    --------
    >>> from fastbp import metrics
    >>> float(metrics.LogCoshError()([[0.0]], [[1.0]]))
    0.433...
    """

    _function = staticmethod(errors.log_cosh)
    _direction = "down"

    def __init__(self, name: str | None = "logcosh", dtype: Any = None) -> None:
        super().__init__(name, dtype)


class RootMeanSquaredError(Mean):
    """The root of the mean of ``(y_pred - y_true)^2``.

    Examples
    --------
    >>> from fastbp import metrics
    >>> float(metrics.RootMeanSquaredError()([[0, 1], [0, 0]], [[1, 1], [0, 0]]))
    0.5
    """

    _target_kind = "outputs"
    _direction = "down"

    def __init__(self, name: str | None = "root_mean_squared_error", dtype: Any = None) -> None:
        super().__init__(name, dtype)

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:  # type: ignore[override]
        targets, predictions = pair(y_true, y_pred)
        super().update_state((predictions - targets) ** 2, sample_weight)

    def set_mean(self, mean: float, count: float) -> None:
        super().set_mean(np.square(mean), count)

    def result(self) -> Any:
        return np.sqrt(super().result())


class CosineSimilarity(MeanOfFunction):
    """The mean cosine of the angle between targets and predictions.

    Parameters
    ----------
    name : str
    dtype : str, optional
    axis : int
        What the angle is over.

    Examples
    --------
    >>> from fastbp import metrics
    >>> float(metrics.CosineSimilarity()([[3.0, 4.0]], [[4.0, 3.0]]))
    0.96
    """

    _function = staticmethod(errors.cosine_similarity)
    _direction = "up"

    def __init__(self, name: str | None = "cosine_similarity", dtype: Any = None, axis: int = -1) -> None:
        super().__init__(name, dtype, axis=axis)


class PearsonCorrelation(MeanOfFunction):
    """The mean over samples of the correlation of their outputs.

    Parameters
    ----------
    name : str
    dtype : str, optional
    axis : int
        What the correlation is over.

    Examples
    --------
    >>> from fastbp import metrics
    >>> float(metrics.PearsonCorrelation()([[0.0, 1.0, 2.0]], [[5.0, 3.0, 1.0]]).round(12))
    -1.0
    """

    _function = staticmethod(errors.pearson_correlation)
    _direction = "up"

    def __init__(self, name: str | None = "pearson_correlation", dtype: Any = None, axis: int = -1) -> None:
        super().__init__(name, dtype, axis=axis)


class ConcordanceCorrelation(MeanOfFunction):
    """The mean over samples of Lin's concordance of their outputs.

    Parameters
    ----------
    name : str
    dtype : str, optional
    axis : int
        What the concordance is over.

    Examples
    --------
    >>> from fastbp import metrics
    >>> float(metrics.ConcordanceCorrelation()([[0.0, 1.0, 2.0]], [[1.0, 2.0, 3.0]]))
    0.571...
    """

    _function = staticmethod(errors.concordance_correlation)
    _direction = "up"

    def __init__(self, name: str | None = "concordance_correlation", dtype: Any = None, axis: int = -1) -> None:
        super().__init__(name, dtype, axis=axis)
