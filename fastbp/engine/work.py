"""How much work a step is, and how many threads pay for it."""

from collections.abc import Sequence

from .parameters import Shape
from .threads import get_num_threads

FLOP_PER_THREAD = 1.5e6  # work of a step that pays for one more thread's waiting at the barrier


def step_flop(shapes: Sequence[Shape], batch: int) -> int:
    """Floating-point operations of one training step's products: no input gradient for the first layer."""
    products = [s.units_in * s.units_out for s in shapes if s.is_dense]
    return 6 * batch * sum(products) - 2 * batch * (products[0] if shapes[0].is_dense else 0)


def forward_flop(shapes: Sequence[Shape], batch: int) -> int:
    return 2 * batch * sum(s.units_in * s.units_out for s in shapes if s.is_dense)


def choose_threads(flop: float, wanted: int | None = None) -> int:
    """Threads for a step of ``flop`` operations: as asked for, or as many as pay, of those that may be used."""
    if wanted is not None:
        return wanted
    paying = int(flop / FLOP_PER_THREAD)
    return 1 if paying <= 1 else min(paying, get_num_threads())
