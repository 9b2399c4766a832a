"""A user's activation as machine code, and the part of it that losses need too: a graph's nodes as vectors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir

from ...kernels.activation import over_tile
from ...kernels.simd.element_types import I64, VOID
from ...kernels.simd.vector import Vector
from ...kernels.simd.vocabulary import Simd
from ..tracing.node import Node
from .emit import EMITTERS, emit_constant
from .record import Record
from .row_function import RowActivation

Known = dict[int, Vector]


def function(module: Any, name: str, arguments: int, dtype: str, body: Callable[..., None]) -> list[str]:
    """A function of 64-bit integers, written by ``body(s, *arguments)``; its name in a list."""
    made = ir.Function(module, ir.FunctionType(VOID, [I64] * arguments), name)
    made.attributes.add("nounwind")
    builder = ir.IRBuilder(made.append_basic_block("entry"))
    body(Simd(builder, dtype), *made.args)
    builder.ret_void()
    return [name]


def write_activation(module: Any, name: str, activation: RowActivation, dtype: str) -> list[str]:
    """(alpha, z, z_row, d, d_row, rows, vectors): z becomes the activation; its derivative is stored at d unless d is 0."""

    def body(s: Simd, alpha: Any, z: Any, z_row: Any, d: Any, d_row: Any, rows: Any, vectors: Any) -> None:
        numbers = Record(activation.graph.nodes).load_numbers(s, alpha)

        def value(at: Any, d_at: Any = None) -> None:
            known = {**numbers, activation.z.index: s.load(at)}
            s.store(vector(s, activation.value, known) + 0.0, at)  # the sum as in elementwise.VALUES
            if d_at is not None:
                s.store(vector(s, activation.slope, known), d_at)

        with s.b.if_else(s.b.icmp_signed("!=", d, s.index(0))) as (training, predicting):
            with training:
                over_tile(s, rows, vectors, [(z, z_row), (d, d_row)], value)
            with predicting:
                over_tile(s, rows, vectors, [(z, z_row)], value)

    return function(module, name, 7, dtype, body)


def vector(s: Simd, node: Node, known: Known, read: Callable[[Node], Vector | None] = lambda _: None) -> Vector:
    """A node's vector: known, or given by ``read``, or an operator on the vectors of its arguments."""
    waiting = [node]
    while waiting:
        now = waiting[-1]
        if now.index not in known:
            found = read(now)
            if found is None:
                missing = [a for a in now.args if a.index not in known]
                if missing and now.op != "size":
                    waiting += missing
                    continue
                found = _operator(s, now, known)
            known[now.index] = found
        waiting.pop()
    return known[node.index]


def _operator(s: Simd, node: Node, known: Known) -> Vector:
    if node.op == "constant":
        return emit_constant(s, node.attr)
    if node.op == "size":
        return s.constant(node.args[0].size)
    if node.op == "pow" and node.args[1].op == "constant" and node.args[1].attr == 0.0:
        return s.constant(1.0)
    return EMITTERS[node.op](s, *(known[a.index] for a in node.args))
