"""Whether a number of the logs has become better: what stopping, learning rates and checkpoints go by."""

import operator
from collections.abc import Callable, Mapping
from typing import Any

from ..arguments import number
from ..notices import warn
from .base import Callback


class Monitor(Callback):
    """The part of a callback that watches a number of the logs.

    Parameters
    ----------
    monitor : str
        Its name.
    mode : {"auto", "min", "max"}
        Which numbers are better; "auto" asks the loss or metric of that name.
    min_delta : float
        By how much a number must be better than the best.
    best : float, optional
        The number to begin with.
    """

    def __init__(self, monitor: str, mode: str, min_delta: float, best: float | None = None) -> None:
        if not isinstance(monitor, str):
            raise TypeError(f"monitor must be the name of a loss or metric, got {monitor!r}")
        if mode not in ("auto", "min", "max"):
            warn(f"mode must be 'auto', 'min' or 'max', got {mode!r}: 'auto' is used")
            mode = "auto"
        self.monitor, self.mode, self.min_delta = monitor, mode, abs(number("min_delta", min_delta))
        self.best: float | None = best
        self._is_better: Callable[[float, float], bool] | None = None
        self._margin = 0.0

    def _watched(self, logs: Mapping[str, Any] | None, purpose: str) -> float | None:
        """The number, or None with a warning where the logs have none."""
        if self._is_better is None:
            self._choose_direction()
        current: float | None = (logs or {}).get(self.monitor)
        if current is None:
            warn(f"{type(self).__name__} {purpose} {self.monitor!r}, which is not in the logs: {', '.join(logs or ())}")
        return current

    def _choose_direction(self) -> None:
        is_up = self.mode == "max" if self.mode != "auto" else self._is_better_upwards()
        self._is_better = operator.gt if is_up else operator.lt
        self._margin = self.min_delta if is_up else -self.min_delta

    def _is_better_upwards(self) -> bool:
        name = self.monitor.removeprefix("val_")
        if name == "loss":
            return False
        is_up = self.model.higher_is_better(name) if hasattr(self.model, "higher_is_better") else None
        if is_up is None:
            raise ValueError(
                f"mode must be 'min' or 'max' for monitor={self.monitor!r}, got 'auto', but nothing says which are better"
            )
        return bool(is_up)

    def _improves(self, current: float, reference: float | None) -> bool:
        """Whether a number is better than another by more than ``min_delta``."""
        assert self._is_better is not None
        return reference is None or self._is_better(current - self._margin, reference)
