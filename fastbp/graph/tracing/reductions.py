"""Sums, means and products of vectors, with NumPy's arguments: the operators that go over all rows of a node."""

from __future__ import annotations

from typing import Any

import numpy as np

from .arithmetic import Arithmetic, check_conditions
from .errors import trace_error


class Reductions(Arithmetic):
    """The part of a node that knows its rows (each ``self`` here is a Node)."""

    __slots__ = ()

    def squeeze(self: Any, axis: Any = None) -> Any:
        """A vector of one value as that value."""
        if axis is not None and axis != () and (not self._is_over_rows(axis) or self.shape not in ((), (1,))):
            raise trace_error(f"A formula cannot squeeze axis {axis!r} of shape {self.shape}.", "Leave it out.")
        return self.tape.element(self, 0) if self.shape == (1,) and axis != () else self

    def ravel(self: Any) -> Any:
        """A single number as a vector of one."""
        return self if self.shape else self.tape.stack([self])

    def sum(
        self: Any,
        axis: Any = None,
        dtype: Any = None,
        out: Any = None,
        keepdims: bool = False,
        initial: Any = 0.0,
        where: Any = True,
    ) -> Any:
        """The sum over all rows, or over those where a condition holds; with NumPy's arguments."""
        no_options(dtype, out)
        total = self._where(where, self)._total(axis, keepdims)
        return total + initial if isinstance(initial, Reductions) or initial != 0.0 else total

    def mean(
        self: Any, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: bool = False, *, where: Any = True
    ) -> Any:
        """The mean over all rows, or over those where a condition holds; with NumPy's arguments."""
        no_options(dtype, out)
        if where is True:
            return self._average(axis, keepdims)
        ones = self.tape.apply("pow", self, self.tape.constant(0.0))
        return self._where(where, self)._total(axis, keepdims) / self._where(where, ones)._total(axis, keepdims)

    def _where(self: Any, condition: Any, values: Any) -> Any:
        """Values where the condition holds, else 0."""
        if condition is True:
            return values
        check_conditions(condition)
        lifted = self.tape.lift(condition)
        assert lifted is not None
        if lifted.shape not in ((), self.shape):
            raise trace_error(f"where= has shape {lifted.shape}, the values {self.shape}.", "Give one condition for each.")
        return self.tape.apply("where", lifted, values, self.tape.constant(0.0))

    def _total(self: Any, axis: Any, keepdims: bool) -> Any:
        if not self._is_over_rows(axis):
            return self
        total = self.tape.sum(self)
        return self.tape.stack([total]) if keepdims and self.shape else total

    def _average(self: Any, axis: Any, keepdims: bool) -> Any:
        total = self._total(axis, keepdims)
        if not self.shape or not self._is_over_rows(axis):
            return total
        return self.tape.make("div", total, self.tape.size(self))

    def extreme(self: Any, op: str, axis: Any = None, out: Any = None, keepdims: bool = False) -> Any:
        """The largest ("maximum") or smallest ("minimum") value."""
        no_options(None, out)
        return self.tape.array(self).extreme(op, axis, None, keepdims)

    def _is_over_rows(self: Any, axis: Any) -> bool:
        """Whether it is the axis of the rows (a single number counts as one row); () is no axis."""
        axes = axis if isinstance(axis, tuple) else (0,) if axis is None else (axis,)
        if len(axes) > 1 or any(a not in (0, -1) for a in axes):
            raise trace_error(f"A formula cannot go over axis {axis!r} of an array of shape {self.shape}.", "Leave axis out.")
        return bool(axes)

    def astype(self: Any, dtype: Any, *_: Any, **__: Any) -> Any:
        """True and false as 1 and 0; everything else has the type of the arguments anyway."""
        if np.dtype(dtype).kind != "f":
            raise trace_error(f"A formula cannot turn values into {np.dtype(dtype)}.", "Use float; x != 0 makes conditions.")
        return self.tape.apply("where", self, self.tape.constant(1.0), self.tape.constant(0.0)) if self.is_logical else self

    @property
    def real(self: Any) -> Any:
        return self

    def conjugate(self: Any) -> Any:
        """The same: all numbers are real."""
        return self

    conj = conjugate

    def dot(self: Any, other: Any) -> Any:
        """The sum of the products; the product where one is a single number."""
        return self.tape.apply_function(np.dot, (self, other), {})

    def __matmul__(self: Any, other: Any) -> Any:
        return self.tape.apply_ufunc(np.matmul, "__call__", (self, other), {})

    def __rmatmul__(self: Any, other: Any) -> Any:
        return self.tape.apply_ufunc(np.matmul, "__call__", (other, self), {})


def _method(function: Any) -> Any:
    def method(self: Any, *args: Any, **options: Any) -> Any:
        return self.tape.apply_function(function, (self, *args), options)

    return method


def _prefixed(function: Any) -> Any:
    """A method that takes a shape or an order as one argument or as several."""

    def method(self: Any, *args: Any, **options: Any) -> Any:
        given = args[0] if len(args) == 1 and (args[0] is None or isinstance(args[0], tuple | list)) else args
        return self.tape.apply_function(function, (self, given) if args else (self,), options)

    return method


for _name, _function in {
    **{name: getattr(np, name) for name in ("prod", "cumsum", "cumprod", "var", "std", "max", "min", "any", "all", "clip")},
    **{name: getattr(np, name) for name in ("copy", "swapaxes", "repeat", "take", "trace", "diagonal")},
    "flatten": np.ravel,
}.items():
    setattr(Reductions, _name, _method(_function))
for _name, _function in {"reshape": np.reshape, "transpose": np.transpose}.items():
    setattr(Reductions, _name, _prefixed(_function))


def no_options(dtype: Any, out: Any) -> None:
    """Refuse NumPy's arguments that choose a type or a place for the result."""
    for name, value in (("dtype", dtype), ("out", out)):
        if value is not None:
            raise trace_error(f"A formula cannot choose {name}=.", "Leave it out: everything has the type of the arguments.")
