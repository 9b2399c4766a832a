"""The operators of Bessel functions of whole orders, whose derivatives are those of the orders beside."""

from __future__ import annotations

from typing import Any

from .operator import Derivatives, Operator, unlisted

MAX_ORDER = {"j": 50, "y": 50, "i": 10}
MAX_SCALED = 4  # derivatives of i0e
_ABOUT = {
    "j": "The Bessel function of the first kind",
    "y": "The Bessel function of the second kind; NaN for negative x",
    "i": "The modified Bessel function of the first kind",
}
_SHOWN = {"j0": "0.938470", "j1": "0.242268", "y0": "-0.444519", "y1": "-1.471472", "i0": "1.063483", "i1": "0.257894"}


def name_of(family: str, order: int) -> tuple[str, float]:
    """The operator of a function of a whole order, and what to multiply it by; "" if there is none."""
    size = abs(order)
    sign = -1.0 if order < 0 and order % 2 and family != "i" else 1.0
    if size > MAX_ORDER[family]:
        return "", 1.0
    return (f"{family}{size}" if size < 2 else unlisted(_of_order(family, size))), sign


def _derivatives(family: str, order: int) -> Derivatives:
    def beside(f: Any, k: int, x: Any) -> Any:
        name, _ = name_of(family, k)
        return f.apply(name, x) if name else getattr(f, f"{family}{k}")(x)  # which tells that there is none

    def of(f: Any, v: Any, x: Any) -> tuple[Any]:
        if order == 0:
            first = beside(f, 1, x)
            return (first if family == "i" else -first,)
        lower, upper = beside(f, order - 1, x), beside(f, order + 1, x)
        return (0.5 * (lower + upper if family == "i" else lower - upper),)

    return of


def _of_order(family: str, order: int) -> Operator:
    listed = order < 2
    return Operator(
        f"{family}{order}" if listed else f"bessel_{family}_{order}",
        f"{_ABOUT[family]}, of order {order}.",
        ("bessel", f"{family}{order}") if listed else ("bessel", family, order),
        _derivatives(family, order),
        shown=_SHOWN.get(f"{family}{order}", ""),
        ufuncs=(f"{family}{order}",) if listed else (),
        public=listed,
    )


def _scaled(order: int) -> Operator:
    return Operator(
        f"i0e_{order}" if order else "i0e",
        f"The size of the derivative of order {order} of i0e." if order else "e^-|x| i0(x), which does not overflow.",
        ("bessel", "moment", order) if order else ("bessel", "i0e"),
        lambda f, v, x: (-(f.sign(x) * getattr(f, f"i0e_{order + 1}")(x)),),
        shown="0.645035",
        ufuncs=() if order else ("i0e",),
        public=not order,
    )


OPERATORS = (
    *(_of_order(family, order) for family in ("j", "y", "i") for order in (0, 1)),
    *map(_scaled, range(MAX_SCALED + 1)),
    Operator(
        "i1e",
        "e^-|x| i1(x), which does not overflow.",
        ("bessel", "i1e"),
        lambda f, v, x: (f.i0e_2(x) - f.i0e_1(x),),
        shown="0.156421",
        ufuncs=("i1e",),
    ),
)
