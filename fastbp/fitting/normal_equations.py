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

    The outputs: the lower triangle of J'J by rows, J'r, the sum of squares. Of a loss J'J has what that adds to the second
    derivatives, negative where a residual is large, and there is more: J'J as scipy has it for the covariance, where the rest
    is cut off, and the squares of the columns' lengths by the weights of the rows, which no residual makes negative.

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
    times, total = partial(residual.tape.make, "mul"), residual.tape.sum

    def products(weight: Node | None) -> list[Node]:
        weighted = [column if weight is None else times(column, weight) for column in columns]
        return [total(times(column, other)) for i, column in enumerate(weighted) for other in columns[: i + 1]]

    square = times(residual, residual)
    if loss == "linear":
        return [*products(None), *(total(times(column, residual)) for column in columns), total(square)]
    z = square * (1 / scale**2)
    rho, first, second = LOSSES[loss](z, z <= 1)
    bend = first + 2 * second * z
    steps = [*products(bend), *(total(times(column, residual * first)) for column in columns), total(rho * scale**2)]
    lengths = [total(times(times(column, column), first)) for column in columns]
    return [*steps, *products(functions.maximum(bend, _LEAST)), *lengths]


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
