"""All operators that are entries of a table, by their names. To add one is to add its entry."""

from __future__ import annotations

from . import gamma, probability, voigt
from .operator import Operator

SPECIAL: dict[str, Operator] = {
    operator.name: operator for module in (probability, gamma, voigt) for operator in module.OPERATORS
}
