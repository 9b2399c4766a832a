"""Data of dask's, in partitions that go together."""

import os
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..conversion import describe
from ..feature_names import Names, check_columns, column_names

Partitions = list[Any]  # dask's delayed objects


@dataclass
class Table:
    """Data in partitions.

    Attributes
    ----------
    parts : list of tuples
        (x, y, sample_weight) of each partition, as delayed objects; y and sample_weight are None where x has them.
    width : int
        Columns of x that are features.
    features, targets, weights : list of str, list or str, str; or None
        The columns of x that are these, where it is a DataFrame with everything in it.
    names : tuple of str, or None
        Of the features.
    futures : list of Future
        Where the data lies on workers already.
    """

    parts: list[tuple[Any, Any, Any]]
    width: int
    features: list[str] | None
    targets: Any
    weights: str | None
    names: Names
    futures: list[Any]


def table(x: Any, y: Any, sample_weight: Any, columns: Any, names: Names) -> Table:
    """Dask collections or a Parquet folder as partitions that go together.

    Parameters
    ----------
    x : dask array, dask DataFrame or path
    y, sample_weight : dask collections or arrays with as many rows; or names of columns of x
    columns : list of str, optional
        Those that are features, of a DataFrame or a folder; None: all others.
    names : tuple of str, optional
        Of the features that the model has learnt from before.
    """
    if y is None:
        raise ValueError("y must be a dask collection or names of columns of x, got None")
    if isinstance(x, str | os.PathLike):
        x = _parquet(os.fspath(x), y, sample_weight, columns)
    if _is_frame(x):
        x = x.to_frame() if x.ndim == 1 else x
        return _of_frame(x, y, sample_weight, columns, names)
    if not _is_array(x):
        hint = ": dask.array.from_array(x, chunks=...) makes one" if isinstance(x, np.ndarray) else ""
        raise TypeError(f"x must be a dask array, a dask DataFrame or the path of a Parquet folder, got {describe(x)}{hint}")
    for name, value in (("columns", columns), ("y", y if isinstance(y, str) else None)):
        if value is not None:
            raise ValueError(f"{name} must not be names where x is a dask array, which has none, got {value!r}")
    if x.ndim > 1:
        x = x.rechunk(dict.fromkeys(range(1, x.ndim), -1))
    width = int(np.prod(x.shape[1:]))
    return Table(_together(x, y, sample_weight), width, None, None, None, None, _futures(x))


def _of_frame(x: Any, y: Any, sample_weight: Any, columns: Any, names: Names) -> Table:
    """A dask DataFrame, whose targets and weights may be columns of it."""
    within = _named("y", y, x) + (_named("sample_weight", sample_weight, x) if isinstance(sample_weight, str) else [])
    features = _named("columns", columns, x) if columns is not None else [name for name in x.columns if name not in within]
    both = [name for name in features if name in within]
    if both or not features:
        raise ValueError(f"columns must be features alone, at least one, got {both or features!r} besides y {y!r}")
    check_columns("x", x[features]._meta, names)
    if not within:
        x = x[features]
    is_named = isinstance(y, str) or _is_names(y)
    weights = sample_weight if isinstance(sample_weight, str) else None
    parts = _together(x, None if is_named else y, None if weights else sample_weight)
    targets = y if is_named else None
    return Table(parts, len(features), features, targets, weights, column_names(x[features]._meta), _futures(x))


def _parquet(path: str, y: Any, sample_weight: Any, columns: Any) -> Any:
    """A folder of Parquet files as a DataFrame, of whose columns only those are read that are used."""
    from dask import dataframe

    wanted = None
    if columns is not None and not isinstance(columns, str):
        wanted = [*columns, *([y] if isinstance(y, str) else y if _is_names(y) else ())]
        wanted += [sample_weight] if isinstance(sample_weight, str) else []
    found = dataframe.read_parquet(path)
    missing = [name for name in wanted or () if name not in found.columns]
    return found if wanted is None or missing else found[wanted]


def _named(argument: str, names: Any, x: Any) -> list[str]:
    """Names of columns of a DataFrame, checked; none where the argument is no names."""
    listed = [names] if isinstance(names, str) else list(names) if _is_names(names) else []
    if argument == "columns" and not listed:
        raise TypeError(f"columns must be a list of names, got {names!r}")
    missing = [name for name in listed if name not in x.columns]
    if missing:
        raise ValueError(f"{argument} must name columns of x ({', '.join(map(str, x.columns))}), got {missing[0]!r}")
    return listed


def _is_names(value: Any) -> bool:
    return isinstance(value, list | tuple) and bool(value) and all(isinstance(name, str) for name in value)


def _is_array(value: Any) -> bool:
    from dask import array

    return isinstance(value, array.Array)


def _is_frame(value: Any) -> bool:
    """Whether it is a DataFrame or Series of dask's; asking does not import what arrays do without."""
    return type(value).__module__.startswith("dask.dataframe") and hasattr(value, "to_delayed")


def _together(x: Any, y: Any, sample_weight: Any) -> list[tuple[Any, Any, Any]]:
    """(x, y, sample_weight) of each partition."""
    parts = _delayed(x)
    others = [_like(x, argument, value, len(parts)) for argument, value in (("y", y), ("sample_weight", sample_weight))]
    return list(zip(parts, *others, strict=True))


def _like(x: Any, argument: str, value: Any, count: int) -> Partitions:
    """Targets or weights in the partitions of x."""
    if value is None:
        return [None] * count
    rows = x.chunks[0] if _is_array(x) else ()
    is_known = bool(rows) and not np.isnan(rows).any()
    if isinstance(value, np.ndarray) and is_known and value.ndim:
        from dask import array

        value = array.from_array(value, chunks=(rows, *value.shape[1:]) if len(value) == sum(rows) else -1)
    if not (_is_array(value) or _is_frame(value)):
        kinds = "a dask array or DataFrame" + (", or an array where the rows of x are counted" if argument == "y" else "")
        raise TypeError(f"{argument} must be {kinds}, got {describe(value)}")
    if _is_array(value):
        own = value.chunks[0]
        if is_known and not np.isnan(own).any():
            if sum(own) != sum(rows):
                raise ValueError(f"x and {argument} must have the same number of rows, got {sum(rows)} and {sum(own)}")
            value = value.rechunk({0: rows})
        value = value.rechunk(dict.fromkeys(range(1, value.ndim), -1)) if value.ndim > 1 else value
    found = _delayed(value)
    if len(found) != count:
        raise ValueError(f"x and {argument} must have the same partitions, got {count} and {len(found)}: repartition one")
    return found


def _delayed(collection: Any) -> Partitions:
    found = collection.to_delayed()
    return list(found.ravel() if isinstance(found, np.ndarray) else found)


def _futures(collection: Any) -> list[Any]:
    from distributed import futures_of

    found: list[Any] = futures_of(collection)
    return found
