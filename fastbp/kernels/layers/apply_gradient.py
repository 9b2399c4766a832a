"""The end of every task of the update: weights move along their gradient, which lies in the nearest cache."""

from .. import fields as at
from ..memory import read_int
from ..monitor import make_observe_gradient
from ..optimizer import update as update_function
from ..simd.jit import inner


def make_apply_gradient(dtype):
    """``apply_gradient`` for one element type."""
    update, observe_gradient = update_function(dtype), make_observe_gradient(dtype)

    @inner(dtype)
    def apply_gradient(plan, layer, part, weights, gradient, vectors, biases):
        """The optimizer's step for ``vectors`` of a layer's weights, the last ``biases`` of which are those of a bias.

        ``part`` tells them from the layer's others, however many threads there are. Overwrites the weights and their state.
        """
        monitor = read_int(plan, at.OBSERVED)
        if monitor:
            observe_gradient(plan, monitor, layer, part, gradient, vectors)
        state, slot = weights + read_int(plan, at.STATE), read_int(plan, at.SLOT)
        update(read_int(plan, at.OPTIMIZER), read_int(plan, at.SCALARS), weights, gradient, state, slot, vectors)

    return apply_gradient
