"""How much work a step is, and how many threads pay for it."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..layers.stages import Stage
from .threads import get_num_threads

if TYPE_CHECKING:  # what shows a model's costs needs no kernels
    from .shapes import Shape

Sizes = Sequence["Shape | Stage"]

FLOP_PER_THREAD = 1.5e6  # work of a step that pays for one more thread's waiting at the barrier


def lowest_trainable(shapes: Sizes) -> int:
    """The first layer that learns: below it nothing has to know a gradient. Their number if none does."""
    return next((i for i, shape in enumerate(shapes) if shape.learns), len(shapes))


def step_flop(shapes: Sizes, batch: int) -> int:
    """Floating-point operations of one training step's products: forward, the weights' gradients, the way back down."""
    lowest = lowest_trainable(shapes)
    products = [s.units_in * s.units_out * (1 + s.learns + (i > lowest)) for i, s in enumerate(shapes) if s.is_dense]
    return 2 * batch * sum(products)


def forward_flop(shapes: Sizes, batch: int) -> int:
    return 2 * batch * sum(s.units_in * s.units_out for s in shapes if s.is_dense)


def choose_threads(flop: float, wanted: int | None = None) -> int:
    """Threads for a step of ``flop`` operations: as asked for, or as many as pay, of those that may be used."""
    if wanted is not None:
        return wanted
    paying = int(flop / FLOP_PER_THREAD)
    return 1 if paying <= 1 else min(paying, get_num_threads())
