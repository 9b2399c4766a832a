"""The diagnosis of a network on some data."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from ..data import Rows
from ..engine.engine import Engine
from ..kernels.fields import OUTPUT_MEAN, OUTPUT_SPREAD
from ..losses import Loss
from ..optimizers import SGD, Optimizer
from .finding import Diagnosis, Finding
from .of_inputs import of_first_layer, of_inputs
from .of_layers import of_gradients, of_outputs, signals
from .of_rates import of_learning_rate
from .of_targets import of_targets
from .trial import Trial

MAX_ROWS = 100_000  # that are looked at; of more, as many that lie evenly among them


def diagnose(
    engine: Engine, optimizer: Optimizer, loss: Loss, rows: Rows, batch_size: int, layers: Sequence[Any], seed: int = 0
) -> Diagnosis:
    """What is found about a network and data; nothing of them changes.

    Parameters
    ----------
    engine, optimizer, loss
        The network and how it learns.
    rows : Rows
    batch_size : int
    layers : list of WatchedLayer
    seed : int
        Of the order in which rows are tried.
    """
    return Diagnosis(
        _findings(engine, optimizer, loss, _chosen(rows, seed), batch_size, layers), [layer.name for layer in layers]
    )


def _chosen(rows: Rows, seed: int) -> Rows:
    """At most ``MAX_ROWS``, in a random order, so that any of them stand for all."""
    assert rows.y is not None
    order = np.random.default_rng(seed).permutation(len(rows))[:MAX_ROWS]
    weights = None if rows.sample_weight is None else np.ascontiguousarray(rows.sample_weight[order])
    return Rows(np.ascontiguousarray(rows.x[order]), np.ascontiguousarray(rows.y[order]), weights, rows.names)


def _findings(
    engine: Engine, optimizer: Optimizer, loss: Loss, rows: Rows, batch_size: int, layers: Sequence[Any]
) -> Iterator[Finding]:
    assert rows.y is not None
    looks_by = optimizer if optimizer.takes_steps else SGD()  # a solver takes no steps to look into, and has no rate
    stages, trial = engine.stages, Trial(engine, looks_by, loss, rows, batch_size)
    first = next((i for i, stage in enumerate(stages) if stage.is_dense), 0)
    yield from of_inputs(rows.x, rows.y, rows.names, judge_scale=first == 0)
    yield from of_targets(rows.y, loss, stages[-1])
    record = trial.look()
    if first > 0:
        below = record[first - 1]
        name = next(layer.name for layer in layers if layer.weights <= first <= layer.output)
        yield from of_first_layer(float(below[OUTPUT_MEAN]), float(below[OUTPUT_SPREAD]), name)
    with np.errstate(over="ignore"):
        square = float(np.mean(np.square(rows.x, dtype=np.float64)))
    outputs = list(of_outputs(record, stages, layers))
    dead = {finding.layer or "" for finding in outputs if finding.name == "dead_units" and finding.severity == "error"}
    yield from outputs
    yield from of_gradients(signals(record, stages, layers, square), dead)
    if optimizer.takes_steps and any(stage.learns for stage in stages):
        yield from of_learning_rate(optimizer.learning_rate, trial.run)
