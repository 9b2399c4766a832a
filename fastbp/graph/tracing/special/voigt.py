"""The operators of the Voigt profile: it, and its derivatives with respect to x as real and imaginary parts.

With V = real + i imag, an analytic function of x + i gamma that obeys the equation of diffusion: the derivative with respect
to gamma is i times that with respect to x, and the one with respect to sigma is sigma times the second one.
"""

from __future__ import annotations

from .operator import Derivatives, Operator

MAX_ORDER = 6
_PARAMETERS, _AT = ("x", "sigma", "gamma"), (0.5, 1.0, 0.5)


def name_of(part: str, order: int) -> str:
    return "voigt_profile" if (part, order) == ("real", 0) else f"voigt_{part}_{order}"


def _derivatives(part: str, order: int) -> Derivatives:
    other, sign = ("imag", -1.0) if part == "real" else ("real", 1.0)

    def of(f, v, x, sigma, gamma):  # type: ignore[no-untyped-def]
        first, second, across = (
            getattr(f, name_of(*which)) for which in ((part, order + 1), (part, order + 2), (other, order + 1))
        )
        return first(x, sigma, gamma), sigma * second(x, sigma, gamma), sign * across(x, sigma, gamma)

    return of


def _operator(part: str, order: int) -> Operator:
    profile = name_of(part, order) == "voigt_profile"
    about = "A normal density of deviation sigma, convolved with a Cauchy density of half width gamma."
    return Operator(
        name_of(part, order),
        about if profile else f"The {part} part of the derivative of order {order} of the Voigt profile's analytic function.",
        ("faddeeva", f"voigt_{part}", order),
        _derivatives(part, order),
        shown="0.256364",
        at=_AT,
        ufuncs=("voigt_profile",) if profile else (),
        parameters=_PARAMETERS,
        public=profile,
    )


OPERATORS = tuple(_operator(part, order) for part in ("real", "imag") for order in range(MAX_ORDER + 1))
