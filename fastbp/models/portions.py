"""The order in which data comes to the engine: all of it at once, in chunks, in batches, or so many batches an epoch."""

from collections.abc import Callable, Iterator

import numpy as np

from ..data import Batches, Data, Rows, Source
from ..data.source import chunk_bounds
from ..notices import warn

MAX_GATHERED = 1 << 16  # rows that are put together at a time
ROWS_AT_ONCE = 128  # by whose multiples rows are measured and predicted: so many give what they give among all others

Order = Callable[[int], np.ndarray]  # of so many samples
Portions = Callable[[], Iterator[Rows]]  # of the next epoch


def limited(data: Data, batch_size: int, steps: int | None) -> Data:
    """The data of so many batches, where it has no batches of its own; None: all of it."""
    if steps is None or isinstance(data, Batches):
        return data
    return data.part(0, min(steps * batch_size, len(data)))


def chunks(source: Source, batch_size: int, watched: bool) -> Iterator[Rows]:
    """A source as it comes: batch by batch where callbacks look at them."""
    return source.chunks(None, batch_size, 1) if watched else source.chunks(None, ROWS_AT_ONCE)


def portions(data: Data, batch_size: int, steps: int | None, order: Order | None) -> Portions:
    """What gives the data of one epoch after the other, a portion of whole batches at a time.

    Parameters
    ----------
    data : Rows, Source or Batches
    batch_size : int
        Batches have their own.
    steps : int, optional
        Of an epoch, whose successor goes on with what is left; None: all of the data.
    order : callable, optional
        Gives the order of so many samples for the next pass; None: as they come. Rows that are taken whole stay as they are.
    """
    if isinstance(data, Batches):
        return lambda: data.epoch(steps, order)
    if steps is not None:
        return SomeSteps(data, batch_size, steps, order).epoch
    if isinstance(data, Rows):
        return lambda: iter((data,))
    return lambda: data.chunks(order(len(data)) if order is not None and batch_size < len(data) else None, batch_size)


class SomeSteps:
    """Epochs of some steps each. Where the data ends an epoch ends early, and the next begins anew, as in Keras."""

    def __init__(self, data: Rows | Source, batch_size: int, steps: int, order: Order | None) -> None:
        self._data, self._batch_size, self._steps, self._next_order = data, batch_size, steps, order
        self._order: np.ndarray | None = None
        self._position = 0

    def epoch(self) -> Iterator[Rows]:
        """The portions of the next epoch."""
        if self._position == 0 and self._next_order is not None:
            self._order = self._next_order(len(self._data))
        first, stop = self._position, min(self._position + self._steps * self._batch_size, len(self._data))
        self._position = stop % len(self._data)
        wanted = self._data.chunk_rows if isinstance(self._data, Source) else MAX_GATHERED
        for start, end in chunk_bounds(stop - first, self._batch_size, wanted):
            yield self._take(first + start, first + end)
        steps = -(-(stop - first) // self._batch_size)
        if steps < self._steps:
            warn(f"x ran out of data after {steps} of {self._steps} steps of an epoch: the next one begins anew")

    def _take(self, start: int, stop: int) -> Rows:
        data, order = self._data, self._order
        if isinstance(data, Source):
            return data.take(slice(start, stop) if order is None else order[start:stop])
        if order is None:
            return data.part(start, stop)
        return data.taken(order[start:stop])


def step_count(data: Data, batch_size: int, steps: int | None) -> int | None:
    """Batches of an epoch, where that is known."""
    if isinstance(data, Batches):
        return data.steps if steps is None else steps
    return -(-len(data) // batch_size) if steps is None else steps


def need_end(data: Data, argument: str, steps: int | None) -> None:
    """Refuse batches without end where nothing says how many to take."""
    if steps is None and isinstance(data, Batches) and data.is_endless:
        raise ValueError(f"{argument} must be given where x yields batches without end, got None")


def is_weighted(data: Data) -> bool:
    """Whether the samples have weights."""
    rows = data if isinstance(data, Rows) else data.first() if isinstance(data, Batches) else data.take(slice(0, 1))
    return rows.sample_weight is not None
