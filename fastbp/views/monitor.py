"""What a gradient monitor has seen, to look at: a picture, a DataFrame, a table in a notebook."""

import math
from typing import Any, Protocol

import numpy as np

from .html import curve, table

WIDTH, HEIGHT = 4.8, 3.4  # inches of a panel
MAX_NAMED = 8  # layers that a legend names; of more it names some
USUAL_RATIO = 1e-3  # of update and weights
FEW = 25  # looks that are drawn as points too

# Quantity, the panel's title, and whether its scale is logarithmic.
PANELS = (
    ("gradient_norm", "gradient norm", True),
    ("update_ratio", "update / weights", True),
    ("activation_std", "spread of outputs", False),
    ("dead", "dead units", False),
    ("saturated", "saturated outputs", False),
)


class Watching(Protocol):
    """What is looked at: a ``GradientMonitor``."""

    @property
    def layers(self) -> list[str]: ...
    @property
    def steps(self) -> np.ndarray: ...
    @property
    def epochs(self) -> np.ndarray: ...
    @property
    def history(self) -> dict[str, dict[str, np.ndarray]]: ...


def frame(monitor: Watching) -> Any:
    """See ``GradientMonitor.to_frame``."""
    try:
        import pandas
    except ImportError:
        raise ImportError("to_frame makes a DataFrame of pandas, which is not installed: pip install pandas") from None
    history, looks, layers = monitor.history, len(monitor.steps), monitor.layers
    columns: dict[str, Any] = {
        "epoch": np.repeat(monitor.epochs, len(layers)),
        "step": np.repeat(monitor.steps, len(layers)),
        "layer": layers * looks,
    }
    for name in next(iter(history.values()), {}):
        columns[name] = np.stack([history[layer][name] for layer in layers], axis=1).ravel()
    return pandas.DataFrame(columns)


def plot(monitor: Watching, path: Any = None) -> list[Any]:
    """See ``GradientMonitor.plot``."""
    history = monitor.history
    if not history:
        raise ValueError("the monitor must have seen at least one step to be drawn, got none: give it to fit(callbacks=...)")
    try:
        from matplotlib import pyplot
    except ImportError:
        raise ImportError("pictures of a monitor are drawn by matplotlib: pip install fastbp[plot]") from None
    panels = [panel for panel in PANELS if any(np.isfinite(numbers[panel[0]]).any() for numbers in history.values())]
    rows = math.ceil(len(panels) / 3)
    columns = math.ceil(len(panels) / rows)
    size = WIDTH * columns, HEIGHT * rows
    figure, grid = pyplot.subplots(rows, columns, figsize=size, squeeze=False, layout="constrained")
    drawn, unused = list(grid.flat[: len(panels)]), list(grid.flat[len(panels) :])
    for axes in unused:
        axes.remove()
    for axes, panel in zip(drawn, panels, strict=True):
        _panel(axes, monitor.steps, history, *panel)
    figure.legend(*_legend(drawn[0], monitor.layers), loc="outside right upper", fontsize="small")
    if path is not None:
        figure.savefig(path, dpi=150)
    return drawn


def _panel(axes: Any, steps: np.ndarray, history: dict[str, dict[str, np.ndarray]], name: str, title: str, log: bool) -> None:
    """A line for each layer, from the first one, dark, to the last one, light."""
    from matplotlib import colormaps

    for i, (layer, numbers) in enumerate(history.items()):
        values, color = numbers[name], colormaps["viridis"](0.92 * i / max(len(history) - 1, 1))
        values = np.where(values > 0, values, np.nan) if log else values  # 0 has no place on a logarithmic scale
        axes.plot(steps, values, color=color, label=layer, linewidth=1.2, marker="." if len(steps) <= FEW else "")
    if log:
        axes.set_yscale("log")
    if name == "update_ratio":
        axes.axhline(USUAL_RATIO, color="0.6", linestyle=":", zorder=0)
    if name in ("dead", "saturated"):
        axes.set_ylim(-0.03, 1.03)
    axes.set(title=title, xlabel="step")
    axes.grid(alpha=0.3)


def _legend(axes: Any, layers: list[str]) -> tuple[list[Any], list[str]]:
    """The lines to name: of many layers, some."""
    count = min(len(layers), MAX_NAMED)
    chosen = [round(i * (len(layers) - 1) / max(count - 1, 1)) for i in range(count)]
    return [axes.lines[i] for i in chosen], [layers[i] for i in chosen]


def html(monitor: Watching) -> str:
    """Of each layer the curve of its gradient's norm, and the last numbers."""
    history, looks = monitor.history, len(monitor.steps)
    title = f"<p>GradientMonitor of {looks} step{'s' * (looks != 1)}</p>"
    if not history:
        return title
    names = list(next(iter(history.values())))
    rows = []
    for layer, numbers in history.items():
        norms = numbers["gradient_norm"]
        known = np.isfinite(norms) & (norms > 0)
        drawn = np.log10(norms, out=np.full(len(norms), math.nan), where=known)
        last = (numbers[name][-1] for name in names)
        rows.append([layer, curve(drawn.tolist()), *("" if math.isnan(value) else f"{value:.3g}" for value in last)])
    head = "", "gradient norm, logarithmic", *(name.replace("_", " ") for name in names)
    return f"{title}\n{table(head, rows, raw=(1,))}"
