"""What is averaged over workers, pair by pair in a tree: by the number of rows that each has learnt from."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

import numpy as np

if TYPE_CHECKING:
    from ..engine.engine import Engine

Arrays = list[np.ndarray]


@dataclass
class Mean:
    """Arrays that are means over some rows.

    Attributes
    ----------
    rows : float
    loss : float
        The mean over these rows.
    arrays : list of lists of arrays
    reports : list
        What each of those says who were averaged.
    """

    rows: float
    loss: float
    arrays: list[Arrays]
    reports: list[Any] = field(default_factory=list)

    def with_other(self, other: Self) -> "Mean":
        """The mean over the rows of both. Of equal numbers it is these numbers, to the last bit."""
        rows = self.rows + other.rows
        part = other.rows / rows if rows else 0.0
        arrays = [
            [between(a, b, part) for a, b in zip(own, others, strict=True)]
            for own, others in zip(self.arrays, other.arrays, strict=True)
        ]
        return Mean(rows, self.loss + (other.loss - self.loss) * part, arrays, self.reports + other.reports)

    def __sizeof__(self) -> int:
        """With the arrays: what it takes to send it."""
        return object.__sizeof__(self) + sum(array.nbytes for arrays in self.arrays for array in arrays)


def between(a: np.ndarray, b: np.ndarray, part: float) -> np.ndarray:
    """a + (b - a) part, in the arrays' dtype."""
    found: np.ndarray = a + (b - a) * a.dtype.type(part)
    return found


def merge(one: Mean, other: Mean) -> Mean:
    """``Mean.with_other`` as a task."""
    return one.with_other(other)


def tree(client: Any, futures: Sequence[Any]) -> Any:
    """The future of the mean of all, taken in pairs: nobody gets more than two at a time.

    The pairs follow from the order of the futures alone, and so do the bits.
    """
    level = list(futures)
    while len(level) > 1:
        pairs = [client.submit(merge, *level[i : i + 2], pure=False) for i in range(0, len(level) - 1, 2)]
        level = pairs + level[len(pairs) * 2 :]
    return level[0]


# ---------------------------------------------------------------------------------------------------- of an engine


def state_of(engine: "Engine") -> list[Arrays]:
    """Everything that training changes but the generator: weights, the optimizer's arrays, and its counts."""
    record = engine.record()
    counts = [record.running_products, np.array([record.steps], np.float64)]
    return [engine.get_weights(), counts, *record.slots]


def place(engine: "Engine", arrays: Sequence[Arrays], generator: int) -> None:
    """Have an engine go on from a state. One that is from before the first step says nothing of the optimizer's arrays."""
    from ..engine.state import TrainingRecord

    weights, (products, steps), *slots = arrays
    engine.set_weights(weights)
    draws = engine.state.draws
    engine.resume(TrainingRecord(slots, products, generator, round(float(steps[0])), draws))
