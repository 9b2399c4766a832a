"""The data of a fit, as passes over it: whole, or put together anew for each where the engine cannot do that itself."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.sparse import issparse

from .forward import MAX_DENSE_BYTES, len_of

if TYPE_CHECKING:
    from ..engine.engine import Engine
    from ..engine.epoch import Epoch


@dataclass
class Settings:
    """What all passes of a fit have in common."""

    batch: int
    shuffle: bool
    threads: int | None


class Rows:
    """Rows to learn from.

    Parameters
    ----------
    X : array or sparse matrix
    y : array (samples, outputs)
    sample_weight : array, optional
        In a batch the loss is a mean by these; the sum of them divides the penalties, as else the number of samples does.
    dtype : dtype
    settings : Settings
    """

    def __init__(self, X: Any, y: np.ndarray, sample_weight: np.ndarray | None, dtype: Any, settings: Settings) -> None:
        self.samples, self._dtype, self._settings = len_of(X), np.dtype(dtype), settings
        is_large = issparse(X) and self.samples * X.shape[1] * self._dtype.itemsize > MAX_DENSE_BYTES
        self._is_sparse = is_large
        self._x = X.tocsr() if is_large else _dense(X, self._dtype)
        self._y = np.ascontiguousarray(y, self._dtype)
        self._weights = None if sample_weight is None else np.asarray(sample_weight, np.float64)
        self._shuffles = settings.shuffle and settings.batch < self.samples
        self._starts = np.arange(0, self.samples, settings.batch)
        self.steps = len(self._starts)
        self.together = not is_large and not (self._shuffles and sample_weight is not None)  # whether epochs can be one call
        self._plain = self._weighted(None)
        self.total = self.samples if self._weights is None else float(self._weights.sum())

    def train(self, engine: "Engine", count: int, ended: "list[Epoch]", rates: np.ndarray | None) -> None:
        """``count`` epochs, with a learning rate for each if they differ; those that have ended are appended to ``ended``."""
        per_step = None if rates is None else np.repeat(rates, self.steps)
        if self.together:
            weights, factors = self._plain
            self._run(engine, count, ended, self._x, self._y, weights, np.tile(factors, count), per_step, self._shuffles)
            return
        order = engine.next_order(self.samples) if self._shuffles else np.arange(self.samples)
        weights, factors = self._weighted(order)
        parts: list[Epoch] = []
        for first, stop in self._portions():
            chosen, steps = order[first:stop], slice(first // self._settings.batch, -(-stop // self._settings.batch))
            x, y = _dense(self._x[chosen], self._dtype), self._y[chosen]
            of_step = None if per_step is None else per_step[steps]
            self._run(engine, 1, parts, x, y, None if weights is None else weights[first:stop], factors[steps], of_step, False)
        ended.append(_combined(parts))

    def _run(
        self,
        engine: "Engine",
        count: int,
        ended: "list[Epoch]",
        x: np.ndarray,
        y: np.ndarray,
        weights: np.ndarray | None,
        factors: np.ndarray,
        rates: np.ndarray | None,
        shuffle: bool,
    ) -> None:
        engine.train_epochs(
            count,
            ended,
            x,
            y,
            self._settings.batch,
            shuffle,
            0,
            self._settings.threads,
            sample_weight=weights,
            learning_rates=rates,
            penalty_factors=factors,
        )

    def _weighted(self, order: np.ndarray | None) -> tuple[np.ndarray | None, np.ndarray]:
        """The samples' weights in an order, of mean 1 in each batch, and one divided by the sum of each batch's."""
        counts = np.diff(np.append(self._starts, self.samples))
        if self._weights is None:
            return None, 1 / counts
        weights = self._weights if order is None else self._weights[order]
        sums = np.add.reduceat(weights, self._starts)
        with np.errstate(divide="ignore", invalid="ignore"):  # weights of 0 alone: not a number, as in scikit-learn
            return weights * np.repeat(counts / sums, counts), 1 / sums

    def _portions(self) -> Iterator[tuple[int, int]]:
        """Where some batches begin and end that are put together at once."""
        size = self.samples
        if self._is_sparse:
            batch = self._settings.batch
            rows = MAX_DENSE_BYTES // (self._x.shape[1] * self._dtype.itemsize)
            size = max(1, rows // batch) * batch
        for first in range(0, self.samples, size):
            yield first, min(first + size, self.samples)

    def whole(self) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
        """All of it as one batch, dense; the weights' mean is 1."""
        weights = None if self._weights is None else self._weights * (self.samples / self.total)
        return _dense(self._x, self._dtype), self._y, weights


def _dense(X: Any, dtype: Any) -> np.ndarray:
    return np.ascontiguousarray(X.toarray() if issparse(X) else X, dtype)


def _combined(parts: "list[Epoch]") -> "Epoch":
    """The epoch whose parts have been run one by one."""
    whole = parts[0]
    if len(parts) > 1:
        samples = sum(part.samples for part in parts)
        whole.loss = sum(part.loss * part.samples for part in parts) / samples
        whole.penalty = sum(part.penalty * part.samples for part in parts) / samples
        whole.seconds, whole.samples = sum(part.seconds for part in parts), samples
    return whole
