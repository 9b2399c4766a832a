"""Sums, means and products of vectors, with NumPy's arguments: the operators that go over all rows of a node."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .errors import trace_error


class Reductions:
    """The part of a node that knows its rows (each ``self`` here is a Node)."""

    __slots__ = ()

    if TYPE_CHECKING:

        @property
        def is_logical(self) -> bool: ...

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
        _no_options(dtype, out)
        total = self._where(where, self)._total(axis, keepdims)
        return total + initial if isinstance(initial, Reductions) or initial != 0.0 else total

    def mean(
        self: Any, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: bool = False, *, where: Any = True
    ) -> Any:
        """The mean over all rows, or over those where a condition holds; with NumPy's arguments."""
        _no_options(dtype, out)
        if where is True:
            return self._average(axis, keepdims)
        ones = self.tape.make("pow", self, self.tape.constant(0.0))
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
        return self.tape.make("where", lifted, values, self.tape.constant(0.0))

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
        """The largest ("maximum") or smallest ("minimum") value; refused over rows, for which there is no compiled code."""
        raise trace_error(
            f"A graph has no operator for np.{op[:3]} over rows.", f"fastbp.{op}(a, b) takes one of two values, in each row."
        )

    def _is_over_rows(self: Any, axis: Any) -> bool:
        """Whether it is the axis of the rows (a single number counts as one row); () is no axis."""
        axes = axis if isinstance(axis, tuple) else (0,) if axis is None else (axis,)
        if len(axes) > 1 or any(a not in (0, -1) for a in axes):
            raise trace_error(f"A formula cannot go over axis {axis!r} of an array of shape {self.shape}.", "Leave axis out.")
        return bool(axes)

    def dot(self: Any, other: Any) -> Any:
        """The sum of the products; the product where one is a single number."""
        lifted = self.tape.lift(other)
        if lifted is None:
            raise trace_error(f"A formula cannot multiply by {other!r}.", "Use numbers, arrays and nodes.")
        return self @ lifted if self.shape and lifted.shape else self * lifted

    def __matmul__(self: Any, other: Any) -> Any:
        lifted = self.tape.lift(other)
        if lifted is None:
            return NotImplemented
        if not self.shape or lifted.shape != self.shape:
            raise trace_error(
                f"The product x @ y of arrays of shape {self.shape} and {lifted.shape} has no meaning.",
                "It is for two vectors of one length; * multiplies numbers.",
            )
        products = self * lifted
        total = products.sum()
        return self.tape.make("ne", total, self.tape.constant(0.0)) if products.is_logical else total

    def __rmatmul__(self: Any, other: Any) -> Any:
        return self @ other


def _no_options(dtype: Any, out: Any) -> None:
    for name, value in (("dtype", dtype), ("out", out)):
        if value is not None:
            raise trace_error(f"A formula cannot choose {name}=.", "Leave it out: everything has the type of the arguments.")


def check_conditions(*values: Any) -> None:
    """Raise an error unless each is boolean."""
    for value in values:
        if not (value.is_logical if isinstance(value, Reductions) else np.asarray(value).dtype.kind == "b"):
            raise trace_error("The operators & | ^ ~ are for conditions, not for numbers.", "Compare first: (x > 0) & (x < 1).")
