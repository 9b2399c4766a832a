"""Residuals with their derivatives: compiled, or of finite differences where a formula cannot be traced."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .branching import compiled_problem

_STEP = np.finfo(float).eps ** (1 / 3)  # of central differences


class DifferenceResiduals:
    """What ``Residuals`` is for formulas that are traced.

    Parameters
    ----------
    f : callable
        f(x, *parameters).
    x, y : array
        The data.
    weights : array or None
        What residuals are multiplied with.
    transform : callable or None
        Applied to them (a full covariance of the errors).
    reason : str
        Why the formula is not traced.
    """

    def __init__(
        self, f: Callable[..., Any], x: Any, y: np.ndarray, weights: np.ndarray | None, transform: Any, reason: str
    ) -> None:
        self.reason = reason
        self._f, self._x, self._y, self._weights, self._transform = f, x, y, weights, transform

    def residuals(self, p: np.ndarray, *_: Any) -> np.ndarray:
        """All residuals."""
        found = np.asarray(self._f(self._x, *p), float) - self._y
        if self._weights is not None:
            found = found * self._weights
        return found if self._transform is None else np.asarray(self._transform(found))

    def columns(self, p: np.ndarray, *_: Any) -> np.ndarray:
        """The Jacobian with a row for each parameter."""
        found = []
        for i, value in enumerate(p):
            ahead, behind = np.array(p, float), np.array(p, float)
            step = _STEP * (abs(value) or 1.0)
            ahead[i], behind[i] = value + step, value - step
            found.append((self.residuals(ahead) - self.residuals(behind)) / (ahead[i] - behind[i]))
        return np.array(found)

    def jacobian(self, p: np.ndarray, *_: Any) -> np.ndarray:
        """The Jacobian with a column for each parameter."""
        return self.columns(p).T


def make_problem(f: Any, x: Any, y: np.ndarray, p: np.ndarray, weights: np.ndarray | None, transform: Any) -> Any:
    """Residuals and their derivatives: compiled, or of differences. ``p`` are parameters that they are wanted for."""
    try:
        return compiled_problem(f, x, y, p, weights, transform)
    except Exception as error:
        return DifferenceResiduals(f, x, y, weights, transform, str(error))
