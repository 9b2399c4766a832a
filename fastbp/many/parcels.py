"""Members that are trained in other processes: how they get there, and how what became of them comes back."""

import pickle
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ..callbacks.history import History
from ..data import Rows
from ..models.resting import is_at_rest, leave_at_rest, resting_weights
from .job import Form, Job
from .local import not_begun, run_jobs
from .member import Member

if TYPE_CHECKING:
    from ..engine.state import TrainingRecord

PER_SLOT = 16  # parcels for each thread at least, so that all have work to the end
MAX_TOGETHER = 256  # members of a parcel, however small


def parcels(jobs: Sequence[Job], slots: int, per_slot: int = PER_SLOT) -> Iterator[list[Job]]:
    """Jobs that are sent together, the longest first: large ones alone, small ones as many as make up for the way.

    Examples
    --------
    >>> from fastbp.many.job import Job
    >>> jobs = [Job(i, None, flop=flop) for i, flop in enumerate([1, 1, 30, 1, 1, 1, 1])]
    >>> [[job.index for job in parcel] for parcel in parcels(jobs, 1, 12)]
    [[2], [0, 1, 3], [4, 5, 6]]
    """
    ordered = sorted(jobs, key=lambda job: -job.flop)
    enough, parcel, flop = sum(job.flop for job in jobs) / (slots * per_slot), list[Job](), 0.0
    for job in ordered:
        parcel.append(job)
        flop += job.flop
        if flop >= enough or len(parcel) == MAX_TOGETHER:
            yield parcel
            parcel, flop = [], 0.0
    if parcel:
        yield parcel


@dataclass
class Outcome:
    """What became of a member, without what the process that began it has already.

    Attributes
    ----------
    units : int or None
        The features of a sample.
    weights : list of arrays, or None
    record : TrainingRecord, or None
        None where the training has not even begun.
    settings : dict
        What else a fit changes of a model.
    learning_rate : float or None
        None where it follows a schedule.
    history : History
    callbacks : list of dicts
        What they have taken note of.
    error : Exception or None
    seconds : float
    """

    units: Any
    weights: list[np.ndarray] | None
    record: "TrainingRecord | None"
    settings: dict[str, Any]
    learning_rate: float | None
    history: History
    callbacks: list[dict[str, Any]]
    error: Exception | None
    seconds: float


# ------------------------------------------------------------------------------------------------------ in the other process


def train(packed: bytes, threads: int, deadline: float | None, *forms: Form) -> bytes:
    """Train the members of a parcel.

    Parameters
    ----------
    packed : bytes
        The pickled jobs.
    threads : int
    deadline : float, optional
        As ``time.time`` counts.
    *forms
        Of the data that members share.
    """
    import cloudpickle

    jobs: list[Job] = pickle.loads(packed)
    seconds = None if deadline is None else deadline - time.time()
    if seconds is not None and seconds <= 0:
        members = {job.index: not_begun(job) for job in jobs}
    else:
        own = [aligned(form) if isinstance(form, Rows) else form for form in forms]
        members = run_jobs(jobs, own, threads, seconds)
    packed_outcomes: bytes = cloudpickle.dumps([_outcome(job, members[job.index]) for job in jobs])
    return packed_outcomes


def aligned(rows: Rows) -> Rows:
    """Rows as the engine takes them; those that came from another process may lie anywhere."""
    parts = {name: part for name in ("x", "y", "sample_weight") if (part := getattr(rows, name)) is not None}
    return replace(rows, **{name: np.require(part, requirements=["C", "A"]) for name, part in parts.items()})


def _outcome(job: Job, member: Member) -> Outcome:
    model, history = member.model, member.history
    history.model = history.run = None  # the latter may hold outputs of all samples
    record, units = model._training_record(), model._input_units
    weights = None if record is None else model.get_weights()
    optimizer = model.optimizer
    rate = None if optimizer.schedule is not None else float(optimizer.learning_rate)
    settings = {name: getattr(model, name) for name in ("_feature_names", "stop_training")}
    kept = [_sendable_state(callback) for callback in job.callbacks]
    error = member.error if member.error is None or _is_sendable(member.error) else RuntimeError(repr(member.error))
    return Outcome(units, weights, record, settings, rate, history, kept, error, member.seconds)


def _sendable_state(callback: Any) -> dict[str, Any]:
    state = {name: value for name, value in getattr(callback, "__dict__", {}).items() if name not in ("model", "_model")}
    return {name: value for name, value in state.items() if _is_sendable(value)}


def _is_sendable(value: Any) -> bool:
    import cloudpickle

    try:
        pickle.loads(cloudpickle.dumps(value))
    except Exception:
        return False
    return True


# ----------------------------------------------------------------------------------------------------------- in this process


def pack(jobs: Sequence[Job]) -> bytes:
    """Jobs as bytes."""
    import cloudpickle

    packed: bytes = cloudpickle.dumps(list(jobs))
    return packed


def unpack(jobs: Sequence[Job], packed: bytes) -> list[Member]:
    """Have the models of jobs be what their training has made of them elsewhere."""
    outcomes: list[Outcome] = pickle.loads(packed)
    return [_returned(job, outcome) for job, outcome in zip(jobs, outcomes, strict=True)]


def _returned(job: Job, outcome: Outcome) -> Member:
    model = job.model
    if outcome.weights is not None and outcome.record is not None:
        _return_weights(model, outcome.units, outcome.weights, outcome.record)
        if outcome.learning_rate is not None:
            model.optimizer.learning_rate = outcome.learning_rate
        model.optimizer.end_at(outcome.record.steps)
    for name, value in outcome.settings.items():
        setattr(model, name, value)
    model.history = outcome.history
    for callback, state in zip(job.callbacks, outcome.callbacks, strict=True):
        vars(callback).update(state)
    return Member(model, outcome.history, outcome.error, outcome.seconds)


def _return_weights(model: Any, units: int, weights: Sequence[np.ndarray], record: "TrainingRecord") -> None:
    """Have a model as training has left it: at rest, where it was, so that thousands need no engines."""
    if is_at_rest(model):
        resting_weights(model, units)
        leave_at_rest(model, weights, record)
        return
    engine = model._build(units)
    engine.set_weights(weights)
    engine.resume(record)
    model._kept_rows = 0
