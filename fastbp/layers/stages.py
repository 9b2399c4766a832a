"""A layer as the kernels compute it: one or more stages, each a row of the table that kernels read (kernels/fields.py)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, NamedTuple

from ..activations import Activation, linear
from ..constraints import Constraint
from ..kernels import codes
from ..kernels.fields import (
    ACTIVATED,
    AFFINE,
    ALPHA_DROPOUT,
    BATCH_NORM,
    COMMON,
    DENSE,
    DROPOUT,
    ELEMENTWISE,
    GLU,
    PRELU,
    WHOLE_ROWS,
)
from ..regularizers import Regularizer
from .form import Form


class Rule(NamedTuple):
    """What a weight is to be like beside what the loss wants of it."""

    regularizer: Regularizer | None
    constraint: Constraint | None


NO_RULE = Rule(None, None)


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
    forms : tuple of Form
        What the arrays look like whose numbers the vectors hold; empty where each is an array (units,).
    constants : tuple of tuples of float
        Further vectors after the weights, which are none.
    settings : tuple of float
        Up to three numbers that the kind's kernels read.
    seed : int, optional
        Of the random numbers of a stage that is random; None: the engine gives it one.
    rules : tuple of Rule
        Penalty and constraint of each weight in ``get_weights`` order; none where no weight has any.
    activity : Regularizer, optional
        A penalty on the outputs.
    """

    kind: int
    units_in: int
    units_out: int
    activation: Activation = linear
    bias: bool = False
    trainable: bool = True
    vectors: int = 0
    learnt_vectors: int = 0
    forms: tuple[Form, ...] = ()
    constants: tuple[tuple[float, ...], ...] = ()
    settings: tuple[float, ...] = ()
    seed: int | None = None
    rules: tuple[Rule, ...] = ()
    activity: Regularizer | None = None

    @property
    def is_dense(self) -> bool:
        return self.kind == DENSE

    @property
    def learns(self) -> bool:
        """Whether it has weights, and they are updated."""
        return self.trainable and (self.is_dense or self.learnt_vectors > 0)

    @property
    def needs_full_kernel(self) -> bool:
        """Whether kernels/run.py serves it by the kernel that has all kinds, or has its penalties and constraints."""
        return self.kind not in COMMON or bool(self.rules) or self.activity is not None

    @property
    def is_random(self) -> bool:
        """Whether it adds noise, which it does while a network learns; else it is left out."""
        return DROPOUT <= self.kind <= ALPHA_DROPOUT

    @property
    def activates(self) -> bool:
        """Whether an elementwise activation of its outputs can be part of it: one pass over them rather than two."""
        return self.kind in ACTIVATED

    @property
    def normalizes_batch(self) -> bool:
        """Whether, while a network learns, it needs the whole batch to have come through the layers below."""
        return self.kind == BATCH_NORM and self.trainable

    @property
    def weights(self) -> int:
        """How many arrays its weights are."""
        return 1 + self.bias if self.is_dense else self.vectors

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


def row_norm(kind: int, units: int, epsilon: float, limit: float, gamma: bool, beta: bool) -> Stage:
    """A normalization of each row, by a factor of at most ``limit``."""
    learnt = gamma + beta
    return Stage(kind, units, units, vectors=learnt, learnt_vectors=learnt, settings=(epsilon, limit, float(gamma)))


def affine(units: int, invert: bool, forms: tuple[Form, ...], constants: tuple[tuple[float, ...], ...]) -> Stage:
    """Each unit by a mean and a variance, which are weights or constants."""
    return Stage(AFFINE, units, units, vectors=len(forms), forms=forms, constants=constants, settings=(float(invert),))


def batch_norm(units: int, center: bool, scale: bool, epsilon: float, momentum: float) -> Stage:
    """A batch normalization, with gamma if it scales and beta (its bias) if it centers; then its moving statistics."""
    learnt = center + scale
    settings = epsilon, momentum
    return Stage(BATCH_NORM, units, units, bias=center, vectors=learnt + 2, learnt_vectors=learnt, settings=settings)


def stages_of(layers: Iterable[Any], units: int, trainable: Sequence[bool] | None = None) -> list[Stage]:
    """The stages of consecutive layers, the first of which has ``units`` inputs; ``trainable`` is a flag for each layer."""
    return [stage for stage, _ in stages_by_layer(layers, units, trainable)]


def stages_by_layer(layers: Iterable[Any], units: int, trainable: Sequence[bool] | None = None) -> list[tuple[Stage, int]]:
    """The same, each stage with the number of its layer; an activation that became part of the stage below has none."""
    found: list[tuple[Stage, int]] = []
    for i, layer in enumerate(layers):
        for stage in ruled(layer, units):
            joined = join(found[-1][0], stage) if found else None
            if joined is not None:
                found[-1] = joined, found[-1][1]
            else:
                found.append((stage if trainable is None or trainable[i] else replace(stage, trainable=False), i))
        units = layer.output_units(units)
    return found


def ruled(layer: Any, units: int) -> list[Stage]:
    """A layer's stages with its penalties and constraints; what its output costs may be a stage of its own."""
    weights, stages = iter(layer.weight_specs(units)), []
    for stage in layer.stages(units):
        own = islice(weights, stage.weights)
        rules = tuple(Rule(w.regularizer, w.constraint) if w.trainable else NO_RULE for w in own)
        stages.append(replace(stage, rules=rules) if any(rule != NO_RULE for rule in rules) else stage)
    activity = layer.activity_regularizer
    if activity is not None and (activity.l1 or activity.l2):
        outputs = layer.output_units(units)
        stages.append(Stage(ELEMENTWISE, outputs, outputs, activity=activity))
    return stages


def join(below: Stage, stage: Stage) -> Stage | None:
    """Two stages as one pass over the outputs rather than two, where that can be."""
    if stage.kind != ELEMENTWISE or below.activity is not None:
        return None
    if below.activates and below.activation == linear:
        return replace(below, activation=stage.activation, activity=stage.activity)
    if stage.activation == linear and stage.activity is not None and not below.is_random:  # which may be left out
        return replace(below, activity=stage.activity)
    return None
