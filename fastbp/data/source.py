"""Source: samples that are taken a chunk at a time, because all of them as an array would be too much for memory."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from ..feature_names import Names
from .finite import check_finite as require_finite
from .readers import Reader, Wanted
from .rows import Rows, split_at
from .samples import no_rows, sample_rows, sample_width
from .spec import Spec
from .targets import targets, unequal
from .weights import ClassWeights


class Source:
    """Samples, targets and weights of which some rows at a time become arrays as the engine takes them.

    Parameters
    ----------
    x : Reader
    y : Reader or array, optional
        An array is as the engine takes it.
    sample_weight : array (n,), optional
    spec : Spec
    check_finite : bool
        Rows are looked at when they are read, until all have been.
    prefix : str
        What goes before the names of arguments in errors.
    names : tuple of str, optional

    Attributes
    ----------
    width : int
        Features of a sample.
    names : tuple of str, or None
    """

    def __init__(
        self,
        x: Reader,
        y: Reader | np.ndarray | None,
        sample_weight: np.ndarray | None,
        *,
        spec: Spec,
        check_finite: bool = True,
        prefix: str = "",
        names: Names = None,
    ) -> None:
        self.width, self.names = sample_width(prefix + "x", x.shape, spec), names
        self._x, self._y, self._sample_weight = x, y, sample_weight
        self._spec, self._prefix = spec._replace(inputs=self.width), prefix
        self._class_weight: ClassWeights | None = None
        self._start, self._stop = 0, x.shape[0]
        self._unchecked = check_finite and not x.check_finite(prefix + "x", spec.dtype)
        self._check_targets = check_finite and y is not None and not isinstance(y, np.ndarray)
        if not len(self):
            raise no_rows(prefix + "x", x.shape)
        if y is not None and y.shape[0] != len(self):
            raise unequal(prefix + "x", prefix + "y", len(self), y.shape[0])
        self._targets(slice(0, 1), 1)  # what is wrong with all of them shows now

    def __len__(self) -> int:
        return self._stop - self._start

    @property
    def chunk_rows(self) -> int:
        """Rows that are best read at a time."""
        return self._x.chunk_bytes // (self.width * self._spec.dtype.itemsize)

    @property
    def target_columns(self) -> int:
        """Columns of the targets; labels have one."""
        assert self._y is not None
        return 1 if len(self._y.shape) == 1 else int(self._y.shape[1])

    @property
    def y(self) -> np.ndarray | None:
        """All targets as an array, which is made where they are not in memory."""
        return None if self._y is None else self._targets(slice(0, len(self)), len(self))

    # -- parts

    def split(self, fraction: float) -> tuple["Source", "Source"]:
        """That to train on and, from the end, the ``fraction`` to validate on."""
        at = split_at(len(self), fraction)
        return self.part(0, at), self.part(at, len(self))

    def part(self, start: int, stop: int) -> "Source":
        """Rows start .. stop."""
        part = self._copy()
        part._start, part._stop = self._start + start, self._start + stop
        return part

    def weigh(self, class_weight: ClassWeights | None) -> "Source":
        """The same with the weights of classes."""
        weighted = self._copy()
        if class_weight is not None and class_weight.is_balanced:
            assert self.y is not None
            class_weight = class_weight.for_targets(self._prefix + "y", self.y)
        if class_weight is not None and isinstance(self._y, np.ndarray):
            weighted._sample_weight = class_weight.of(self._prefix + "y", self._y)
        else:
            weighted._class_weight = class_weight
        return weighted

    def _copy(self) -> "Source":
        copy = object.__new__(Source)
        copy.__dict__.update(self.__dict__)
        return copy

    # -- arrays

    def take(self, rows: Wanted) -> Rows:
        """Samples, targets and weights of these rows, in this order, as the engine takes them.

        Parameters
        ----------
        rows : int64 array or slice
            Numbers of rows, or from one to another.
        """
        argument = self._prefix + "x"
        x = sample_rows(argument, self._x.read(argument, self._placed(rows), self._spec.dtype), self._spec)
        if self._unchecked:
            require_finite(argument, x, self._numbers(rows))
        y = self._targets(rows, len(x))
        if self._class_weight is not None and y is not None:
            return Rows(x, y, self._class_weight.of(self._prefix + "y", y))
        weights = self._sample_weight
        return Rows(x, y, None if weights is None else np.ascontiguousarray(weights[self._placed(rows)]))

    def chunks(self, order: np.ndarray | None, batch_size: int, batches: int | None = None) -> Iterator[Rows]:
        """All samples, as chunks of whole batches. Only the last batch of the last chunk may be smaller.

        Parameters
        ----------
        order : int64 array (n,), or None
            The order of training; None: as they come.
        batch_size : int
        batches : int, optional
            Of a chunk; as many as are best read at a time if left out. If given, a smaller last batch may be alone in a chunk,
            and training on it rounded differently.
        """
        wanted = self.chunk_rows if batches is None else batches * batch_size
        for start, stop in chunk_bounds(len(self), batch_size, wanted, batches is None):
            yield self.take(slice(start, stop) if order is None else order[start:stop])
        self._unchecked = self._check_targets = False

    def _targets(self, rows: Wanted, count: int) -> np.ndarray | None:
        if self._y is None:
            return None
        if isinstance(self._y, np.ndarray):
            return self._y[self._placed(rows)]
        argument = self._prefix + "y"
        y: Any = self._y.read(argument, self._placed(rows), self._y.dtype)
        return targets(argument, y, count, self._spec, self._check_targets, self._numbers(rows), self._prefix + "x")

    def _placed(self, rows: Wanted) -> Wanted:
        """The rows as the readers count them."""
        if isinstance(rows, slice):
            return slice(self._start + rows.start, self._start + rows.stop)
        return rows + self._start if self._start else rows

    def _numbers(self, rows: Wanted) -> Any:
        """What the user calls these rows."""
        placed = self._placed(rows)
        return range(placed.start, placed.stop) if isinstance(placed, slice) else placed


def chunk_bounds(samples: int, batch_size: int, wanted: int, joins: bool = True) -> Iterator[tuple[int, int]]:
    """Where chunks of about ``wanted`` samples begin and end, each of whole batches.

    A smaller batch at the end ``joins`` the chunk before it: alone it would be run, and so rounded, as a whole one.

    Examples
    --------
    >>> from fastbp.data.source import chunk_bounds
    >>> list(chunk_bounds(10, 2, 5))
    [(0, 4), (4, 8), (8, 10)]
    >>> list(chunk_bounds(9, 2, 5))
    [(0, 4), (4, 9)]
    """
    size = max(1, wanted // batch_size) * batch_size
    start, last = 0, size + (batch_size if joins else 1)
    while samples - start >= last:
        yield start, start + size
        start += size
    if start < samples:
        yield start, samples
