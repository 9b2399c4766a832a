"""What is measured of a pass over data: the loss, and the metrics by what the engine counts and keeps for them."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from ..data.combine import combine
from ..metrics import CompiledMetric, epoch_logs, needs_outputs, to_count
from ..scaled_sums import Targets

if TYPE_CHECKING:
    from ..engine.epoch import Epoch

Answers = tuple[np.ndarray, np.ndarray | None]  # targets and weights of some samples


class Measures:
    """What is measured of passes over data.

    Parameters
    ----------
    metrics : tuple of CompiledMetric
        Fitted to the loss.
    weighted : bool
        Whether the samples have weights.
    batch_size : int, optional
        For metrics that are computed batch by batch.

    Attributes
    ----------
    counted : int
        The engine's ``statistics``.
    keeps_outputs : bool
        The engine's ``keep_outputs``.
    """

    def __init__(self, metrics: tuple[CompiledMetric, ...], weighted: bool, batch_size: int | None = None) -> None:
        self.metrics, self._batch_size = metrics, batch_size
        self.counted, self.keeps_outputs = 0, False
        if metrics:
            self.counted, self.keeps_outputs = to_count(metrics, weighted), needs_outputs(metrics, weighted)

    def logs(self, epoch: "Epoch", targets: Targets, sample_weight: np.ndarray | None) -> dict[str, Any]:
        """Those of a pass over all samples; targets and weights are in the order of the data."""
        if not self.metrics:
            return {"loss": float(epoch.loss)}
        return epoch_logs(epoch, self.metrics, targets, sample_weight, batch_size=self._batch_size)

    def logs_of_parts(self, parts: Sequence["Epoch"], answers: Sequence[Answers]) -> dict[str, Any]:
        """Those of a pass that was made in parts, or of a part alone that has not come to its end."""
        epoch = parts[0] if len(parts) == 1 else combine(parts)
        if not self.metrics:
            return {"loss": float(epoch.loss)}
        rows = [slice(0, part.samples) if part.order is None else part.order for part in parts]
        targets = LateTargets(
            epoch.samples, lambda: np.concatenate([y[taken] for (y, _), taken in zip(answers, rows, strict=True)])
        )
        weights = None
        if answers[0][1] is not None:
            weights = np.concatenate([w[taken] for (_, w), taken in zip(answers, rows, strict=True) if w is not None])
        if self.keeps_outputs and epoch.order is not None:
            epoch = replace(epoch, order=None)
        return self.logs(epoch, targets, weights)


class LateTargets(Targets):
    """Targets that are put together only where a metric wants them.

    Parameters
    ----------
    samples : int
    gather : callable
    """

    def __init__(self, samples: int, gather: Callable[[], np.ndarray]) -> None:
        vars(self).update(_samples=samples, _gather=gather)

    @property
    def samples(self) -> int:
        count: int = vars(self)["_samples"]
        return count

    @cached_property
    def y(self) -> np.ndarray:  # type: ignore[override]
        """In the order that the samples were taken in."""
        gathered: np.ndarray = vars(self)["_gather"]()
        return gathered
