"""One network's parameters, its plans, and what runs them."""

import threading
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from ..kernels.simd.machine import machine
from ..layers.stages import Stage
from ..losses import Loss
from ..optimizers import Optimizer
from .feedback import Feedback, FeedbackParameters
from .folding import Folded, folds
from .noise import seeded
from .packed import PackedRows
from .parameters import Parameters
from .passes import Pass
from .plan import Plan
from .plans import Plans
from .runner import Runner
from .shapes import Shape
from .state import Snapshot, TrainingRecord, TrainingState
from .trial import Trials
from .work import forward_flop, step_flop

if TYPE_CHECKING:
    from .bound import BoundMeasure, BoundPrediction


class Core:
    """The part of ``Engine`` that holds the network.

    Parameters
    ----------
    stages : sequence of Stage
        What the layers are for kernels, in order.
    dtype : "float32" or "float64"
    seed : int
        Of the shuffling, and of the noise of stages that have no seed of their own.
    feedback : Feedback, optional
        What the network learns by instead of the gradient.
    """

    def __init__(
        self, stages: Iterable[Stage], dtype: str = "float32", seed: int = 0, feedback: Feedback | None = None
    ) -> None:
        self._given, self._seed, self._feedback = tuple(stages), seed, feedback
        self.stages, self.dtype = seeded(self._given, seed), np.dtype(dtype)
        sizes = self.stages, self.dtype, machine().lanes(self.dtype)
        self._parameters = Parameters(*sizes) if feedback is None else FeedbackParameters(*sizes, feedback)
        self.state = TrainingState(self._parameters, seed)
        self._plans = Plans(self.stages, self.state)
        self._runner, self._trials = Runner(self._plans), Trials()
        self._folded = Folded(self.stages, self._parameters) if folds(self.stages) else None
        self._optimizer: Optimizer | None = None
        self._lock = threading.RLock()  # plans hold buffers: one call at a time
        self._learning = False  # whether a call is changing the weights
        self._kept: Plan | None = None  # the plan of the last forward(keep=True)
        self._count_flop()
        self._forget_runs()

    def _count_flop(self) -> None:
        self._forward_flop, self._step_flop = forward_flop(self.shapes, 1), step_flop(self.shapes, 1)

    def _clear_plans(self) -> None:
        self._plans.clear()
        if self._folded is not None:
            self._folded.plans.clear()

    def _for_predictions(self) -> tuple[Plans, Runner]:
        """What predictions run through, with the weights as they are now."""
        if self._folded is None:
            return self._plans, self._runner
        self._folded.refresh()
        return self._folded.plans, self._folded.runner

    def _forget_runs(self) -> None:
        """Forget what calls to come would go on with."""
        # (plan, its place for x, its place for the output) of the last small forward(keep=True)
        self._repeatable: tuple[Plan, np.ndarray, np.ndarray] | None = None
        self._bound_prediction: BoundPrediction | None = None  # of as many rows as the last call had
        self._last_rows = 0
        # Of evaluations (False) and gradients (True), the shapes of the last data, and what is bound to such
        self._measured: dict[bool, tuple[Any, BoundMeasure | None]] = {}
        self._pass: Pass | None = None  # that ``train_steps`` began last

    # -- parameters

    @property
    def shapes(self) -> list[Shape]:
        """The layers' sizes."""
        return self._parameters.shapes

    def get_weights(self) -> list[np.ndarray]:
        """Kernels (in, out) and biases (out,), in order, as new arrays."""
        with self._lock:
            return self._parameters.arrays(self._parameters.weights)

    def set_weights(self, weights: Sequence[np.ndarray]) -> None:
        with self._lock:
            self._parameters.set_weights(weights)
            self._kept = None

    def copy_weights(self) -> np.ndarray:
        """All weights as one array, for ``restore_weights`` alone: as fast as memory can be copied."""
        with self._lock:
            return self._parameters.copy_weights()

    def arrays_of(self, copied: np.ndarray) -> list[np.ndarray]:
        """The weights that ``copy_weights`` gave, as ``get_weights`` gives them."""
        return self._parameters.arrays(copied[: self._parameters.size])

    def restore_weights(self, copied: np.ndarray) -> None:
        """Return to weights that ``copy_weights`` gave. The optimizer's state stays as it is."""
        with self._lock:
            self._parameters.restore_weights(copied)
            self._kept = None

    @property
    def knows_decay(self) -> bool:
        """Whether ``spare_from_decay`` has been called since an optimizer was taken."""
        return self._plans.steering is not None and self._plans.steering.decays is not None

    def spare_from_decay(self, decays: Iterable[bool]) -> None:
        """Have weight decay leave some weights alone: a flag for each array, in ``get_weights`` order."""
        assert self._plans.steering is not None
        self._plans.steering.decays = tuple(decays)

    def averages(self) -> list[np.ndarray]:
        """The weights' averages over the steps, where the optimizer keeps them, else the weights, as new arrays."""
        weights, slot = self.get_weights(), None if self._optimizer is None else self._optimizer.average_slot
        if slot is None or not self.steps:
            return weights
        with self._lock:
            averages, first = self._parameters.arrays(self._parameters.slot(slot)), 0
        for shape in self.shapes:
            last = first + shape.variables * shape.trainable
            weights[first:last], first = averages[first:last], first + shape.arrays
        return weights

    def use_averages(self) -> None:
        """Have the averages in place of the weights. They go on from there."""
        self.set_weights(self.averages())

    def swap_averages(self) -> None:
        """Have the averages in place of the weights, and the weights in place of the averages."""
        slot = None if self._optimizer is None else self._optimizer.average_slot
        if slot is not None and self.steps:
            weights, averages = self.get_weights(), self.averages()
            with self._lock:
                self._parameters.fill(self._parameters.slot(slot), weights)
                self.set_weights(averages)

    def configure(self, optimizer: Optimizer, loss: Loss | None) -> None:
        """Take an optimizer and a loss, and start the optimizer's state afresh."""
        with self._lock:
            self._optimizer = optimizer
            self.state.reset_optimizer(optimizer)
            self._plans.configure(optimizer, loss)
            self._forget_runs()

    def set_trainable(self, flags: Iterable[bool]) -> None:
        """Choose which stages' weights training changes, a flag for each, and start the optimizer's state afresh."""
        with self._lock:
            self.stages = tuple(replace(stage, trainable=flag) for stage, flag in zip(self.stages, flags, strict=True))
            self._parameters.set_trainable(self.stages)
            self._clear_plans()
            if self._optimizer is not None:
                self.state.reset_optimizer(self._optimizer)
                self._plans.steer(self._optimizer)
            self._count_flop()
            self._forget_runs()
            self._kept = None

    @property
    def row_flop(self) -> int:
        """Operations of a training step for each row."""
        return self._step_flop

    @property
    def steps(self) -> int:
        """Of the optimizer, so far."""
        return self.state.steps

    def snapshot(self) -> Snapshot:
        """A copy of everything that training changes."""
        with self._lock:
            return self.state.snapshot()

    def restore(self, snapshot: Snapshot) -> None:
        with self._lock:
            self.state.restore(snapshot)

    def remember(self) -> None:
        """Take note of everything that training changes, for ``go_back``."""
        with self._lock:
            self.state.remember()

    def go_back(self) -> None:
        """Return to where ``remember`` was called last."""
        with self._lock:
            self.state.go_back()

    def stop_runs(self) -> None:
        """Have a call that another thread is in end after its step. To be repeated until that thread is out."""
        self._plans.stop_runs()

    def held(self) -> AbstractContextManager[object]:
        """A block in which nothing changes: calls of other threads wait."""
        return self._lock

    def record(self, stored: bool = False) -> TrainingRecord:
        """A copy of everything that training changes but the weights, for any machine."""
        with self._lock:
            return self.state.record(stored)

    def stored_weights(self) -> list[np.ndarray | PackedRows]:
        """The weights as ``get_weights`` gives them, kernels where they are: to be read while it is ``held``."""
        return self._parameters.stored(self._parameters.weights)

    def resume(self, record: TrainingRecord) -> None:
        """Go on from a record: the weights apart, as the engine did that it is of."""
        with self._lock:
            self.state.resume(record)

    def memory(self) -> tuple[int, int]:
        """Bytes of the parameters with the optimizer's state and all copies, and of the plans' buffers."""
        p, f = self._parameters, self._folded
        own = p.weights.nbytes + p.state.nbytes + p.transposed.nbytes + p.feedback.nbytes
        if f is None:
            return own, self._plans.memory
        return own + f.parameters.weights.nbytes + f.parameters.transposed.nbytes, self._plans.memory + f.plans.memory

    def leave_parent(self) -> None:
        """In a forked child: end the call that a thread of the parent was in. Training goes back to what was remembered."""
        if self._lock.acquire(blocking=False):
            self._lock.release()
            return
        self._lock, learning, self._learning = threading.RLock(), self._learning, False
        self._clear_plans()
        self._forget_runs()
        if learning:
            self.state.go_back()
        self._parameters.note_written()

    def twin(self, optimizer: Optimizer, loss: Loss) -> Self:
        """Another engine that would learn by these as this one would go on to, whatever becomes of either."""
        given = [replace(one, trainable=stage.trainable) for one, stage in zip(self._given, self.stages, strict=True)]
        twin = type(self)(given, self.dtype.name, self._seed, self._feedback)
        twin.configure(optimizer, loss)
        twin.restore(self.snapshot())
        return twin

    # -- running

    def prepare(self, announce: Callable[[], object] = lambda: None) -> None:
        """Have the kernel at hand, so that no pass's time has its compilation in it; ``announce()`` goes before that."""
        self._runner.prepare(announce)
