"""Limits that weights are brought back to after every step of the optimizer.

Each is a class and a name: ``MaxNorm(3)``, "max_norm" and "MaxNorm". Weights that were set or drawn stay as they are until the
first step. Layers that are not trained are left alone.

>>> import numpy as np
>>> from fastbp import constraints
>>> constraints.NonNeg()(np.array([1.0, -2.0]))
array([1., 0.])
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from .arguments import number
from .config import EPSILON
from .kernels import codes
from .serialization import Configured, Registry

__all__ = ["Constraint", "MaxNorm", "MinMaxNorm", "NonNeg", "UnitNorm", "deserialize", "get", "serialize"]


class Constraint(Configured):
    """The base class of all constraints.

    Attributes
    ----------
    code : int
        Its code in the kernels.
    """

    code: ClassVar[int]

    def __call__(self, w: Any) -> Any:
        """The array that w is brought to."""
        raise NotImplementedError

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in self.get_config().items())})"


@dataclass(frozen=True, repr=False)
class NonNeg(Constraint):
    """No weight is below 0. With activations that never fall, such kernels make a model that never falls in its inputs.

    Examples
    --------
    >>> import fastbp
    >>> layer = fastbp.Dense(3, "tanh", kernel_constraint="non_neg")
    """

    code: ClassVar[int] = codes.NON_NEGATIVE

    def __call__(self, w: Any) -> Any:
        """The array with 0 for what is negative."""
        return np.maximum(w, 0)


class Norm(Constraint):
    """A constraint on the Euclidean norm of the weights along an axis.

    A norm n becomes ``rate * clip(n, low, high) + (1 - rate) * n``, by a factor for all of its weights.

    Attributes
    ----------
    axis : int
        0: the weights into each unit have a norm, and a bias has one. 1 or -1: the weights out of each input.
    bounds : tuple of float
        low, high and rate.
    """

    code: ClassVar[int] = codes.NORM
    axis: Any

    @property
    def bounds(self) -> tuple[float, float, float]:
        raise NotImplementedError

    def across(self, axes: int) -> bool:
        """Whether a norm is one of weights of all units, for weights of so many axes: of rows rather than of columns."""
        return int(self.axis) % axes == axes - 1

    def __call__(self, w: Any) -> Any:
        """The array with its norms within the bounds."""
        array = np.asarray(w)
        array = array if array.dtype.kind == "f" else array.astype(float)
        low, high, rate = self.bounds
        norms = np.sqrt(np.sum(np.square(array), axis=self.axis, keepdims=True))
        wanted = rate * np.clip(norms, low, high) + (1 - rate) * norms
        return array * (wanted / (EPSILON + norms))

    def _check(self, **bounds: float) -> None:
        for name, value in bounds.items():
            object.__setattr__(self, name, number(name, value, 0, 1) if name == "rate" else number(name, value, 0))
        axis = self.axis[0] if isinstance(self.axis, list | tuple) and len(self.axis) == 1 else self.axis
        if isinstance(axis, bool) or axis not in (0, 1, -1, -2):
            raise ValueError(f"axis must be 0, for the weights into a unit, or 1, for those out of an input, got {self.axis!r}")
        object.__setattr__(self, "axis", int(axis))


@dataclass(frozen=True, repr=False)
class MaxNorm(Norm):
    """Norms of at most ``max_value`` (Srivastava et al. 2014, section 5.1, who have it with dropout).

    Parameters
    ----------
    max_value : float
        At least 0.
    axis : int
        0: the weights into each unit have a norm, and a bias has one. 1 or -1: the weights out of each input.

    Examples
    --------
    >>> import fastbp
    >>> fastbp.constraints.MaxNorm(5)([[3.0, 6.0], [4.0, 8.0]]).round(3)
    array([[3., 3.],
           [4., 4.]])
    """

    max_value: float = 2
    axis: Any = 0

    def __post_init__(self) -> None:
        self._check(max_value=self.max_value)

    @property
    def bounds(self) -> tuple[float, float, float]:
        """low, high and rate."""
        return 0.0, self.max_value, 1.0


@dataclass(frozen=True, repr=False)
class UnitNorm(Norm):
    """Norms of 1.

    Parameters
    ----------
    axis : int
        As for ``MaxNorm``.

    Examples
    --------
    >>> import fastbp
    >>> fastbp.constraints.UnitNorm()([[3.0], [4.0]]).round(3)
    array([[0.6],
           [0.8]])
    """

    axis: Any = 0

    def __post_init__(self) -> None:
        self._check()

    @property
    def bounds(self) -> tuple[float, float, float]:
        """low, high and rate."""
        return 1.0, 1.0, 1.0


@dataclass(frozen=True, repr=False)
class MinMaxNorm(Norm):
    """Norms from ``min_value`` to ``max_value``, or on the way there.

    Parameters
    ----------
    min_value, max_value : float
        At least 0.
    rate : float
        In [0, 1]: how much of the way is gone in a step.
    axis : int
        As for ``MaxNorm``.

    Examples
    --------
    >>> import fastbp
    >>> fastbp.constraints.MinMaxNorm(0.5, 1.0)([[3.0, 0.3], [4.0, 0.4]]).round(3)
    array([[0.6, 0.3],
           [0.8, 0.4]])
    """

    min_value: float = 0.0
    max_value: float = 1.0
    rate: float = 1.0
    axis: Any = 0

    def __post_init__(self) -> None:
        self._check(min_value=self.min_value, max_value=self.max_value, rate=self.rate)
        if self.min_value > self.max_value:
            raise ValueError(f"min_value must be at most max_value, {self.max_value:g}, got {self.min_value:g}")

    @property
    def bounds(self) -> tuple[float, float, float]:
        """low, high and rate."""
        return self.min_value, self.max_value, self.rate


max_norm, non_neg, unit_norm, min_max_norm = MaxNorm, NonNeg, UnitNorm, MinMaxNorm

_CLASSES: dict[str, type[Constraint]] = {
    "max_norm": MaxNorm,
    "min_max_norm": MinMaxNorm,
    "non_neg": NonNeg,
    "unit_norm": UnitNorm,
}
_ALLOWED = f"None, {', '.join(map(repr, _CLASSES))} or an object of fastbp.constraints"
_CUSTOM = "a constraint of your own is not compiled; a callback can set weights after each epoch"
_BUILT_IN = (NonNeg.__call__, Norm.__call__)
_registry: Registry[Constraint] = Registry("constraint", Constraint, _CLASSES, None, _ALLOWED)


def get(identifier: Any, argument: str = "constraint", axes: int | None = None) -> Constraint | None:
    """The constraint that a name, a class, a dict by ``serialize`` or an object stands for; None for None.

    Parameters
    ----------
    identifier : str, Constraint, class, dict or None
    argument : str
        Its name in an error.
    axes : int, optional
        Of the weights that it is for, to have its ``axis`` checked.

    Raises
    ------
    NotImplementedError, TypeError, ValueError
        If there is no such constraint.

    Examples
    --------
    >>> from fastbp import constraints
    >>> constraints.get("max_norm")
    MaxNorm(max_value=2.0, axis=0)
    """
    if identifier is None:
        return None
    is_class = isinstance(identifier, type) and issubclass(identifier, Constraint)
    found = identifier() if is_class else identifier if callable(identifier) else _registry.get(identifier, argument)
    if type(found).__call__ not in _BUILT_IN:
        raise NotImplementedError(f"{argument} must be {_ALLOWED}, got {found!r}: {_CUSTOM}")
    if axes is not None and isinstance(found, Norm) and not -axes <= found.axis < axes:
        raise ValueError(f"{argument} must have axis 0 or -1, as its weights have one axis, got {found!r}")
    return found


def serialize(constraint: Any) -> Any:
    """A constraint as a dict of its class and settings.

    Examples
    --------
    >>> from fastbp import constraints
    >>> constraints.serialize(constraints.NonNeg())
    {'class_name': 'NonNeg', 'config': {}}
    """
    return _registry.serialize(constraint)


def deserialize(config: Any, custom_objects: Mapping[str, Any] | None = None) -> Constraint | None:
    """The constraint that ``serialize`` wrote down.

    Parameters
    ----------
    config : dict, str or None
    custom_objects : dict, optional
        Your own classes by name.

    Examples
    --------
    >>> from fastbp import constraints
    >>> constraints.deserialize({"class_name": "UnitNorm", "config": {"axis": 1}})
    UnitNorm(axis=1)
    """
    return None if config is None else _registry.deserialize(config, custom_objects)
