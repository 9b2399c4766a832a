"""The layers of an ONNX file, with their weights. The file's nodes are followed from the input to the output."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

import numpy as np

from ..errors import ModelFileError
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
from .extras import needed
from .onnx_operators import ELEMENTWISE, NAMED, OnnxFormula, named
from .onnx_templates import TEMPLATES, match

Made = tuple[Layer, list[np.ndarray]]
AFFINE = ("Add", "Sub", "Mul", "Div")


class Reader:
    """An ONNX graph that is read node by node.

    Attributes
    ----------
    made : list of (Layer, weights)
        So far.
    current : str
        The tensor that they end at.
    units : int
        Its numbers in a sample.
    """

    def __init__(self, onnx: Any, path: str, graph: Any) -> None:
        self._onnx, self.path = onnx, path
        self.constants = {tensor.name: self._array(tensor) for tensor in graph.initializer}
        self.nodes = [node for node in graph.node if not self._is_constant(node)]
        inputs = [value for value in graph.input if value.name not in self.constants]
        if len(inputs) != 1 or len(graph.output) != 1:
            self.refuse(f"has {len(inputs)} inputs and {len(graph.output)} outputs, where there must be one of each")
        self.current, self.end = inputs[0].name, graph.output[0].name
        kind = inputs[0].type.tensor_type
        self.dtype = {onnx.TensorProto.FLOAT: "float32", onnx.TensorProto.DOUBLE: "float64"}.get(kind.elem_type, "")
        if not self.dtype:
            self.refuse("has an input that is neither of float nor of double")
        self.sample = tuple(int(size.dim_value) for size in kind.shape.dim[1:])
        if not self.sample or min(self.sample) < 1:
            self.refuse("has an input without a shape (samples, features)")
        self.units = math.prod(self.sample)
        self.made: list[Made] = []
        self.position = 0

    def refuse(self, reason: str) -> NoReturn:
        raise ModelFileError(self.path, reason)

    def _array(self, tensor: Any) -> np.ndarray:
        if tensor.data_location == self._onnx.TensorProto.EXTERNAL or tensor.external_data:
            self.refuse("has weights in other files, which are not read: save it as one file")
        if any(size < 0 for size in tensor.dims) or math.prod(tensor.dims) > os.path.getsize(self.path):
            self.refuse(f"says that {tensor.name!r} has the shape {tuple(tensor.dims)}, which it cannot hold")
        return np.asarray(self._onnx.numpy_helper.to_array(tensor))

    def _is_constant(self, node: Any) -> bool:
        """Take note of a node that is an array."""
        if node.op_type != "Constant":
            return False
        value = node.attribute[0]
        kept = {"value": lambda: self._array(value.t), "value_float": lambda: np.float32(value.f)}
        kept["value_floats"] = lambda: np.array(value.floats, np.float32)
        kept |= {"value_int": lambda: np.int64(value.i), "value_ints": lambda: np.array(value.ints, np.int64)}
        if value.name not in kept:
            self.refuse(f"has a constant by {value.name}")
        self.constants[node.output[0]] = np.asarray(kept[value.name]())
        return True

    # -- nodes

    def attributes(self, node: Any) -> dict[str, Any]:
        return {a.name: self._onnx.helper.get_attribute_value(a) for a in node.attribute}

    def constant(self, name: str) -> np.ndarray | None:
        return self.constants.get(name)

    def need(self, node: Any, i: int) -> np.ndarray:
        """An operand that must be an array."""
        found = self.constants.get(node.input[i]) if i < len(node.input) else None
        if found is None:
            self.refuse(f"has a {node.op_type} of two tensors, where one must be an array of weights")
        return found

    def readers(self, name: str) -> int:
        """How many nodes take a tensor."""
        found: int = sum(list(node.input).count(name) for node in self.nodes) + (name == self.end)
        return found

    def advance(self, count: int, *made: Made, units: int | None = None) -> None:
        """Some nodes are read: they are these layers."""
        self.made += made
        self.current = self.nodes[self.position + count - 1].output[0]
        self.position += count
        self.units = self.units if units is None else units

    def read(self) -> None:
        """All layers up to the output."""
        while self.current != self.end:
            if self.position >= len(self.nodes):
                self.refuse("ends before its output")
            node = self.nodes[self.position]
            if node.domain not in ("", "ai.onnx"):
                self.refuse(f"has the operator {node.op_type} of {node.domain}, which fastbp does not know")
            if not (self._row_pattern() or self._one_layer(node) or self._line() or self._formula()):
                self.refuse(f"has the operator {node.op_type} in a place or a form that fastbp has no layer for")

    def _row_pattern(self) -> bool:
        """A layer that the exporter writes with several operators."""
        for name in TEMPLATES:
            found = match(self, name)
            if found is not None:
                count, arrays = found
                self.advance(count, *_LAYERS_OF_TEMPLATES[name](arrays), units=self.units // 2 if name == "glu" else None)
                return True
        return False

    def _one_layer(self, node: Any) -> bool:
        if node.op_type not in _LAYERS or not node.input or node.input[0] != self.current:
            return False
        if self.readers(self.current) > 1:
            return False
        return _LAYERS[node.op_type](self, node)

    def _line(self) -> bool:
        """Sums and products with a number for each unit: ``(x - mean) * scale + offset``."""
        mean, scale, offset = np.zeros(self.units), np.ones(self.units), np.zeros(self.units)
        count, name, began = 0, self.current, False
        ops: list[tuple[str, np.ndarray]] = []
        for node in self.nodes[self.position :]:
            if node.op_type not in AFFINE or len(node.input) != 2 or self.readers(name) > 1:
                break
            x, other = (0, 1) if node.input[0] == name else (1, 0)
            array = self.constant(node.input[other])
            if node.input[x] != name or array is None or (x and node.op_type in ("Sub", "Div")):
                break
            if array.size == 1 and not count:  # a formula of each number
                break
            if array.shape not in ((), (1,), (self.units,), (1, self.units)):
                break
            number = array.astype(float).ravel()
            if node.op_type in ("Sub", "Add") and not began and node.op_type == "Sub":
                mean = mean + number
            elif node.op_type in ("Add", "Sub"):
                offset = offset + number if node.op_type == "Add" else offset - number
            else:
                factor = number if node.op_type == "Mul" else 1 / number
                scale, offset = scale * factor, offset * factor
            began = began or node.op_type != "Sub"
            name, count = node.output[0], count + 1
            ops.append((node.op_type, number))
        if not count:
            return False
        self.advance(count, _line_layer(ops, mean, scale, offset, self.units))
        return True

    def _formula(self) -> bool:
        """Operators of each number, up to where all of them meet in one; or the activation that one operator is."""
        places, open_uses, best = {self.current: 0}, self.readers(self.current), 0
        steps: list[tuple[str, dict[str, Any], list[Any]]] = []
        for node in self.nodes[self.position :]:
            operands = self._operands(node, places)
            if operands is None:
                break
            if not steps and node.op_type in NAMED and self.readers(self.current) == 1:
                self.advance(1, (Activation(named(node.op_type, self.attributes(node))), []))
                return True
            if best and best == len(steps) and node.op_type in NAMED and self.readers(node.input[0]) == 1:
                break  # what comes now has a name of its own
            open_uses -= sum(name in places for name in node.input)
            steps.append((node.op_type, self.attributes(node), operands))
            places[node.output[0]] = len(steps)
            if open_uses == 0:
                best = len(steps)
            open_uses += self.readers(node.output[0])
        if not best:
            return False
        self.advance(best, (Activation(OnnxFormula(steps[:best]).formula()), []))
        return True

    def _operands(self, node: Any, places: dict[str, int]) -> list[Any] | None:
        """The operands of an elementwise node: steps before it, or single numbers; None where there is anything else."""
        if node.op_type not in ELEMENTWISE:
            return None
        found: list[Any] = []
        for name in node.input:
            array = self.constants.get(name)
            if name in places:
                found.append(places[name])
            elif not name or (array is not None and array.size == 1):
                found.append([] if not name or array is None else [array.item()])
            else:
                return None
        return found


def _line_layer(ops: Sequence[tuple[str, np.ndarray]], mean: Any, scale: Any, offset: Any, units: int) -> Made:
    """A Normalization where it is one, else a BatchNormalization that divides by 1."""
    kinds, wide = [op for op, _ in ops], [np.broadcast_to(number, (units,)) for _, number in ops]
    if kinds == ["Sub", "Div"] and (wide[1] >= 1e-7).all():
        return Normalization(mean=wide[0], variance=wide[1] ** 2), []
    if kinds == ["Mul", "Add"] and (wide[0] >= 1e-7).all():
        return Normalization(mean=wide[1], variance=wide[0] ** 2, invert=True), []
    return BatchNormalization(epsilon=0), [scale, offset, np.broadcast_to(mean, (units,)), np.ones(units)]


# -- operators that are layers: each tells whether it is one, and advances


def _dense(reader: Reader, kernel: np.ndarray, bias: np.ndarray | None, count: int) -> bool:
    if kernel.ndim != 2 or len(kernel) != reader.units:
        reader.refuse(f"has a product with an array of shape {kernel.shape}, where a sample has {reader.units} numbers")
    units = kernel.shape[1]
    weights = [kernel] if bias is None else [kernel, np.broadcast_to(bias.reshape(-1), (units,))]
    reader.advance(count, (Dense(units, use_bias=bias is not None), weights), units=units)
    return True


def _gemm(reader: Reader, node: Any) -> bool:
    a, kernel = reader.attributes(node), reader.need(node, 1)
    if a.get("transA", 0):
        reader.refuse("has a Gemm that transposes its samples")
    kernel = (kernel.T if a.get("transB", 0) else kernel) * np.asarray(a.get("alpha", 1.0), kernel.dtype)
    bias = reader.need(node, 2) if len(node.input) > 2 and node.input[2] else None
    return _dense(reader, kernel, bias if bias is None else bias * np.asarray(a.get("beta", 1.0), bias.dtype), 1)


def _matmul(reader: Reader, node: Any) -> bool:
    kernel, following = reader.need(node, 1), reader.nodes[reader.position + 1 : reader.position + 2]
    name = node.output[0]
    for add in following:
        if add.op_type == "Add" and name in add.input and reader.readers(name) == 1:
            bias = reader.constant(add.input[1 - list(add.input).index(name)])
            if bias is not None and bias.shape in ((kernel.shape[-1],), (1, kernel.shape[-1])):
                return _dense(reader, kernel, bias, 2)
    return _dense(reader, kernel, None, 1)


def _batch_norm(reader: Reader, node: Any) -> bool:
    a = reader.attributes(node)
    if a.get("training_mode", 0):
        reader.refuse("has a BatchNormalization in training mode")
    layer = BatchNormalization(epsilon=float(a.get("epsilon", 1e-5)), momentum=float(a.get("momentum", 0.9)))
    reader.advance(1, (layer, [reader.need(node, i) for i in range(1, 5)]))
    return True


def _last_axis(reader: Reader, node: Any, default: int) -> None:
    if reader.attributes(node).get("axis", default) not in (-1, 1):
        reader.refuse(f"has a {node.op_type} over another axis than the last")


def _layer_norm(reader: Reader, node: Any) -> bool:
    _last_axis(reader, node, -1)
    has_beta = len(node.input) > 2 and bool(node.input[2])
    layer = LayerNormalization(epsilon=float(reader.attributes(node).get("epsilon", 1e-5)), center=has_beta)
    reader.advance(1, (layer, [reader.need(node, i) for i in range(1, 2 + has_beta)]))
    return True


def _prelu(reader: Reader, node: Any) -> bool:
    slopes = reader.need(node, 1)
    if slopes.size not in (1, reader.units):
        reader.refuse(f"has a PRelu with slopes of shape {slopes.shape}")
    reader.advance(1, (PReLU(), [slopes.ravel()]))
    return True


def _whole_rows(name: str) -> Callable[[Reader, Any], bool]:
    def read(reader: Reader, node: Any) -> bool:
        _last_axis(reader, node, -1)
        reader.advance(1, (Activation(name), []))
        return True

    return read


def _rows(reader: Reader, node: Any) -> bool:
    """A Flatten or a Reshape of samples to rows."""
    shape = reader.need(node, 1).tolist() if node.op_type == "Reshape" else [-1, reader.units]
    axis = reader.attributes(node).get("axis", 1)
    if axis != 1 or len(shape) != 2 or shape[1] not in (-1, reader.units) or shape[0] not in (-1, 0):
        reader.refuse(f"has a {node.op_type} that does not make rows of samples")
    reader.advance(1, (Flatten(), []))
    return True


def _nothing(reader: Reader, node: Any) -> bool:
    reader.advance(1)
    return True


_LAYERS: dict[str, Callable[[Reader, Any], bool]] = {
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
_LAYERS_OF_TEMPLATES: dict[str, Callable[[dict[str, np.ndarray]], list[Made]]] = {
    "rms_norm": lambda arrays: [(RMSNormalization(epsilon=float(arrays["epsilon"])), [arrays["gamma"]])],
    "unit_norm": lambda arrays: [(UnitNormalization(), [])],
    "glu": lambda arrays: [(Activation("glu"), [])],
    "sparsemax": lambda arrays: [(Activation("sparsemax"), [])],
}


def layers_of(path: Any) -> tuple[list[Made], tuple[int, ...], str]:
    """Layers with their weights, the shape of a sample, and the dtype."""
    onnx = needed("onnx", "from_onnx")
    name = os.fspath(path)
    with open(name, "rb") as file:
        content = file.read()
    try:
        model = onnx.load_model_from_string(content)
        onnx.checker.check_model(model)
    except Exception as error:  # by protobuf's parsers, each of which has its own
        raise ModelFileError(name, f"is no ONNX file, or a damaged one: {error}") from error
    try:
        reader = Reader(onnx, name, model.graph)
        reader.read()
    except (ValueError, TypeError, ArithmeticError, IndexError, KeyError) as error:
        if isinstance(error, ModelFileError):
            raise
        raise ModelFileError(name, f"cannot be read as a chain of layers: {error}") from error
    return reader.made, reader.sample, reader.dtype
