"""Where batches come from: a sequence asked for them by number, an iterable that begins anew, an iterator that does not."""

import inspect
import itertools
from collections import UserList, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from typing import Any

import numpy as np

Order = Callable[[int], np.ndarray]  # of so many batches


class Stream:
    """Batches as the user gives them.

    Attributes
    ----------
    length : int or None
        Batches of a pass, where that is known.
    is_endless : bool
        Whether it says that it never ends.
    restarts : bool
        Whether each pass can begin anew.
    is_numbered : bool
        Whether batches are asked for by number.
    """

    length: int | None = None
    is_endless: bool = False
    restarts: bool = True
    is_numbered: bool = False

    def __init__(self, batches: Any) -> None:
        self.batches = batches

    def start(self, order: Order | None) -> Iterator[Any]:
        """A pass over the batches; ``order`` gives them another order, where they have numbers."""
        return iter(self.batches)

    def glance(self) -> Iterator[Any]:
        """An iterator over a pass of which only the first batch is looked at."""
        return self.start(None)

    def notify(self, event: str) -> None:
        """Call the user's ``on_epoch_begin`` or ``on_epoch_end``, if there is one."""
        method = getattr(self.batches, event, None)
        if callable(method):
            method()


class Numbered(Stream):
    """What has ``__getitem__`` and ``__len__`` (or ``num_batches``), as Keras's ``PyDataset``; its ``workers`` are threads."""

    is_numbered = True

    @property
    def length(self) -> int | None:  # type: ignore[override]
        """Asked for anew, since it may change from epoch to epoch."""
        count = self.batches.num_batches if hasattr(type(self.batches), "num_batches") else len(self.batches)
        return None if count is None else int(count)

    @property
    def is_endless(self) -> bool:  # type: ignore[override]
        return self.length is None

    def start(self, order: Order | None) -> Iterator[Any]:
        length = self.length
        if length is None:
            numbers: Any = itertools.count()
        else:
            numbers = range(length) if order is None or length < 2 else map(int, order(length))
        workers = getattr(self.batches, "workers", 1)
        if workers > 1:
            return self._ahead(numbers, workers, getattr(self.batches, "max_queue_size", workers))
        return (self.batches[number] for number in numbers)

    def glance(self) -> Iterator[Any]:
        return (self.batches[0] for _ in range(1) if self.length != 0)

    def _ahead(self, numbers: Iterable[int], workers: int, ahead: int) -> Iterator[Any]:
        """The batches of these numbers in their order, some of them made ahead by threads."""
        from concurrent.futures import ThreadPoolExecutor  # few need it

        waiting: deque[Any] = deque()
        with ThreadPoolExecutor(workers) as pool:
            for number in numbers:
                waiting.append(pool.submit(self.batches.__getitem__, number))
                if len(waiting) > ahead:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()


class Restarted(Stream):
    """What begins anew with each ``iter``: a ``DataLoader`` of torch, a data set of TensorFlow."""

    def __init__(self, batches: Any) -> None:
        super().__init__(batches)
        try:
            self.length = len(batches)
        except TypeError:  # it does not know, or has no end
            self.length = None
        cardinality = getattr(batches, "cardinality", None)  # TensorFlow's: -1 has no end, -2 is not known
        self.is_endless = callable(cardinality) and int(cardinality()) == -1


class Once(Stream):
    """A generator or another iterator: what it has given is gone."""

    restarts = False


def stream(value: Any) -> Stream | None:
    """What a value gives batches as; None for what is no source of batches."""
    if is_array_like(value):
        return None
    if hasattr(value, "__next__"):
        return Once(value)
    if hasattr(value, "__getitem__") and (hasattr(value, "__len__") or hasattr(type(value), "num_batches")):
        return Numbered(value)
    return Restarted(value) if hasattr(value, "__iter__") else None


def is_array_like(value: Any) -> bool:
    """Whether it is one array, something that is taken for one, or refused as one."""
    if value is None or isinstance(value, list | tuple | range | str | deque | UserList | Set | Mapping | type):
        return True
    if any(hasattr(value, name) for name in ("__array__", "shape", "tocsr", "to_numpy", "collect")):
        return True
    try:
        memoryview(value)
    except TypeError:
        return False
    return True


def is_torch_dataset(value: Any) -> bool:
    """Whether it is one of torch's data sets, which give samples rather than batches."""
    return any(
        kind.__name__ in ("Dataset", "IterableDataset") and kind.__module__.startswith("torch.utils.data")
        for kind in type(value).__mro__
    )


def is_generator_function(value: Any) -> bool:
    return inspect.isgeneratorfunction(value)
