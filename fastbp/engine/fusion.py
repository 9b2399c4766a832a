"""Where the last activation and the loss meet: sigmoid or softmax with its cross-entropy becomes a loss of logits."""

from collections.abc import Sequence
from dataclasses import dataclass

from ..layers.stages import Stage
from ..losses import Loss


@dataclass(frozen=True)
class Fusion:
    """How the last layer and the loss meet: all stages, how many of them the loss is a function of, the loss's code."""

    stages: Sequence[Stage]
    trained: int
    loss: int


def fuse(stages: Sequence[Stage], loss: Loss | None) -> Fusion:
    """Sigmoid or softmax with its cross-entropy becomes a loss of logits, and a stage that predictions alone go through."""
    if loss is None:
        return Fusion(stages, len(stages), 0)
    if loss.code_from_logits is None:
        return Fusion(stages, len(stages), loss.code)
    if loss.from_logits:
        return Fusion(stages, len(stages), loss.code_from_logits)
    last = stages[-1]
    is_fused = last.activation.code == loss.output_activation and last.activity is None  # which is a penalty on probabilities
    if is_fused and last.activates:
        stages = (*stages[:-1], *last.apart())
    if not is_fused or len(stages) == 1:
        return Fusion(stages, len(stages), loss.code)
    return Fusion(stages, len(stages) - 1, loss.code_from_logits)
