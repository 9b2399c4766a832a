"""The weights of a layer in the engine of a model."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any
from weakref import ref

import numpy as np

if TYPE_CHECKING:
    from ..engine.engine import Engine


class InEngine:
    """Some of the weights of an engine, those of one layer.

    Parameters
    ----------
    model : Network
        Whose engine it is. The engine lives on with its weights where the model does not.
    engine : Engine
    first, stop : int
        Which of the engine's arrays they are.
    """

    def __init__(self, model: Any, engine: "Engine", first: int, stop: int) -> None:
        self._model, self.engine, self.slice = ref(model), engine, slice(first, stop)

    @property
    def dtype(self) -> np.dtype:
        """That of the weights."""
        return self.engine.dtype

    def view(self) -> list[np.ndarray]:
        """The weights, as new arrays."""
        return self.engine.get_weights()[self.slice]

    def averages(self) -> list[np.ndarray]:
        """Their averages over the steps, where the optimizer keeps them, else the weights."""
        return self.engine.averages()[self.slice]

    def write(self, arrays: Sequence[np.ndarray]) -> None:
        """Replace the weights."""
        weights = self.engine.get_weights()
        weights[self.slice] = arrays
        self.engine.set_weights(weights)
        model = self._model()
        if model is not None:
            model._kept_rows = 0

    def leave(self) -> None:
        """Another engine takes the weights: the model must fetch them before it uses its engine again."""
        model = self._model()
        if model is not None:
            model._set_engine_aside(self.engine)


def has_foreign_weights(model: Any) -> bool:
    """Whether weights of its layers are in the engine of another model."""
    stores, own = (leaf._store for leaf in model.leaves()), (model._engine, model._engine_aside)
    return any(isinstance(store, InEngine) and store.engine not in own for store in stores)


def held(model: Any) -> ExitStack:
    """A block in which a model's weights and all that training changes stay as they are: calls of other threads wait."""
    block, engines = ExitStack(), {id(engine): engine for engine in _engines_of(model) if engine is not None}
    for key in sorted(engines):  # all threads in the same order, so that none has what another waits for
        block.enter_context(engines[key].held())
    return block


def _engines_of(model: Any) -> "Iterator[Engine | None]":
    """Those that its weights are in, and its own and those of the models within it."""
    yield from (model._engine, model._engine_aside)
    for layer in model._layers:
        if hasattr(layer, "_engine_aside"):
            yield from _engines_of(layer)
    yield from (leaf._store.engine for leaf in model.leaves() if isinstance(leaf._store, InEngine))
