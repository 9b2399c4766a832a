"""Which members can go through one plan: those whose networks, optimizers and losses are of one form."""

from collections.abc import Hashable, Sequence
from typing import Any

from ..callbacks.stopping import EarlyStopping
from ..data import Rows
from ..data.rows import split_at
from ..engine.entrants import Samples, Stopping
from ..losses import Custom
from ..models.evaluation import BATCH_SIZE
from ..models.model import Model, Sequential
from ..models.resting import is_at_rest
from .job import Form, Job

_RATES = frozenset({"learning_rate", "steps", "schedule"})  # which may differ


def kind_of(job: Job, forms: Sequence[Form]) -> Hashable | None:
    """What members that go through one plan have in common; None for one that Python has something to do for."""
    model, optimizer, loss = job.model, job.model.optimizer, job.model.loss
    if type(model) not in (Model, Sequential) or model._metrics or model.feedback is not None or not is_at_rest(model):
        return None
    if not optimizer.takes_steps or optimizer.use_ema or optimizer.excluded is not None or job.settings["class_weight"]:
        return None
    train = _rows(job, forms)
    if train is None or not _watches_losses(job):
        return None
    assert job.network is not None
    held_out: tuple[Any, ...] = ()
    if job.validates:
        if any(stage.rules for stage in job.stages):  # what weights cost is no part of what the kernels measure
            return None
        samples = samples_of(job, forms)[1]
        if samples is None:
            return None
        held_out = samples.total, samples.rows is None
    batch = min(job.batch_size or BATCH_SIZE, samples_of(job, forms)[0].total)
    assert train.y is not None
    data = train.y.shape[1:], batch, job.settings["shuffle"]
    if isinstance(loss, Custom) and loss.graph(train.target_columns, job.stages[-1].units_out).is_of_batch:
        return None
    rules = _loss(loss, train.target_columns, job.stages[-1].units_out, model.dtype), _settings(optimizer, _RATES)
    key = job.network.form, model.dtype, rules, data, held_out, bool(job.callbacks)
    try:
        hash(key)
    except TypeError:  # of what somebody else has made
        return None
    return key


def _loss(loss: Any, columns: int, units: int, dtype: str) -> Hashable:
    return loss.bind(columns, units, dtype).identity if isinstance(loss, Custom) else _settings(loss)


def _settings(thing: Any, without: frozenset[str] = frozenset()) -> Hashable:
    """Its class and settings."""
    return type(thing), tuple((name, value) for name, value in vars(thing).items() if name not in without)


def _watches_losses(job: Job) -> bool:
    """Whether nobody looks on but one that stops early by a loss."""
    if not job.callbacks:
        return True
    if len(job.callbacks) > 1 or type(job.callbacks[0]) is not EarlyStopping:
        return False
    watching = job.callbacks[0]
    is_measured = watching.monitor == "loss" or (watching.monitor == "val_loss" and job.validates)
    return is_measured and watching.mode in ("auto", "min") and not watching.verbose


def stopping_of(job: Job) -> Stopping | None:
    """When the fit is to be stopped early."""
    if not job.callbacks:
        return None
    own = job.callbacks[0]
    by_validation, restores = own.monitor == "val_loss", own.restore_best_weights
    return Stopping(by_validation, own.patience, own.min_delta, own.baseline, own.start_from_epoch, restores)


# -- data


def _rows(job: Job, forms: Sequence[Form]) -> Rows | None:
    """All of a job's data, where that is in memory as the engine takes it."""
    whole = job.whole(forms)
    return whole if isinstance(whole, Rows) else None


def samples_of(job: Job, forms: Sequence[Form]) -> tuple[Samples, Samples | None]:
    """What a job learns from, and what it validates on."""
    if job.samples is None:
        job.samples = _split(job, forms)
    return job.samples


def _split(job: Job, forms: Sequence[Form]) -> tuple[Samples, Samples | None]:
    whole = job.whole(forms)
    assert isinstance(whole, Rows)
    data = _samples(whole)
    if job.validation_form is not None:
        other = forms[job.validation_form]
        return data._replace(rows=job.rows), _samples(other) if isinstance(other, Rows) else None
    if not isinstance(job.validation, float):
        return data._replace(rows=job.rows), None if job.validation is None else data._replace(rows=job.validation)
    if job.rows is None:
        parts = whole.split(job.validation)
        return _samples(parts[0]), _samples(parts[1])
    at = split_at(len(job.rows), job.validation)
    return data._replace(rows=job.rows[:at]), data._replace(rows=job.rows[at:])


def _samples(rows: Rows) -> Samples:
    assert rows.y is not None
    return Samples(rows.x, rows.y, rows.sample_weight)
