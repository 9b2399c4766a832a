"""A pass over data: what a plan is bound to for it, and what has been measured of it."""

from typing import NamedTuple

import numpy as np

from ..kernels import fields as at
from ..kernels.statistics import counts_size
from .epoch import Epoch, Statistics
from .memory import address, empty, zeros
from .observer import Observation
from .plan import Plan
from .trial import Trial


def doubles(values: np.ndarray | None) -> np.ndarray | None:
    """Weights of samples or rates of steps as kernels read them: copied if they are of another type."""
    return None if values is None else np.ascontiguousarray(values, np.float64)


class PassRecord(NamedTuple):
    """What has been done of a pass: its steps, their seconds and losses, the order of the samples, counts and outputs."""

    done: int
    seconds: float
    loss: float
    order: np.ndarray | None
    counts: np.ndarray | None
    outputs: np.ndarray | None


class Pass:
    """A pass over data, or the same one some times, by a plan that measures a loss.

    Parameters
    ----------
    plan : Plan
        Bound to the data.
    arrays : tuple of arrays
        All that it works on, which must live as long; x first.
    units : int
        Outputs of the network.
    flop : int
        Operations for one sample.
    statistics : int
        What to count for the metrics, one of kernels/codes.py.
    keep_outputs : bool
        Whether the predictions are wanted that the losses are of.
    order : array, optional
        Where the order of the samples will be.

    Attributes
    ----------
    steps, done : int
        The steps of a pass, and how many of them have been taken.
    observation : Observation or None
        Of its steps, where somebody wants one.
    trial : Trial or None
        Of threads, told what a step has taken.
    """

    def __init__(
        self,
        plan: Plan,
        arrays: tuple[np.ndarray | None, ...],
        units: int,
        flop: int,
        statistics: int = 0,
        keep_outputs: bool = False,
        order: np.ndarray | None = None,
    ) -> None:
        assert arrays[0] is not None
        self.plan, self.arrays, self.samples = plan, arrays, len(arrays[0])
        self.observation: Observation | None = None
        self.trial: Trial | None = None
        self.steps, self.done, self.seconds = -(-self.samples // plan.batch), 0, 0.0
        self._units, self._flop, self._order = units, flop, order
        self._result = plan.buffers["result"]
        self._outcome = self._result[: at.EPOCH_LOSS]
        self._outcome.fill(0)  # for a run that does not even begin
        plan[at.STATISTICS], plan[at.PHASES] = statistics, plan.phases
        self._counts = self._outputs = None
        if statistics:
            self._counts = zeros("counts", (int(plan.fields[at.GROUPS]) or 1, int(counts_size(units))))
            plan[at.COUNTS], plan[at.COUNTS_ROW] = address(self._counts), self._counts.strides[0]
        if keep_outputs:
            self._outputs = empty("outputs", (self.samples, units), plan.dtype)
            plan[at.OUT], plan[at.OUT_ROW] = address(self._outputs), self._outputs.strides[0]
            plan[at.PHASES] = plan.phases | at.PREDICT

    def flop(self, steps: int) -> int:
        """Operations of so many steps."""
        return steps * self.plan.batch * self._flop

    def begin(self, first: int, stop: int) -> None:
        """Have the next run take steps first .. stop."""
        fields = self.plan.fields
        fields[at.FIRST_STEP], fields[at.LAST_STEP] = first, stop
        self._outcome[at.STEPS], self._outcome[at.EPOCHS_DONE] = 0, 0

    def goes_on(self, first: int, x: np.ndarray, y: np.ndarray) -> bool:
        """Whether step ``first`` of a pass over x, y is the next one of this."""
        return self.done == first and self.arrays[0] is x and self.arrays[1] is y

    def release(self) -> None:
        """Let go of the data, which nothing will be run on any more."""
        self.arrays = None, None

    @property
    def ran(self) -> int:
        """The steps of the last run."""
        return int(self._result[at.STEPS])

    def ended(self) -> list[Epoch]:
        """Of the last run, the passes that have come to their end."""
        count = int(self._result[at.EPOCHS_DONE])
        if not count:
            return []
        losses = self._result[at.EPOCH_LOSS : at.EPOCH_LOSS + count].tolist()
        penalties = self._result[at.EPOCH_PENALTY : at.EPOCH_PENALTY + count].tolist()
        sums = zip(losses, penalties, strict=True)
        return [self._epoch(*both, self.samples, self.steps, self.seconds / count) for both in sums]

    def record(self) -> PassRecord:
        """A copy of what has been done of a pass that is run some steps at a time."""
        loss = float(self._result[at.LOSS_SUM])
        arrays = [None if array is None else array.copy() for array in (self._order, self._counts, self._outputs)]
        return PassRecord(self.done, self.seconds, loss, *arrays)

    def resume(self, record: PassRecord) -> None:
        """Have so much done of a pass as a record says."""
        self.done, self.seconds, self._result[at.LOSS_SUM] = record.done, record.seconds, record.loss
        pairs = (self._order, record.order), (self._counts, record.counts), (self._outputs, record.outputs)
        for own, recorded in pairs:
            if own is not None and recorded is not None and own.shape == recorded.shape:
                own[...] = recorded
            elif own is not None or recorded is not None:
                raise ValueError("the data and its batches must be those of the fit that is gone on with")
        if self._order is not None and not np.array_equal(np.sort(self._order), np.arange(self.samples)):
            raise ValueError("the order must have each sample once")
        if not 0 < record.done < self.steps:
            raise ValueError(f"the steps that are done must be from 1 to {self.steps - 1}, got {record.done}")
        if self.observation is not None:
            self.observation.skip(record.done)

    def so_far(self) -> Epoch:
        """What has been measured of a pass that is run some steps at a time."""
        done = self._result[at.EPOCHS_DONE]
        loss, penalty = (at.EPOCH_LOSS, at.EPOCH_PENALTY) if done else (at.LOSS_SUM, at.PENALTY_SUM)
        samples = min(self.done * self.plan.batch, self.samples)
        sums = float(self._result[loss]), float(self._result[penalty])
        epoch = self._epoch(*sums, samples, self.done, self.seconds)
        epoch.order = None if self._order is None else self._order[:samples]
        return epoch

    def _epoch(self, loss: float, penalty: float, samples: int, steps: int, seconds: float) -> Epoch:
        terms = samples * (self._units if self.plan.fields[at.LOSS_PER_OUTPUT] else 1)
        return Epoch(
            loss / terms if terms else float("nan"),
            samples,
            steps,
            seconds,
            samples * self._flop,
            self.plan.threads,
            None if self._counts is None else Statistics(self._counts.sum(axis=0), self._units),
            None if self._outputs is None else self._outputs[:samples],
            None if self._outputs is None or self._order is None else self._order[:samples],
            penalty / terms if terms else 0.0,
        )
