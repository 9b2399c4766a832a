"""Fits by a stochastic optimizer: as many epochs in a compiled call as can have no consequence in between."""

import time
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from ..callbacks.callback_list import CallbackList
from ..engine.epoch import Diverged
from ..kernels.fields import MAX_EPOCHS
from ..models.training_loop import epochs_at_once
from .network import Learner
from .rows import Rows
from .validation import Validation

if TYPE_CHECKING:
    from ..engine.epoch import Epoch

_BATCH_HOOKS = "on_train_batch_begin", "on_train_batch_end"


class Fit:
    """The epochs of one call of ``fit`` or ``partial_fit``.

    What is measured goes to the attributes of the estimator, which also says when to stop.

    Parameters
    ----------
    estimator : estimator
    learner : Learner
    rows : Rows
    validation : Validation, optional
    decides : bool
        Whether the validation's score decides when to stop, rather than the training loss.
    epochs : int
        How many at most.
    """

    def __init__(
        self, estimator: Any, learner: Learner, rows: Rows, validation: Validation | None, decides: bool, epochs: int
    ) -> None:
        self._estimator, self._learner, self._rows = estimator, learner, rows
        self._validation, self._decides, self._epochs = validation, decides, epochs
        self._schedule = estimator._optimizer
        self._callbacks = CallbackList(
            estimator.callbacks, model=learner.model, epochs=epochs, steps=rows.steps, verbose=int(bool(estimator.verbose))
        )
        self._keeps_best = estimator.restore_best is True or (estimator.restore_best is None and decides)
        self._one_by_one = not rows.together or validation is not None or self._keeps_best or bool(self._callbacks.callbacks)
        self._deadline = np.inf if estimator.time_budget is None else time.perf_counter() + estimator.time_budget
        self._best = np.inf, learner.engine.copy_weights() if self._keeps_best else None
        self._seconds: float | None = None
        if self._callbacks.observers or self._callbacks.looks or self._callbacks.listens(*_BATCH_HOOKS):
            raise ValueError(f"callbacks must not look at single batches here, got {estimator.callbacks!r}")

    def run(self) -> bool:
        """Learn until there is a reason to stop; whether that is the stopping rule."""
        self._callbacks.on_train_begin()
        has_stopped = False
        try:
            with self._callbacks.around_fit():
                has_stopped = self._run()
        except KeyboardInterrupt:
            warnings.warn("Training interrupted by user.", stacklevel=2)
        self._callbacks.on_train_end()
        if self._best[1] is not None:
            self._learner.engine.restore_weights(self._best[1])
        return has_stopped

    def _run(self) -> bool:
        estimator, model = self._estimator, self._learner.model
        estimator.n_iter_, model.stop_training = 0, False
        while estimator.n_iter_ < self._epochs:
            self._callbacks.on_epoch_begin(estimator.n_iter_)
            ended: list[Epoch] = []
            try:
                self._train(ended)
            except Diverged:
                self._record(ended)
                self._go_on_without_numbers()
                return False
            if self._record(ended):
                return True
            if model.stop_training:
                return False
            if time.perf_counter() > self._deadline and estimator.n_iter_ < self._epochs:
                self._warn(f"Stochastic Optimizer: The time budget ({estimator.time_budget:g} s) is used up")
                return False
        self._warn_of_end()
        return False

    def _train(self, ended: "list[Epoch]") -> None:
        """The epochs before the next one that may have consequences."""
        estimator = self._estimator
        count = 1
        if not self._one_by_one and self._seconds is not None:
            before_stop = estimator.n_iter_no_change - estimator._no_improvement_count + 1
            left = self._epochs - estimator.n_iter_
            count = int(max(1, min(left, before_stop, epochs_at_once(self._seconds), MAX_EPOCHS)))
        rates = self._schedule.rates(self._rows.samples, estimator.t_, count)
        factor = self._learner.head.factor
        self._rows.train(self._learner.engine, count, ended, None if rates is None else rates / factor)
        self._seconds = ended[-1].seconds

    def _record(self, ended: "list[Epoch]") -> bool:
        """Take note of epochs that have ended; whether the fit is to stop."""
        stops = False
        for epoch in ended:
            loss = self._learner.head.loss_of(epoch.loss, epoch.penalty)
            measured = None if self._validation is None else self._validation.measure(self._learner.engine)
            stops = self._end_epoch(loss, measured)
        return stops

    def _end_epoch(self, loss: float, measured: tuple[float, float] | None) -> bool:
        """What is done after an epoch; whether the fit is to stop."""
        estimator, schedule = self._estimator, self._schedule
        estimator.n_iter_ += 1
        estimator.loss_ = loss
        estimator.t_ += self._rows.samples
        estimator.loss_curve_.append(loss)
        if estimator.verbose:
            print(f"Iteration {estimator.n_iter_}, loss = {loss:.8f}")
        self._measured(measured)
        self._judge()
        rate = schedule.learning_rate
        schedule.end_epoch(estimator.t_)
        stops = False
        if estimator._no_improvement_count > estimator.n_iter_no_change:
            what = "Validation score" if self._decides else "Training loss"
            message = (
                f"{what} did not improve more than tol={estimator.tol:f} for {estimator.n_iter_no_change} consecutive epochs."
            )
            stops = schedule.stops(message, estimator.verbose)
            if not stops:
                estimator._no_improvement_count = 0
        if schedule.learning_rate != rate:
            self._learner.optimizer.learning_rate = schedule.learning_rate / self._learner.head.factor
        self._tell(loss, measured)
        return stops

    def _measured(self, measured: tuple[float, float] | None) -> None:
        """Take note of what the validation found."""
        if measured is None:
            return
        estimator = self._estimator
        estimator.validation_loss_curve_.append(measured[0])
        estimator.validation_scores_.append(measured[1])
        if estimator.verbose:
            print(f"Validation score: {measured[1]:f}")

    def _judge(self) -> None:
        """Count epochs without improvement, and keep the best weights."""
        estimator = self._estimator
        loss = estimator.loss_
        if self._decides:
            score = estimator.validation_scores_[-1]
            worse = score < estimator.best_validation_score_ + estimator.tol
        else:
            worse = loss > estimator.best_loss_ - estimator.tol
            estimator.best_loss_ = min(estimator.best_loss_, loss) if loss == loss else estimator.best_loss_
        estimator._no_improvement_count = estimator._no_improvement_count + 1 if worse else 0
        if self._validation is not None:
            score = estimator.validation_scores_[-1]
            is_best = score > estimator.best_validation_score_
            if is_best:
                estimator.best_validation_score_ = score
        else:
            is_best = loss < self._best[0]
        if is_best and self._keeps_best:
            self._best = loss, self._learner.engine.copy_weights()

    def _tell(self, loss: float, measured: tuple[float, float] | None) -> None:
        """Tell callbacks of an epoch."""
        if self._callbacks.callbacks:
            logs = {"loss": loss}
            if measured is not None:
                logs |= {"val_loss": measured[0], "val_score": measured[1]}
            self._callbacks.on_epoch_end(self._estimator.n_iter_ - 1, logs)

    def _go_on_without_numbers(self) -> None:
        """The epochs after one that diverged, in which nothing is a number: scikit-learn goes through them."""
        if not self._keeps_best:
            self._learner.load(tuple([np.full_like(w, np.nan) for w in part] for part in self._learner.weights()))  # type: ignore[arg-type]
        while self._estimator.n_iter_ < self._epochs:
            if self._end_epoch(np.nan, None if self._validation is None else (np.nan, np.nan)):
                return
        self._warn_of_end()

    def _warn_of_end(self) -> None:
        if self._epochs == self._estimator.max_iter:
            self._warn(f"Stochastic Optimizer: Maximum iterations ({self._epochs}) reached")

    def _warn(self, reason: str) -> None:
        warnings.warn(f"{reason} and the optimization hasn't converged yet.", ConvergenceWarning, stacklevel=2)
