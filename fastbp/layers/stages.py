"""A layer as the kernels compute it: one or more stages, each a row of the table that kernels read (kernels/fields.py)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..activations import Activation, linear
from ..kernels import codes
from ..kernels.fields import DENSE, ELEMENTWISE, GLU, PRELU, WHOLE_ROWS


@dataclass(frozen=True)
class Stage:
    """One step of the forward pass.

    Attributes
    ----------
    kind : int
        ``DENSE``, ``ELEMENTWISE``, ``WHOLE_ROWS``, ... of kernels/fields.py.
    units_in, units_out : int
    activation : Activation
        Elementwise, applied to the outputs; with ``WHOLE_ROWS`` one of whole rows.
    bias : bool
        Whether a dense stage has one.
    trainable : bool
        Whether its weights, if it has any, are differentiated and updated.
    vectors : int
        Weights that are a number for each unit, of kinds other than ``DENSE``: slopes, scales, moving means.
    learnt_vectors : int
        How many of these, the first ones, gradients change.
    settings : tuple of float
        Up to three numbers that the kind's kernels read.
    """

    kind: int
    units_in: int
    units_out: int
    activation: Activation = linear
    bias: bool = False
    trainable: bool = True
    vectors: int = 0
    learnt_vectors: int = 0
    settings: tuple[float, ...] = ()

    @property
    def is_dense(self) -> bool:
        return self.kind == DENSE

    @property
    def learns(self) -> bool:
        """Whether it has weights, and they are updated."""
        return self.trainable and (self.is_dense or self.learnt_vectors > 0)

    def apart(self) -> tuple[Stage, Stage]:
        """The stage without its activation, and the activation as a separate stage."""
        return replace(self, activation=linear), activate(self.units_out, self.activation)


def activate(units: int, activation: Activation) -> Stage:
    """An activation as a separate stage."""
    if activation.code == codes.GLU:
        return Stage(GLU, units, activation.output_units(units))
    kind = WHOLE_ROWS if activation.code in codes.WHOLE_ROW_ACTIVATIONS else ELEMENTWISE
    return Stage(kind, units, units, activation)


def dense(units_in: int, units: int, activation: Activation, bias: bool) -> tuple[Stage, ...]:
    """A fully connected layer. An activation that is not elementwise follows as a separate stage."""
    following = activate(units, activation)
    if following.kind == ELEMENTWISE:
        return (Stage(DENSE, units_in, units, activation, bias),)
    return Stage(DENSE, units_in, units, linear, bias), following


def prelu(units: int) -> Stage:
    """A PReLU, whose slopes are learnt."""
    return Stage(PRELU, units, units, vectors=1, learnt_vectors=1)


def stages_of(layers: Iterable[Any], units: int, trainable: Sequence[bool] | None = None) -> list[Stage]:
    """The stages of consecutive layers, the first of which has ``units`` inputs; ``trainable`` is a flag for each layer."""
    return [stage for stage, _ in stages_by_layer(layers, units, trainable)]


def stages_by_layer(layers: Iterable[Any], units: int, trainable: Sequence[bool] | None = None) -> list[tuple[Stage, int]]:
    """The same, each stage with the number of its layer; an activation that became part of the stage below has none."""
    found: list[tuple[Stage, int]] = []
    for i, layer in enumerate(layers):
        for stage in layer.stages(units):
            below, owner = found[-1] if found else (None, i)
            if below and stage.kind == ELEMENTWISE and below.kind == DENSE and below.activation == linear:
                found[-1] = replace(below, activation=stage.activation), owner  # one pass over the outputs rather than two
            else:
                found.append((stage if trainable is None or trainable[i] else replace(stage, trainable=False), i))
        units = layer.output_units(units)
    return found
