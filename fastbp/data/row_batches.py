"""Data of any kind as arrays of some samples each, for one look at all of it."""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from ..conversion import as_numbers, describe
from .readers import in_memory, reader
from .streams import is_generator_function, is_torch_dataset, stream


def row_batches(argument: str, data: Any) -> Iterator[np.ndarray]:
    """Arrays (n, ...) of numbers that are all of the data together; what has one axis becomes (n, 1).

    Examples
    --------
    >>> [batch.shape for batch in row_batches("data", [1.0, 2.0])]
    [(2, 1)]
    """
    if is_torch_dataset(data):
        raise TypeError(f"{argument} must yield batches, got {describe(data)}, which gives samples: use torch's DataLoader")
    if is_generator_function(data):
        raise TypeError(f"{argument} must yield batches, got the function {data.__name__}: call it, {data.__name__}()")
    batches = stream(data)
    if batches is not None:
        if batches.is_endless:
            raise ValueError(f"{argument} must have an end, got {describe(data)}, which yields batches for ever")
        for batch in batches.start(None):
            yield _samples(argument, batch[0] if _is_tuple(batch) else batch)
    elif isinstance(data, list | tuple) and data and all(len(getattr(part, "shape", ())) > 1 for part in data):
        for part in data:
            yield _samples(argument, part)
    else:
        yield from _parts(argument, data)


def _is_tuple(batch: Any) -> bool:
    """Whether a batch is x and more: a tuple, or a list of arrays as torch's DataLoader makes it."""
    return isinstance(batch, tuple) or (isinstance(batch, list) and bool(batch) and hasattr(batch[0], "shape"))


def _parts(argument: str, data: Any) -> Iterator[np.ndarray]:
    """Data that is one object, in parts if it is better not taken whole."""
    source = reader(argument, data, np.dtype(np.float64))
    if source is None:
        yield _samples(argument, in_memory(data))
        return
    rows = max(1, source.chunk_bytes // (8 * math.prod(source.shape[1:])))
    for start in range(0, source.shape[0], rows):
        stop = min(start + rows, source.shape[0])
        yield _samples(argument, source.read(argument, slice(start, stop), np.dtype(np.float64)))


def _samples(argument: str, value: Any) -> np.ndarray:
    array = as_numbers(argument, value)
    if not array.ndim:
        raise ValueError(f"{argument} must be samples, got {describe(value)}, a single number")
    return array.reshape(-1, 1) if array.ndim == 1 else array
