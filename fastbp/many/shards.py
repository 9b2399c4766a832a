"""The rows of a fit as each worker holds them: in one piece, as the engine takes them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from ..data import Rows, Spec, prepare_rows
from ..feature_names import Names
from ..notices import warn
from .tables import Table


@dataclass
class Shards:
    """The rows of a fit, a shard for each worker that holds some.

    Attributes
    ----------
    rows : list of Future
        ``Rows`` each.
    holders : list of str
        The addresses of the workers.
    lengths : list of int
    width, target_columns : int
    names : tuple of str, or None
    is_weighted : bool
        Whether the samples have weights.
    """

    rows: list[Any]
    holders: list[str]
    lengths: list[int]
    width: int
    target_columns: int
    names: Names
    is_weighted: bool

    def __len__(self) -> int:
        return len(self.rows)


# ------------------------------------------------------------------------------------------------------------- on workers


def prepared(
    number: int, x: Any, y: Any, sample_weight: Any, *, given: Table, class_weight: Any, spec: Spec, check_finite: bool
) -> Rows | None:
    """A partition as the engine takes it; None where it has no rows."""
    if not len(x):
        return None
    if given.targets is not None:
        y = x[given.targets]
    if given.weights is not None:
        sample_weight = x[given.weights]
    if given.features is not None:
        x = x[given.features]
    settings: dict[str, Any] = {"spec": spec, "check_finite": check_finite, "is_part": True}
    return prepare_rows(x, y, sample_weight, class_weight, prefix=f"partition {number} of ", **settings)


def joined(*parts: Rows | None) -> Rows | None:
    """Partitions as one."""
    some = [part for part in parts if part is not None]
    if len(some) < 2:
        return some[0] if some else None
    x, y = (np.concatenate([getattr(part, name) for part in some]) for name in ("x", "y"))
    weights = None
    if some[0].sample_weight is not None:
        weights = np.concatenate([part.sample_weight for part in some if part.sample_weight is not None])
    return Rows(x, y, weights, some[0].names)


def as_described(rows: Rows | None) -> tuple[int, int, bool]:
    """How many there are, the columns of their targets, and whether they have weights."""
    return (0, 0, False) if rows is None else (len(rows), rows.target_columns, rows.sample_weight is not None)


# ------------------------------------------------------------------------------------------------------------- on a client


def place(client: Any, given: Table, class_weight: Any, spec: Spec, check_finite: bool) -> Shards:
    """Have the rows on workers: where they are already, else in equal numbers of partitions.

    What is on workers already stays there. The shards are in the order of their first partitions.
    """
    from dask import delayed

    columns = replace(given, parts=[], futures=[])
    settings = {"given": columns, "class_weight": class_weight, "spec": spec, "check_finite": check_finite}
    task = delayed(partial(prepared, **settings), pure=False)  # whose settings dask does not look into
    tasks = [task(number, *part) for number, part in enumerate(given.parts)]
    workers = sorted(client.nthreads())
    by_holder = _where_they_lie(client, tasks) if given.futures else _spread(client, tasks, workers)
    loosely = {"allow_other_workers": True, "pure": False}
    rows = [client.submit(joined, *own, workers=[holder], **loosely) for holder, own in by_holder.items()]
    found = client.gather(client.map(as_described, rows, pure=False))
    if not any(length for length, *_ in found):
        raise ValueError("x must have at least 1 sample, got none in any partition")
    if len(by_holder) < len(workers):
        idle = len(workers) - len(by_holder)
        warn(f"x lies on {len(by_holder)} of {len(workers)} workers, {idle} will do nothing: repartition it, or rebalance it")
    kept = [i for i, (length, *_) in enumerate(found) if length]
    holders, (_, target_columns, is_weighted) = list(by_holder), found[kept[0]]
    return Shards(
        [rows[i] for i in kept],
        [holders[i] for i in kept],
        [found[i][0] for i in kept],
        given.width,
        target_columns,
        given.names,
        is_weighted,
    )


def _where_they_lie(client: Any, tasks: Sequence[Any]) -> dict[str, list[Any]]:
    """The futures of tasks that run where their data is, by the workers that have them then."""
    from distributed import wait

    futures = client.compute(tasks)
    by_holder: dict[str, list[Any]] = {}
    wait(futures)
    for future in futures:
        if future.status == "error":
            future.result()
    where = client.who_has(futures)
    for future in futures:
        by_holder.setdefault(sorted(where[future.key])[0], []).append(future)
    return by_holder


def _spread(client: Any, tasks: Sequence[Any], workers: Sequence[str]) -> dict[str, list[Any]]:
    """The futures of tasks whose data is yet to be read: those that follow each other on one worker, as many on each."""
    by_holder: dict[str, list[Any]] = {}
    for i, worker in enumerate(workers):
        own = tasks[-(-i * len(tasks) // len(workers)) : -(-(i + 1) * len(tasks) // len(workers))]
        if own:
            by_holder[worker] = client.compute(own, workers=[worker], allow_other_workers=True)
    return by_holder
