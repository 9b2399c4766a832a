"""L-BFGS: scipy's, on the compiled loss and gradient."""

import math
import sys
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from ..constraints import Constraint
from ..kernels.codes import NON_NEGATIVE
from ..keywords import keywords
from .base import KEYWORDS, Iterated, NotFinite, Objective, Outcome, Solver, import_scipy


@keywords(KEYWORDS)
@dataclass(repr=False)
class LBFGS(Solver):
    """The limited-memory method of Broyden, Fletcher, Goldfarb and Shanno, for any loss that is smooth.

    Weights with the constraint ``NonNeg`` are bounded by 0; no other constraint is kept to.
    The steps and gradients of the last iterations stand for the second derivatives; a line search finds how far to go.
    ``scipy.optimize.minimize(method="L-BFGS-B")`` does it; the settings are its options.

    Byrd, Lu, Nocedal and Zhu 1995, A limited memory algorithm for bound constrained optimization.

    Parameters
    ----------
    maxcor : int
        How many steps are remembered.
    ftol : float
        A minimum is found where an iteration lowers the loss by less than this, times the loss where that is more than 1.
    gtol : float
        Or where no derivative is larger than this.
    maxls : int
        Points that a line search tries at most.
    name : str

    Examples
    --------
    >>> import numpy as np
    >>> import fastbp
    >>> x = np.linspace(-1, 1, 100).reshape(-1, 1)
    >>> model = fastbp.Sequential([fastbp.Dense(8, "tanh"), fastbp.Dense(1)], seed=0, dtype="float64")
    >>> model.compile("lbfgs", "mse")
    >>> history = model.fit(x, np.sin(3 * x), epochs=200, verbose=0)
    >>> history.history["loss"][-1] < 1e-3
    True
    """

    maxcor: int = 10
    ftol: float = 2.220446049250313e-09
    gtol: float = 1e-5
    maxls: int = 20
    name: str = "lbfgs"

    def takes_constraint(self, constraint: Constraint) -> bool:
        """See ``Solver``."""
        return constraint.code == NON_NEGATIVE

    def minimize(self, objective: Objective, start: np.ndarray, iterations: int, iterated: Iterated) -> Outcome:
        """See ``Solver``."""
        options = {"maxcor": self.maxcor, "ftol": self.ftol, "gtol": self.gtol, "maxls": self.maxls}
        options |= {"maxiter": iterations, "maxfun": sys.maxsize}

        def callback(intermediate_result: Any) -> None:  # the name tells scipy what to call it with
            iterated(intermediate_result.x, float(intermediate_result.fun))

        scipy = import_scipy(self)
        bounds = scipy.Bounds(objective.lowest) if np.isfinite(objective.lowest).any() else None
        settings: dict[str, Any] = {"jac": True, "method": "L-BFGS-B", "bounds": bounds, "callback": callback}
        with single_blas_thread():
            found = scipy.minimize(_Walled(objective), start, options=options, **settings)
        return Outcome(bool(found.success), str(found.message))


def single_blas_thread() -> AbstractContextManager[Any]:
    """BLAS without threads, where threadpoolctl is there: scipy solves for some dozen numbers, and would wait for them."""
    controller = _blas()
    limits: AbstractContextManager[Any] = nullcontext() if controller is None else controller.limit(limits=1, user_api="blas")
    return limits


@cache
def _blas() -> Any:
    """What knows the BLAS libraries that are loaded by now; to find them takes milliseconds."""
    try:
        from threadpoolctl import ThreadpoolController
    except ImportError:
        return None
    return ThreadpoolController()


class _Walled:
    """A loss and its gradient, with a wall where they are not finite: a line search that meets it comes back."""

    def __init__(self, objective: Objective) -> None:
        self._objective, self._highest = objective, -math.inf

    @np.errstate(over="ignore", invalid="ignore")
    def __call__(self, point: np.ndarray) -> tuple[float, np.ndarray]:
        loss, gradient = self._objective.value_and_gradient(point)
        if math.isfinite(loss + float(gradient.sum())):
            self._highest = max(self._highest, loss)
            return loss, gradient
        if self._highest == -math.inf:
            raise NotFinite
        return self._highest + abs(self._highest) + 1.0, np.zeros_like(gradient)
