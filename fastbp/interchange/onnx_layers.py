"""ONNX's operators that are layers. Each tells whether it is one in this place, and has the reader advance."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..layers import (
    Activation,
    BatchNormalization,
    Dense,
    Flatten,
    Layer,
    LayerNormalization,
    Normalization,
    PReLU,
    RMSNormalization,
    UnitNormalization,
)

Made = tuple[Layer, list[np.ndarray]]


def line_layer(ops: Sequence[tuple[str, np.ndarray]], mean: Any, scale: Any, offset: Any, units: int) -> Made:
    """A Normalization where it is one, else a BatchNormalization that divides by 1."""
    kinds, wide = [op for op, _ in ops], [np.broadcast_to(number, (units,)) for _, number in ops]
    if kinds == ["Sub", "Div"] and (wide[1] >= 1e-7).all():
        return Normalization(mean=wide[0], variance=wide[1] ** 2), []
    if kinds == ["Mul", "Add"] and (wide[0] >= 1e-7).all():
        return Normalization(mean=wide[1], variance=wide[0] ** 2, invert=True), []
    return BatchNormalization(epsilon=0), [scale, offset, np.broadcast_to(mean, (units,)), np.ones(units)]


# -- operators that are layers: each tells whether it is one, and advances


def _dense(reader: Any, kernel: np.ndarray, bias: np.ndarray | None, count: int) -> bool:
    if kernel.ndim != 2 or len(kernel) != reader.units:
        reader.refuse(f"has a product with an array of shape {kernel.shape}, where a sample has {reader.units} numbers")
    units = kernel.shape[1]
    weights = [kernel] if bias is None else [kernel, np.broadcast_to(bias.reshape(-1), (units,))]
    reader.advance(count, (Dense(units, use_bias=bias is not None), weights), units=units)
    return True


def _gemm(reader: Any, node: Any) -> bool:
    a, kernel = reader.attributes(node), reader.need(node, 1)
    if a.get("transA", 0):
        reader.refuse("has a Gemm that transposes its samples")
    kernel = (kernel.T if a.get("transB", 0) else kernel) * np.asarray(a.get("alpha", 1.0), kernel.dtype)
    bias = reader.need(node, 2) if len(node.input) > 2 and node.input[2] else None
    return _dense(reader, kernel, bias if bias is None else bias * np.asarray(a.get("beta", 1.0), bias.dtype), 1)


def _matmul(reader: Any, node: Any) -> bool:
    kernel, following = reader.need(node, 1), reader.nodes[reader.position + 1 : reader.position + 2]
    name = node.output[0]
    for add in following:
        if add.op_type == "Add" and name in add.input and reader.readers(name) == 1:
            bias = reader.constant(add.input[1 - list(add.input).index(name)])
            if bias is not None and bias.shape in ((kernel.shape[-1],), (1, kernel.shape[-1])):
                return _dense(reader, kernel, bias, 2)
    return _dense(reader, kernel, None, 1)


def _batch_norm(reader: Any, node: Any) -> bool:
    a = reader.attributes(node)
    if a.get("training_mode", 0):
        reader.refuse("has a BatchNormalization in training mode")
    layer = BatchNormalization(epsilon=float(a.get("epsilon", 1e-5)), momentum=float(a.get("momentum", 0.9)))
    reader.advance(1, (layer, [reader.need(node, i) for i in range(1, 5)]))
    return True


def _last_axis(reader: Any, node: Any, default: int) -> None:
    if reader.attributes(node).get("axis", default) not in (-1, 1):
        reader.refuse(f"has a {node.op_type} over another axis than the last")


def _layer_norm(reader: Any, node: Any) -> bool:
    _last_axis(reader, node, -1)
    has_beta = len(node.input) > 2 and bool(node.input[2])
    layer = LayerNormalization(epsilon=float(reader.attributes(node).get("epsilon", 1e-5)), center=has_beta)
    reader.advance(1, (layer, [reader.need(node, i) for i in range(1, 2 + has_beta)]))
    return True


def _prelu(reader: Any, node: Any) -> bool:
    slopes = reader.need(node, 1)
    if slopes.size not in (1, reader.units):
        reader.refuse(f"has a PRelu with slopes of shape {slopes.shape}")
    reader.advance(1, (PReLU(), [slopes.ravel()]))
    return True


def _whole_rows(name: str) -> Callable[[Any, Any], bool]:
    def read(reader: Any, node: Any) -> bool:
        _last_axis(reader, node, -1)
        reader.advance(1, (Activation(name), []))
        return True

    return read


def _rows(reader: Any, node: Any) -> bool:
    """A Flatten or a Reshape of samples to rows."""
    shape = reader.need(node, 1).tolist() if node.op_type == "Reshape" else [-1, reader.units]
    axis = reader.attributes(node).get("axis", 1)
    if axis != 1 or len(shape) != 2 or shape[1] not in (-1, reader.units) or shape[0] not in (-1, 0):
        reader.refuse(f"has a {node.op_type} that does not make rows of samples")
    reader.advance(1, (Flatten(), []))
    return True


def _nothing(reader: Any, node: Any) -> bool:
    reader.advance(1)
    return True


LAYERS: dict[str, Callable[[Any, Any], bool]] = {
    "Gemm": _gemm,
    "MatMul": _matmul,
    "BatchNormalization": _batch_norm,
    "LayerNormalization": _layer_norm,
    "PRelu": _prelu,
    "Softmax": _whole_rows("softmax"),
    "LogSoftmax": _whole_rows("log_softmax"),
    "Flatten": _rows,
    "Reshape": _rows,
    "Identity": _nothing,
    "Dropout": _nothing,
}
LAYERS_OF_TEMPLATES: dict[str, Callable[[dict[str, np.ndarray]], list[Made]]] = {
    "rms_norm": lambda arrays: [(RMSNormalization(epsilon=float(arrays["epsilon"])), [arrays["gamma"]])],
    "unit_norm": lambda arrays: [(UnitNormalization(), [])],
    "glu": lambda arrays: [(Activation("glu"), [])],
    "sparsemax": lambda arrays: [(Activation("sparsemax"), [])],
}
