"""Penalties and constraints as kernels read them, and what weights cost at present."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from ..constraints import Norm
from ..kernels import fields as at
from ..kernels.codes import NON_NEGATIVE, NORM
from ..kernels.layers.dense_task import task_rows
from ..kernels.simd.element_types import element_type
from ..layers.stages import NO_RULE, Rule, Stage
from .parameters import Parameters
from .shapes import Shape

if TYPE_CHECKING:
    from .buffers import Builder


def describe_rules(builder: "Builder", phases: int, trained: int) -> None:
    """Have a plan measure and enforce what is asked of weights and outputs, as far as its phases have to do with it.

    A gradient that is given is taken as it is. ``trained`` is how many layers the loss is a function of.
    """
    if phases & at.LOSS_PHASE:
        _describe_activities(builder, trained)
    if not phases & at.UPDATE:
        return
    parts = []
    for shape, stage, row in zip(builder.shapes, builder.stages, builder.table, strict=True):
        if not (shape.trainable and stage.rules):
            continue
        row[at.RULES] = builder.buffer(f"rules {shape.offset}", at.RULE_FIELDS * len(stage.rules), np.int64)
        table = builder.buffers[f"rules {shape.offset}"].reshape(-1, at.RULE_FIELDS)
        for k, (numbers, rule) in enumerate(zip(table, stage.rules, strict=True)):
            _write_rule(numbers, rule, 2 if shape.is_dense and k == 0 else 1)
        codes = table[:, at.RULE_CONSTRAINT]
        row[at.CLIPS_WEIGHTS], row[at.CONSTRAINS_NORMS] = NON_NEGATIVE in codes, NORM in codes
        if phases & at.LOSS_PHASE and any(rule.regularizer for rule in stage.rules):
            parts.append((row, update_parts(shape, builder.dtype)))
    builder.fields[at.CONSTRAINED_NORMS] = builder.table[:, at.CONSTRAINS_NORMS].any()
    if parts:
        builder.fields[at.PENALTY_COUNT] = sum(count for _, count in parts)
        place = builder.fields[at.PENALTY_SUMS] = builder.buffer("penalties", builder.fields[at.PENALTY_COUNT], np.float64)
        for row, count in parts:
            row[at.PENALTIES], place = place, place + 8 * count


def update_parts(shape: Shape, dtype: np.dtype) -> int:
    """Parts that the update of a layer has at most, however it is cut into tasks: one for each vector and rows of a task."""
    rows = -(-shape.units_in // task_rows(shape, element_type(dtype))) if shape.is_dense else shape.learnt_vectors
    return rows * shape.vectors_out


def _describe_activities(builder: "Builder", trained: int) -> None:
    for i, (stage, row) in enumerate(zip(builder.stages[:trained], builder.table, strict=False)):
        if stage.activity is not None:
            row[at.ACTIVITY] = builder.buffer(f"activity {i}", at.ACTIVITY_FIELDS, np.float64)
            builder.buffers[f"activity {i}"][:2] = stage.activity.l1, stage.activity.l2
            builder.fields[at.ACTIVITY_PENALTIES] = 1


def _write_rule(numbers: np.ndarray, rule: Rule, axes: int) -> None:
    """A rule for a weight of so many axes."""
    floats = numbers.view(np.float64)
    if rule.regularizer is not None:
        floats[at.RULE_L1], floats[at.RULE_L2] = rule.regularizer.l1, rule.regularizer.l2
    if rule.constraint is not None:
        numbers[at.RULE_CONSTRAINT] = rule.constraint.code
    if isinstance(rule.constraint, Norm):
        numbers[at.RULE_ACROSS] = rule.constraint.across(axes)
        floats[at.RULE_LOW], floats[at.RULE_HIGH], floats[at.RULE_RATE] = rule.constraint.bounds


def weight_penalty(stages: Sequence[Stage], parameters: Parameters) -> float:
    """What the present weights of the layers that are trained cost."""
    total = 0.0
    for stage, shape in zip(stages, parameters.shapes, strict=True):
        if shape.trainable and any(rule.regularizer for rule in stage.rules):
            for rule, part in zip(stage.rules, shape.read(parameters.matrix(shape, parameters.weights)), strict=True):
                total += float(rule.regularizer(part.astype(np.float64))) if rule.regularizer is not None else 0.0
    return total


def ridge(stages: Sequence[Stage], parameters: Parameters) -> np.ndarray:
    """The factor of its square in the loss, for each number that training changes."""
    return _of_numbers(stages, parameters, lambda rule: 0.0 if rule.regularizer is None else rule.regularizer.l2)


def lowest(stages: Sequence[Stage], parameters: Parameters) -> np.ndarray:
    """The least that each number that training changes may be, where constraints say so, else minus infinity."""
    bounded = NON_NEGATIVE
    return _of_numbers(stages, parameters, lambda rule: 0.0 if getattr(rule.constraint, "code", None) == bounded else -np.inf)


def _of_numbers(stages: Sequence[Stage], parameters: Parameters, of_rule: Callable[[Rule], float]) -> np.ndarray:
    """A number by the rule of its weight for each number that training changes, in ``get_weights`` order."""
    found = [np.zeros(0)]
    for stage, shape in zip(stages, parameters.shapes, strict=True):
        if shape.weighted and shape.learns:
            parts = shape.learnt_parts(parameters.matrix(shape, parameters.weights))
            rules = stage.rules or (NO_RULE,) * len(parts)
            found += [np.full(part.size, of_rule(rule)) for part, rule in zip(parts, rules, strict=False)]
    return np.concatenate(found)
