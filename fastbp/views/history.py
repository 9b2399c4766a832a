"""A history to look at: a picture, a DataFrame, a table in a notebook."""

import math
from collections.abc import Sequence
from itertools import pairwise
from statistics import median
from typing import Any, Protocol

from .html import curve, table

LOG_SPAN = 30.0  # numbers whose largest is as many times the smallest are drawn on a logarithmic scale
MAX_COLUMNS, WIDTH, HEIGHT = 3, 4.6, 3.4  # panels beside each other; inches of one
FEW = 25  # values that are drawn as points too
RATE = "learning_rate"


class Recorded(Protocol):
    """What is looked at: a ``History``."""

    history: dict[str, list[float]]
    epoch: list[int]
    epochs_of: dict[str, list[int]]
    samples_per_second: list[float]


def epochs(history: Recorded, name: str) -> list[int]:
    """The epoch of each value. Those of several fits, or that somebody else has put there, are counted from 0."""
    values, known = history.history[name], list(history.epochs_of.get(name, ()))
    rises = all(before < after for before, after in pairwise(known))
    return known if rises and len(known) == len(values) else list(range(len(values)))


def frame(history: Recorded) -> Any:
    """See ``History.to_frame``."""
    try:
        import pandas
    except ImportError:
        raise ImportError("to_frame makes a DataFrame of pandas, which is not installed: pip install pandas") from None
    columns = {name: dict(zip(epochs(history, name), values, strict=True)) for name, values in history.history.items()}
    index = sorted({epoch for column in columns.values() for epoch in column} | set(history.epoch))
    filled = {name: [column.get(epoch, math.nan) for epoch in index] for name, column in columns.items()}
    return pandas.DataFrame(filled, index=pandas.Index(index, name="epoch", dtype="int64"))


def panels(names: Sequence[str]) -> list[list[str]]:
    """What is drawn together: each name with its ``val_`` counterpart, the loss first and the learning rate last."""
    base = [name.removeprefix("val_") for name in names]
    order = sorted(dict.fromkeys(base), key=lambda name: (name == RATE) - (name == "loss"))
    return [[name for name in (one, f"val_{one}") if name in names] for one in order]


def wants_log_scale(values: Sequence[float]) -> bool:
    """Whether numbers span so much that small ones could not be seen on a linear scale."""
    known = [value for value in values if math.isfinite(value)]
    return bool(known) and min(known) > 0 and max(known) / min(known) >= LOG_SPAN


def plot(history: Recorded, path: Any = None) -> list[Any]:
    """See ``History.plot``."""
    if not any(history.history.values()):
        raise ValueError("the history must have at least one epoch to be drawn, got none")
    try:
        from matplotlib import pyplot
    except ImportError:
        raise ImportError("pictures of a history are drawn by matplotlib: pip install fastbp[plot]") from None
    groups = panels(list(history.history))
    rows = math.ceil(len(groups) / MAX_COLUMNS)
    columns = math.ceil(len(groups) / rows)
    size = WIDTH * columns, HEIGHT * rows
    figure, grid = pyplot.subplots(rows, columns, figsize=size, squeeze=False, layout="constrained")
    drawn, unused = list(grid.flat[: len(groups)]), list(grid.flat[len(groups) :])
    for axes in unused:
        axes.remove()
    for axes, names in zip(drawn, groups, strict=True):
        _panel(axes, history, names)
    if path is not None:
        figure.savefig(path, dpi=150)
    return drawn


def _panel(axes: Any, history: Recorded, names: Sequence[str]) -> None:
    from matplotlib.ticker import MaxNLocator

    for name in names:
        held_out, values = name.startswith("val_"), history.history[name]
        numbers = [epoch + 1 for epoch in epochs(history, name)]  # as ``fit`` counts when it shows them
        look = {"color": "tab:orange" if held_out else "tab:blue", "marker": "." if len(values) <= FEW else ""}
        style = "steps-mid" if name == RATE else "default"
        axes.plot(numbers, values, label="validation" if held_out else "training", drawstyle=style, **look)
    if wants_log_scale([value for name in names for value in history.history[name]]):
        axes.set_yscale("log")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10], min_n_ticks=1))
    axes.set(title=names[0].removeprefix("val_").replace("_", " "), xlabel="epoch")
    axes.grid(alpha=0.3)
    if len(names) > 1:
        axes.legend()


def html(history: Recorded) -> str:
    """Of each loss and metric a curve, the first and the last number, and the extremes."""
    count = len(history.epoch)
    rate = f", {median(history.samples_per_second):,.0f} samples/s" if history.samples_per_second else ""
    title = f"<p>History of {count} epoch{'s' * (count != 1)}{rate}</p>"
    rows = []
    for name, values in history.history.items():
        numbers, known = epochs(history, name), [value for value in values if math.isfinite(value)]
        extremes = [f"{f(known):.4g} (epoch {numbers[values.index(f(known))] + 1})" if known else "" for f in (min, max)]
        rows.append([name, curve(values), f"{values[0]:.4g}", f"{values[-1]:.4g}", *extremes])
    head = "", "", "first", "last", "lowest", "highest"
    return f"{title}\n{table(head, rows, raw=(1,))}" if rows else title
