"""True and false positives and negatives at thresholds: the weights of the rows on either side of each."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..arguments import integer, number
from ..conversion import as_numbers
from .arrays import checked_pair, floats, same_rank

NOT_IN_TOP_K = -1e10  # what the predictions outside the top k become, and the threshold that those inside are above


@dataclass
class Confusion:
    """Sums of weights, of shape (thresholds,) or (thresholds, labels)."""

    true_positives: np.ndarray
    false_positives: np.ndarray
    true_negatives: np.ndarray
    false_negatives: np.ndarray


@dataclass
class Decisions:
    """Targets that are true or false, predictions and weights of one shape (samples, labels)."""

    is_true: np.ndarray
    predictions: np.ndarray
    weights: np.ndarray | None

    def flat(self) -> "Decisions":
        """All labels as one."""
        weights = None if self.weights is None else self.weights.reshape(-1, 1)
        return Decisions(self.is_true.reshape(-1, 1), self.predictions.reshape(-1, 1), weights)


def decisions(
    y_true: Any, y_pred: Any, sample_weight: Any = None, top_k: int | None = None, class_id: int | None = None
) -> Decisions:
    """Targets, predictions and weights, limited to the top k predictions of a row, and to one class."""
    targets, predictions = checked_pair(as_numbers("y_true", y_true), _floating(as_numbers("y_pred", y_pred)))
    weights = None if sample_weight is None else _as_wide(sample_weight, targets)
    if top_k is not None:
        predictions = _only_top(predictions, top_k)
    if class_id is not None:
        if predictions.ndim < 2 or class_id >= predictions.shape[-1]:
            raise ValueError(f"class_id must be less than the number of classes, got {class_id} for y_pred {predictions.shape}")
        kept = slice(class_id, class_id + 1)
        targets, predictions = targets[..., kept], predictions[..., kept]
        weights = None if weights is None else weights[..., kept]
    labels = predictions.shape[-1] if predictions.ndim > 1 else 1
    shape = (-1, labels)
    return Decisions(
        (targets != 0).reshape(shape), predictions.reshape(shape), None if weights is None else weights.reshape(shape)
    )


def _floating(array: np.ndarray) -> np.ndarray:
    return array if array.dtype.kind == "f" else array.astype(np.float64)


def _as_wide(sample_weight: Any, targets: np.ndarray) -> np.ndarray:
    weights = floats("sample_weight", sample_weight)
    if weights.ndim < targets.ndim:
        weights = weights[..., None]
    targets, weights = same_rank(targets, weights, expand=False)
    try:
        return np.broadcast_to(weights, targets.shape)
    except ValueError:
        raise ValueError(
            f"sample_weight must have one value for each sample of y_true {targets.shape}, got shape {np.shape(sample_weight)}"
        ) from None


def _only_top(predictions: np.ndarray, k: int) -> np.ndarray:
    """The largest k of each row; the first ones, of those that are equal."""
    if k > predictions.shape[-1]:
        raise ValueError(f"top_k must be at most the number of classes, got {k} for y_pred {predictions.shape}")
    best = np.argsort(-predictions, axis=-1, kind="stable")[..., :k]
    kept = np.full_like(predictions, NOT_IN_TOP_K)
    np.put_along_axis(kept, best, np.take_along_axis(predictions, best, axis=-1), axis=-1)
    return kept


def count(rows: Decisions, thresholds: np.ndarray) -> Confusion:
    """How much weight is above each threshold and how much is not.

    Thresholds are rounded to the dtype of the predictions, so that what equals one in that is not above it.
    """
    limits = thresholds.astype(rows.predictions.dtype)
    order = np.argsort(limits, kind="stable")
    counts = tally(rows, np.searchsorted(limits[order], rows.predictions, side="left"), len(limits))
    given = np.argsort(order)
    return Confusion(*(values[given] for values in vars(counts).values()))


def tally(rows: Decisions, exceeded: np.ndarray, thresholds: int) -> Confusion:
    """The counts at rising thresholds, of which each prediction is above the first ``exceeded``.

    A prediction that is NaN makes all counts of its label NaN.
    """
    labels = rows.predictions.shape[1]
    place, size = exceeded * labels + np.arange(labels), (thresholds + 1) * labels

    def weight_of(selected: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Above each threshold, and not above it: both summed up from their own end, where nothing cancels."""
        weights = None if rows.weights is None else rows.weights[selected]
        by_place = np.bincount(place[selected], weights, size).reshape(-1, labels).astype(np.float64)
        return by_place[:0:-1].cumsum(axis=0)[::-1], by_place[:-1].cumsum(axis=0)

    true_positives, false_negatives = weight_of(rows.is_true)
    false_positives, true_negatives = weight_of(~rows.is_true)
    counts = Confusion(true_positives, false_positives, true_negatives, false_negatives)
    unknown = np.isnan(rows.predictions.max(axis=0)) if len(rows.predictions) else np.zeros(labels, bool)
    if unknown.any():
        for counted in vars(counts).values():
            counted[:, unknown] = np.nan
    return counts


def checked_thresholds(thresholds: Any, default: float) -> list[float]:
    """Thresholds in [0, 1] as a list; ``default`` where there are none."""
    if thresholds is None:
        return [default]
    given = thresholds if isinstance(thresholds, list | tuple | np.ndarray) else [thresholds]
    if not len(given):
        raise ValueError(f"thresholds must be a number or a list of numbers, got {thresholds!r}")
    return [number("thresholds", value, 0, 1) for value in given]


def checked_class(class_id: Any) -> int | None:
    """A class number from 0 on, or None."""
    return None if class_id is None else integer("class_id", class_id, 0)


def evenly(num_thresholds: int) -> np.ndarray:
    """Thresholds from 0 to 1."""
    return np.arange(num_thresholds) / (num_thresholds - 1)
