"""Solvers: what minimises the loss over all of the data at once, in the place of an optimizer; see ``Solver``.

They are in ``fastbp.optimizers`` too, and have the names "lbfgs" and "lm" there.

>>> import fastbp
>>> fastbp.optimizers.get("lm")
LevenbergMarquardt(damping=0.001, ftol=1e-10, xtol=1e-10, gtol=1e-12, max_parameters=5000, name='lm')
"""

from .base import Solver
from .lbfgs import LBFGS
from .levenberg_marquardt import LevenbergMarquardt

__all__ = ["LBFGS", "LevenbergMarquardt", "Solver"]
