"""The method of Levenberg and Marquardt, for sums of squares."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..kernels.codes import MSE
from ..keywords import keywords
from .base import KEYWORDS, Iterated, NotFinite, Objective, Outcome, Solver

_MAX_DAMPING = 1e16  # times the largest curvature: steps so short that nothing changes


@keywords(KEYWORDS)
@dataclass
class LevenbergMarquardt(Solver):
    """The method of Levenberg and Marquardt, for networks of up to a few thousand weights and the mean squared error.

    With the residuals r and their derivatives J an iteration solves ``(J'J + mu D) step = -J'r`` by Cholesky's method.
    D is the diagonal of J'J. The damping mu falls as fast as the squares turn out to be what J says, and rises until the
    step lowers the loss: Nielsen's rule.

    Marquardt 1963, An algorithm for least-squares estimation of nonlinear parameters; Nielsen 1999, Damping parameter in
    Marquardt's method; Hagan and Menhaj 1994, Training feedforward networks with the Marquardt algorithm.

    Parameters
    ----------
    damping : float
        The first mu.
    ftol : float
        A minimum is found where an iteration lowers the loss by less than this part of it.
    xtol : float
        Or where the step is shorter than this part of the weights' norm.
    gtol : float
        Or where no derivative of the loss is larger than this.
    max_parameters : int
        More weights than this are refused, since J'J has a number for each two of them.
    name : str

    Examples
    --------
    >>> import numpy as np
    >>> import fastbp
    >>> x = np.linspace(-1, 1, 200).reshape(-1, 1)
    >>> model = fastbp.Sequential([fastbp.Dense(10, "tanh"), fastbp.Dense(1)], seed=0, dtype="float64")
    >>> model.compile("lm", "mse")
    >>> history = model.fit(x, np.sin(3 * x), epochs=200, verbose=0)
    >>> history.history["loss"][-1] < 1e-7
    True
    """

    damping: float = 1e-3
    ftol: float = 1e-10
    xtol: float = 1e-10
    gtol: float = 1e-12
    max_parameters: int = 5000
    name: str = "lm"

    def check_loss(self, loss: Any) -> None:
        """Refuse what is no sum of squares."""
        if getattr(loss, "code", None) != MSE:
            name = getattr(loss, "name", loss)
            raise ValueError(
                f"loss must be 'mean_squared_error' for LevenbergMarquardt, a sum of squares, got {name!r}: LBFGS takes any loss"
            )

    def check(self, parameters: int, sample_weight: np.ndarray | None) -> None:
        """See ``Solver``."""
        super().check(parameters, sample_weight)
        if parameters > self.max_parameters:
            needed = 2 * 8 * parameters**2 / 1e9
            raise ValueError(
                f"the model must have at most max_parameters={self.max_parameters} numbers to learn for LevenbergMarquardt, "
                f"got {parameters}: J'J and its factor would take {needed:.1f} GB of memory. LBFGS takes any number"
            )
        if sample_weight is not None and (sample_weight < 0).any():
            least = sample_weight.min()
            raise ValueError(f"sample_weight must be at least 0 for LevenbergMarquardt, which takes roots, got {least:g}")

    def minimize(self, objective: Objective, start: np.ndarray, iterations: int, iterated: Iterated) -> Outcome:
        """See ``Solver``."""
        from scipy.linalg.lapack import dposv

        point, loss = start, objective.value(start)
        if not np.isfinite(loss):
            raise NotFinite
        damping, growth, scale = self.damping, 2.0, np.zeros(objective.size)
        for _ in range(iterations):
            square, slope = objective.normal_equations(point)
            if np.abs(slope).max(initial=0.0) * 2 <= self.gtol * objective.residuals:
                return Outcome(True, f"No derivative is larger than gtol={self.gtol:g}.")
            diagonal = square.diagonal().copy()
            scale = np.maximum(scale, diagonal)
            floor = np.finfo(float).eps * scale.max()
            while True:
                damped = square.copy(order="F")
                shift = damping * np.maximum(scale, floor)
                damped[np.diag_indices_from(damped)] += shift
                _, step, failed = dposv(damped, -slope, lower=1, overwrite_a=1)
                if not failed:
                    trial = point + step
                    if np.linalg.norm(step) <= self.xtol * (np.linalg.norm(point) + self.xtol):
                        return Outcome(True, f"The step is shorter than xtol={self.xtol:g} of the weights.")
                    found = objective.value(trial)
                    lowered = loss - found
                    if lowered > 0:
                        break
                damping, growth = damping * growth, growth * 2
                if damping > _MAX_DAMPING:
                    return Outcome(True, "No step lowers the loss any more.")
            predicted = step @ (shift * step - slope) / objective.residuals
            damping *= max(1 / 3, 1 - (2 * lowered / predicted - 1) ** 3)
            growth, before = 2.0, loss
            point, loss = trial, found
            iterated(point, loss)
            if lowered <= self.ftol * before:
                return Outcome(True, f"The loss was lowered by less than ftol={self.ftol:g} of it.")
        return Outcome(False, f"The {iterations} epochs are over.")
