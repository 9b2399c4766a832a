"""The outputs of a model for data of any kind."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from ..callbacks.callback_list import CallbackList
from ..data import Batches, Data, Rows, Source
from .portions import chunks

if TYPE_CHECKING:
    from ..engine.engine import Engine


class Predicting:
    """The predicting of some data.

    Parameters
    ----------
    engine : Engine
    data : Rows, Source or Batches
    batch_size : int
        For callbacks that look at batches; the result does not depend on it.
    steps : int, optional
        Batches to take where it is they that come.
    threads : int, optional
    callbacks : CallbackList
    training : bool
        Whether layers do what they do while the model learns.
    """

    def __init__(
        self,
        engine: "Engine",
        data: Data,
        batch_size: int,
        steps: int | None,
        threads: int | None,
        callbacks: CallbackList,
        training: bool = False,
    ) -> None:
        self._engine, self._data, self._batch_size, self._steps = engine, data, batch_size, steps
        self._threads, self._callbacks, self._training = threads, callbacks, training
        self._watched = callbacks.listens("on_predict_batch_begin", "on_predict_batch_end")

    def outputs(self) -> np.ndarray:
        """An array (samples, units)."""
        callbacks = self._callbacks
        callbacks.on_predict_begin()
        found = list(self._watch() if self._watched else self._parts())
        callbacks.on_predict_end()
        return found[0] if len(found) == 1 else np.concatenate(found)

    def _parts(self) -> Iterator[np.ndarray]:
        for rows in self._portions():
            yield self._engine.forward(rows.x, self._threads, training=self._training)

    def _portions(self) -> Iterator[Rows]:
        data = self._data
        if isinstance(data, Batches):
            return data.epoch(self._steps)
        if isinstance(data, Source):
            return chunks(data, self._batch_size, self._watched)
        return iter((data,))

    def _batches(self) -> Iterator[np.ndarray]:
        """The outputs of a batch after the other; those of rows in memory have been computed at once."""
        size = self._batch_size if isinstance(self._data, Rows) else None
        for output in self._parts():
            for start in range(0, len(output), size or len(output)):
                yield output[start : start + (size or len(output))].copy()

    def _watch(self) -> Iterator[np.ndarray]:
        callbacks = self._callbacks
        callbacks.model.stop_predicting = False
        for step, output in enumerate(self._batches()):
            callbacks.on_predict_batch_begin(step)
            callbacks.on_predict_batch_end(step, {"outputs": output})
            yield output
            if callbacks.model.stop_predicting:
                return
