"""Many networks of one form trained one after another by the plan of one engine, in one compiled call (kernels/series.py)."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ..kernels import fields as at
from ..kernels import series as in_series
from ..kernels.optimizer import HYPER_RATE, HYPER_SIZE
from .engine import EVALUATION_ROWS, Engine
from .entrants import Entrant, Outcome, Samples
from .guards import checked
from .memory import address, aligned_zeros, empty, zeros
from .noise import seeded
from .numbering import Numbering
from .passes import doubles
from .plan import Plan
from .state import TrainingRecord


class Series:
    """What trains networks of one form.

    Parameters
    ----------
    engine : Engine
        Configured, of networks of that form, and used by nobody else.
    train : Samples
        Those of one of the networks.
    held_out : Samples or None
        To validate on. All networks have as many.
    batch : int
        Rows of a step, of which no network has fewer.
    shuffle : bool
    """

    def __init__(self, engine: Engine, train: Samples, held_out: Samples | None, batch: int, shuffle: bool) -> None:
        self._engine, plans = engine, engine._plans
        plans.expect(train.y)
        one_pass = plans.takes_one_pass(batch)
        self._plan = plans.get(at.TRAIN, batch, 1, training=True, one_pass=one_pass)
        self._shuffle, self._batch = shuffle, batch
        plans.bind_data(self._plan, train.x, train.y)
        plans.bind_optimizer(self._plan)
        self._plan[at.STATISTICS], self._plan[at.PHASES] = 0, self._plan.phases
        self._held_out: Plan | None = None
        if held_out is not None:
            phases = at.FORWARD | at.LOSS_PHASE | (at.GATHER if held_out.rows is not None else 0)
            self._held_out = plans.get(phases, min(EVALUATION_ROWS, held_out.total), 1)
            plans.bind_data(self._held_out, held_out.x, held_out.y)
            self._held_out[at.STATISTICS], self._held_out[at.PHASES] = 0, self._held_out.phases
        self._numbering = Numbering(engine._parameters)
        self._is_random = [i for i, stage in enumerate(engine.stages) if stage.is_random]
        self._places = np.array([*self._word_places()], np.int64)
        state = engine.state
        self._ranges = [engine._parameters.weights, engine._parameters.state, state.running_products, state.generator]
        self._fresh = [array.copy() for array in self._ranges]
        self._best = aligned_zeros("best weights", engine._parameters.size, engine.dtype)
        self._order = np.zeros(0, np.int64)
        self._units = engine.shapes[-1].units_out
        self._table = zeros("series", in_series.FIELDS, np.int64)

    def stop(self) -> None:
        """Have the call that another thread is in end after its step."""
        self._plan.buffers["control"][at.STOP] = 1

    def end(self) -> None:
        """Have it end after the epochs that have begun."""
        self._table[in_series.END] = 1

    def run(self, entrants: Sequence[Entrant], at_once: int) -> list[Outcome]:
        """Train some, at most so many epochs between two looks at whether to end."""
        if not entrants:
            return []
        call = self._prepare(entrants, at_once)
        self._run(call)
        return self._outcomes(entrants, call)

    @checked
    def _run(self, call: "_Call") -> None:
        in_series.series_kernel()(address(self._table))

    # -- into the arrays of a call

    def _prepare(self, entrants: Sequence[Entrant], at_once: int) -> "_Call":
        count, table = len(entrants), self._table
        self._plan.buffers["control"].fill(0)
        longest = max(entrant.train.total for entrant in entrants)
        if self._shuffle and self._batch < longest and len(self._order) < longest:
            self._order = empty("order", longest, np.int64)
        call = _Call(
            empty("words", (count, len(self._places)), np.int64),
            self._copies(entrants),
            np.array([entrant.epochs for entrant in entrants], np.int64),
            zeros("losses", (2, count, max(1, *(entrant.epochs for entrant in entrants)))),
            zeros("outcomes", (count, in_series.OUTCOME_FIELDS)),
            self._stopping(entrants),
            [],
        )
        for values, entrant in zip(call.words, entrants, strict=True):
            values[:] = self._word_values(entrant, call.keep)
        table[in_series.RUN] = in_series.address_of(self._engine._runner.prepare())
        table[in_series.PLAN] = self._plan.address
        table[in_series.VALIDATION] = 0 if self._held_out is None else self._held_out.address
        table[in_series.END] = 0
        table[in_series.MEMBERS], table[in_series.AT_ONCE] = count, min(max(at_once, 1), at.MAX_EPOCHS)
        table[in_series.WORDS], table[in_series.WORD_PLACES] = len(self._places), address(self._places)
        table[in_series.WORD_VALUES] = address(call.words)
        places, words = (
            np.array([address(array) for array in self._ranges]),
            np.array([array.nbytes // 8 for array in self._ranges]),
        )
        call.keep.extend((places, words))
        table[in_series.RANGES], table[in_series.RANGE_PLACES] = len(places), address(places)
        table[in_series.RANGE_WORDS] = address(words)
        table[in_series.COPIES], table[in_series.COPY_ROW] = address(call.copies), call.copies.strides[0]
        table[in_series.EPOCHS] = address(call.epochs)
        table[in_series.LOSSES], table[in_series.VALIDATION_LOSSES] = address(call.losses[0]), address(call.losses[1])
        table[in_series.LOSSES_ROW], table[in_series.OUTCOMES] = call.losses.strides[1], address(call.outcomes)
        table[in_series.STOPPING], table[in_series.BEST] = address(call.stopping), address(self._best)
        return call

    def _word_places(self) -> list[int]:
        fields = at.X, at.X_ROW, at.Y, at.Y_ROW, at.SAMPLE_WEIGHT, at.SAMPLE_WEIGHT_ROW, at.SAMPLES, at.ORDER
        plans, parameters = self._engine._plans, self._engine._parameters
        own = *fields, at.SHUFFLE, at.ROWS, at.NOISE_STEP, at.LEARNING_RATES
        places = [self._plan.address + 8 * field for field in own]
        if self._held_out is not None:
            places += [self._held_out.address + 8 * field for field in fields]
        places += [address(plans._hyper) + 8 * k for k in range(HYPER_SIZE)]
        places += [address(parameters.stale) + 8 * k for k in range(len(parameters.stale))]
        return places + [address(self._plan.table[i]) + 8 * at.SEED for i in self._is_random]

    def _word_values(self, entrant: Entrant, keep: list[object]) -> list[int]:
        """What goes to ``_word_places``; ``keep`` holds on to what has been made for it."""
        train, optimizer = entrant.train, entrant.optimizer
        shuffle = self._shuffle and self._batch < train.total
        steps = 0 if entrant.record is None else entrant.record.steps
        total = entrant.epochs * -(-train.total // self._batch)
        rates = doubles(optimizer.learning_rates(steps, total))
        keep.append(rates)
        words = [*self._sample_words(train), shuffle, 0, steps, address(rates)]
        if shuffle:
            words[7], words[9] = address(self._order), words[7]
        if entrant.held_out is not None:
            words += self._sample_words(entrant.held_out)
        hyper = np.array(optimizer.hyper)
        hyper[HYPER_RATE] = optimizer.learning_rate
        words += [*hyper.view(np.int64).tolist(), *([1] * len(self._engine._parameters.stale))]
        if self._is_random:
            stages = seeded(entrant.stages, entrant.seed)
            words += [stages[i].seed or 0 for i in self._is_random]
        return words

    @staticmethod
    def _sample_words(samples: Samples) -> list[int]:
        """Where they are: X, X_ROW, Y, Y_ROW, SAMPLE_WEIGHT, SAMPLE_WEIGHT_ROW, SAMPLES, ORDER."""
        x, y, weights = samples.x, samples.y, samples.sample_weight
        places = [address(x), x.strides[0], address(y), y.strides[0], address(weights), 0, samples.total, address(samples.rows)]
        if weights is not None:
            places[5] = weights.strides[0]
        return places

    def _copies(self, entrants: Sequence[Entrant]) -> np.ndarray:
        """What training changes of each, one range after the other."""
        fresh = np.concatenate([array.view(np.uint8) for array in self._fresh])
        copies: np.ndarray = empty("copies", (len(entrants), len(fresh)), np.uint8)
        copies[:] = fresh
        weights, state, products, generator = self._views(copies)
        self._numbering.write(weights, [entrant.weights for entrant in entrants])
        size = self._engine._parameters.size
        for i, entrant in enumerate(entrants):
            record = entrant.record
            if record is None:
                generator[i].view(np.uint64)[0] = entrant.seed
                continue
            products[i], generator[i] = record.running_products, record.generator
            for k, slot in enumerate(record.slots):
                self._numbering.write(state[i : i + 1, k * size : (k + 1) * size], [slot])
        return copies

    def _views(self, copies: np.ndarray) -> list[np.ndarray]:
        """The ranges of all members, each as an array with a row for a member."""
        views, first = [], 0
        for array in self._ranges:
            views.append(copies[:, first : first + array.nbytes].view(array.dtype))
            first += array.nbytes
        return views

    def _stopping(self, entrants: Sequence[Entrant]) -> np.ndarray | None:
        if entrants[0].stopping is None:
            return None
        found: np.ndarray = zeros("stopping", (len(entrants), in_series.STOPPING_FIELDS))
        for row, entrant in zip(found, entrants, strict=True):
            stopping = entrant.stopping
            assert stopping is not None
            samples = entrant.held_out if stopping.by_validation else entrant.train
            assert samples is not None
            baseline = in_series.NO_BASELINE if stopping.baseline is None else stopping.baseline
            terms, patience = self._terms(samples), stopping.patience
            rest = stopping.min_delta, baseline, stopping.start_from_epoch, stopping.restores
            row[: in_series.WAIT] = stopping.by_validation, terms, patience, *rest
        return found

    def _terms(self, samples: Samples) -> int:
        """How many numbers a loss is the mean of."""
        return samples.total * (self._units if self._plan.fields[at.LOSS_PER_OUTPUT] else 1)

    # -- out of them

    def _outcomes(self, entrants: Sequence[Entrant], call: "_Call") -> list[Outcome]:
        weights, state, products, generator = self._views(call.copies)
        size, steps = self._engine._parameters.size, call.outcomes[:, in_series.STEPS].astype(np.int64)
        arrays = self._numbering.read(weights)
        slots = [self._numbering.read(state[:, k : k + size]) for k in range(0, state.shape[1], size)] if size else []
        cycles = call.outcomes[:, in_series.CYCLES]
        shares = cycles / cycles.sum() if cycles.any() else np.full(len(cycles), 1 / len(cycles))
        found = []
        for i, entrant in enumerate(entrants):
            before, done = entrant.record, int(call.outcomes[i, in_series.EPOCHS_DONE])
            taken = int(steps[i]) + (0 if before is None else before.steps)
            record = TrainingRecord(
                [slot[i] for slot in slots] if taken else [],
                products[i].copy(),
                int(generator[i, 0]),
                taken,
                0 if before is None else before.draws,
            )
            losses = call.losses[0, i, :done] / self._terms(entrant.train)
            held_out = np.zeros(0)
            if entrant.held_out is not None:
                held_out = call.losses[1, i, :done] / self._terms(entrant.held_out)
            kind = int(call.outcomes[i, in_series.OUTCOME])
            stopping = None if call.stopping is None else call.stopping[i]
            found.append(Outcome(kind, losses, held_out, arrays[i], record, stopping, float(shares[i])))
        return found


class _Call(NamedTuple):
    """The arrays of one call."""

    words: np.ndarray
    copies: np.ndarray
    epochs: np.ndarray
    losses: np.ndarray
    outcomes: np.ndarray
    stopping: np.ndarray | None
    keep: list[object]
