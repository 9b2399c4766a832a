"""What many models predict for the same rows, of data of any kind, some of them at a time."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from ..data import Batches, Rows, Source, Spec, prepare
from ..engine.interrupts import import_to_end
from ..losses import Loss
from ..models.evaluation import thread_count
from ..models.model import Model
from ..models.portions import ROWS_AT_ONCE, chunks
from . import spread

Summary = Callable[[Loss, np.ndarray], np.ndarray]

MAX_BYTES = 1 << 26  # of the outputs of all members that are there at a time


class MembersPrediction:
    """Predicts with models of the same inputs, outputs and dtype.

    Parameters
    ----------
    models : sequence of Model
    """

    def __init__(self, models: Sequence[Model]) -> None:
        self._models = list(models)
        self._together: Any = None

    def blocks(self, x: Any, threads: int | None = None) -> Iterator[np.ndarray]:
        """The outputs (models, rows, units) of some rows after the others."""
        first = self._models[0]
        spec = Spec(first._input_units, 0, first._dtype, None, first._feature_names, first._flattens, first._sample_shape)
        data = prepare(x, spec=spec, check_finite=False)
        for part in _portions(data):
            together = self._engines_together(part.width)
            rows = MAX_BYTES // (len(self._models) * together.units * together.dtype.itemsize)
            rows = max(1, rows // ROWS_AT_ONCE) * ROWS_AT_ONCE
            for start in range(0, len(part), rows):
                yield together.outputs(part.x[start : start + rows], threads)

    def _engines_together(self, width: int) -> Any:
        engines = [model._engine or model._build(width) for model in self._models]
        if self._together is None or not self._together.are(engines):
            self._together = import_to_end("fastbp.engine.together").Together(engines)
        return self._together


def _portions(data: Rows | Source | Batches) -> Iterator[Rows]:
    if isinstance(data, Batches):
        if data.is_endless:
            raise ValueError("x must come to an end, got what yields batches without end")
        return data.epoch(None)
    return chunks(data, ROWS_AT_ONCE, False) if isinstance(data, Source) else iter((data,))


class Predicting:
    """The part of ``Ensemble`` that predicts."""

    _models: dict[int, Model]
    _prediction: MembersPrediction | None

    @property
    def models(self) -> list[Model]:
        """The members, once they have been fitted; without those whose training has failed."""
        return list(self._models.values())

    def predict(self, x: Any, *, threads: int | None = None) -> np.ndarray:
        """The mean of what the members predict, (samples, units).

        Where the outputs are logits, it is that of the probabilities. Where the loss is "gaussian_nll", it is that of the
        means: a column for each target.

        Parameters
        ----------
        x : array
            Or data of another kind, as for a model's ``predict``.
        threads : int, optional
        """
        return self._summary(x, threads, spread.mean, axis=0)

    def predict_std(self, x: Any, *, threads: int | None = None) -> np.ndarray:
        """The standard deviation of what the members predict: how far they disagree, (samples, units).

        It has nothing of the noise of the data, unless the loss is "gaussian_nll": then it is the deviation of the mixture of
        the normal distributions that the members predict, which has both.

        Parameters
        ----------
        x, threads
            As for ``predict``.
        """
        return self._summary(x, threads, spread.std, axis=0)

    def predict_quantiles(self, x: Any, q: Any = (0.05, 0.5, 0.95), *, threads: int | None = None) -> np.ndarray:
        """Quantiles of what the members predict, (quantiles, samples, units); of one number q (samples, units).

        Of a "gaussian_nll", those of the mixture, as ``predict_std``.

        Parameters
        ----------
        x, threads
            As for ``predict``.
        q : float or list of float
            In [0, 1], as of ``np.quantile``; of a mixture between 0 and 1.
        """
        levels = _levels(q, spread.is_normal(self._fitted()[0]._compiled()[1]))
        found = self._summary(x, threads, lambda loss, outputs: spread.quantiles(loss, outputs, levels), axis=1)
        return found[0] if np.ndim(q) == 0 else found

    def predict_members(self, x: Any, *, threads: int | None = None) -> np.ndarray:
        """What each member's ``predict`` gives, (members, samples, units)."""
        return self._summary(x, threads, lambda loss, outputs: outputs, axis=1)

    def _summary(self, x: Any, threads: int | None, summary: Summary, axis: int) -> np.ndarray:
        loss = self._fitted()[0]._compiled()[1]
        threads = thread_count(threads)
        found = [summary(loss, outputs) for outputs in self._blocks(x, threads)]
        return found[0] if len(found) == 1 else np.concatenate(found, axis=axis)

    def _blocks(self, x: Any, threads: int | None) -> Any:
        if self._prediction is None:
            self._prediction = MembersPrediction(self._fitted())
        return self._prediction.blocks(x, threads)

    def _fitted(self) -> list[Model]:
        if not self._models:
            raise ValueError("the ensemble must be fitted first, got one without members: call fit")
        return self.models

    def _forget_prediction(self) -> None:
        self._prediction = None

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_prediction": None}


def _levels(q: Any, is_open: bool) -> np.ndarray:
    levels = np.atleast_1d(np.asarray(q, np.float64))
    inside = (levels > 0) & (levels < 1) if is_open else (levels >= 0) & (levels <= 1)
    if levels.ndim != 1 or not levels.size or not inside.all():
        raise ValueError(f"q must be numbers {'between 0 and 1' if is_open else 'in [0, 1]'}, got {q!r}")
    return levels
