"""The sums that a step of least squares needs, J'J, J'r and the sum of squares, in one compiled pass over a curve's rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from ..arguments import number, unknown
from ..graph.autodiff.recipes import rows_by_parameters
from ..graph.codegen.program import Program
from ..graph.tracing import functions
from ..graph.tracing.closure_fingerprint import ClosureFingerprint
from ..graph.tracing.errors import trace_error
from ..graph.tracing.node import Node
from ..graph.tracing.node_array import NodeArray, cells_of
from ..graph.tracing.tape import Tape
from ..graph.tracing.trace import argument_names, results, trace_within
from ..graph.tracing.traversal import live

# Of z = (residual / scale)^2 by scipy's names: rho and its derivatives, for z itself and where it is less than 1.
Curve = Callable[[Any, Any], tuple[Any, Any, Any]]


def _soft_l1(z: Any, _: Any) -> tuple[Any, Any, Any]:
    root = functions.sqrt(1 + z)
    return 2 * z / (1 + root), 1 / root, -0.5 / root**3


def _huber(z: Any, is_small: Any) -> tuple[Any, Any, Any]:
    root = functions.sqrt(functions.maximum(z, 1.0))
    return functions.where(is_small, z, 2 * root - 1), 1 / root, functions.where(is_small, 0.0, -0.5 / root**3)


def _cauchy(z: Any, _: Any) -> tuple[Any, Any, Any]:
    return functions.log1p(z), 1 / (1 + z), -1 / (1 + z) ** 2


def _arctan(z: Any, _: Any) -> tuple[Any, Any, Any]:
    square = 1 + z * z
    return functions.arctan(z), 1 / square, -2 * z / square**2


LOSSES: dict[str, Curve] = {"soft_l1": _soft_l1, "huber": _huber, "cauchy": _cauchy, "arctan": _arctan}
_LEAST = float(np.finfo(float).eps)  # of the weight of a row, as in scipy


def check_loss(loss: Any, f_scale: Any) -> float:
    """Refuse what is no loss, or no scale of residuals; the scale."""
    if loss != "linear" and loss not in LOSSES:
        raise unknown("loss", loss, ["linear", *LOSSES])
    scale = number("f_scale", f_scale)
    if scale <= 0:
        raise ValueError(f"f_scale must be above 0, got {f_scale!r}")
    return scale


def robust_cost(residuals: np.ndarray, loss: str = "linear", f_scale: float = 1.0) -> float:
    """The sum of squares, or what a robust loss makes of it."""
    if loss == "linear":
        return float(np.sum(residuals**2))
    z = (residuals / f_scale) ** 2
    return float(f_scale**2 * np.sum(LOSSES[loss](z, z <= 1)[0]))


class Sums(NamedTuple):
    """A compiled pass, with ``data`` the nodes of x (or its rows), y and the weights."""

    program: Program
    data: list[Node]


def trace_sums(
    f: Callable[..., Any], count: int, variables: int, rows: int, weighted: bool, loss: str, scale: float, equal: bool
) -> Sums:
    """Trace f(x, *parameters) for x of ``rows`` rows, or for a list of so many ``variables`` if that is not 0.

    The outputs: the lower triangle of J'J by rows, J'r, the sum of squares (of a loss, scipy's approximation).

    Parameters
    ----------
    equal : bool
        Whether all curves have so many rows. Otherwise a formula may not take single rows from the data.
    """
    names = argument_names(f, count + 1)[1:]
    make = partial(_trace, names, variables, rows, weighted)
    inputs, parameters, data, residual = trace_within(ClosureFingerprint(f), f, make)
    if not equal:
        _refuse_single_rows(f, residual, data)
    columns = [column for (column,) in rows_by_parameters(residual, parameters)]
    return Sums(Program(inputs, _sums(residual, columns, loss, scale), "float64"), data)


def _trace(names: list[str], variables: int, rows: int, weighted: bool, tape: Tape, f: Callable[..., Any]) -> Any:
    parameters = [tape.input(name) for name in names]
    columns = [tape.input(f"x[{i}]" if variables else "x", (rows,)) for i in range(variables or 1)]
    x = NodeArray(tape, cells_of(columns, (variables, 1)), (1,), (rows,)) if variables else columns[0]
    y = tape.input("y", (rows,))
    found = results(tape, f, x, *parameters)
    if len(found) != 1 or found[0].shape not in ((), (rows,)) or found[0].op in ("stack", "join"):
        raise trace_error("The formula must give one value for each row of a curve.", "Compute with x as a whole.", f)
    residual = tape.make("sub", found[0], y)
    data = [*columns, y]
    if weighted:
        data.append(tape.input("w", (rows,)))
        residual = tape.make("mul", residual, data[-1])
    return [*parameters, *data], parameters, data, residual


def _sums(residual: Node, columns: Sequence[Node], loss: str, scale: float) -> list[Node]:
    tape = residual.tape
    times, total = partial(tape.make, "mul"), tape.sum
    bend: Node | None = None
    pull, cost = residual, times(residual, residual)
    if loss != "linear":
        z = cost * (1 / scale**2)
        rho, first, second = LOSSES[loss](z, z <= 1)
        pull, bend, cost = residual * first, functions.maximum(first + 2 * second * z, _LEAST), rho * scale**2
    products = []
    for i, column in enumerate(columns):
        bent = column if bend is None else times(column, bend)
        products += [total(times(bent, other)) for other in columns[: i + 1]]
    return [*products, *(total(times(column, pull)) for column in columns), total(cost)]


def _refuse_single_rows(f: Any, residual: Node, data: list[Node]) -> None:
    leaves = {node.index for node in data}
    for node in live([residual]):
        taken = node.op in ("element", "slice") and node.args[0].index in leaves
        if taken or (node.op == "captured" and node.shape == data[0].shape):
            raise trace_error(
                "The formula takes single rows or has a value for each, where curves have different numbers of rows.",
                "Let it compute with x as a whole.",
                f,
            )
