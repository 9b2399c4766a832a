"""The values of a model's metrics after a pass over data: from what the kernels counted, and from the outputs they kept.

A metric that the kernels count (``to_count``) costs next to nothing. Any other needs the outputs of the pass
(``needs_outputs``), and sees them in the order of training with the targets and weights that belong to them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..kernels import codes
from ..scaled_sums import Targets
from .base import is_built_in
from .compiled import CompiledMetric
from .reductions import MeanMetricWrapper

if TYPE_CHECKING:
    from ..engine.epoch import Epoch

BLOCK = 1 << 15  # rows that a metric whose state is a sum over rows is given at a time


def to_count(metrics: Sequence[CompiledMetric], with_weights: bool = False) -> int:
    """The engine's ``statistics`` argument for resolved metrics. ``with_weights``: samples are weighted.

    The kernels count one kind of accuracy in a pass, the first; errors with it, except for labels.
    """
    counted = [found.counted.code for found in metrics if found.counted and not (found.weighted and with_weights)]
    return next((code for code in counted if code != codes.ERRORS), counted[0] if counted else codes.NO_STATISTICS)


def needs_outputs(metrics: Sequence[CompiledMetric], with_weights: bool = False) -> bool:
    """Whether resolved metrics need the outputs of a pass (the engine's ``keep_outputs``), beside what ``to_count`` counts."""
    code = to_count(metrics, with_weights)
    return not all(_is_counted(found, code, with_weights) for found in metrics)


def _is_counted(found: CompiledMetric, code: int, with_weights: bool) -> bool:
    if found.counted is None or (found.weighted and with_weights):
        return False
    return found.counted.code == code or (found.counted.code == codes.ERRORS and code != codes.SPARSE_ACCURACY)


def epoch_logs(
    epoch: Epoch,
    metrics: Sequence[CompiledMetric],
    targets: Targets,
    sample_weight: np.ndarray | None = None,
    batch_size: int | None = None,
) -> dict[str, Any]:
    """The loss and metrics of a pass by name.

    Parameters
    ----------
    epoch : Epoch
        Run with ``to_count(metrics, sample_weight is not None)`` as its ``statistics`` and, where
        ``needs_outputs(metrics, sample_weight is not None)``, with ``keep_outputs=True``.
    metrics : sequence of CompiledMetric
        Resolved.
    targets : Targets
        Of all the data and in its order, as ``sample_weight`` is, also where the epoch is only a part of a pass.
    sample_weight : array of shape (samples,), optional
        For the weighted metrics.
    batch_size : int, optional
        Metrics that are not sums over rows (functions that give one number for a batch, classes of a user's) are given
        batches of this size, as in Keras; everything at once if left out.

    Returns
    -------
    dict
        Numbers; arrays where a metric has several values.
    """
    others: list[CompiledMetric] = []
    if epoch.outputs is not None:  # else all are counted
        code, with_weights = to_count(metrics, sample_weight is not None), sample_weight is not None
        others = [found for found in metrics if not _is_counted(found, code, with_weights)]
    is_part = epoch.samples < targets.samples
    if others or is_part:
        rows = slice(epoch.samples) if epoch.order is None else epoch.order
        y, weights = targets.y[rows], None if sample_weight is None else sample_weight[rows]
        targets = Targets(y) if is_part else targets
    if others:
        reset(others)
        assert epoch.outputs is not None
        update(others, y, epoch.outputs, weights, batch_size)
    logs: dict[str, Any] = {"loss": float(epoch.loss)}
    with np.errstate(all="ignore"):  # the square of a large number is infinite, which is no error
        for found in metrics:
            if not any(found is other for other in others):
                assert found.counted is not None and epoch.statistics is not None
                logs[found.name] = found.counted.value(epoch.statistics, targets)
                if found.is_known and found.metric is not None:
                    found.counted.show(found.metric, logs[found.name], epoch.statistics, targets)
            else:
                logs |= results([found])
    return logs


def reset(metrics: Sequence[CompiledMetric]) -> None:
    """Have metrics forget what they have seen, before data that comes in parts."""
    for found in metrics:
        assert found.metric is not None
        found.metric.reset_state()


def update(
    metrics: Sequence[CompiledMetric],
    y: np.ndarray,
    outputs: np.ndarray,
    sample_weight: np.ndarray | None = None,
    batch_size: int | None = None,
) -> None:
    """Show metrics some data with its outputs; the arguments are as for ``epoch_logs``, all in one order."""
    for found in metrics:
        assert found.metric is not None
        predictions = outputs > 0 if found.of_logits else outputs
        weights = sample_weight if found.weighted else None
        size = BLOCK if _sums_over_rows(found, y, predictions, batch_size) else batch_size or len(y)
        with np.errstate(all="ignore"):
            for start in range(0, len(y), size):
                rows = slice(start, start + size)
                part = None if weights is None else weights[rows]
                found.metric.update_state(y[rows], predictions[rows], sample_weight=part)


def results(metrics: Sequence[CompiledMetric]) -> dict[str, Any]:
    """The values of metrics by name. One whose result is a dict gives all that is in it."""
    logs: dict[str, Any] = {}
    for found in metrics:
        assert found.metric is not None
        with np.errstate(all="ignore"):
            value = found.metric.result()
        logs |= {name: _plain(part) for name, part in (value if isinstance(value, dict) else {found.name: value}).items()}
    return logs


class Several(np.ndarray):
    """The values of a metric that has several, as one for each threshold or class. Each is formatted as one number would be."""

    def __format__(self, spec: str) -> str:
        return f"[{', '.join(format(value, spec) for value in self.ravel().tolist())}]"


def _plain(value: Any) -> Any:
    """A number as a float, several as an array."""
    array = np.asarray(value, np.float64)
    return float(array.reshape(())) if array.size == 1 else array.view(Several)


def _sums_over_rows(found: CompiledMetric, y: np.ndarray, outputs: np.ndarray, batch_size: int | None) -> bool:
    """Whether it does not matter by how many rows at a time a metric is given data.

    Nobody knows of a user's class. A user's function is asked: where it gives each row of the first and the last batch the
    value that the row has among all others, it does not.
    """
    metric = found.metric
    assert metric is not None
    if not is_built_in(type(metric).update_state):
        return False
    if not isinstance(metric, MeanMetricWrapper) or is_built_in(metric.function):
        return True
    size = batch_size or len(y)
    if size >= len(y):
        return False  # it is one batch
    with np.errstate(all="ignore"):
        whole = np.asarray(metric.values(y, outputs))
        if whole.ndim == 0 or len(whole) != len(y):
            return False
        for start in (0, (len(y) - 1) // size * size):
            rows = slice(start, start + size)
            alone = np.asarray(metric.values(y[rows], outputs[rows]))
            same_shape = alone.shape == whole[rows].shape
            if not same_shape or not np.allclose(alone, whole[rows], rtol=1e-5, atol=0, equal_nan=True):
                return False
    return True
