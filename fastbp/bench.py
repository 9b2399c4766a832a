"""How fast this machine trains a given network: ``python -m fastbp bench``."""

import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .arguments import integer, number, unknown
from .engine.threads import check_threads, get_num_threads
from .layers.dense import Dense
from .models.model import Sequential
from .peak_flops import measure_limit

LAST_ACTIVATIONS = {"mse": None, "binary_crossentropy": "sigmoid", "sparse_categorical_crossentropy": "softmax"}
MAX_ROWS, MAX_STEPS = 20_000, 200  # of an epoch
ROUNDS = 5

_TIME_KERNELS = """
import time
start = time.perf_counter()
import sys
from fastbp.kernels.run import run_kernel
run_kernel(sys.argv[1])
print(time.perf_counter() - start)
"""


@dataclass(frozen=True)
class Speed:
    """How fast a number of threads trains.

    Attributes
    ----------
    threads : int
    seconds : float
        Of one step: the median of the rounds.
    batch_size : int
    gflops : float
        Billions of floating-point operations a second of the matrix products.
    limit : float
        The most that as many threads can do, measured in the same rounds.
    """

    threads: int
    seconds: float
    batch_size: int
    gflops: float
    limit: float

    @property
    def samples_per_second(self) -> float:
        return self.batch_size / self.seconds

    @property
    def fraction(self) -> float:
        """How much of the limit is reached."""
        return self.gflops / self.limit


@dataclass(frozen=True)
class Bench:
    """What ``bench`` found.

    Attributes
    ----------
    title : str
    speeds : list of Speed
        One for each number of threads tried.
    parameters : int
    parameter_bytes : int
        Of the parameters, the optimizer's state and the transposed copy.
    buffer_bytes : int
        Of the plan's buffers, with the best number of threads.
    compile_seconds : float or None
        Of a process that finds no compiled kernels.
    load_seconds : float or None
        The same for every later process.
    """

    title: str
    speeds: list[Speed]
    parameters: int
    parameter_bytes: int
    buffer_bytes: int
    compile_seconds: float | None = None
    load_seconds: float | None = None

    @property
    def best(self) -> Speed:
        """The fastest."""
        return min(self.speeds, key=lambda speed: speed.seconds)

    def lines(self) -> list[str]:
        """As ``python -m fastbp bench`` prints it."""
        lines = [self.title, "threads      us/step     samples/s    GFLOP/s      limit   of the limit"]
        for s in self.speeds:
            rates = f"{s.samples_per_second:>14,.0f}{s.gflops:>11.1f}{s.limit:>11.1f}{s.fraction:>15.0%}"
            lines.append(f"{s.threads:>7}{1e6 * s.seconds:>13,.2f}{rates}{'   best' if s is self.best else ''}")
        kilobytes = f"{self.parameter_bytes / 1024:,.0f} KB with the optimizer's state"
        lines.append(f"memory       {self.parameters:,} parameters, {kilobytes}; {self.buffer_bytes / 1024:,.0f} KB of buffers")
        if self.compile_seconds is not None:
            times = f"{self.compile_seconds:.1f} s once on this machine, {self.load_seconds:.2f} s in every later process"
            lines.append(f"compilation  {times}, imports included")
        return lines


def bench(
    layers: Sequence[int] = (17, 64, 64, 6),
    batch_size: int = 64,
    activation: str = "tanh",
    optimizer: str = "adam",
    loss: str = "mse",
    dtype: str = "float32",
    threads: int | None = None,
    seconds: float = 2.0,
    compilation: bool = True,
) -> Bench:
    """Measure training of a network on random data.

    Parameters
    ----------
    layers : sequence of int
        The features of a sample, and the units of each layer.
    batch_size : int
    activation : str
        Of the hidden layers.
    optimizer : str
    loss : {"mse", "binary_crossentropy", "sparse_categorical_crossentropy"}
        The last layer is linear, a sigmoid or a softmax to match.
    dtype : {"float32", "float64"}
    threads : int, optional
        Measure this number of threads only, rather than 1, 2, 4, ... up to ``fastbp.get_num_threads()``.
    seconds : float
        About how long to train in all.
    compilation : bool
        Measure compilation too, in new processes (some 10 seconds).

    Returns
    -------
    Bench

    Raises
    ------
    TypeError, ValueError
        For an invalid argument.

    Examples
    --------
    >>> from fastbp.bench import bench
    >>> found = bench((4, 8, 1), batch_size=32, threads=1, seconds=0.01, compilation=False)
    >>> found.parameters, found.best.threads
    (49, 1)
    """
    sizes = [integer("layers", units, 1) for units in layers]
    if len(sizes) < 2:
        raise ValueError(f"layers must be the features and the units of at least one layer, got {list(layers)!r}")
    if loss not in LAST_ACTIVATIONS:
        raise unknown("loss", loss, LAST_ACTIVATIONS)
    batch_size, seconds = integer("batch_size", batch_size, 1), number("seconds", seconds, 0.0)
    tried = _thread_counts() if threads is None else [check_threads(threads, "threads")]
    x, y = _random_data(sizes, batch_size, loss, dtype)
    models = {count: _model(sizes, activation, optimizer, loss, dtype) for count in tried}
    speeds = _measure(models, x, y, batch_size, seconds)
    kind = f"{activation}, batch {batch_size:,}, {optimizer}, {loss}, {dtype}"
    best = models[min(speeds, key=lambda speed: speed.seconds).threads]
    memory = best._need_engine("bench").memory()
    times = _compile_times(dtype) if compilation else (None, None)
    return Bench(f"{'-'.join(map(str, sizes))} {kind}", speeds, best.count_params(), *memory, *times)


def _thread_counts() -> list[int]:
    most = get_num_threads()
    return sorted({most, *(2**i for i in range(most.bit_length()))})


def _random_data(sizes: list[int], batch_size: int, loss: str, dtype: str) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(0)
    rows = batch_size * max(1, min(MAX_STEPS, MAX_ROWS // batch_size))
    x = random.normal(size=(rows, sizes[0])).astype(dtype)
    if loss == "sparse_categorical_crossentropy":
        return x, random.integers(0, sizes[-1], rows)
    y = random.normal(size=(rows, sizes[-1]))
    return x, (y > 0 if loss == "binary_crossentropy" else y).astype(dtype)


def _model(sizes: list[int], activation: str, optimizer: str, loss: str, dtype: str) -> Sequential:
    hidden = [Dense(units, activation) for units in sizes[1:-1]]
    model = Sequential([*hidden, Dense(sizes[-1], LAST_ACTIVATIONS[loss])], seed=0, dtype=dtype)
    model.compile(optimizer, loss)
    model.build(sizes[0])
    return model


def _measure(models: dict[int, Sequential], x: np.ndarray, y: np.ndarray, batch_size: int, seconds: float) -> list[Speed]:
    """The models' speeds, each with its number of threads; they take turns, and the limit is measured among them."""

    def train(threads: int, epochs: int) -> Any:
        return models[threads].fit(x, y, batch_size, epochs, 0, threads=threads, check_finite=False)

    first = {threads: train(threads, 2).samples_per_second[-1] for threads in models}
    rates: dict[int, list[float]] = {threads: [] for threads in models}
    limits: dict[int, list[float]] = {threads: [] for threads in models}
    work: dict[int, float] = {}
    for _ in range(ROUNDS):
        for threads in models:
            epochs = max(1, round(seconds / ROUNDS / len(models) * first[threads] / len(x)))
            history = train(threads, epochs)
            rates[threads] += history.samples_per_second
            work[threads] = history.gflops[-1] / history.samples_per_second[-1]
            limits[threads].append(measure_limit(threads, str(x.dtype)))
    speeds = []
    for threads in models:
        rate = statistics.median(rates[threads])
        limit = statistics.median(limits[threads])
        speeds.append(Speed(threads, batch_size / rate, batch_size, rate * work[threads], limit))
    return speeds


def _compile_times(dtype: str) -> tuple[float, float]:
    """Seconds until the kernels are ready: in a process that finds none on disk, and in the next one."""
    path = os.pathsep.join([str(Path(__file__).resolve().parent.parent), os.environ.get("PYTHONPATH", "")])
    with tempfile.TemporaryDirectory() as cache:
        environment = {**os.environ, "NUMBA_CACHE_DIR": cache, "PYTHONPATH": path}
        command = [sys.executable, "-c", _TIME_KERNELS, dtype]
        first, second = (
            float(subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout) for _ in range(2)
        )
    return first, second
