"""A search to look at: the score against each parameter."""

import math
from collections.abc import Sequence
from typing import Any, Protocol

from .history import HEIGHT, MAX_COLUMNS, WIDTH, wants_log_scale


class Tried(Protocol):
    """What is looked at: a ``Trial``."""

    parameters: dict[str, Any]
    score: float
    epochs: int


class Searched(Protocol):
    """A ``SearchResult``."""

    objective: str

    @property
    def trials(self) -> Sequence[Any]: ...

    @property
    def best_trial(self) -> Any: ...


def plot(result: Searched, path: Any = None) -> list[Any]:
    """See ``SearchResult.plot``."""
    try:
        from matplotlib import pyplot
    except ImportError:
        raise ImportError("pictures of a search are drawn by matplotlib: pip install fastbp[plot]") from None
    names = list(dict.fromkeys(name for trial in result.trials for name in trial.parameters))
    rows = math.ceil(len(names) / MAX_COLUMNS)
    columns = math.ceil(len(names) / rows)
    size = WIDTH * columns, HEIGHT * rows
    figure, grid = pyplot.subplots(rows, columns, figsize=size, squeeze=False, layout="constrained", sharey=True)
    drawn = list(grid.flat[: len(names)])
    for axes in grid.flat[len(names) :]:
        axes.remove()
    shown = [trial for trial in result.trials if math.isfinite(trial.score)]
    for axes, name in zip(drawn, names, strict=True):
        _panel(axes, [trial for trial in shown if name in trial.parameters], name, result)
    for i, axes in enumerate(drawn):
        if i % columns == 0:
            axes.set_ylabel(f"{result.objective} on held-out rows")
    if wants_log_scale([trial.score for trial in shown]):
        drawn[0].set_yscale("log")
    if path is not None:
        figure.savefig(path, dpi=150)
    return drawn


def _panel(axes: Any, trials: Sequence[Tried], name: str, result: Searched) -> None:
    """One parameter: numbers along an axis, other values side by side; darker who was trained for longer."""
    values = [trial.parameters[name] for trial in trials]
    are_numbers = all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)
    labels = list(dict.fromkeys(map(str, values)))
    places = values if are_numbers else [labels.index(str(value)) for value in values]
    steps = sorted({trial.epochs for trial in trials})
    for i, epochs in enumerate(steps):
        chosen = [j for j, trial in enumerate(trials) if trial.epochs == epochs]
        shade = 0.25 + 0.75 * (i + 1) / len(steps)
        scores = [trials[j].score for j in chosen]
        axes.scatter([places[j] for j in chosen], scores, color="tab:blue", alpha=shade, s=22, label=f"{epochs} epochs")
    best = result.best_trial
    if best in trials:
        place = places[list(trials).index(best)]
        axes.scatter([place], [best.score], s=90, facecolors="none", edgecolors="tab:orange", linewidths=2, label="best")
    if not are_numbers:
        axes.set_xticks(range(len(labels)), labels)
        axes.set_xlim(-0.5, len(labels) - 0.5)
    elif wants_log_scale(values):
        axes.set_xscale("log")
    axes.set_xlabel(name)
    axes.grid(alpha=0.3)
    axes.legend(fontsize="small")
