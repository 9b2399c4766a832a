"""A layer as the kernels compute it: one or more stages, each a row of the table that kernels read (kernels/fields.py)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..activations import Activation, linear, softmax
from ..kernels.fields import DENSE, ELEMENTWISE, SOFTMAX


@dataclass(frozen=True)
class Stage:
    """One step of the forward pass.

    Attributes
    ----------
    kind : int
        ``DENSE``, ``ELEMENTWISE`` or ``SOFTMAX`` of kernels/fields.py.
    units_in, units_out : int
    activation : Activation
        Elementwise, applied to the outputs.
    bias : bool
        Whether a dense stage has one.
    trainable : bool
        Whether its weights, if it has any, are differentiated and updated.
    """

    kind: int
    units_in: int
    units_out: int
    activation: Activation = linear
    bias: bool = False
    trainable: bool = True

    def apart(self) -> tuple[Stage, Stage]:
        """The stage without its activation, and the activation as a separate stage."""
        return replace(self, activation=linear), activate(self.units_out, self.activation)


def activate(units: int, activation: Activation) -> Stage:
    """An activation as a separate stage."""
    if activation == softmax:
        return Stage(SOFTMAX, units, units)
    return Stage(ELEMENTWISE, units, units, activation)


def dense(units_in: int, units: int, activation: Activation, bias: bool) -> tuple[Stage, ...]:
    """A fully connected layer. An activation that needs whole rows follows as a separate stage."""
    if activation == softmax:
        return Stage(DENSE, units_in, units, linear, bias), activate(units, activation)
    return (Stage(DENSE, units_in, units, activation, bias),)


def stages_of(layers: Iterable[Any], units: int, trainable: Sequence[bool] | None = None) -> list[Stage]:
    """The stages of consecutive layers, the first of which has ``units`` inputs; ``trainable`` is a flag for each layer."""
    found: list[Stage] = []
    for i, layer in enumerate(layers):
        for stage in layer.stages(units):
            if found and stage.kind == ELEMENTWISE and found[-1].kind == DENSE and found[-1].activation == linear:
                found[-1] = replace(found[-1], activation=stage.activation)  # one pass over the outputs rather than two
            else:
                found.append(stage if trainable is None or trainable[i] else replace(stage, trainable=False))
        units = layer.output_units(units)
    return found
