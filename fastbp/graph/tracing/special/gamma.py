"""The operators of the gamma function."""

from __future__ import annotations

from typing import Any

from .operator import Operator

_ORDINAL = ("", "first", "second", "third", "fourth")
MAX_ORDER = 4


def _polygamma(order: int) -> Operator:
    return Operator(
        f"polygamma_{order}",
        f"The {_ORDINAL[order]} derivative of digamma.",
        ("gamma", "polygamma", order),
        lambda f, v, x: (getattr(f, f"polygamma_{order + 1}")(x),),
        public=False,
    )


def _gamma(f: Any, v: Any, x: Any) -> tuple[Any]:
    return (v * f.digamma(x),)


def _gap(order: int) -> Operator:
    return Operator(
        f"polygamma_gap_{order}",
        f"(-1)^{order} times the derivative of order {order} of digamma at x + y, minus that at x.",
        ("beta", "polygamma_gap", order),
        lambda f, v, x, y: (
            -getattr(f, f"polygamma_gap_{order + 1}")(x, y),
            (-1.0) ** order * getattr(f, f"polygamma_{order + 1}")(x + y),
        ),
        parameters=("x", "y"),
        public=False,
    )


OPERATORS = (
    Operator("gamma", "The gamma function.", ("gamma", "gamma"), _gamma, "1.772454", ufuncs=("gamma",)),
    Operator(
        "gammaln",
        "The logarithm of the absolute value of the gamma function.",
        ("gamma", "gammaln"),
        lambda f, v, x: (f.digamma(x),),
        shown="0.572365",
        ufuncs=("gammaln",),
    ),
    Operator(
        "digamma",
        "The derivative of gammaln.",
        ("gamma", "digamma"),
        lambda f, v, x: (f.polygamma_1(x),),
        shown="-1.963510",
        ufuncs=("psi", "digamma"),
    ),
    *(_polygamma(order) for order in range(1, MAX_ORDER + 1)),
    Operator(
        "betaln",
        "The logarithm of the absolute value of the beta function.",
        ("beta", "betaln"),
        lambda f, v, x, y: (-f.polygamma_gap_0(x, y), -f.polygamma_gap_0(y, x)),
        at=(2.0, 3.0),
        shown="-2.484907",
        ufuncs=("betaln",),
        parameters=("x", "y"),
    ),
    *map(_gap, range(MAX_ORDER)),
)
