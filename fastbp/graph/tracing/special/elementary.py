"""The angle of a point, the cube root, sin(pi x) / (pi x) and (e^x - 1) / x."""

from __future__ import annotations

import numpy as np

from .operator import Operator

MAX_ORDER = 4


def _orders(name: str, about: str, shown: str, ufuncs: tuple[str, ...] = ()) -> tuple[Operator, ...]:
    """A function and its derivatives, each by a code of its own."""

    def operator(order: int) -> Operator:
        return Operator(
            name if order == 0 else f"{name}_{order}",
            about if order == 0 else f"The derivative of order {order} of {name}.",
            ("quotients", name, order),
            lambda f, v, x: (getattr(f, f"{name}_{order + 1}")(x),),
            shown=shown,
            ufuncs=() if order else ufuncs,
            public=not order,
        )

    return tuple(operator(order) for order in range(MAX_ORDER + 1))


OPERATORS = (
    Operator(
        "arctan2",
        "The angle from -pi to pi of the point (x, y).",
        ("plane", "arctan2"),
        lambda f, v, y, x: (f.cosine_of(x, y) / f.hypot(x, y), -(f.cosine_of(y, x) / f.hypot(x, y))),
        shown="2.356194",
        at=(1.0, -1.0),
        reference=np.arctan2,
        ufuncs=("arctan2",),
        parameters=("y", "x"),
    ),
    Operator(
        "cbrt",
        "The cube root, of negative numbers too.",
        ("roots", "cbrt"),
        lambda f, v, x: (1.0 / (3.0 * v * v),),
        shown="-2.000000",
        at=(-8.0,),
        reference=np.cbrt,
        ufuncs=("cbrt",),
    ),
    *_orders("sinc", "sin(pi x) / (pi x), which is 1 at 0.", "0.636620"),
    *_orders("exprel", "(e^x - 1) / x, which is 1 at 0.", "1.297443", ("exprel",)),
)
