"""The chain rule through means over a batch.

Let L be the mean of v over the samples, where v depends on a sample's prediction p and on means m_1, m_2, ... of values x_1,
x_2, ... of each sample, which may depend on means before them. The adjoint of a mean is dL/dm = mean(dv/dm), and as much
more from each mean further on that uses it: that one's adjoint times mean(dx/dm). Those are further means over the batch. With
all adjoints known, dL/dp is that of the sum of v and the values x, each times its adjoint, over the number of samples.
"""

from __future__ import annotations

from ..tracing.batch_means import BatchMeans
from ..tracing.node import Node
from ..tracing.simplify import is_constant
from ..tracing.traversal import reachable
from .chain_rule import gradient


def batch_gradient(value: Node, y_pred: Node, scale: Node, means: BatchMeans) -> Node:
    """The derivative of the mean of ``value`` over a batch with respect to one sample's ``y_pred``.

    Parameters
    ----------
    value : Node
        A single number.
    y_pred : Node
    scale : Node
        One over the number of samples.
    means : BatchMeans
        Those that the value may use; what the derivative needs besides is added to them.
    """
    tape, total = value.tape, value
    changing = [leaf for leaf in means.needed([value]) if depends(leaf, y_pred, means)]
    adjoints = [means.over(through) for through in gradient(value, changing)] if changing else []
    for k in reversed(range(len(changing))):
        adjoint, x = adjoints[k], means.of(changing[k])
        if is_constant(adjoint, 0):
            continue
        if x.shape:
            further = [means.over(through) for through in gradient(x, changing, adjoint)]
        else:  # the adjoint may itself follow from means: outside of those of the derivatives, it makes no more passes
            further = [tape.make("mul", adjoint, means.over(through)) for through in gradient(x, changing)]
        adjoints = [tape.make("add", known, more) for known, more in zip(adjoints, further, strict=True)]
        total = tape.make("add", total, tape.sum(tape.make("mul", adjoint, x)))
    (found,) = gradient(total, [y_pred], scale)
    return found


def depends(node: Node, leaf: Node, means: BatchMeans) -> bool:
    """Whether a node changes with a leaf, perhaps through means over the batch."""
    return any(n is leaf for n in reachable([node], means.operands))
