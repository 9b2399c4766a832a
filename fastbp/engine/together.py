"""Predictions of many engines for the same rows in one compiled call (kernels/together.py), in all threads."""

from collections.abc import Sequence
from contextlib import ExitStack

import numpy as np

from ..kernels import fields
from ..kernels import together as at
from . import threads as pool
from .contexts import entry_point
from .engine import Engine
from .guards import checked
from .memory import address, zeros
from .plan import Plan
from .runner import MIN_INTERRUPTIBLE_FLOP
from .work import choose_threads

MAX_ROWS = 512  # of a task: a multiple of the engine's ROWS_AT_ONCE, so that a row's outputs are what ``Engine.forward`` gives


class Together:
    """Engines that predict for the same rows, with the weights that they have when they are asked.

    Parameters
    ----------
    engines : sequence of Engine
        Of the same inputs, outputs and dtype.
    """

    def __init__(self, engines: Sequence[Engine]) -> None:
        sizes = {(engine.dtype, engine.shapes[0].units_in, engine.shapes[-1].units_out) for engine in engines}
        if len(sizes) != 1:
            raise ValueError(f"engines must have the same dtype, inputs and outputs to predict together, got {sizes}")
        self._engines = tuple(engines)
        self._sources = [engine._plans for engine in engines]
        self._folding = [engine for engine in engines if engine._folded is not None]
        self._in_order = sorted(engines, key=id)  # in which all threads take their locks: none has what another waits for
        self.dtype, self.units = engines[0].dtype, engines[0].shapes[-1].units_out
        self._rows = min(MAX_ROWS, *(engine._prediction_rows() for engine in engines))
        self._generations: list[int] = []
        self._plans: list[list[Plan]] = []  # for each thread, those of the engines
        self._flop = sum(engine._forward_flop for engine in engines)
        self._control = zeros("control", fields.CONTROL_SIZE, np.int64)
        self._fields = zeros("together", at.FIELDS, np.int64)

    def are(self, engines: Sequence[Engine]) -> bool:
        """Whether it is of these engines, in this order."""
        return len(engines) == len(self._engines) and all(map(_is, engines, self._engines))

    @checked
    def outputs(self, x: np.ndarray, threads: int | None = None) -> np.ndarray:
        """The outputs (engines, n, units) for rows as the engines take them."""
        out = np.empty((len(self._engines), len(x), self.units), self.dtype)
        flop = self._flop * len(x)
        threads = min(choose_threads(flop, threads), len(self._engines) * -(-len(x) // self._rows))
        with ExitStack() as held:
            for engine in self._in_order:
                held.enter_context(engine._lock)
            self._prepare(threads)
            self._bind(x, out)
            self._run(threads, flop, (x, out))
        return out

    def _prepare(self, threads: int) -> None:
        """Have plans of networks as they are now for so many threads."""
        for engine in self._folding:
            engine._for_predictions()
        generations = [source.generation for source in self._sources]
        if generations != self._generations:
            self._plans, self._generations = [], generations
            runners = [engine._for_predictions() for engine in self._engines]
            kernels = [entry_point(runner._choose(plans.need_full_kernel)) for plans, runner in runners]
            self._kernels = np.array(kernels, np.int64)
        if len(self._plans) < threads:
            sources = [engine._for_predictions()[0] for engine in self._engines]
            for _ in range(threads - len(self._plans)):
                self._plans.append([source.make(fields.PREDICT_ONLY, self._rows, 1) for source in sources])
            self._addresses = np.array([[plan.address for plan in own] for own in self._plans], np.int64)

    def _bind(self, x: np.ndarray, out: np.ndarray) -> None:
        head = {
            at.NEXT: 0,
            at.NETWORKS: len(self._engines),
            at.KERNELS: address(self._kernels),
            at.PLANS: address(self._addresses),
            at.SAMPLES: len(x),
            at.ROWS: self._rows,
            at.X: address(x),
            at.X_ROW: x.strides[0],
            at.OUT: address(out),
            at.OUT_ROW: out.strides[1],
            at.OUT_NETWORK: out.strides[0],
            at.CONTROL: address(self._control),
        }
        self._fields[list(head)] = list(head.values())

    def _run(self, threads: int, flop: float, data: tuple[np.ndarray, ...]) -> None:
        kernel, wait = at.run_kernel(), flop > MIN_INTERRUPTIBLE_FLOP
        self._control.fill(0)
        with pool.team(max(threads, 2 if wait else 1)) as team:
            keep = self._fields, self._plans, self._engines, data
            pool.run(kernel, address(self._fields), min(team, threads), self._control, wait and team > 1, keep)


def _is(one: Engine, other: Engine) -> bool:
    return one is other
