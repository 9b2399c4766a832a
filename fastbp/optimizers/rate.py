"""The learning rate of an optimizer as a number that can be set where it is read, as variables of Keras can."""

from typing import Any
from weakref import ref

import numpy as np


class AssignableRate(float):
    """The learning rate of an optimizer.

    Parameters
    ----------
    value : float
    owner : Optimizer

    Examples
    --------
    >>> import fastbp
    >>> adam = fastbp.Adam(0.1)
    >>> adam.learning_rate.assign(adam.learning_rate / 2)
    >>> adam.learning_rate
    0.05
    """

    def __new__(cls, value: float, owner: Any) -> "AssignableRate":
        rate = super().__new__(cls, value)
        rate._owner = ref(owner)
        return rate

    _owner: "ref[Any]"

    def assign(self, value: Any) -> None:
        """Set the optimizer's learning rate; this number stays as it is."""
        optimizer = self._owner()
        if optimizer is None:
            raise ReferenceError(f"the optimizer whose learning_rate this was is gone, got {value!r} to set it to")
        optimizer.learning_rate = value

    def numpy(self) -> Any:
        """A number of NumPy's."""
        return np.float64(self)

    def __reduce__(self) -> Any:
        return float, (float(self),)  # an optimizer that is copied makes it its own again
