"""The picture of a range test."""

from typing import Any, Protocol

import numpy as np


class Found(Protocol):
    """What is looked at: a ``LearningRateRange``."""

    @property
    def rates(self) -> np.ndarray: ...

    @property
    def losses(self) -> np.ndarray: ...

    @property
    def smoothed(self) -> np.ndarray: ...

    @property
    def suggestion(self) -> float | None: ...


def plot(found: Found, path: Any = None) -> Any:
    """See ``LearningRateRange.plot``."""
    try:
        from matplotlib import pyplot
    except ImportError:
        raise ImportError("the picture of a range test is drawn by matplotlib: pip install fastbp[plot]") from None
    figure, axes = pyplot.subplots(layout="constrained")
    axes.plot(found.rates, found.losses, color="tab:blue", alpha=0.35, label="loss of the batch")
    axes.plot(found.rates, found.smoothed, color="tab:blue", label="smoothed")
    if found.suggestion is not None:
        axes.axvline(found.suggestion, color="tab:orange", linestyle="--", label=f"falls fastest: {found.suggestion:.2g}")
    axes.set(xscale="log", xlabel="learning rate", ylabel="loss")
    axes.grid(alpha=0.3)
    axes.legend()
    if path is not None:
        figure.savefig(path, dpi=150)
    return axes
