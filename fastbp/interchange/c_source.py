"""A network as C99: one file with the weights and a function, and its header. It allocates nothing and needs <math.h> alone."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..saving.atomic import replacing, write_all
from ..saving.paths import writable_path
from .c_formulas import HELPERS, literal, write_formula
from .c_functions import FUNCTIONS
from .operations import Operation, batch_norm_scale, formula, operations

_C_WORDS = (
    *("auto", "break", "case", "char", "const", "continue", "default", "do", "double", "else", "enum", "extern", "float"),
    *("for", "goto", "if", "inline", "int", "long", "register", "restrict", "return", "short", "signed", "sizeof", "static"),
    *("struct", "switch", "typedef", "union", "unsigned", "void", "volatile", "while", "main", "real"),
)


class _Source:
    """The text of the C file while it is written."""

    def __init__(self, suffix: str) -> None:
        self.suffix = suffix
        self.tables: list[str] = []
        self.functions: dict[str, str] = {}  # by name, in the order in which they are needed
        self.calls: list[str] = []
        self.current = "x"
        self.width = 0
        self.buffers: set[str] = set()

    def table(self, name: str, values: Any) -> str:
        """The name of a table of numbers."""
        numbers = [literal(value, self.suffix) for value in np.ravel(values)]
        lines = [", ".join(numbers[i : i + 8]) for i in range(0, len(numbers), 8)]
        name = f"{name}_{len(self.tables)}"
        body = ",\n    ".join(lines)
        self.tables.append(f"static const real {name}[{len(numbers)}] = {{\n    {body}}};\n")
        return name

    def need(self, name: str, text: str | None = None) -> str:
        self.functions.setdefault(name, (text or {**HELPERS, **FUNCTIONS}[name]).replace("@", self.suffix))
        return name

    def to_other(self, call: str, units: int) -> None:
        """A call that reads the present buffer and writes another."""
        target = "b" if self.current == "a" else "a"
        self.calls.append(f"{call}, {self.current}, {target});")
        self._use(target, units)

    def in_place(self, call: str, units: int) -> None:
        """A call that changes the present buffer."""
        if self.current == "x":
            self.calls.append(f"for (int i = 0; i < {units}; i++)\n        a[i] = x[i];")
            self._use("a", units)
        self.calls.append(f"{call}{units}, {self.current});")

    def _use(self, buffer: str, units: int) -> None:
        self.buffers.add(buffer)
        self.current, self.width = buffer, max(self.width, units)


def _dense(source: _Source, o: Operation) -> None:
    kernel, bias = source.table("kernel", o.arrays["kernel"].T), source.table("bias", o.array("bias", 0.0))
    source.to_other(f"{source.need('dense')}({kernel}, {bias}, {o.units_in}, {o.units_out}", o.units_out)


def _elementwise(source: _Source, o: Operation) -> None:
    graph = formula(o.activation)
    if graph.value is graph.z:
        return
    name = f"activation_{len(source.calls)}"
    text, used = write_formula(name, graph.z, graph.value, source.suffix)
    for helper in HELPERS:
        if helper in used:
            source.need(helper)
    known = next((f for f, other in source.functions.items() if other == text.replace(name, f)), None)
    source.in_place(f"{source.need('apply')}({known or source.need(name, text)}, ", o.units_out)


def _whole_rows(source: _Source, o: Operation) -> None:
    source.in_place(f"{source.need(o.activation.name)}(", o.units_out)


def _glu(source: _Source, o: Operation) -> None:
    source.need("sigmoid")
    source.to_other(f"{source.need('glu')}({o.units_out}", o.units_out)


def _prelu(source: _Source, o: Operation) -> None:
    alpha = source.table("alpha", o.arrays["alpha"])
    source.in_place(f"{source.need('prelu')}({alpha}, ", o.units_out)


def _line(source: _Source, mean: Any, scale: Any, offset: Any, units: int) -> None:
    names = ", ".join(source.table(*pair) for pair in (("mean", mean), ("scale", scale), ("offset", offset)))
    source.in_place(f"{source.need('line')}({names}, ", units)


def _affine(source: _Source, o: Operation) -> None:
    mean, deviation, zeros = o.arrays["mean"], o.arrays["deviation"], np.zeros(o.units_out)
    given = (zeros, deviation, mean) if o.invert else (mean, 1 / np.asarray(deviation, np.float64), zeros)
    mean, scale, offset = given
    _line(source, mean, scale, offset, o.units_out)


def _batch_norm(source: _Source, o: Operation) -> None:
    _line(source, o.arrays["moving_mean"], batch_norm_scale(o), o.array("beta", 0.0), o.units_out)


def _normalize(centred: int, averaged: int) -> Callable[[_Source, Operation], None]:
    def write(source: _Source, o: Operation) -> None:
        numbers = ", ".join(literal(value, source.suffix) for value in (o.epsilon, o.limit))
        source.in_place(f"{source.need('normalize')}({centred}, {averaged}, {numbers}, ", o.units_out)
        if o.arrays:
            _line(source, np.zeros(o.units_out), o.array("gamma", 1.0), o.array("beta", 0.0), o.units_out)

    return write


WRITERS: dict[str, Callable[[_Source, Operation], None]] = {
    "dense": _dense,
    "elementwise": _elementwise,
    "whole_rows": _whole_rows,
    "glu": _glu,
    "prelu": _prelu,
    "layer_norm": _normalize(1, 1),
    "rms_norm": _normalize(0, 1),
    "unit_norm": _normalize(0, 0),
    "affine": _affine,
    "batch_norm": _batch_norm,
}


def export_c(model: Any, path: Any, name: str = "predict") -> None:
    """What ``model.export_c`` does."""
    source_path = Path(writable_path("path", path))
    if source_path.suffix != ".c":
        raise ValueError(f"path must end in .c, got {str(path)!r}")
    if (
        not isinstance(name, str)
        or not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name)
        or name in {*_C_WORDS, *FUNCTIONS, *HELPERS}
    ):
        raise ValueError(f"name must be a name that a function can have in C, got {name!r}")
    found = operations(model, "export_c")
    header_path = source_path.with_suffix(".h")
    header = _header(model, name, found)
    source = _body(model, name, found, header_path.name)
    with replacing(str(header_path)) as header_file, replacing(str(source_path)) as source_file:
        write_all(header_file, header.encode())
        write_all(source_file, source.encode())


def _type(model: Any) -> str:
    return "float" if model.dtype == "float32" else "double"


def _header(model: Any, name: str, found: Sequence[Operation]) -> str:
    upper, kind = name.upper(), _type(model)
    return f"""/* Predictions of the network {_comment(model.name)}, written by fastbp. */
#ifndef {upper}_H
#define {upper}_H

#define {upper}_INPUTS {found[0].units_in}
#define {upper}_OUTPUTS {found[-1].units_out}

#ifdef __cplusplus
extern "C" {{
#endif

/* y = the network's output for one sample x. Any number of threads may call it at a time. */
void {name}(const {kind} *x, {kind} *y);

#ifdef __cplusplus
}}
#endif

#endif
"""


def _comment(text: str) -> str:
    return re.sub(r"[^\w .-]", "_", text)


def _body(model: Any, name: str, found: Sequence[Operation], header: str) -> str:
    source = _Source("f" if model.dtype == "float32" else "")
    for operation in found:
        WRITERS[operation.kind](source, operation)
    buffers = ", ".join(f"{buffer}[{source.width}]" for buffer in sorted(source.buffers))
    calls = "".join(f"    {call}\n" for call in source.calls)
    outputs = found[-1].units_out
    return f"""/* Predictions of the network {_comment(model.name)}, written by fastbp. It needs C99 and <math.h>. */
#include <math.h>
#include "{header}"

typedef {_type(model)} real;

{"".join(source.tables)}{"".join(source.functions.values())}
void {name}(const real *x, real *y)
{{
{f"    real {buffers};" if buffers else ""}
{calls}    for (int i = 0; i < {outputs}; i++)
        y[i] = {source.current}[i];
}}
"""
