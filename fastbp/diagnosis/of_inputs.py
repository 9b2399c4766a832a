"""Findings about inputs: their scale, columns that say nothing or the same, rows that are there twice."""

from collections.abc import Iterator, Sequence

import numpy as np

from .finding import Finding

LARGE, SMALL = 30.0, 1e-2  # sizes of numbers that are not about 1
MAX_COPIES = 0.01  # share of rows
SAME = 1e-9  # of the correlation of two columns, from 1


def of_inputs(x: np.ndarray, y: np.ndarray, names: Sequence[str] | None, judge_scale: bool) -> Iterator[Finding]:
    """What is wrong with the rows and columns of x. ``judge_scale``: whether the layers take the numbers as they are."""
    columns = np.asarray(x, np.float64)
    constant = columns.min(axis=0) == columns.max(axis=0) if len(x) > 1 else np.zeros(x.shape[1], bool)
    if judge_scale:
        yield from _scale(columns, constant, names)
    if constant.any() and len(x) > 1:
        which = np.flatnonzero(constant)
        yield Finding(
            "constant_columns",
            None,
            "info" if len(which) < x.shape[1] else "error",
            f"{_listed(which, names)} {_have(which)} the same value in every row.",
            "Leave out what never changes; it tells the network nothing.",
            {"columns": which.tolist()},
        )
    yield from _copies_of_columns(columns[:, ~constant], np.flatnonzero(~constant), names)
    yield from _copies_of_rows(x, y)


def of_first_layer(mean: float, spread: float, name: str) -> Iterator[Finding]:
    """The scale of what the first layer with weights gets, where other layers come before it."""
    size = float(np.hypot(mean, spread))
    if size > LARGE or size < SMALL:
        yield Finding(
            "input_scale",
            name,
            "warning",
            f"The numbers that come to {name} are about {size:.3g} in size, mean {mean:.3g} and spread {spread:.3g}.",
            "Have the layers before it bring them to about 1.",
            {"mean": mean, "spread": spread},
        )


def _scale(columns: np.ndarray, constant: np.ndarray, names: Sequence[str] | None) -> Iterator[Finding]:
    sizes, tops = np.sqrt((columns**2).mean(axis=0)), np.abs(columns).max(axis=0)
    large, small = np.flatnonzero(sizes > LARGE), np.flatnonzero((tops < SMALL) & ~constant)
    parts = []
    if len(large):
        parts.append(f"{_listed(large, names)} {_have(large)} numbers about {sizes[large].max():.3g} in size.")
    if len(small):
        parts.append(f"{_listed(small, names)} {_have(small)} none above {tops[small].max():.3g}.")
    if parts:
        yield Finding(
            "input_scale",
            None,
            "warning",
            " ".join(parts),
            "Bring every column to mean 0 and spread 1 by the training data: (x - x.mean(axis=0)) / x.std(axis=0).",
            {"large": large.tolist(), "small": small.tolist(), "sizes": sizes.tolist()},
        )


def _copies_of_columns(columns: np.ndarray, numbers: np.ndarray, names: Sequence[str] | None) -> Iterator[Finding]:
    """Columns that are others, perhaps times a number and plus one: neighbours in order of a random projection."""
    if columns.shape[1] < 2 or len(columns) < 3:
        return
    standard = columns - columns.mean(axis=0)
    standard /= np.linalg.norm(standard, axis=0)
    projection = np.random.default_rng(0).normal(size=len(columns)) @ standard
    order, pairs = np.argsort(projection, kind="stable"), []
    for one, other in zip(order, order[1:], strict=False):
        if projection[other] - projection[one] < 1e-6 and standard[:, one] @ standard[:, other] > 1 - SAME:
            pairs.append(tuple(sorted((int(numbers[one]), int(numbers[other])))))
    if pairs:
        pairs.sort()
        shown = ", ".join(f"{_name(a, names)} and {_name(b, names)}" for a, b in pairs[:5])
        yield Finding(
            "duplicated_columns",
            None,
            "info",
            f"{len(pairs)} pair{'s' * (len(pairs) != 1)} of columns say the same, up to scale and offset: {shown}"
            f"{' ...' if len(pairs) > 5 else ''}.",
            "Keep one of each.",
            {"pairs": pairs},
        )


def _copies_of_rows(x: np.ndarray, y: np.ndarray) -> Iterator[Finding]:
    rows = np.ascontiguousarray(x + 0.0)  # -0.0 is 0.0
    _, first, group = np.unique(rows.view(f"V{rows.strides[0]}").ravel(), return_index=True, return_inverse=True)
    copies = len(x) - len(first)
    if copies <= MAX_COPIES * len(x):
        return
    differs = y != y[first[group.ravel()]]
    contradicting = int((differs if y.ndim == 1 else differs.any(axis=1)).sum())
    text = f"{copies} of {len(x)} rows are copies of others"
    yield Finding(
        "duplicated_rows",
        None,
        "info",
        f"{text}, {contradicting} of them with another target." if contradicting else f"{text}.",
        "Keep one of each, with the number of its copies as sample_weight; and see that none is in both training and "
        "validation data.",
        {"copies": copies, "contradicting": contradicting, "rows": len(x)},
    )


def _name(column: int, names: Sequence[str] | None) -> str:
    return repr(names[column]) if names else str(column)


def _listed(columns: np.ndarray, names: Sequence[str] | None) -> str:
    shown = ", ".join(_name(int(column), names) for column in columns[:8])
    return f"Column{'s' * (len(columns) != 1)} {shown}{f' and {len(columns) - 8} more' if len(columns) > 8 else ''}"


def _have(columns: np.ndarray) -> str:
    return "has" if len(columns) == 1 else "have"
