"""Confidence intervals by the profile of the sum of squares: one parameter is held, all others are fitted anew."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .least_squares import minimize
from .normal_equations import robust_cost

_MAX_STEPS = 50  # outward, each twice as far as the one before
_FLAT = 1e-5  # relative growth of the sum of squares on a step outward, below which there is no end
_PRECISION = 1e-7  # of an end, relative to the interval
_BETTER = 1e-6  # relatively: the sum of squares of a fit that is no minimum


@dataclass
class Profile:
    """A fit whose parameters can be held one by one.

    Parameters
    ----------
    problem : Residuals
        With ``residuals`` and ``columns``.
    best : array
        The parameters of the least sum of squares.
    cost : float
        That sum.
    errors, low, high : array
        Standard errors and bounds of the parameters.
    loss : dict
        A robust loss's arguments for scipy, if there is one.
    """

    problem: Any
    best: np.ndarray
    cost: float
    errors: np.ndarray
    low: np.ndarray
    high: np.ndarray
    loss: dict[str, Any]

    def ends(self, i: int, rises: Sequence[float]) -> list[tuple[float, float]]:
        """Where the profile of parameter i has risen by so much, on both sides; infinite where it never does."""
        sides = [self._side(i, direction, rises) for direction in (-1.0, 1.0)]
        return list(zip(*sides, strict=True))

    def _side(self, i: int, direction: float, rises: Sequence[float]) -> list[float]:
        """One side's ends, for rises from small to large.

        The root of the rise grows nearly in proportion to the distance, so that few steps find each end.
        """
        others = np.delete(self.best, i)
        room = abs((self.high[i] if direction > 0 else self.low[i]) - self.best[i])
        near, near_root = 0.0, 0.0
        far = self.errors[i] if np.isfinite(self.errors[i]) and self.errors[i] > 0 else 0.1 * abs(self.best[i]) or 1e-3
        found: list[float] = []
        for wanted in np.sqrt(rises):
            for _ in range(_MAX_STEPS):
                far = min(far, room)
                far_root, others = self._root(i, self.best[i] + direction * far, others)
                if far_root >= wanted or far == room or far_root <= near_root * (1 + _FLAT):
                    break
                near, near_root = far, far_root
                far *= float(np.clip(1.01 * wanted / near_root, 1.1, 3.0))
            if not far_root >= wanted:
                break
            near, others = self._between(i, direction, (near, near_root), (far, far_root), wanted, others)
            near_root = wanted
            found.append(float(self.best[i] + direction * near))
            far = near * 1.01 * np.sqrt(rises[min(len(found), len(rises) - 1)]) / wanted
        return found + [direction * np.inf] * (len(rises) - len(found))

    def _between(
        self, i: int, direction: float, near: Any, far: Any, wanted: float, others: np.ndarray
    ) -> tuple[float, np.ndarray]:
        """The distance between two others at which the root is as wanted."""
        from scipy.optimize import brentq

        (a, at_a), (b, at_b) = near, far
        known: dict[float, float] = {a: at_a - wanted, b: at_b - wanted}

        def miss(distance: float) -> float:
            nonlocal others
            if distance not in known:
                root, others = self._root(i, self.best[i] + direction * distance, others)
                known[distance] = root - wanted
            return known[distance]

        return float(brentq(miss, a, b, xtol=_PRECISION * b, rtol=1e-12)), others

    def _root(self, i: int, value: float, others: np.ndarray) -> tuple[float, np.ndarray]:
        """The root of the rise at one value of a parameter, and what the other parameters are there."""
        held = _Held(self.problem, i, value)
        if len(others) == 0:
            cost = robust_cost(held.residuals(others), **self.loss)
        else:
            low, high = np.delete(self.low, i), np.delete(self.high, i)
            free = bool(np.all(np.isinf(low)) and np.all(np.isinf(high)))
            method = None if free and not self.loss else "trf"
            try:
                others, _, cost, *_ = minimize(held, others, (low, high), method, dict(self.loss), len(others))
            except (RuntimeError, ValueError):
                return np.inf, others
        if cost < self.cost * (1 - _BETTER):
            warnings.warn(
                f"the fit is not at its least sum of squares: {cost:.9g} is found beside it, where the fit has {self.cost:.9g}",
                RuntimeWarning,
                stacklevel=2,
            )
        return float(np.sqrt(max(cost - self.cost, 0.0))), others


class _Held:
    """A problem with one parameter held."""

    def __init__(self, problem: Any, i: int, value: float) -> None:
        self._problem, self._i, self._value = problem, i, value

    def residuals(self, p: np.ndarray, *_: Any) -> np.ndarray:
        found: np.ndarray = self._problem.residuals(np.insert(p, self._i, self._value))
        return found

    def columns(self, p: np.ndarray, *_: Any) -> np.ndarray:
        return np.delete(self._problem.columns(np.insert(p, self._i, self._value)), self._i, axis=0)

    def jacobian(self, p: np.ndarray, *_: Any) -> np.ndarray:
        return self.columns(p).T


class Intervals(dict[str, list[tuple[float, float]]]):
    """For each parameter pairs (probability, value) from the lowest value to the highest, the best fit in the middle.

    Examples
    --------
    >>> import fastbp, numpy as np
    >>> x = np.linspace(0, 1, 30)
    >>> y = 2 * x + 0.3 + 0.1 * np.random.default_rng(0).normal(size=30)
    >>> print(fastbp.fit_curve(lambda x, a, b: a * x + b, x, y).conf_interval(sigmas=[1]))
          68.27%        best      68.27%
    a  -0.052135     1.99039   +0.052135
    b  -0.030358    0.292656   +0.030358
    """

    def __str__(self) -> str:
        if not self:
            return "no parameters"
        heads = [f"{100 * p:.2f}%" if p else "best" for p, _ in next(iter(self.values()))]
        width = max(map(len, self))
        lines = [" " * width + "".join(f"{head:>12}" for head in heads)]
        for name, pairs in self.items():
            (best,) = (value for p, value in pairs if not p)
            shown = [f"{value:>12.6g}" if not p else f"{value - best:>+12.5g}" for p, value in pairs]
            lines.append(f"{name:<{width}}" + "".join(shown))
        return "\n".join(lines)


def conf_interval(
    profile: Profile, names: Sequence[str], which: Sequence[str], sigmas: Sequence[float], rise_of: Callable[[float], float]
) -> Intervals:
    """The intervals of the parameters ``which`` for probabilities that are given as such (below 1) or as sigmas."""
    from scipy.special import erf

    probabilities = sorted(float(s) if s < 1 else float(erf(s / np.sqrt(2))) for s in sigmas)
    rises = [rise_of(p) for p in probabilities]
    found = Intervals()
    for name in which:
        i = list(names).index(name)
        ends = profile.ends(i, rises)
        pairs = list(zip(probabilities, ends, strict=True))
        below = [(p, low) for p, (low, _) in reversed(pairs)]
        found[name] = [*below, (0.0, float(profile.best[i])), *((p, high) for p, (_, high) in pairs)]
    return found
