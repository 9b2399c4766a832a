"""What a plan needs for a custom loss, and for one that belongs to a batch as a whole."""

from typing import TYPE_CHECKING

import numpy as np

from ..kernels import fields as at
from ..kernels.batch_loss import GROUP_ROWS
from .memory import address, aligned_zeros
from .plan import Plan

if TYPE_CHECKING:
    from ..graph.codegen.bound import BoundLoss

ROOM = "loss_groups"


def bind_loss(plan: Plan, loss: "BoundLoss", sample_weight: np.ndarray | None) -> None:
    """Have a plan measure a custom loss."""
    plan[at.LOSS_PARAMETER], plan[at.LOSS_SUMS] = loss.address, 0
    if not loss.is_of_batch:
        return
    assert sample_weight is None and plan.is_cut_below_loss  # else the numbers would be wrong, silently
    size = -(-plan.batch // GROUP_ROWS) * loss.means
    if ROOM not in plan.buffers or len(plan.buffers[ROOM]) < size:
        plan.buffers[ROOM] = aligned_zeros(ROOM, size, plan.dtype)
    plan[at.LOSS_SUMS], plan[at.LOSS_GROUPS] = address(loss.sums), address(plan.buffers[ROOM])
