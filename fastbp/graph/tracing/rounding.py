"""Division with remainder and rounding as Python writes them: ``%``, ``//``, divmod, round, math.floor, ``.round()``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .errors import trace_error


def _division(op: str, swap: bool = False) -> Callable[[Any, Any], Any]:
    def apply(self: Any, other: Any) -> Any:
        lifted = self.tape.lift(other)
        if lifted is None:
            return NotImplemented
        return self.tape.apply(op, lifted, self) if swap else self.tape.apply(op, self, lifted)

    return apply


def _to_whole(op: str) -> Callable[[Any], Any]:
    def apply(self: Any) -> Any:
        if self.shape:
            raise trace_error(f"Python's math.{op} is for single numbers.", f"Use np.{op}(x).")
        return self.tape.apply(op, self)

    return apply


class Rounding:
    """What a node has of them."""

    __slots__ = ()

    __mod__, __rmod__ = _division("mod"), _division("mod", swap=True)
    __floordiv__, __rfloordiv__ = _division("floor_divide"), _division("floor_divide", swap=True)
    __floor__, __ceil__, __trunc__ = _to_whole("floor"), _to_whole("ceil"), _to_whole("trunc")

    def __divmod__(self: Any, other: Any) -> tuple[Any, Any]:
        return self // other, self % other

    def __rdivmod__(self: Any, other: Any) -> tuple[Any, Any]:
        return other // self, other % self

    def __round__(self: Any, ndigits: Any = None) -> Any:
        if self.shape:
            raise trace_error("Python's round() is for single numbers.", "Use np.round(x, decimals).")
        return self.round(0 if ndigits is None else ndigits)

    def round(self: Any, decimals: Any = 0, out: Any = None) -> Any:
        """The nearest number of so many decimals, halves to even, as NumPy finds it."""
        if not hasattr(decimals, "__index__") or isinstance(decimals, Rounding) or out is not None:
            raise trace_error(f"A formula cannot round to {decimals!r} decimals.", "Give a whole number, and no out=.")
        places = decimals.__index__()
        scale = self.tape.constant(10.0 ** abs(places))
        scaled = self.tape.apply("div" if places < 0 else "mul", self, scale)
        return self.tape.apply("mul" if places < 0 else "div", self.tape.apply("rint", scaled), scale)
