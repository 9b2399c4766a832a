"""Polynomials on intervals as operators: what a formula interpolates from a fixed table with."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from .operator import Operator, unlisted


@dataclass(frozen=True, eq=False)
class PiecewisePolynomial:
    """A polynomial of x minus its first knot between each two neighbouring knots.

    Attributes
    ----------
    knots : array
        Not falling, finite; at a knot the interval after it counts, at the last one that before it.
    coefficients : array (degree + 1, intervals)
        The highest power first.
    left, right : float, optional
        The value outside; left out, the first and the last polynomial go on.
    """

    knots: np.ndarray
    coefficients: np.ndarray
    left: float | None = None
    right: float | None = None

    @cached_property
    def key(self) -> str:
        """A name that no other has."""
        parts = (self.knots.tobytes(), self.coefficients.tobytes(), repr((self.coefficients.shape, self.left, self.right)))
        return hashlib.sha256(b"|".join([*parts[:2], parts[2].encode()])).hexdigest()[:24]

    def derivative(self, order: int = 1) -> PiecewisePolynomial:
        """Of an order, each polynomial for itself; 0 outside where the value is given."""
        rows = self.coefficients
        for _ in range(order):
            powers = np.arange(len(rows) - 1, 0, -1)
            rows = rows[:-1] * powers[:, None] if len(rows) > 1 else np.zeros_like(rows)
        left, right = (end if end is None or np.isnan(end) else 0.0 for end in (self.left, self.right))
        return PiecewisePolynomial(self.knots, rows, left, right)

    def interval(self, x: Any) -> Any:
        """The number of the interval of each x."""
        return np.searchsorted(self.knots[1:-1], x, side="right").astype(float) * np.ones_like(x)

    def value(self, x: Any, interval: Any) -> Any:
        """The polynomial in an interval."""
        place = np.asarray(interval).astype(int)
        offset, value = x - self.knots[place], np.zeros_like(x, float)
        for row in self.coefficients:
            value = value * offset + row[place]
        if self.left is not None:
            value = np.where(x < self.knots[0], self.left, value)
        if self.right is not None:
            value = np.where(x > self.knots[-1], self.right, value)
        return np.where(np.isnan(x), x, value)[()]

    def operators(self) -> tuple[str, str]:
        """The names of its operators: the interval of x, and the value from x and its interval."""
        return unlisted(_interval(self)), unlisted(_value(self))


class _TableOperator(Operator):
    """An operator whose code is made from a table."""

    def emit(self, s: Any, *x: Any) -> Any:
        from ....kernels.math import lookup

        kind, table = self.code
        if kind == "interval":
            return lookup.interval(self.name, table.knots)(s, *x)
        return lookup.polynomial(self.name, table.knots, table.coefficients, table.left, table.right)(s, *x)


def _interval(table: PiecewisePolynomial) -> Operator:
    key = hashlib.sha256(table.knots.tobytes()).hexdigest()[:24]
    return _TableOperator(
        f"interval_{key}",
        "The number of the interval of a table that x lies in.",
        ("interval", table),
        lambda f, v, x: (None,),
        reference=table.interval,
        public=False,
    )


def _value(table: PiecewisePolynomial) -> Operator:
    def derivatives(f: Any, v: Any, x: Any, interval: Any) -> tuple[Any, None]:
        return f.apply(unlisted(_value(table.derivative())), x, interval), None

    return _TableOperator(
        f"polynomial_{table.key}",
        "A polynomial on each interval of a table.",
        ("polynomial", table),
        derivatives,
        reference=table.value,
        parameters=("x", "interval"),
        public=False,
    )
