"""Sets of buffers that calls from elsewhere work in, each call in one of its own: see interchange/predict_function.py."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..kernels import fields as at
from ..kernels.codes import PROJECTION
from .plan import Plan
from .plans import Plans

if TYPE_CHECKING:
    from .core import Core

DIFFERENTIATE = at.TRAIN | at.PREDICT | at.INPUT_GRADIENT


@dataclass(frozen=True)
class Context:
    """A plan for one thread, and where it leaves the gradients, if it is to differentiate."""

    plan: Plan
    by_input: int = 0  # the address of the first row; the others follow at a distance of DELTA_ROW
    by_weights: np.ndarray | None = None  # laid out like the weights


def prediction_contexts(plans: Plans, count: int, rows: int) -> list[Context]:
    """Plans for predictions, so many rows at a time."""
    found = [plans.separate(rows) for _ in range(count)]
    for plan in found:
        plan[at.PHASES] = at.PREDICT_ONLY
        plan.table[:, [at.DERIVATIVE, at.ROW_NUMBERS]] = 0  # nothing is kept for the way back, as where models predict
    return [Context(plan) for plan in found]


def gradient_contexts(core: "Core", count: int, rows: int) -> list[Context]:
    """Plans for up to so many rows: outputs and, along the targets, the gradients with respect to rows and to all weights."""
    return [_gradient_context(core, rows) for _ in range(count)]


def _gradient_context(core: "Core", rows: int) -> Context:
    plan = core._plans.separate(rows, core._parameters.all_trainable(), PROJECTION)
    gradient = core._plans.bind_gradient(plan)
    plan[at.PHASES] = DIFFERENTIATE
    return Context(plan, int(plan.rows[0][at.DELTA]), gradient)


def weight_positions(core: "Core") -> np.ndarray:
    """Where each number of the weights lies in a buffer laid out like them, in ``get_weights`` order."""
    parameters = core._parameters
    return np.concatenate([part.ravel() for part in parameters.arrays(np.arange(parameters.size))])


def entry_point(kernel: Any) -> int:
    """Where the machine code of a kernel begins, a function of C."""
    (compiled,) = kernel.overloads.values()
    found: int = compiled.library.get_pointer_to_function(compiled.fndesc.llvm_cfunc_wrapper_name)
    return found
