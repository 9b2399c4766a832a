"""Data that an estimator looks at after each epoch."""

from typing import TYPE_CHECKING, Any

import numpy as np

from .forward import dense_parts
from .heads import Head

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..engine.engine import Engine


class Validation:
    """Rows that nothing is learnt from.

    Parameters
    ----------
    X : array or sparse matrix
    y : array (samples, outputs)
    sample_weight : array, optional
    head : Head
    score : callable
        Of outputs, targets and weights.
    threads : int, optional
    """

    def __init__(
        self,
        X: Any,
        y: np.ndarray,
        sample_weight: np.ndarray | None,
        head: Head,
        score: "Callable[[np.ndarray, np.ndarray, np.ndarray | None], float]",
        threads: int | None,
    ) -> None:
        self._x, self._y, self._weights = X, y, sample_weight
        self._head, self._score, self._threads = head, score, threads
        self._parts: list[np.ndarray] | None = None

    def measure(self, engine: "Engine") -> tuple[float, float]:
        """The loss without penalties, and the score, by the present weights."""
        if self._parts is None:
            self._parts = list(dense_parts(self._x, engine.dtype))
            self._y = np.ascontiguousarray(self._y, engine.dtype)
        outputs, total, start = [], 0.0, 0
        for x in self._parts:
            stop = start + len(x)
            weights = None if self._weights is None else self._weights[start:stop]
            found = engine.evaluate(x, self._y[start:stop], threads=self._threads, sample_weight=weights, keep_outputs=True)
            total += (found.loss - found.penalty) * len(x)
            assert found.outputs is not None
            outputs.append(found.outputs)
            start = stop
        loss = self._head.reported * total / (len(self._y) if self._weights is None else float(self._weights.sum()))
        return loss, self._score(self._head.predictions(np.concatenate(outputs)), self._y, self._weights)
