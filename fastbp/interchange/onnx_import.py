"""The layers of an ONNX file, with their weights. The file's nodes are followed from the input to the output."""

from __future__ import annotations

import math
import os
from typing import Any, NoReturn

import numpy as np

from ..errors import ModelFileError
from ..layers import Activation
from .extras import needed
from .onnx_layers import LAYERS, LAYERS_OF_TEMPLATES, Made, line_layer
from .onnx_operators import ELEMENTWISE, NAMED, OnnxFormula, named
from .onnx_templates import TEMPLATES, match

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
                self.advance(count, *LAYERS_OF_TEMPLATES[name](arrays), units=self.units // 2 if name == "glu" else None)
                return True
        return False

    def _one_layer(self, node: Any) -> bool:
        if node.op_type not in LAYERS or not node.input or node.input[0] != self.current:
            return False
        if self.readers(self.current) > 1:
            return False
        return LAYERS[node.op_type](self, node)

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
        self.advance(count, line_layer(ops, mean, scale, offset, self.units))
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
