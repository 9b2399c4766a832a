"""The base class of all metrics."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..auto_names import auto_name
from .variable import Variable


class Metric:
    """A measure of how good predictions are, with a state that grows as they come.

    A subclass creates its state in ``__init__`` by ``add_variable``, adds to it in ``update_state`` and makes a number, an
    array or a dict of numbers of it in ``result``, as in Keras.

    Parameters
    ----------
    dtype : str, optional
        Kept for ``get_config``; whatever it says, the state is summed in float64.
    name : str, optional
        Its name in a history; after the class if not given, and numbered from the second such metric on.

    Attributes
    ----------
    name, dtype : str
    variables : list of Variable

    Examples
    --------
    >>> import numpy as np
    >>> from fastbp import metrics
    >>> class LargestError(metrics.Metric):
    ...     def __init__(self, name="largest_error", **rest):
    ...         super().__init__(name=name, **rest)
    ...         self.largest = self.add_variable(shape=(), initializer="zeros")
    ...     def update_state(self, y_true, y_pred, sample_weight=None):
    ...         self.largest.assign(np.maximum(self.largest, np.abs(y_true - y_pred).max()))
    ...     def result(self):
    ...         return self.largest
    >>> metric = LargestError()
    >>> metric.update_state(np.array([1.0, 2.0]), np.array([1.0, 5.0]))
    >>> float(metric.result())
    3.0
    """

    # Their names are such that an attribute of a subclass hardly meets them. The first is Keras's.
    _direction: str | None = None  # "up" or "down": where it gets better
    _target_kind: str = "any"  # what it takes for y_true: "outputs" (an array of their shape), "labels" or "any"
    _remedy_for_logits: str = ""  # what to do about outputs that are logits, where it takes probabilities

    def __init__(self, dtype: Any = None, name: str | None = None) -> None:
        if name is not None and not isinstance(name, str):
            raise TypeError(f"name must be a string, got {name!r}")
        self.name = name or auto_name(type(self).__name__)
        self._dtype = _dtype_name(dtype, "float32")
        self._variables: list[Variable] = []

    @property
    def dtype(self) -> str:
        return self._dtype

    @property
    def variables(self) -> list[Variable]:
        found = list(self._variables)
        for metric in self._parts():
            found += metric.variables
        return found

    def _parts(self) -> list["Metric"]:
        """The metrics that it holds."""
        return [value for value in vars(self).values() if isinstance(value, Metric)]

    def add_variable(
        self, shape: Any, initializer: Any = "zeros", dtype: Any = None, aggregation: str = "sum", name: str | None = None
    ) -> Variable:
        """A new part of the state.

        Parameters
        ----------
        shape : tuple of int
        initializer : {"zeros", "ones"}, number, array or callable
            What it begins with; a callable is called with (shape, dtype).
        dtype : str, optional
        aggregation : str
            Accepted as Keras accepts it, without effect.
        name : str, optional
        """
        if not hasattr(self, "_variables"):
            raise RuntimeError(f"{type(self).__name__}.__init__ must call super().__init__() before it adds variables")
        if isinstance(shape, str):
            raise TypeError(f"shape must be a tuple, got {shape!r}: pass a name as name={shape!r}")
        lengths = (shape,) if np.ndim(shape) == 0 else tuple(shape)
        variable = Variable(_initial(initializer, lengths), _dtype_name(dtype, self._dtype), name)
        self._variables.append(variable)
        return variable

    def add_weight(self, shape: Any = (), initializer: Any = None, dtype: Any = None, name: str | None = None) -> Variable:
        """``add_variable`` by its older name."""
        return self.add_variable(shape, initializer, dtype, name=name)

    def reset_state(self) -> None:
        """Forget everything: all variables become 0."""
        for variable in self._variables:
            variable.assign(np.zeros(variable.shape))
        for metric in self._parts():
            metric.reset_state()

    def update_state(self, *args: Any, **kwargs: Any) -> Any:
        """Add data to the state: ``update_state(y_true, y_pred, sample_weight=None)``."""
        raise NotImplementedError(f"{type(self).__name__} must define update_state(y_true, y_pred, sample_weight=None)")

    def result(self) -> Any:
        """The value by what has been added."""
        raise NotImplementedError(f"{type(self).__name__} must define result()")

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Add data to the state and return the value."""
        self.update_state(*args, **kwargs)
        return self.result()

    def get_config(self) -> dict[str, Any]:
        """The arguments that make another such metric."""
        return {"name": self.name, "dtype": self.dtype}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> "Metric":
        """The metric that ``get_config`` describes."""
        return cls(**config)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} name={self.name}>"


def is_built_in(kind: Any) -> bool:
    """Whether a class or function is one of this package."""
    return str(getattr(kind, "__module__", "")).rpartition(".")[0] == __package__


def _dtype_name(dtype: Any, default: str) -> str:
    if dtype is None or isinstance(dtype, str):
        return dtype or default
    return str(getattr(dtype, "compute_dtype", None) or np.dtype(dtype).name)


def _initial(initializer: Any, shape: tuple[int, ...]) -> np.ndarray:
    named = getattr(initializer, "__name__", type(initializer).__name__) if not isinstance(initializer, str) else initializer
    fill = {"zeros": 0.0, "Zeros": 0.0, "NoneType": 0.0, "ones": 1.0, "Ones": 1.0}.get(named)
    if fill is None and isinstance(initializer, str):
        raise ValueError(f"initializer must be 'zeros', 'ones', an array or a callable, got {initializer!r}")
    if fill is None:
        fill = initializer(shape, "float64") if callable(initializer) else initializer
    return np.broadcast_to(np.asarray(fill), shape)
