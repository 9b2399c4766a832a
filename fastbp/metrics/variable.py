"""The state of a metric."""

from typing import Any

import numpy as np


class Variable(np.lib.mixins.NDArrayOperatorsMixin):
    """An array that a metric adds to, as ``Metric.add_variable`` makes it.

    It is kept in float64 or int64 whatever its dtype is called: a float32 stops counting at 16,777,216.

    Parameters
    ----------
    value : array
    dtype : str
    name : str, optional

    Examples
    --------
    >>> from fastbp import metrics
    >>> total = metrics.Metric(name="mine").add_variable(shape=(), initializer="zeros")
    >>> float(total.assign_add(2.0) + 1)
    3.0
    """

    def __init__(self, value: Any, dtype: str = "float32", name: str | None = None) -> None:
        self.dtype, self.name = dtype, name
        self._wide = np.int64 if "int" in dtype else np.bool_ if dtype == "bool" else np.float64
        self._value: np.ndarray = np.array(value, self._wide)

    @property
    def value(self) -> np.ndarray:
        """The array itself."""
        return self._value

    @property
    def shape(self) -> tuple[int, ...]:
        return self._value.shape

    def numpy(self) -> np.ndarray:
        """A copy of the array."""
        return self._value.copy()

    def assign(self, value: Any) -> "Variable":
        """Replace the array by one of the same shape."""
        new: np.ndarray = np.array(value, self._wide)
        if new.shape != self.shape:
            raise ValueError(f"value must have the shape of the variable {self.name!r}, {self.shape}, got {new.shape}")
        self._value = new
        return self

    def assign_add(self, value: Any) -> "Variable":
        """Add to the array."""
        return self.assign(self._value + np.asarray(value))

    def assign_sub(self, value: Any) -> "Variable":
        """Subtract from the array."""
        return self.assign(self._value - np.asarray(value))

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.array(self._value, dtype, copy=copy)

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> Any:
        arrays = (value._value if isinstance(value, Variable) else value for value in inputs)
        return getattr(ufunc, method)(*arrays, **options)

    def __getitem__(self, key: Any) -> Any:
        return self._value[key]

    def __len__(self) -> int:
        return len(self._value)

    def __float__(self) -> float:
        return float(self._value)

    def __int__(self) -> int:
        return int(self._value)

    def __bool__(self) -> bool:
        return bool(self._value)

    def __repr__(self) -> str:
        return f"<Variable name={self.name}, shape={self.shape}, dtype={self.dtype}, value={self._value}>"
