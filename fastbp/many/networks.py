"""The stages of many networks: those whose layers are alike are worked out once."""

from collections.abc import Hashable
from dataclasses import replace
from typing import Any, NamedTuple

from ..activations import linear
from ..engine.work import step_flop
from ..layers.held import trainable_flags
from ..layers.stages import Stage, stages_of


class Network(NamedTuple):
    """What kernels know of a network.

    Attributes
    ----------
    stages : tuple of Stage
    form : Hashable
        Equal for networks that one plan can be made for.
    flop : int
        Operations of a training step for each row.
    """

    stages: tuple[Stage, ...]
    form: Hashable
    flop: int


class Networks:
    """Those that have been looked at."""

    def __init__(self) -> None:
        self._known: dict[Hashable, Network] = {}
        self._forms: dict[Hashable, object] = {}  # what stands for a form, which takes a while to compare

    def of(self, model: Any, width: int) -> Network:
        """The network of a model for data of so many features."""
        leaves = list(model.leaves())
        flags = model._trained or trainable_flags(leaves)
        keys = [leaf.stage_key() for leaf in leaves]
        if None in keys:
            return self._look(tuple(stages_of(leaves, width, flags)), model.dtype)
        key = width, model.dtype, flags, *keys
        try:
            if key not in self._known:
                self._known[key] = self._look(tuple(stages_of(leaves, width, flags)), model.dtype)
            return self._known[key]
        except TypeError:  # a setting of somebody's own
            return self._look(tuple(stages_of(leaves, width, flags)), model.dtype)

    def _look(self, stages: tuple[Stage, ...], dtype: str) -> Network:
        form: Hashable
        try:
            alike = tuple(_alike(stage, dtype) for stage in stages)
            form = self._forms.setdefault(alike, object())
        except TypeError:  # something that cannot be compared: it is like no other
            form = object()
        return Network(stages, form, step_flop(stages, 1))


def _alike(stage: Stage, dtype: str) -> Hashable:
    """A stage but for its seed. Formulas are alike that have the same code and numbers."""
    stage = replace(stage, seed=None) if stage.is_random else stage
    formula = None if stage.activation.function is None else stage.activation.bind(dtype)
    return stage if formula is None else (replace(stage, activation=linear), formula.identity)
