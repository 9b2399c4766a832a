"""A network as what it computes: one operation after the other, with its weights as plain arrays.

All that takes a network elsewhere (ONNX, PyTorch, C) goes through this one list, and has one table that says for each kind of
operation what stands for it there. Noise is left out, as in predictions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from ..activations import Activation, linear
from ..kernels import fields as at
from ..kernels.layers.affine import MIN_DEVIATION
from ..layers import Layer
from ..layers.stages import Stage, stages_of

#: What an operation is called in tables and in names; those of kernels/fields.py that predictions have.
KINDS = {
    at.DENSE: "dense",
    at.ELEMENTWISE: "elementwise",
    at.WHOLE_ROWS: "whole_rows",
    at.GLU: "glu",
    at.PRELU: "prelu",
    at.LAYER_NORM: "layer_norm",
    at.RMS_NORM: "rms_norm",
    at.UNIT_NORM: "unit_norm",
    at.AFFINE: "affine",
    at.BATCH_NORM: "batch_norm",
}


@dataclass(frozen=True)
class Operation:
    """One step of a prediction, on rows of ``units_in`` numbers.

    Attributes
    ----------
    kind : str
        One of ``KINDS``.
    units_in, units_out : int
    activation : Activation
        Of "elementwise" and "whole_rows".
    arrays : dict of arrays
        "dense": kernel (units_in, units_out) and perhaps bias; "prelu": alpha; the normalizations of rows: gamma and beta,
        those that there are; "batch_norm": these, and moving_mean and moving_variance; "affine": mean and deviation.
    epsilon : float
        Of a normalization.
    limit : float
        What a row is multiplied by at most where it is normalized.
    invert : bool
        Whether "affine" goes from standard deviations back.
    layer : Layer
        The layer that it is of.
    """

    kind: str
    units_in: int
    units_out: int
    layer: Layer
    activation: Activation = linear
    arrays: dict[str, np.ndarray] = field(default_factory=dict)
    epsilon: float = 0.0
    limit: float = 0.0
    invert: bool = False

    def array(self, name: str, default: float) -> np.ndarray:
        """An array with a number for each unit, all of them ``default`` where the operation has none of this name."""
        found = self.arrays.get(name)
        return np.full(self.units_out, default) if found is None else found


def operations(model: Any, what: str) -> list[Operation]:
    """All operations of a model's predictions, in order.

    ``what`` is the method that asks, for the error where the model has no weights yet.
    """
    _need_weights(model, what)
    found: list[Operation] = []
    units = model._input_units
    for layer in model.leaves():
        found += _of_layer(layer, units)
        units = layer.output_units(units)
    return found


def stages(model: Any, what: str) -> list[Stage]:
    """All stages of a model, for an engine; ``what`` as for ``operations``."""
    _need_weights(model, what)
    return stages_of(model.leaves(), model._input_units)


def _need_weights(model: Any, what: str) -> None:
    if not model.built:
        raise ValueError(
            f"{what} needs a built model, got one whose input width is unknown: call fit or build, or begin the layers with an "
            "Input"
        )
    model.get_weights()  # drawn now, if they were not yet


def _of_layer(layer: Layer, units: int) -> Iterator[Operation]:
    weights = iter(layer.get_weights())
    for stage in layer.stages(units):
        own = [next(weights) for _ in range(stage.weights)]
        if not stage.is_random:
            yield _operation(layer, stage, own)
            if stage.activation != linear and stage.is_dense:
                yield Operation("elementwise", stage.units_out, stage.units_out, layer, stage.activation)


def _operation(layer: Layer, stage: Stage, weights: list[np.ndarray]) -> Operation:
    make = partial(Operation, KINDS[stage.kind], stage.units_in, stage.units_out, layer)
    if stage.kind in (at.ELEMENTWISE, at.WHOLE_ROWS):
        return make(stage.activation)
    if stage.kind == at.AFFINE:
        return make(arrays=_mean_and_deviation(stage, weights), invert=bool(stage.settings[0]))
    names = [weight.name for weight in layer.weight_specs(stage.units_in)] if weights else []
    arrays = dict(zip(names, weights, strict=True))
    if "scale" in arrays:  # that of an RMSNormalization
        arrays["gamma"] = arrays.pop("scale")
    epsilon, limit = (*stage.settings, 0.0, 0.0)[:2]
    return make(arrays=arrays, epsilon=epsilon, limit=limit if stage.kind in at.ROW_NORMS else 0.0)


def _mean_and_deviation(stage: Stage, weights: list[np.ndarray]) -> dict[str, np.ndarray]:
    """Of each unit, whether they are weights or constants; as the kernels have them, no deviation is too near to 0."""
    if stage.forms:
        mean, variance = (form.spread(array) for form, array in zip(stage.forms[:2], weights[:2], strict=True))
    else:
        mean, variance = map(np.asarray, stage.constants)
    return {"mean": mean, "deviation": np.maximum(np.sqrt(variance), MIN_DEVIATION)}


def formula(activation: Activation) -> Any:
    """The graph of an elementwise activation: its argument ``z`` and its ``value``, nodes of fastbp's graph."""
    from ..graph.codegen.row_graphs import trace_activation
    from ..graph.tracing.special.operator import Unlisted
    from ..graph.tracing.special.table import SPECIAL
    from ..graph.tracing.traversal import live

    function: Callable[..., Any] = activation._formula
    graph = trace_activation(partial(function, **dict(activation.settings)) if activation.settings else function)
    operators = {node.op for node in live([graph.value])}
    if any(isinstance(op, Unlisted) for op in operators):
        raise ValueError("an activation with a table that it interpolates from cannot be exported to other programs")
    inside = sorted(operators & set(SPECIAL))
    if inside:
        raise ValueError(f"an activation with {', '.join(inside)} can be saved, but not exported to other programs")
    return graph


def batch_norm_scale(operation: Operation) -> np.ndarray:
    """What "batch_norm" multiplies each unit by, about the moving mean, in float64."""
    variance = operation.arrays["moving_variance"]
    safe = np.maximum(variance.astype(np.float64) + operation.epsilon, np.finfo(variance.dtype).tiny)
    scale: np.ndarray = operation.array("gamma", 1.0) / np.sqrt(safe)
    return scale
