"""Which steps can be given up when Ctrl-C comes, and what they need for that (kernels/abandon.py)."""

from collections.abc import Sequence

import numpy as np

from ..kernels import fields as at
from .memory import address, aligned_zeros, zeros
from .parameters import Parameters
from .plan import Plan
from .shapes import Shape
from .work import forward_flop, step_flop

MIN_ABANDONABLE_FLOP = 1e9  # of a step, for each thread: some hundredths of a second. Shorter ones are finished
MAX_UPDATE_FLOP = 4e9  # of an update, for each thread, that is finished once it has begun: up to a fifth of a second


def make_abandonable(plan: Plan, parameters: Parameters, shapes: Sequence[Shape], running_products: np.ndarray) -> None:
    """Have long steps of a plan given up when a run is to stop; everything is then as it was before them."""
    flop = (step_flop if plan.phases & at.BACKWARD else forward_flop)(shapes, plan.batch)
    if flop < MIN_ABANDONABLE_FLOP * plan.threads or plan.fields[at.ONE_PASS]:
        return
    changed = [plan.buffers["result"][: at.EPOCH_LOSS]]
    if plan.phases & at.UPDATE:
        moving = [parameters.weights[s.offset : s.offset + s.size] for s in shapes if s.normalizes_batch]
        changed += [running_products, *moving]
    table = [len(changed)]
    for i, array in enumerate(changed):
        copy = plan.buffers[f"undo_{i}"] = aligned_zeros(f"undo_{i}", len(array), array.dtype)
        table += [address(array), array.nbytes // 8, address(copy)]
    plan.buffers["undo"] = np.array(table, np.int64)
    plan[at.UNDO] = address(plan.buffers["undo"])
    _keep_gradient(plan, parameters, shapes)


def _keep_gradient(plan: Plan, parameters: Parameters, shapes: Sequence[Shape]) -> None:
    """Have the whole gradient formed before any weight moves, where that is the better part of a long update."""
    learnt = sum(s.units_in * s.units_out for s in shapes if s.is_dense and s.trainable)
    is_long = 2 * learnt * plan.batch > MAX_UPDATE_FLOP * plan.threads
    if is_long and plan.phases & at.UPDATE and not plan.fields[at.GROUPS]:
        plan.buffers["kept_gradient"] = aligned_zeros("kept_gradient", parameters.size, parameters.dtype)
        plan.buffers["applying"] = zeros("applying", at.FIELDS, np.int64)
        plan[at.APPLYING] = address(plan.buffers["applying"])


def kept_place(plan: Plan, parameters: Parameters) -> int:
    """Bytes from a parameter to its gradient where that is kept until all of it is formed, else 0."""
    gradient = plan.buffers.get("kept_gradient")
    return 0 if gradient is None else address(gradient) - address(parameters.weights)
