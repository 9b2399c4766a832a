"""Sums and means of values, one for each sample, and of what a function makes of targets and predictions."""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import numpy as np

from ..arguments import check_signature, function_name
from ..auto_names import snake_case
from .arrays import divide, floats, same_rank
from .base import Metric

Reduce = Callable[..., Any]


def by_sample(values: Any, sample_weight: Any, reduce: Reduce) -> tuple[np.ndarray, np.ndarray | None]:
    """Weighted values and the weights, reduced over all axes but the first."""
    values = floats("values", values)
    if sample_weight is None:
        return _reduced(values, 1, reduce), None
    weights = floats("sample_weight", sample_weight)
    if weights.size > 1 and not values.ndim:
        raise ValueError("a metric can only be weighted if it has a value for each sample, got a single number for all of them")
    values, weights = same_rank(values, weights)
    values = _reduced(values, weights.ndim, reduce)
    try:
        weights = np.broadcast_to(weights, values.shape)
    except ValueError:
        raise ValueError(f"sample_weight must have one value for each sample {values.shape}, got {weights.shape}") from None
    return _reduced(values * weights, 1, reduce), _reduced(weights, 1, reduce)


def _reduced(values: np.ndarray, kept: int, reduce: Reduce) -> np.ndarray:
    return np.asarray(reduce(values, axis=tuple(range(kept, values.ndim)))) if values.ndim > kept else values


class Sum(Metric):
    """The sum of values, each times its weight.

    Parameters
    ----------
    name : str
    dtype : str, optional

    Examples
    --------
    >>> from fastbp import metrics
    >>> float(metrics.Sum()([1, 3, 5, 7], sample_weight=[1, 1, 0, 0]))
    4.0
    """

    def __init__(self, name: str | None = "sum", dtype: Any = None) -> None:
        super().__init__(name=name, dtype=dtype)
        self.total = self.add_variable((), name="total")

    def update_state(self, values: Any, sample_weight: Any = None) -> None:
        weighted, _ = by_sample(values, sample_weight, np.sum)
        self.total.assign_add(np.sum(weighted))

    def result(self) -> Any:
        return self.total.value[()]


class Mean(Metric):
    """The mean of values, by their weights; 0 where there are none.

    Parameters
    ----------
    name : str
    dtype : str, optional

    Examples
    --------
    >>> from fastbp import metrics
    >>> float(metrics.Mean()([1, 3, 5, 7], sample_weight=[1, 1, 0, 0]))
    2.0
    """

    def __init__(self, name: str | None = "mean", dtype: Any = None) -> None:
        super().__init__(name=name, dtype=dtype)
        self.total = self.add_variable((), name="total")
        self.count = self.add_variable((), name="count")

    def update_state(self, values: Any, sample_weight: Any = None) -> None:
        values, weights = by_sample(values, sample_weight, np.mean)
        self.total.assign_add(np.sum(values))
        self.count.assign_add(np.sum(weights) if weights is not None else values.size)

    def set_mean(self, mean: float, count: float) -> None:
        """Have the state that ``count`` samples of this mean leave."""
        self.total.assign(mean * count)
        self.count.assign(count)

    def result(self) -> Any:
        return divide(self.total.value, self.count.value)[()]


class MeanMetricWrapper(Mean):
    """The mean of what a function makes of each sample.

    Parameters
    ----------
    fn : callable
        ``fn(y_true, y_pred, **options)`` returns a value for each sample; of several for each, the mean is taken.
    name : str, optional
    dtype : str, optional
    **options
        Passed to the function.

    Examples
    --------
    >>> from fastbp import metrics
    >>> within = metrics.MeanMetricWrapper(lambda y_true, y_pred: abs(y_true - y_pred) < 0.5, name="within")
    >>> import numpy as np
    >>> float(within(np.array([1.0, 2.0]), np.array([1.1, 2.9])))
    0.5
    """

    def __init__(self, fn: Callable[..., Any], name: str | None = None, dtype: Any = None, **options: Any) -> None:
        if not callable(fn):
            raise TypeError(f"fn must be a function of (y_true, y_pred), got {fn!r}")
        super().__init__(name=name, dtype=dtype)
        self._fn, self._options = fn, options

    @classmethod
    def of_function(cls, function: Callable[..., Any]) -> "MeanMetricWrapper":
        """The metric that a function given to ``compile`` becomes, of its name."""
        check_signature("metrics", function, ["y_true", "y_pred"])
        name = getattr(function, "name", None)
        return MeanMetricWrapper(function, name if isinstance(name, str) else snake_case(function_name(function)))

    @property
    def function(self) -> Callable[..., Any]:
        return self._fn

    @property
    def options(self) -> Mapping[str, Any]:
        return self._options

    def values(self, y_true: Any, y_pred: Any) -> Any:
        """What the function makes of the samples."""
        return self._fn(y_true, y_pred, **self._options)

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:  # type: ignore[override]
        super().update_state(self.values(y_true, y_pred), sample_weight)

    def get_config(self) -> dict[str, Any]:
        if type(self) is MeanMetricWrapper:
            return {**super().get_config(), "fn": function_name(self._fn), **self._options}
        return {**super().get_config(), **self._options}


class MeanOfFunction(MeanMetricWrapper):
    """The mean of a function of this package, after which it is called."""

    _target_kind = "outputs"
    _function: ClassVar[Callable[..., Any]]

    def __init__(self, name: str | None = None, dtype: Any = None, **options: Any) -> None:
        function = type(self)._function
        super().__init__(function, name or function.__name__, dtype, **options)
        vars(self).update(options)
