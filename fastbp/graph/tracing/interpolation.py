"""``np.interp`` and scipy's splines on nodes: polynomials on the intervals of a fixed table."""

from __future__ import annotations

from typing import Any

import numpy as np

from .errors import trace_error
from .functions import apply, as_node, tape_of
from .special.piecewise import PiecewisePolynomial

MAX_INTERVALS = 1 << 20  # places in a table are counted in the element type, of which float32 holds whole numbers to 2^24
_FIXED = "The table must be fixed: arrays of numbers, not arguments of the formula or computed from them."


def at(table: PiecewisePolynomial, x: Any) -> Any:
    """The table's value at a node."""
    if len(table.knots) > MAX_INTERVALS:
        raise trace_error(f"A formula cannot interpolate from {len(table.knots)} points.", f"At most {MAX_INTERVALS}.")
    interval, value = table.operators()
    return apply(value, x, apply(interval, x))


def interp(x: Any, xp: Any, fp: Any, left: Any = None, right: Any = None, period: Any = None) -> Any:
    """NumPy's linear interpolation; the derivative at a point of the table is that of the piece after it, outside it is 0."""
    for value in (xp, fp, left, right, period):
        if tape_of([value]) is not None:
            raise trace_error("A formula cannot interpolate from a table that it computes.", _FIXED)
    points, values = np.asarray(xp), np.asarray(fp)
    if (
        points.ndim != 1
        or points.shape != values.shape
        or not points.size
        or {points.dtype.kind, values.dtype.kind} - set("biuf")
    ):
        raise trace_error(
            f"np.interp in a formula needs two vectors of as many numbers, not {points.shape} of {points.dtype} and "
            f"{values.shape} of {values.dtype}.",
            "One value for each point.",
        )
    points, values = points.astype(float), values.astype(float)
    node = as_node(tape_of([x]), x)  # type: ignore[arg-type]
    if period is not None:
        if not period:
            raise trace_error("np.interp has period=0.", "A period is not 0.")
        period = abs(period)
        node, points = node % period, points % period
        order = np.argsort(points)
        points, values = points[order], values[order]
        points = np.concatenate([points[-1:] - period, points, points[:1] + period])
        values = np.concatenate([values[-1:], values, values[:1]])
        left = right = None
    if not np.isfinite(points).all() or (np.diff(points) < 0.0).any():
        raise trace_error("np.interp has points that do not rise.", "Sort the table: order = np.argsort(xp).")
    left, right = (
        float(end) if given is None else float(given) for end, given in zip(values[[0, -1]], (left, right), strict=True)
    )
    return at(_linear(points, values, left, right), node)


def _linear(points: np.ndarray, values: np.ndarray, left: float, right: float) -> PiecewisePolynomial:
    if len(points) == 1:  # its value there, and constants outside
        points, values = np.repeat(points, 2), np.repeat(values, 2)
    widths = np.diff(points)
    with np.errstate(all="ignore"):
        slopes = np.where(widths > 0.0, np.diff(values) / np.where(widths > 0.0, widths, 1.0), 0.0)
    starts = np.where(widths > 0.0, values[:-1], values[1:])
    return PiecewisePolynomial(points, np.stack([slopes, starts]), left, right)


# -- scipy.interpolate


def spline_at(spline: Any, x: Any, nu: Any = 0, extrapolate: Any = None) -> Any:
    """A spline of scipy.interpolate, or its derivative of the order nu, at a node."""
    if tape_of([nu, extrapolate]) is not None or not hasattr(nu, "__index__") or nu < 0:
        raise trace_error(
            f"The order of a spline's derivative must be a whole number from 0 on, not {nu!r}.",
            "spline(x, 1) is the first; spline.antiderivative() is a spline of its own.",
        )
    order = nu.__index__()
    knots, coefficients = _polynomials(spline)
    outside = spline.extrapolate if extrapolate is None else extrapolate
    if isinstance(outside, str):
        x = knots[0] + (x - knots[0]) % (knots[-1] - knots[0])
    end = None if outside and not isinstance(outside, str) else np.nan
    return at(PiecewisePolynomial(knots, coefficients, end, end).derivative(order), x)


def _polynomials(spline: Any) -> tuple[np.ndarray, np.ndarray]:
    """The knots and coefficients of any piecewise polynomial of one number."""
    from scipy.interpolate import BPoly, BSpline, PPoly

    name, base = type(spline).__name__, slice(None)
    if spline.c.ndim != (1 if isinstance(spline, BSpline) else 2) or np.iscomplexobj(spline.c):
        raise trace_error(f"A formula can call a {name} of real numbers only, not of arrays.", "Make one for each column.")
    if isinstance(spline, BSpline):
        base = slice(spline.k, len(spline.c) + 1)
        spline = PPoly.from_spline(spline)
    elif isinstance(spline, BPoly):
        spline = PPoly.from_bernstein_basis(spline)
    knots = np.asarray(spline.x, float)[base]
    coefficients = np.asarray(spline.c, float)[:, base][:, : len(knots) - 1]
    if not (np.diff(knots) >= 0.0).all():
        raise trace_error(
            f"A formula can call a {name} whose points rise, not fall.", "Turn the table round: x[::-1], y[::-1]."
        )
    return knots, coefficients
