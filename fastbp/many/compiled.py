"""Members of one form, trained one after another in compiled calls: what Python does for each is to hand it in and out."""

import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..callbacks.history import History
from ..callbacks.stopping import EarlyStopping
from ..data import Rows
from ..engine.engine import Engine
from ..engine.entrants import Entrant, Outcome
from ..engine.epoch import Epoch
from ..engine.series import Series
from ..kernels import series as in_series
from ..kernels.simd.element_types import element_type
from ..layers.claims import claimed
from ..layers.held import trainable_flags
from ..models.evaluation import BATCH_SIZE
from ..models.resting import leave_at_rest, resting_weights
from .job import Form, Job
from .kinds import samples_of, stopping_of
from .member import Member


class CompiledRun:
    """Trains jobs of one kind, some at a time: one for each thread.

    Parameters
    ----------
    example : Job
        One of them.
    forms : sequence
        Of the data that jobs share.
    """

    def __init__(self, example: Job, forms: Sequence[Form]) -> None:
        self._forms, model = forms, example.model
        engine = Engine(example.stages, element_type(model.dtype))
        engine.configure(model.optimizer, model.loss)
        self._engine = engine
        samples = samples_of(example, forms)
        self._batch = min(example.batch_size or BATCH_SIZE, samples[0].total)
        self._series = Series(engine, *samples, self._batch, example.settings["shuffle"])

    def stop(self) -> None:
        """Have the call that another thread is in end after its step."""
        self._series.stop()

    def end(self) -> None:
        """Have it end after the epochs that have begun."""
        self._series.end()

    def run(self, jobs: Sequence[Job], at_once: int) -> list[Member | None]:
        """Train some; None for those whose ``fit`` is to say what is wrong, or that have not begun."""
        leaves = [leaf for job in jobs for leaf in job.model.leaves()]
        with claimed(leaves, "fit_many", True):
            entrants = [self._entrant(job) for job in jobs]
            entered = [(job, entrant) for job, entrant in zip(jobs, entrants, strict=True) if entrant is not None]
            start = time.perf_counter()
            outcomes = self._series.run([entrant for _, entrant in entered], at_once)
            seconds = time.perf_counter() - start
            found: dict[int, Member | None] = {}
            for (job, _), outcome in zip(entered, outcomes, strict=True):
                found[job.index] = self._left(job, outcome, seconds * outcome.share)
        return [found.get(job.index) for job in jobs]

    def _entrant(self, job: Job) -> Entrant | None:
        """A member as the kernels take it, or None where something is wrong with it."""
        try:
            return self._described(job)
        except Exception:  # its fit raises it again
            return None

    def _described(self, job: Job) -> Entrant:
        model = job.model
        train, held_out = samples_of(job, self._forms)
        weights = resting_weights(model, train.x.shape[1])
        record, optimizer = model._record, model.optimizer
        if optimizer.schedule is not None:
            steps = job.epochs * -(-train.total // self._batch)
            optimizer.check_schedule(0 if record is None else record.steps, steps)
        rest = model.optimizer, train, held_out, job.epochs, stopping_of(job)
        return Entrant(weights, record, job.stages, model._shuffle_seed, *rest)

    def _left(self, job: Job, outcome: Outcome, seconds: float) -> Member | None:
        """Leave a model as its own fit would have left it."""
        is_finite = outcome.kind != in_series.STOPPED or all(np.isfinite(array).all() for array in outcome.weights)
        if outcome.kind in (in_series.WAITS, in_series.DIVERGED) or not is_finite:
            return None
        model, whole = job.model, job.whole(self._forms)
        assert isinstance(whole, Rows)
        leave_at_rest(model, outcome.weights, outcome.record)
        model._trained = model._trained or trainable_flags(model.leaves())
        model._feature_names = model._feature_names or whole.names
        model.optimizer.end_at(outcome.record.steps)
        model.history = history = self._history(job, outcome, seconds)
        model.stop_training = False
        if job.callbacks and outcome.stopping is not None:
            _tell_stopping(job.callbacks[0], job, outcome, history.params)
        return Member(model, history, None, seconds)

    def _history(self, job: Job, outcome: Outcome, seconds: float) -> History:
        done, samples = len(outcome.losses), samples_of(job, self._forms)[0].total
        history = History({"verbose": 0, "epochs": job.epochs, "steps": -(-samples // self._batch), "dtype": job.model.dtype})
        if done:
            history.history["loss"] = outcome.losses.tolist()
            if job.validates:
                history.history["val_loss"] = outcome.validation_losses.tolist()
            history.epochs_of = {name: list(range(done)) for name in history.history}
            loss, steps, flop = history.history["loss"][-1], history.params["steps"], samples * self._engine.row_flop
            history.run = Epoch(loss, samples, steps, seconds / done, flop, 1, None)
        history.epoch = list(range(done))
        rate = done / max(seconds, 1e-9)
        history.samples_per_second = [samples * rate] * done
        history.gflops = [self._engine.row_flop * samples * rate / 1e9] * done
        history.threads = [1] * done
        return history


def _tell_stopping(own: EarlyStopping, job: Job, outcome: Outcome, params: dict[str, Any]) -> None:
    """Have a callback as the fit would have left it."""
    found = outcome.stopping
    assert found is not None
    own.set_model(job.model)
    own.set_params(params)
    own.on_train_begin()
    own._choose_direction()
    own.wait, own.stopped_epoch = int(found[in_series.WAIT]), int(found[in_series.STOPPED_EPOCH])
    own.best_epoch = int(found[in_series.BEST_EPOCH])
    if found[in_series.HAS_BEST]:
        own.best = float(found[in_series.BEST_LOSS])
    if found[in_series.HAS_WEIGHTS]:
        own.best_weights = [array.copy() for array in outcome.weights]
    job.model.stop_training = own.stopped_epoch > 0
