"""Layers that ONNX has no operator for, known again by the operators that the exporter writes for them."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import activations
from ..layers import Identity
from ..layers.row_normalization import MAX_UNIT_FACTOR
from .extras import needed
from .onnx_export import WRITERS, Writer
from .operations import Operation

ANY = 0.125  # a number that stands for any: no layer has it among its own constants

# Kind, and what it has that may be any number.
TEMPLATES = {"rms_norm": ("gamma", "epsilon"), "unit_norm": (), "glu": (), "sparsemax": ()}


def _operation(name: str, units: int) -> Operation:
    layer = Identity()
    if name == "rms_norm":
        return Operation(name, units, units, layer, arrays={"gamma": np.full(units, ANY)}, epsilon=ANY)
    if name == "unit_norm":
        return Operation(name, units, units, layer, limit=MAX_UNIT_FACTOR)
    if name == "glu":
        return Operation(name, units, units // 2, layer)
    return Operation("whole_rows", units, units, layer, activations.sparsemax)


def match(reader: Any, name: str) -> tuple[int, dict[str, np.ndarray]] | None:
    """How many nodes from the present one on are those of this layer, and its arrays; None where they are not."""
    first = reader.nodes[reader.position].op_type
    if first not in _FIRST or (name == "glu" and reader.units % 2):
        return None
    onnx = needed("onnx", "from_onnx")
    writer, operation = Writer(onnx, reader.dtype), _operation(name, reader.units)
    end = WRITERS[operation.kind](writer, operation, reader.current)
    nodes = reader.nodes[reader.position : reader.position + len(writer.nodes)]
    if [node.op_type for node in nodes] != [node.op_type for node in writer.nodes]:
        return None
    called, found = {reader.current: reader.current}, dict[str, np.ndarray]()
    constants = {key: onnx.numpy_helper.to_array(tensor) for key, tensor in writer.constants.items()}
    for ours, theirs in zip(writer.nodes, nodes, strict=True):
        if len(ours.input) != len(theirs.input) or reader.attributes(ours) != reader.attributes(theirs):
            return None
        for mine, other in zip(ours.input, theirs.input, strict=True):
            array = reader.constant(other)
            if mine not in constants:
                if called.get(mine) != other:
                    return None
            elif array is None or array.shape != constants[mine].shape:
                return None
            elif (constants[mine] == ANY).all():
                found["gamma" if array.ndim else "epsilon"] = array
            elif not np.array_equal(array, constants[mine]):
                return None
        called.update(zip(ours.output, theirs.output, strict=False))
    inner = [output for node in writer.nodes for output in node.output if output != end]
    mine_too = sum(list(node.input).count(called.get(output, "")) for output in inner for node in nodes)
    if mine_too != sum(reader.readers(called[output]) for output in inner if output in called):
        return None  # something else takes what is within
    return len(nodes), found


_FIRST = {"Mul", "Split", "ReduceMax"}
