"""A custom activation as machine code."""

from __future__ import annotations

from typing import Any

from ...kernels.activation import over_tile
from ...kernels.simd.vocabulary import Simd
from .emit import emit_row_node
from .function import write_function
from .record import Record
from .row_graphs import ActivationGraph


def write_activation(module: Any, name: str, activation: ActivationGraph, dtype: str) -> list[str]:
    """(alpha, z, z_row, d, d_row, rows, vectors): z becomes the activation; its derivative is stored at d unless d is 0."""

    def body(s: Simd, alpha: Any, z: Any, z_row: Any, d: Any, d_row: Any, rows: Any, vectors: Any) -> None:
        numbers = Record(activation.graph.nodes).load_numbers(s, alpha)

        def value(at: Any, d_at: Any = None) -> None:
            known = {**numbers, activation.z.index: s.load(at)}
            s.store(emit_row_node(s, activation.value, known) + 0.0, at)  # the sum as in kernels/activation.py
            if d_at is not None:
                s.store(emit_row_node(s, activation.derivative, known), d_at)

        with s.b.if_else(s.b.icmp_signed("!=", d, s.index(0))) as (training, predicting):
            with training:
                over_tile(s, rows, vectors, [(z, z_row), (d, d_row)], value)
            with predicting:
                over_tile(s, rows, vectors, [(z, z_row)], value)

    return [write_function(module, name, 7, dtype, body).name]
