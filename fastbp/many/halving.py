"""Successive halving: all trials are trained a little, the better ones of them longer, the best of these to the end.

Jamieson and Talwalkar 2016, Non-stochastic best arm identification and hyperparameter optimization, AISTATS.
"""

import math
import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..arguments import integer, unknown
from .checks import make_jobs
from .fit_many import fit_many
from .folds import Fold
from .forms import Forms
from .job import taken
from .measuring import evaluated
from .member import Member
from .trials import Trial, rank

BAD_INPUT = TypeError, ValueError, NotImplementedError  # what fit_many raises before it has changed anything


def rung_epochs(rungs: Any, epochs: int, factor: int) -> list[int]:
    """How many epochs a trial has been trained for at each rung.

    Examples
    --------
    >>> rung_epochs(3, 30, 3), rung_epochs([5, 20], 30, 3), rung_epochs(4, 10, 3)
    ([3, 10, 30], [5, 20], [1, 3, 10])
    """
    if isinstance(rungs, list | tuple | np.ndarray):
        found = [integer("rungs", rung, 1) for rung in rungs]
        if not found or sorted(set(found)) != found:
            raise ValueError(f"rungs must be epochs that rise, or how many rungs there are, got {rungs!r}")
        return found
    powers = [epochs / factor**i for i in reversed(range(integer("rungs", rungs, 1)))]
    return sorted({max(1, round(power)) for power in powers})


class Halving:
    """Trains trials rung by rung.

    Parameters
    ----------
    data : tuple (x, y, sample_weight)
    folds : list of Fold
        Rows to learn from and to measure on; none where there is other data to measure on.
    held_out : tuple or None
        That.
    objective : str
        "loss" or the name of a metric.
    maximize : bool
    settings : dict
        Further arguments of ``fit_many``.
    """

    def __init__(
        self,
        data: tuple[Any, Any, Any],
        folds: Sequence[Fold],
        held_out: Any,
        objective: str,
        maximize: bool,
        settings: dict[str, Any],
    ) -> None:
        self._data, self._folds, self._held_out = data, folds, held_out
        self._objective, self._maximize, self._settings = objective, maximize, dict(settings)
        self._callbacks = self._settings.pop("callbacks", None)
        budget = self._settings.pop("time_budget", None)
        self._deadline = math.inf if budget is None else time.perf_counter() + budget
        self._forms = Forms(*data, None, check_finite=False)  # training has checked that

    def run(self, trials: Sequence[Trial], rungs: Sequence[int], factor: int) -> None:
        """Train the trials, of which the best 1 / ``factor`` get to the next rung; those that fail are out."""
        alive, done = [trial for trial in trials if trial.error is None], 0
        for epochs in rungs:
            if done:
                ordered = sorted(alive, key=lambda trial: rank(trial, self._maximize))
                alive = ordered[: math.ceil(len(ordered) / factor)]
                for trial in ordered[len(alive) :]:
                    trial.models = []
            if not alive or (done and time.perf_counter() >= self._deadline):
                return
            self._train(alive, epochs - done)
            alive, done = [trial for trial in alive if trial.error is None], epochs

    def _train(self, trials: Sequence[Trial], epochs: int) -> None:
        """Train trials for so many epochs more, and measure them."""
        try:
            members = self._fit(trials, epochs)
        except BAD_INPUT:
            right = [trial for trial in trials if self._is_right(trial, epochs)]
            if len(right) == len(trials):
                raise
            if right:
                self._train(right, epochs)
            return
        each = len(members) // len(trials)
        for i, trial in enumerate(trials):
            self._end(trial, members[i * each : (i + 1) * each])

    def _fit(self, trials: Sequence[Trial], epochs: int) -> list[Member]:
        x, y, _ = self._data
        left = None if self._deadline == math.inf else max(self._deadline - time.perf_counter(), 0.0)
        models = [model for trial in trials for model in trial.models]
        return fit_many(models, x, y, **self._arguments(trials, epochs), time_budget=left, **self._settings)

    def _is_right(self, trial: Trial, epochs: int) -> bool:
        """Whether a trial can be trained; if not, it has the error."""
        x, y, _ = self._data
        own = {"shuffle", "class_weight", "check_finite"} & self._settings.keys()
        try:
            make_jobs(trial.models, x, y, **self._arguments([trial], epochs), **{name: self._settings[name] for name in own})
        except BAD_INPUT as error:
            trial.error, trial.models = error, []
        return trial.error is None

    def _arguments(self, trials: Sequence[Trial], epochs: int) -> dict[str, Any]:
        """Those of ``fit_many`` that follow from the trials."""
        validation = self._held_out
        if self._folds:
            validation = [test for _ in trials for _, test in self._folds]
        return {
            "epochs": epochs,
            "batch_size": [trial.batch_size for trial in trials for _ in trial.models],
            "rows": [train for _ in trials for train, _ in self._folds] or None,
            "sample_weight": self._data[2],
            "callbacks": self._callbacks,
            "validation": validation if self._callbacks else None,  # they may look at it after each epoch
        }

    def _end(self, trial: Trial, members: Sequence[Member]) -> None:
        """Take what training has left of a trial."""
        trial.seconds += sum(member.seconds for member in members)
        errors = [member.error for member in members if member.error is not None]
        if trial.scores and any(isinstance(error, TimeoutError) for error in errors):
            return  # it stays where it was
        if errors:
            trial.error, trial.models = errors[0], []
            return
        trial.models = [member.model for member in members]
        epochs = trial.epochs + min(len(member.history.epoch) for member in members)
        try:
            trial.scores[epochs] = np.array(self._measure(trial))
            if not np.isfinite(trial.scores[epochs]).all():
                raise ArithmeticError(f"{self._objective} must be finite, got {trial.scores[epochs].tolist()}")
        except (*BAD_INPUT, ArithmeticError) as error:
            trial.error, trial.models = error, []

    def _measure(self, trial: Trial) -> list[float]:
        """The objective of each fold."""
        if self._folds:
            form = self._forms.made[self._forms.form_for(trial.models[0])]
            found = [evaluated(model, taken(form, test)) for model, (_, test) in zip(trial.models, self._folds, strict=True)]
        else:
            found = [evaluated(model, self._held_out) for model in trial.models]
        if self._objective not in found[0]:
            raise unknown("objective", self._objective, found[0])
        return [logs[self._objective] for logs in found]
