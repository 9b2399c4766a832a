"""The weights of a layer in the engine of a model."""

from collections.abc import Sequence
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
