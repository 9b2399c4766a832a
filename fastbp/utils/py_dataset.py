"""Data that a class gives batch by batch."""

from collections.abc import Iterator
from typing import Any


class PyDataset:
    """The base class of data that comes batch by batch. ``fit``, ``evaluate`` and ``predict`` take objects of it as x.

    A subclass has ``__getitem__(self, index)``, which gives a batch ``(x, y)`` or ``(x, y, sample_weight)``, and
    ``__len__(self)``, the number of batches of an epoch. ``on_epoch_end`` is called after each epoch.

    Parameters
    ----------
    workers, use_multiprocessing, max_queue_size
        Accepted as Keras accepts them, without effect: batches are asked for one after the other, where they are needed.

    Examples
    --------
    >>> import math, numpy, fastbp
    >>> class Batches(fastbp.utils.PyDataset):
    ...     def __init__(self, x, batch_size):
    ...         super().__init__()
    ...         self.x, self.batch_size = x, batch_size
    ...     def __len__(self):
    ...         return math.ceil(len(self.x) / self.batch_size)
    ...     def __getitem__(self, index):
    ...         x = self.x[index * self.batch_size : (index + 1) * self.batch_size]
    ...         return x, x**2
    >>> [len(x) for x, y in Batches(numpy.ones((10, 1)), 4)]
    [4, 4, 2]
    """

    workers: int = 1
    use_multiprocessing: bool = False
    max_queue_size: int = 10

    def __init__(self, workers: int = 1, use_multiprocessing: bool = False, max_queue_size: int = 10) -> None:
        self.workers, self.use_multiprocessing, self.max_queue_size = workers, use_multiprocessing, max_queue_size

    def __getitem__(self, index: int) -> Any:
        raise NotImplementedError(f"{type(self).__name__} must define __getitem__(self, index)")

    def __len__(self) -> int:
        raise NotImplementedError(f"{type(self).__name__} must define __len__(self), the number of batches of an epoch")

    @property
    def num_batches(self) -> int | None:
        """The number of batches of an epoch; None where it has no end."""
        return len(self)

    def __iter__(self) -> Iterator[Any]:
        """The batches of one epoch."""
        count, index = self.num_batches, 0
        while count is None or index < count:
            yield self[index]
            index += 1

    def on_epoch_begin(self) -> None:
        """Called before each epoch."""

    def on_epoch_end(self) -> None:
        """Called after each epoch."""


Sequence = PyDataset
