"""Models that no engine has: all that they have learnt lies in arrays, as of a copy."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..layers.store import AtRest
from .holding import InEngine

if TYPE_CHECKING:
    from ..engine.state import TrainingRecord


def is_at_rest(model: Any) -> bool:
    """Whether no engine has any of its weights."""
    engines = model._engine, model._engine_aside
    return engines == (None, None) and not any(isinstance(leaf._store, InEngine) for leaf in model.leaves())


def rest(model: Any) -> None:
    """Have the engine of a model go, with all its buffers. One that is made when needed goes on as this would."""
    if model._engine is not None and not model._averages_in_place:
        record = model._training_record()
        model._drop_engine()
        model._record = record


def resting_weights(model: Any, units: int) -> list[np.ndarray]:
    """The weights of a model at rest, in ``get_weights`` order, drawn now if they were not yet."""
    if model._input_units is None:
        model.check_sample((units,))
        model.expect((units,))
    model.draw_weights()
    return [array for leaf in model.leaves() if leaf._store is not None for array in leaf._store.view()]


def leave_at_rest(model: Any, weights: Sequence[np.ndarray], record: "TrainingRecord") -> None:
    """Have a model at rest with other weights, and all else that training changes."""
    first = 0
    for leaf in model.leaves():
        if leaf._store is not None:
            stop = first + len(leaf._store.view())
            leaf._store, first = AtRest.of(weights[first:stop]), stop
    model._record, model._kept_rows = record, 0
