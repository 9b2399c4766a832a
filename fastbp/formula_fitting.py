"""fit_formula: gradient descent on the parameters of any formula, over mini-batches, by backpropagation.

The way of a fit: the formula is traced and differentiated -> one compiled call an epoch (kernels/formula.py), which runs the
graph's machine code and the optimizers of the library -> the parameters in the form in which they came.
"""

from __future__ import annotations

import ctypes
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from . import optimizers
from . import threads as pool
from .engine import Epoch
from .graph.columns import Columns
from .graph.compile import MANY_ROWS, Bound, Program
from .graph.derive import gradient
from .graph.errors import trace_error
from .graph.node import Node
from .graph.tape import Tape
from .graph.trace import argument_names, results, tracing
from .history import History
from .kernels import formula as at
from .kernels.layout import CONTROL_SIZE
from .kernels.machine import machine
from .kernels.update import SCALARS, SCHEDULE
from .parameters import address, aligned_zeros
from .progress import Progress
from .trainable import TrainingDiverged
from .validation import boolean, columns, integer, number, verbosity

MOST_PARAMETERS = 4096  # each is a number of its own in the compiled code
INTERRUPTIBLE_FROM = 2e7  # operators of an epoch from which it runs beside the calling thread, which Ctrl-C can then reach


@dataclass
class FormulaFit:
    """What ``fit_formula`` returns.

    Attributes
    ----------
    params
        The parameters, in the form in which they were given: floats and arrays.
    loss : float
        The mean of the last epoch's batches, each measured before its step; NaN before the first epoch.
    history : History
        ``history.history["loss"]`` has it for each epoch, ``history.samples_per_second`` the speed.

    Examples
    --------
    >>> import fastbp
    >>> fit = fastbp.fit_formula(lambda p, x: fastbp.mean((x - p) ** 2), [1.0, 2.0, 3.0], 0.0, epochs=0)
    >>> fit.params, fit.loss
    (0.0, nan)
    """

    params: Any
    loss: float
    history: History


def fit_formula(
    f: Callable[..., Any],
    data: Any,
    params: Any,
    optimizer: str | optimizers.Optimizer = "adam",
    epochs: int = 100,
    batch_size: int = 32,
    *,
    shuffle: bool = True,
    seed: int | None = None,
    verbose: int | str = 0,
    check_finite: bool = True,
) -> FormulaFit:
    """Minimise a formula over data by gradient descent on mini-batches.

    For what ``fastbp.curve_fit`` is not for: data too large for a Jacobian, losses that are no squares. ``f`` is traced once
    (``fastbp.trace``) and compiled with its gradient; an epoch is one compiled call.

    Parameters
    ----------
    f : callable
        ``f(params, x, y, ...)`` gives the loss of a batch, a single number: ``fastbp.mean`` of something over its rows. It
        takes the parameters first, in the form of ``params``, then the data, as loss functions for JAX do.
    data : array, or tuple or list of arrays
        Of shape (n,) or (n, k). Of the latter a formula sees the columns: ``x[:, 0]``, ``x.T``, ``x @ w``. Computes in float32
        if all of it is float32, else in float64, and reads arrays of that type where they are, also memory-mapped ones.
    params : number, array of one dimension, or dict, list or tuple of such
        Where to start.
    optimizer : str or Optimizer
        As for ``Sequential.compile``.
    epochs, batch_size : int
        Passes over the data, and rows of one step; the last batch of an epoch may be smaller.
    shuffle : bool
        Take the rows in another order each epoch.
    seed : int, optional
        Fixes that order.
    verbose : {0, 1, 2, "auto"}
        0 shows nothing, 1 (and "auto") a bar, 2 a line for each epoch.
    check_finite : bool
        Refuse NaN and infinity in the data.

    Returns
    -------
    FormulaFit
        ``.params``, ``.loss``, ``.history``.

    Raises
    ------
    ValueError, TypeError
        For arguments that do not fit. TraceError, a TypeError, where f does what a graph cannot hold.
    TrainingDiverged
        If the loss becomes NaN or infinite. Its ``result`` has the parameters of the last epoch that was finished. After
        Ctrl-C the ``result`` of the KeyboardInterrupt has those of the last finished step.

    Examples
    --------
    >>> import fastbp
    >>> import numpy as np
    >>> x = np.linspace(-1, 1, 1000)
    >>> def loss(p, x, y):
    ...     return fastbp.mean((p["slope"] * x + p["offset"] - y) ** 2)
    >>> fit = fastbp.fit_formula(loss, (x, 3 * x + 1), {"slope": 0.0, "offset": 0.0}, fastbp.Adam(0.05), epochs=50, seed=0)
    >>> {name: round(value, 4) for name, value in fit.params.items()}
    {'slope': 3.0, 'offset': 1.0}
    """
    if not callable(f):
        raise TypeError(f"f must be a function, got {f!r}")
    chosen = optimizers.get(optimizer)
    epochs, batch_size, verbose = integer("epochs", epochs, 0), integer("batch_size", batch_size, 1), verbosity(verbose)
    shuffle, check_finite = boolean("shuffle", shuffle), boolean("check_finite", check_finite)
    arrays = _arrays(data, check_finite)
    seed = int(np.random.default_rng(None if seed is None else integer("seed", seed, 0)).integers(2**63))
    descent = Descent(f, arrays, params, chosen, min(batch_size, len(arrays[0])), shuffle, seed)
    history = History({"verbose": verbose, "epochs": epochs, "steps": descent.steps, "dtype": descent.dtype})
    with Progress(verbose, epochs, 0) as progress:
        for index in range(epochs):
            before = descent.parameters.copy()
            try:
                epoch = descent.run()
            except KeyboardInterrupt as error:
                error.result = FormulaFit(descent.shaped(descent.parameters), _last(history), history)  # type: ignore[attr-defined]
                raise
            if descent.diverged_at:
                diverged = TrainingDiverged(index + 1, descent.diverged_at, chosen.learning_rate)
                diverged.result = FormulaFit(descent.shaped(before), _last(history), history)
                raise diverged
            progress.epoch_ended(index, {"loss": epoch.loss}, history.append(index, {"loss": epoch.loss}, epoch))
    return FormulaFit(descent.shaped(descent.parameters), _last(history), history)


def _last(history: History) -> float:
    return history.history.get("loss", [float("nan")])[-1]


# -- data and parameters


def _arrays(data: Any, check_finite: bool) -> list[np.ndarray]:
    """The data as arrays of one type, with equally many rows."""
    several = isinstance(data, tuple) or (isinstance(data, list) and any(np.ndim(item) for item in data))
    items = list(data) if several else [data]
    if not items:
        raise ValueError("data must hold at least one array, got none")
    names = [f"data[{i}]" if several else "data" for i in range(len(items))]
    arrays = [columns(name, item, check_finite) for name, item in zip(names, items, strict=True)]
    lengths = [len(array) for array in arrays]
    if len(set(lengths)) > 1:
        raise ValueError(f"data must have the same number of rows in each array, got {', '.join(map(str, lengths))}")
    dtype = np.float32 if all(array.dtype == np.float32 for array in arrays) else np.float64
    return [np.require(array, dtype, ["A"]) for array in arrays]


def _map(leaf: Callable[[str, Any], Any], tree: Any, path: str = "params") -> Any:
    """The tree of parameters with each leaf turned into something else."""
    if isinstance(tree, Mapping):
        return {key: _map(leaf, value, f"{path}[{key!r}]") for key, value in tree.items()}
    if isinstance(tree, list | tuple):
        items = [_map(leaf, value, f"{path}[{i}]") for i, value in enumerate(tree)]
        return items if isinstance(tree, list) else tuple(items)
    return leaf(path, tree)


def _leaf(path: str, value: Any) -> Any:
    """A parameter as a float or an array of floats."""
    if not np.ndim(value):
        return number(path, value[()] if isinstance(value, np.ndarray) else value)
    array = np.array(columns(path, value, True), np.float64)
    if array.ndim != 1:
        raise ValueError(f"{path} must be a number or an array of one dimension, got shape {array.shape}")
    return array


def _source(array: np.ndarray, buffer: np.ndarray) -> tuple[int, ...]:
    """What the kernel wants to know of an array and of the buffer for a batch of it."""
    column = array.strides[1] if array.ndim == 2 else 0
    return address(array), array.strides[0], column, len(buffer), address(buffer), buffer.strides[0]


class Descent:
    """A formula, its parameters and its data, ready to run an epoch."""

    def __init__(
        self,
        f: Callable[..., Any],
        arrays: list[np.ndarray],
        params: Any,
        optimizer: optimizers.Optimizer,
        batch: int,
        shuffle: bool,
        seed: int,
    ) -> None:
        self._tree = _map(_leaf, params)
        numbers: list[float] = []
        _map(lambda _, value: numbers.extend(np.atleast_1d(value)), self._tree)
        if not 1 <= len(numbers) <= MOST_PARAMETERS:
            raise ValueError(
                f"params must hold 1 to {MOST_PARAMETERS} numbers, got {len(numbers)}: for more there is Sequential"
            )
        self.dtype, samples = arrays[0].dtype.name, len(arrays[0])
        self.steps, self._samples, self._optimizer, self.diverged_at = -(-samples // batch), samples, optimizer, 0
        padded = -(-(len(numbers) + 1) // machine().lanes(arrays[0].dtype)) * machine().lanes(arrays[0].dtype)
        self._w, self._outputs = aligned_zeros(padded, self.dtype), aligned_zeros(padded, self.dtype)
        self.parameters = self._w[: len(numbers)]
        self.parameters[:] = numbers
        self._state = aligned_zeros(padded * max(optimizer.slots, 1), self.dtype)
        self._state[:padded] = optimizer.initial_state
        self._control, self._result = np.zeros(CONTROL_SIZE, np.int64), np.zeros(3)
        widths = [array.shape[1] if array.ndim == 2 else 1 for array in arrays]
        buffers = [aligned_zeros(batch * width, self.dtype).reshape(width, batch) for width in widths]
        sources = np.array([_source(array, buffer) for array, buffer in zip(arrays, buffers, strict=True)], np.int64)
        graphs = [self._graph(f, arrays, rows, buffers) for rows in {batch: 0, samples % batch or batch: 0}]
        self._threads = pool.get_num_threads() if batch >= MANY_ROWS else 1
        self._long = samples * self._operators > INTERRUPTIBLE_FROM
        self._kernel = at.run_kernel(self.dtype)
        hyper, schedule, scalars = np.array(optimizer.hyper), np.ones(SCHEDULE), aligned_zeros(SCALARS, self.dtype)
        order, random = np.arange(samples), np.array([seed], np.uint64)
        self._plan = plan = np.zeros(at.FIELDS, np.int64)
        plan[[at.SAMPLES, at.BATCH, at.SHUFFLE, at.ARRAYS]] = samples, batch, shuffle, len(sources)
        plan[[at.GRAPH, at.LAST_GRAPH]] = address(graphs[0]), address(graphs[-1])
        plan[[at.PARAMETER_COUNT, at.VECTORS]] = len(numbers), padded // machine().lanes(arrays[0].dtype)
        plan[[at.SLOT, at.OPTIMIZER]] = padded * arrays[0].itemsize, optimizer.code
        for place, array in {
            at.ORDER: order,
            at.RANDOM: random,
            at.SOURCES: sources,
            at.OUTPUTS: self._outputs,
            at.PARAMETERS: self._w,
            at.STATE: self._state,
            at.HYPER: hyper,
            at.SCHEDULE: schedule,
            at.SCALARS: scalars,
            at.CONTROL: self._control,
            at.RESULT: self._result,
        }.items():
            plan[place] = address(array)
        self._keep = self, arrays, graphs, buffers, order, random, sources, hyper, schedule, scalars

    def _graph(self, f: Callable[..., Any], arrays: list[np.ndarray], rows: int, buffers: list[np.ndarray]) -> np.ndarray:
        """The formula and its gradient on so many rows, compiled: a row of integers for the kernel."""
        tape = Tape()
        parameters: list[Node] = []

        def stand_in(path: str, value: Any) -> Node:
            new = [tape.input(path if not np.ndim(value) else f"{path}[{i}]") for i in range(np.size(value))]
            parameters.extend(new)
            return tape.stack(new) if np.ndim(value) else new[0]

        handed = _map(stand_in, self._tree)
        names = argument_names(f, len(arrays) + 1)[1:]
        seen = [
            tape.input(name, (rows,)) if array.ndim == 1 else Columns(tape, name, (rows, array.shape[1]))
            for name, array in zip(names, arrays, strict=True)
        ]
        with tracing(tape):
            found = results(tape, f(handed, *seen))
        if len(found) != 1 or found[0].shape:
            what = f"{found[0].shape[0]} values" if len(found) == 1 else f"{len(found)} results"
            raise trace_error(f"A formula to fit must give a single number, not {what}.", "Use fastbp.mean over the data.")
        inputs = [*parameters, *(node for x in seen for node in (x.T if isinstance(x, Columns) else [x]))]
        program = Program(inputs, [*gradient(found[0], parameters), found[0]], self.dtype)
        self._operators = len(program.plan.nodes)
        values = [*(self._w[i : i + 1] for i in range(len(parameters))), *(row[:rows] for buffer in buffers for row in buffer)]
        bound = Bound(program, values, self._outputs)
        calls = [call for pair in zip(program.loops, program.ends, strict=True) for call in pair] + [program.results]
        self._bounds = [*getattr(self, "_bounds", []), bound]
        places = [ctypes.cast(call, ctypes.c_void_p).value for call in calls]
        return np.array([bound.address, len(program.loops), *places], np.int64)

    def run(self) -> Epoch:
        """One pass over the data."""
        self._result[:], self._control[:] = 0, 0
        start, where = time.perf_counter(), address(self._plan)
        with pool.team(max(self._threads, 2 if self._long else 1)) as team:
            threads = min(team, self._threads)
            self._plan[at.THREADS] = threads
            pool.run(self._kernel, where, threads, self._control, self._long and team > 1, self._keep)
        seconds, steps = time.perf_counter() - start, int(self._result[at.STEPS])
        self.diverged_at = int(self._result[at.DIVERGED_AT])
        if not self.diverged_at and not np.isfinite(self.parameters).all():
            self.diverged_at = steps
        loss = float(self._result[at.LOSS_SUM]) / self._samples
        return Epoch(loss, self._samples, steps, seconds, 0, threads, None)

    def shaped(self, parameters: np.ndarray) -> Any:
        """Parameters in the form in which they were given."""
        numbers = iter(parameters.tolist())

        def take(_: str, value: Any) -> Any:
            return np.array([next(numbers) for _ in value], self.dtype) if np.ndim(value) else next(numbers)

        return _map(take, self._tree)
