"""The operators of the incomplete gamma functions: the distribution of the gamma distribution, and its derivatives."""

from __future__ import annotations

from typing import Any

from .operator import Operator

_PARAMETERS = ("a", "x")


def _upper(f: Any, v: Any, a: Any, x: Any) -> tuple[Any, Any]:
    return -f.gammainc_1(a, x), -f.gamma_density(a, x)


def _lower(f: Any, v: Any, a: Any, x: Any) -> tuple[Any, Any]:
    return f.gammainc_1(a, x), f.gamma_density(a, x)


OPERATORS = (
    Operator(
        "gammainc",
        "The lower incomplete gamma function, regularized: the gamma distribution's distribution function.",
        ("incomplete_gamma", "gammainc", 0),
        _lower,
        at=(2.0, 3.0),
        shown="0.800852",
        ufuncs=("gammainc",),
        parameters=_PARAMETERS,
    ),
    Operator(
        "gammaincc",
        "The upper incomplete gamma function, regularized: 1 - gammainc(a, x), with all digits where that is small.",
        ("incomplete_gamma", "gammaincc"),
        _upper,
        at=(2.0, 3.0),
        shown="0.199148",
        ufuncs=("gammaincc",),
        parameters=_PARAMETERS,
    ),
    Operator(
        "gammainc_1",
        "The derivative of gammainc with respect to a.",
        ("incomplete_gamma", "gammainc", 1),
        lambda f, v, a, x: (f.gammainc_2(a, x), f.gamma_density(a, x) * (f.log(x) - f.digamma(a))),
        parameters=_PARAMETERS,
        public=False,
    ),
    Operator(
        "gammainc_2",
        "The second derivative of gammainc with respect to a.",
        ("incomplete_gamma", "gammainc", 2),
        lambda f, v, a, x: (f.gammainc_3(a, x), None),
        parameters=_PARAMETERS,
        public=False,
    ),
    Operator(
        "gamma_density",
        "The derivative of gammainc with respect to x: the gamma distribution's density.",
        ("incomplete_gamma", "density"),
        lambda f, v, a, x: (v * (f.log(x) - f.digamma(a)), v * ((a - 1.0 - x) / x)),
        parameters=_PARAMETERS,
        public=False,
    ),
)
