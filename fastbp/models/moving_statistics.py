"""Moving statistics of batch normalizations, computed anew: those of a fit belong to the weights that the fit went through."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from ..data import Data, Rows, Source
from ..layers import Layer
from ..layers.stages import stages_of
from ..notices import warn
from .portions import MAX_GATHERED, ROWS_AT_ONCE

if TYPE_CHECKING:
    from .network import Network


def compute_anew(model: "Network", data: Data, steps: int | None) -> None:
    """Have each batch normalization that learns go by the mean and variance of its input over some data, from below upwards.

    Data that comes in batches is read once for each of them. Where it cannot be read again they stay, with a warning.

    Parameters
    ----------
    model : Network
    data : Rows, Source or Batches
    steps : int, optional
        How many batches, where it is they that come; all if left out.
    """
    leaves, units = list(model.leaves()), data.width
    for i, leaf in enumerate(leaves):
        if any(stage.normalizes_batch for stage in leaf.stages(units)) and leaf.trainable:
            try:
                moments = _moments(_outputs(leaves[:i], data, steps))
            except _ReadBefore:
                reason = "x cannot be read again to compute them for the new weights"
                warn(f"the moving statistics of {type(leaf).__name__} stay as they are: {reason}")
                return
            leaf.set_weights([*leaf.get_weights()[:-2], *moments])
        units = leaf.output_units(units) or 0


class _ReadBefore(Exception):
    """Data is at its end."""


def _outputs(layers: list[Layer], data: Data, steps: int | None) -> Iterator[np.ndarray]:
    """The outputs of some layers for data, some rows at a time."""
    from ..engine.engine import Engine

    stages = stages_of(layers, data.width)
    engine = Engine(stages, layers[0].dtype) if any(not stage.is_random for stage in stages) else None
    if engine is not None:
        engine.set_weights([array for layer in layers for array in layer.get_weights()])
    for rows in _portions(data, steps):
        for start in range(0, len(rows), MAX_GATHERED):
            x = rows.x[start : start + MAX_GATHERED]
            yield x if engine is None else engine.forward(x)


def _portions(data: Data, steps: int | None) -> Iterator[Rows]:
    if isinstance(data, Source):
        return data.chunks(None, ROWS_AT_ONCE)
    if isinstance(data, Rows):
        return iter((data,))
    try:
        data.restart()
    except ValueError:
        raise _ReadBefore from None
    return data.epoch(steps)


def _moments(parts: Iterator[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Mean and variance of the columns of rows that come in parts, by the formula of Chan, Golub and LeVeque (1983)."""
    count, mean, squares = 0, np.zeros(1), np.zeros(1)
    for part in parts:
        rows = part.astype(np.float64)
        own, more = rows.mean(axis=0), len(rows)
        moved, total = own - mean, count + more
        squares = squares + ((rows - own) ** 2).sum(axis=0) + moved**2 * (count * more / total)
        mean, count = mean + moved * (more / total), total
    if not count:
        raise _ReadBefore
    return mean, squares / count
