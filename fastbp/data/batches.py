"""Batches: data that comes a batch at a time, from whatever yields batches."""

import itertools
from collections.abc import Iterator
from typing import Any

from ..conversion import describe
from ..notices import warn
from .rows import Rows, prepare_rows
from .spec import Spec
from .streams import Order, Stream
from .weights import ClassWeights

FORMS = "x, (x, y) or (x, y, sample_weight)"


class Batches:
    """Batches from an iterable, a sequence of batches or a generator, one ``Rows`` after the other.

    Parameters
    ----------
    stream : Stream
    spec : Spec
        With a loss, batches must have targets.
    check_finite : bool
    prefix : str
        What goes before the names of arguments in errors.

    Attributes
    ----------
    is_exhausted : bool
        Whether there is nothing left, and there will not be: training ends.

    Examples
    --------
    >>> import numpy as np
    >>> from fastbp import losses
    >>> from fastbp.data import Spec, prepare
    >>> spec = Spec(1, 1, np.dtype("float32"), losses.get("mse"))
    >>> batches = prepare(iter([([1, 2], [3, 4]), ([5], [6])]), spec=spec)
    >>> [len(rows) for rows in batches.epoch()]
    [2, 1]
    """

    def __init__(self, stream: Stream, *, spec: Spec, check_finite: bool = True, prefix: str = "") -> None:
        self._stream, self._spec, self._check_finite, self._prefix = stream, spec, check_finite, prefix
        self._class_weight: ClassWeights | None = None
        self._running: Iterator[Any] | None = None
        self._seen, self._has_begun = 0, False  # batches since the stream was started; whether an epoch took any
        self._first: Rows | None = None
        self.is_exhausted, self._has_ended = False, False  # the latter: an iterator has, whether or not an epoch was cut short

    # -- what is known beforehand

    @property
    def steps(self) -> int | None:
        """Batches of a pass, where that is known."""
        return self._stream.length

    @property
    def is_endless(self) -> bool:
        """Whether a pass needs a number of steps, since there is no end."""
        return self._stream.is_endless

    def first(self) -> Rows:
        """The first batch, which the first epoch will have as any other."""
        if self._first is None:
            running = self._stream.glance()
            try:
                batch = next(running)
            except StopIteration:
                raise self._nothing() from None
            self._first = self._rows(batch, 0)
            if not self._stream.is_numbered:  # it cannot be asked for again without an effect on what follows
                self._running = itertools.chain([batch], running)
        return self._first

    @property
    def width(self) -> int:
        """Features of a sample."""
        return self._spec.inputs or self.first().width

    @property
    def target_columns(self) -> int:
        """Columns of the targets; labels have one."""
        return self.first().target_columns

    @property
    def names(self) -> tuple[str, ...] | None:
        """Of the first batch's columns."""
        return self.first().names

    def weigh(self, class_weight: ClassWeights | None) -> "Batches":
        """The same with the weights of classes."""
        if class_weight is not None and class_weight.is_balanced:
            raise ValueError(
                f"class_weight must be a dict where x yields batches, as {describe(self._stream.batches)} does, "
                "got 'balanced', which needs all targets at once"
            )
        self._class_weight = class_weight
        return self

    # -- one epoch after the other

    def epoch(self, steps: int | None = None, order: Order | None = None) -> Iterator[Rows]:
        """The batches of an epoch.

        Parameters
        ----------
        steps : int, optional
            How many at most; the next epoch goes on from there. None: to the end, and the next epoch begins anew.
        order : callable, optional
            For batches that have numbers: it gives the order of so many of them.
        """
        if steps is None and self.is_endless:
            raise ValueError(
                f"{self._prefix}x has no end, so the number of batches must be given, got None: steps_per_epoch of fit, "
                "validation_steps, or steps of evaluate and predict"
            )
        return self._epoch(steps, order)

    def _epoch(self, steps: int | None, order: Order | None) -> Iterator[Rows]:
        self._stream.notify("on_epoch_begin")
        count = 0
        if self._running is None or self._is_over(steps):
            self._start(order)
        while steps is None or count < steps:
            batch = self._next(count, order)
            if batch is None:
                self._ran_out(count, steps)
                break
            self._has_begun = True
            yield self._rows(batch[0], self._seen - 1)
            count += 1
        self._stream.notify("on_epoch_end")

    def restart(self) -> None:
        """Have the next epoch begin anew, where that is possible: validation is on the same data each time."""
        if self._has_ended:
            raise ValueError(
                f"{self._prefix}x must yield batches each time it is read, got {describe(self._stream.batches)}, which is at "
                "its end: give a sequence of batches, or an iterator without an end and the number of steps"
            )
        if self._stream.restarts and self._has_begun:
            self._running = None

    def _is_over(self, steps: int | None) -> bool:
        """Whether a pass is over, and the next can begin."""
        if not self._stream.restarts or not self._has_begun:
            return False
        return steps is None or self._seen == self._stream.length

    def _start(self, order: Order | None) -> None:
        self._running, self._seen = self._stream.start(order), 0

    def _next(self, count: int, order: Order | None) -> tuple[Any] | None:
        """The next batch in a tuple, if there is one. A pass that turns out to be over as an epoch begins is begun anew."""
        assert self._running is not None
        for attempt in range(2):
            for batch in self._running:
                self._seen += 1
                return (batch,)
            if attempt or count or not self._seen or not self._stream.restarts:
                break
            self._start(order)
        return None

    def _ran_out(self, count: int, steps: int | None) -> None:
        """There is no batch left for this epoch."""
        if not self._has_begun:
            raise self._nothing()
        self._running, self._has_ended = (None, False) if self._stream.restarts else (iter(()), True)
        is_known, self.is_exhausted = self.is_exhausted, not count or (not self._stream.restarts and steps is not None)
        if (steps is not None or not count) and not is_known:
            expected = f"of {steps} in an epoch" if steps is not None else "in an epoch"
            way = "" if self._stream.restarts else ": an iterator is read once, where a sequence of batches begins anew"
            warn(f"{self._prefix}x ran out of data after {count} batches {expected}{way}")

    def _nothing(self) -> ValueError:
        return ValueError(f"{self._prefix}x must yield at least one batch, got {describe(self._stream.batches)} without any")

    # -- one batch

    def _rows(self, batch: Any, number: int) -> Rows:
        prefix = f"{self._prefix}batch {number}: "
        x, y, sample_weight = unpack(prefix, batch)
        if self._spec.loss is not None and y is None:
            raise ValueError(f"{prefix}y must come with x, got x alone: batches are (x, y) or (x, y, sample_weight)")
        rows = prepare_rows(
            x,
            y,
            sample_weight,
            self._class_weight,
            spec=self._spec,
            check_finite=self._check_finite,
            prefix=prefix,
            is_part=True,
        )
        if self._spec.inputs is None or (rows.names and not self._spec.names):
            self._spec = self._spec._replace(inputs=rows.width, names=self._spec.names or rows.names)
        return rows


def unpack(prefix: str, batch: Any) -> tuple[Any, Any, Any]:
    """x, y and sample_weight of a batch, None where it has none. A list holds them if all in it are arrays."""
    is_list_of_parts = isinstance(batch, list) and batch and all(hasattr(part, "shape") for part in batch)
    if not isinstance(batch, tuple) and not is_list_of_parts:
        if hasattr(batch, "keys") and not hasattr(batch, "columns"):
            raise TypeError(f"{prefix}a batch must be {FORMS}, got {describe(batch)}")
        return batch, None, None
    if not 1 <= len(batch) <= 3:
        raise ValueError(f"{prefix}a batch must be {FORMS}, got {len(batch)} parts")
    x, y, sample_weight = (*batch, None, None)[:3]
    return x, y, sample_weight
