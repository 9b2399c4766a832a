"""The operators of the normal and the logistic distribution, and of entropies."""

from __future__ import annotations

import math

from .operator import Operator

_DENSITY = 1.0 / math.sqrt(2.0 * math.pi)

MAX_SCALED = 4  # derivatives of erfcx


def _erfcx(order: int) -> Operator:
    return Operator(
        f"erfcx_{order}" if order else "erfcx",
        f"The size of the derivative of order {order} of erfcx." if order else "e^(x^2) erfc(x), which does not underflow.",
        ("scaled_errors", "erfcx", order),
        lambda f, v, x: (-getattr(f, f"erfcx_{order + 1}")(x),),
        shown="0.615690",
        ufuncs=() if order else ("erfcx",),
        public=not order,
    )


OPERATORS = (
    *map(_erfcx, range(MAX_SCALED + 1)),
    Operator(
        "erfc",
        "1 - erf(x), with all digits where that is small.",
        ("normal", "erfc"),
        lambda f, v, x: (f.exp(-(x * x)) * (-2.0 / math.sqrt(math.pi)),),
        shown="0.479500",
        ufuncs=("erfc",),
    ),
    Operator(
        "erfinv",
        "The number whose error function is x.",
        ("normal", "erfinv"),
        lambda f, v, x: (f.exp(v * v) * (0.5 * math.sqrt(math.pi)),),
        shown="0.476936",
        ufuncs=("erfinv",),
    ),
    Operator(
        "ndtr",
        "The distribution function of the standard normal distribution.",
        ("normal", "ndtr"),
        lambda f, v, x: (f.exp(x * x * -0.5) * _DENSITY,),
        shown="0.691462",
        ufuncs=("ndtr",),
    ),
    Operator(
        "log_ndtr",
        "The logarithm of the standard normal distribution function.",
        ("normal", "log_ndtr"),
        lambda f, v, x: (f.mills(x),),
        shown="-0.368946",
        ufuncs=("log_ndtr",),
    ),
    Operator(
        "mills",
        "The standard normal density over the distribution function.",
        ("normal", "mills"),
        lambda f, v, x: (-(v * f.mills_gap(x)),),
        public=False,
    ),
    Operator(
        "mills_gap",
        "x + mills(x).",
        ("normal", "mills_gap"),
        lambda f, v, x: (1.0 - f.mills(x) * v,),
        public=False,
    ),
    Operator(
        "logit",
        "log(x / (1 - x)), the inverse of the sigmoid.",
        ("entropy", "logit"),
        lambda f, v, x: (1.0 / (x * (1.0 - x)),),
        at=(0.25,),
        shown="-1.098612",
        ufuncs=("logit",),
    ),
    Operator(
        "xlogy",
        "x log(y), and 0 where x is 0; its derivatives there are 0 where y is 0.",
        ("entropy", "xlogy"),
        lambda f, v, x, y: (
            f.where(f.eq(x, 0.0), f.where(f.eq(y, 0.0), 0.0, f.log(y)), f.log(y)),
            f.where(f.eq(x, 0.0), 0.0, x / y),
        ),
        at=(2.0, 3.0),
        shown="2.197225",
        ufuncs=("xlogy",),
        parameters=("x", "y"),
    ),
    Operator(
        "xlog1py",
        "x log(1 + y), and 0 where x is 0; its derivatives there are 0 where y is -1.",
        ("entropy", "xlog1py"),
        lambda f, v, x, y: (
            f.where(f.eq(x, 0.0), f.where(f.eq(y, -1.0), 0.0, f.log1p(y)), f.log1p(y)),
            f.where(f.eq(x, 0.0), 0.0, x / (1.0 + y)),
        ),
        at=(2.0, 3.0),
        shown="2.772589",
        ufuncs=("xlog1py",),
        parameters=("x", "y"),
    ),
)
