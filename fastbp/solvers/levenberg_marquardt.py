"""The method of Levenberg and Marquardt, for sums of squares."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..kernels.codes import MSE
from ..keywords import keywords
from ..regularizers import Regularizer
from .base import KEYWORDS, Iterated, NotFinite, Objective, Outcome, Solver

_MIN_DAMPING, _MAX_DAMPING = 1e-20, 1e16  # times the largest curvature: as good as none, and steps that change nothing
_PART = 0.1  # of a step, over which its bend is measured
_MAX_BEND = 0.75  # times the step: where it is larger J does not hold as far as the step goes


@keywords(KEYWORDS)
@dataclass(repr=False)
class LevenbergMarquardt(Solver):
    """The method of Levenberg and Marquardt, for networks of up to a few thousand weights and the mean squared error.

    With the residuals r and their derivatives J an iteration solves ``(J'J + mu) v = -J'r`` by Cholesky's method. It goes
    along a parabola, ``v + a / 2``, where ``(J'J + mu) a = -J'r''`` and r'' is the second derivative of the residuals along
    v. The damping mu rises until the squares are lower there, and falls the faster, the nearer they are to what J says
    (Nielsen's rule).

    L2 penalties are further residuals, ``sqrt(l2 n) w`` for n residuals of the data.

    Hagan and Menhaj 1994, Training feedforward networks with the Marquardt algorithm; Nielsen 1999, Damping parameter in
    Marquardt's method; Transtrum and Sethna 2012, Improvements to the Levenberg-Marquardt algorithm, arXiv:1201.5885.

    Parameters
    ----------
    damping : float
        The first mu, over the largest number on the diagonal of J'J.
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
            allowed = "loss must be 'mean_squared_error' for LevenbergMarquardt, a sum of squares"
            raise ValueError(f"{allowed}, got {name!r}: LBFGS takes any loss")

    def takes_penalty(self, penalty: Regularizer, on_outputs: bool) -> bool:
        """See ``Solver``: squares of weights."""
        return not on_outputs and not penalty.l1

    def check(self, parameters: int) -> None:
        """See ``Solver``."""
        super().check(parameters)
        if parameters > self.max_parameters:
            needed = 2 * 8 * parameters**2 / 1e9
            raise ValueError(
                f"the model must have at most max_parameters={self.max_parameters} numbers to learn for LevenbergMarquardt, "
                f"got {parameters}: J'J and its factor would take {needed:.1f} GB of memory. LBFGS takes any number"
            )

    def minimize(self, objective: Objective, start: np.ndarray, iterations: int, iterated: Iterated) -> Outcome:
        """See ``Solver``."""
        place = _Place(objective, start, objective.residuals(start))
        if not np.isfinite(place.squares):
            raise NotFinite
        damping = 0.0
        for _ in range(iterations):
            place.look()
            if 2 * np.abs(place.slope).max() <= self.gtol * place.residuals.size:
                return Outcome(True, f"No derivative is larger than gtol={self.gtol:g}.")
            curvature = place.curvature
            damping = max(damping or self.damping * curvature, _MIN_DAMPING * curvature)
            growth, found = 2.0, None
            while found is None:
                step = place.step(damping)
                if step is not None:
                    if np.linalg.norm(step) <= self.xtol * (np.linalg.norm(place.point) + self.xtol):
                        return Outcome(True, f"The step is shorter than xtol={self.xtol:g} of the weights.")
                    found = place.lower(step)
                if found is None:
                    damping, growth = damping * growth, 2 * growth
                    if damping > _MAX_DAMPING * curvature:
                        return Outcome(True, "No step lowers the loss any more.")
            damping *= max(1 / 3, 1 - (2 * place.gain(damping, found) - 1) ** 3)
            before, place = place, found
            iterated(place.point, place.squares / place.residuals.size)
            if before.squares - place.squares <= self.ftol * before.squares:
                return Outcome(True, f"The loss was lowered by less than ftol={self.ftol:g} of it.")
        return Outcome(False, f"The {iterations} epochs are over.")


class _Place:
    """A point with its residuals, from which a step is to be taken.

    Parameters
    ----------
    objective : Objective
    point, residuals : array
    """

    @np.errstate(over="ignore", invalid="ignore")
    def __init__(self, objective: Objective, point: np.ndarray, residuals: np.ndarray) -> None:
        self._objective, self.point, self.residuals = objective, point, residuals
        self._ridge = residuals.size * objective.ridge  # squares of the roots of these times the weights are further ones
        self.squares = float(np.sum(residuals**2) + np.sum(self._ridge * point**2))
        self.slope = self._square = self._velocity = np.zeros(0)

    def look(self) -> None:
        """Compute the derivatives: J'r and J'J."""
        self.slope = self._objective.pull_back(self.point, self.residuals) + self._ridge * self.point
        self._square = self._objective.square(self.point)
        self._square[np.diag_indices_from(self._square)] += self._ridge

    @property
    def curvature(self) -> float:
        """The largest number on the diagonal of J'J."""
        return float(self._square.diagonal().max()) or 1.0

    @np.errstate(over="ignore", invalid="ignore")
    def step(self, damping: float) -> np.ndarray | None:
        """The step for a damping; None where there is none, or J is another one before its end."""
        from scipy.linalg.lapack import dpotrf, dpotrs

        damped = self._square.copy(order="F")
        damped[np.diag_indices_from(damped)] += damping
        factor, failed = dpotrf(damped, lower=1, clean=0, overwrite_a=1)
        if failed:
            return None
        velocity = -dpotrs(factor, self.slope, lower=1)[0]
        ahead, behind = (self._objective.residuals(self.point + part * velocity) for part in (_PART, -_PART))
        bend = (ahead - 2 * self.residuals + behind) / _PART**2
        acceleration = -dpotrs(factor, self._objective.pull_back(self.point, bend), lower=1)[0]
        self._velocity = velocity
        if not np.linalg.norm(acceleration) <= _MAX_BEND * np.linalg.norm(velocity):  # not a number, too
            return None
        step: np.ndarray = velocity + acceleration / 2
        return step

    def lower(self, step: np.ndarray) -> "_Place | None":
        """Where a step leads to, if the squares are lower there."""
        point = self.point + step
        found = _Place(self._objective, point, self._objective.residuals(point))
        return found if found.squares < self.squares else None

    @np.errstate(over="ignore", invalid="ignore")
    def gain(self, damping: float, found: "_Place") -> float:
        """By how much the squares were lowered, over what J had promised."""
        promised = self._velocity @ (damping * self._velocity - self.slope)
        return float((self.squares - found.squares) / promised)
