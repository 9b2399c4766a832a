"""Shapes of a batch's arrays, in which None stands for the samples.

() is a single number, (w,) or (1, w) the same values for every sample. For an activation, which does not depend on the width
of its layer, the columns are None too.
"""

from __future__ import annotations

from .errors import trace_error

BatchShape = tuple[int | None, ...]
UNITS: BatchShape = (None, None)
COLUMN: BatchShape = (None, 1)
SAMPLES: BatchShape = (None,)

OF_ONE_UNIT = "An activation works on each unit alone: use operators and functions of z, not its columns, sums or means."


def broadcast(op: str, x: BatchShape, y: BatchShape) -> BatchShape:
    """The shape of an operator's result by NumPy's rules, where the number of samples equals no other size."""
    if x == y or not x or not y:
        return x or y
    if UNITS in (x, y):
        raise trace_error(f"Operands of {op} are the units and an array of shape {min(x, y, key=len)}.", OF_ONE_UNIT)
    if len(x) < len(y):
        x, y = y, x
    pairs = [*zip(x, (*[1] * (len(x) - len(y)), *y), strict=True)]
    found = tuple(a if b == 1 else b for a, b in pairs)
    if all(a == b or 1 in (a, b) for a, b in pairs) and None not in found[1:]:
        return found
    names = " and ".join(map(shown, (x, y)))
    raise trace_error(
        f"Operands of {op} have shapes {names}.",
        "Single columns are y_true[:, 0] and y_pred[:, 0], of shape (samples,); with y_pred[:, 0:1] they stay (samples, 1).",
    )


def refuse_values_for_samples(op: str, shapes: list[BatchShape]) -> None:
    """A single column and an array of several values would broadcast to a table of all pairs: most likely each value was
    meant for one sample."""
    plain = [shape for shape in shapes if len(shape) == 1 and shape[0] not in (None, 1)]
    if plain and (None, 1) in shapes:
        raise trace_error(
            f"Operands of {op} are a column of shape (samples, 1) and an array of {plain[0][0]} values around the formula.",
            "What differs from sample to sample belongs into y_true. One value for each output: a[None, :].",
        )


def shown(shape: BatchShape) -> str:
    """A shape as a user reads it."""
    inside = ", ".join("samples" if size is None else str(size) for size in shape)
    return f"({inside},)" if len(shape) == 1 else f"({inside})"
