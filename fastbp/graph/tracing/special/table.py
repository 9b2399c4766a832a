"""All operators that are entries of a table, by their names. To add one is to add its entry."""

from __future__ import annotations

from . import bessel, elementary, gamma, incomplete_gamma, probability, rounding, voigt
from .operator import Operator

_MODULES = (probability, gamma, voigt, rounding, elementary, bessel, incomplete_gamma)
SPECIAL: dict[str, Operator] = {operator.name: operator for module in _MODULES for operator in module.OPERATORS}
