"""When a batch is so small that its step goes back and updates in one pass over the weights, and how it goes through them."""

from collections.abc import Sequence

from .shapes import Shape
from .work import lowest_trainable

# So many rows or fewer are faster in one pass where there are as many weights; beyond the last, hardly ever. As measured: more
# rows have more sums over the outputs, which are vectors, to be added up in the end.
MIN_WEIGHTS = {3: 0, 4: 600, 8: 4000}
MAX_WORK = 700_000  # rows times weights: several threads do more than that faster


def one_pass_inputs(batch: int) -> int:
    """Inputs whose weights are gone through together: what is kept of them for each row stays in the first-level cache."""
    return 128 if batch == 1 else 64


def pays(shapes: Sequence[Shape], batch: int) -> bool:
    """Whether a step of ``batch`` rows is faster in one pass, and all that it must go through learns."""
    dense = [shape for shape in shapes[lowest_trainable(shapes) :] if shape.is_dense]
    weights = sum(shape.units_in * shape.units_out for shape in dense)
    least = next((least for rows, least in MIN_WEIGHTS.items() if batch <= rows), None)
    if least is None or weights < least or batch * weights > MAX_WORK:
        return False
    return bool(dense) and all(shape.trainable for shape in dense)
