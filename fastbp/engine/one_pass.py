"""When a batch is so small that its step goes back and updates in one pass over the weights, and how it goes through them."""

from collections.abc import Sequence

from .shapes import Shape
from .work import lowest_trainable

MAX_ROWS = 16  # of a batch
MAX_WORK = 16 * 100_000  # rows times weights


def one_pass_inputs(batch: int) -> int:
    """Inputs whose weights are gone through together: what is kept of them for each row stays in the first-level cache."""
    return 128 if batch == 1 else 64


def pays(shapes: Sequence[Shape], batch: int) -> bool:
    """Whether a step of ``batch`` rows is faster in one pass, and all that it must go through learns."""
    dense = [shape for shape in shapes[lowest_trainable(shapes) :] if shape.is_dense]
    work = batch * sum(shape.units_in * shape.units_out for shape in dense)
    return batch <= MAX_ROWS and work <= MAX_WORK and bool(dense) and all(shape.trainable for shape in dense)
