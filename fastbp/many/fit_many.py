"""Training many models side by side."""

from typing import Any

from ..arguments import number, verbosity
from ..engine.threads import check_threads, get_num_threads
from .checks import make_jobs
from .local import run_jobs
from .member import Member
from .progress import ManyProgress


def fit_many(
    models: Any,
    x: Any = None,
    y: Any = None,
    *,
    epochs: Any = 1,
    batch_size: Any = None,
    rows: Any = None,
    data: Any = None,
    sample_weight: Any = None,
    validation: Any = None,
    callbacks: Any = None,
    time_budget: float | None = None,
    threads: int | None = None,
    client: Any = None,
    executor: Any = None,
    verbose: int | str = "auto",
    shuffle: bool = True,
    class_weight: Any = None,
    check_finite: bool = True,
) -> list[Member]:
    """Train many models, each by itself, on all cores: ensembles, folds, seeds, sweeps, a model for each of many things.

    Each model ends up as its own ``fit`` would have left it, to the last bit. They may differ in all that a model has, and in
    their data.

    Parameters
    ----------
    models : list of Sequential
        Compiled. No two may share a name that was given, layers or an optimizer.
    x, y : arrays, optional
        Data that all of them share. It is not copied for each.
    epochs, batch_size : int or list of int
        As ``fit``'s, of all models or of each.
    rows : list of arrays, optional
        For each model the rows of the data that it learns from: their numbers, as often as they are to be taken (a bootstrap, a
        fold), or a mask. None in the list: all.
    data : list of tuples, optional
        For each model (x, y) or (x, y, sample_weight) of its own. None in the list: the shared data.
    sample_weight : array (samples,), or a list with one for each model, optional
        They belong to the rows of the data, of which ``rows`` takes some.
    validation : float, tuple or list, optional
        What to measure the loss and metrics on after each epoch: a part of each model's rows, from their end; data, as a tuple
        (x, y) or (x, y, sample_weight); or a list with one of these for each model, or with rows of the data.
    callbacks : list of Callback, or a list of such lists, optional
        Each model has copies of them; or those of a list for each, as they are. They are called by several threads.
    time_budget : float, optional
        Seconds after which models end with the epoch that has begun. Those that have not begun have an error, TimeoutError.
    threads : int, optional
        How many to use in all. The results do not depend on it.
    client : dask.distributed.Client, optional
        A cluster to train on.
    executor : concurrent.futures.Executor, optional
        Or anything like it, to train in the processes of.
    verbose : {"auto", 0, 1, 2}
        0 shows nothing, 1 (and "auto") a bar, 2 a line for each model.
    shuffle, class_weight, check_finite
        As ``fit``'s.

    Returns
    -------
    list of Member
        In the order of the models: ``.model``, ``.history``, ``.error``, ``.seconds``. A model that diverges, or whose callback
        raises an error, has the error there, and stops no other.

    Raises
    ------
    TypeError, ValueError
        For bad input, by the number of the member: no model has changed then.

    Examples
    --------
    >>> import numpy as np
    >>> import fastbp
    >>> x = np.linspace(-1, 1, 256, dtype="float32").reshape(-1, 1)
    >>> models = [fastbp.Sequential([fastbp.Dense(8 + i, "tanh"), fastbp.Dense(1)], seed=i) for i in range(4)]
    >>> for model in models:
    ...     model.compile(fastbp.Adam(0.01), "mse")
    >>> draw = np.random.default_rng(0)
    >>> rows = [draw.integers(0, 256, 256) for _ in models]  # a bootstrap for each
    >>> members = fastbp.fit_many(models, x, x**2, rows=rows, epochs=[10, 10, 20, 20], verbose=0)
    >>> [len(member.history.epoch) for member in members], [member.error for member in members]
    ([10, 10, 20, 20], [None, None, None, None])
    """
    verbose = verbosity(verbose)
    seconds = None if time_budget is None else number("time_budget", time_budget, 0)
    wanted = get_num_threads() if threads is None else check_threads(threads, "threads")
    if client is not None and executor is not None:
        raise ValueError("client and executor must not both be given: models are trained by one of them")
    run = _runner(client, executor)
    jobs, forms = make_jobs(
        models,
        x,
        y,
        epochs=epochs,
        batch_size=batch_size,
        rows=rows,
        data=data,
        sample_weight=sample_weight,
        validation=validation,
        callbacks=callbacks,
        shuffle=shuffle,
        class_weight=class_weight,
        check_finite=check_finite,
    )
    with ManyProgress(verbose, len(jobs)) as progress:
        members = run(jobs, forms, wanted, seconds, progress.ended)
    return [members[job.index] for job in jobs]


def _runner(client: Any, executor: Any) -> Any:
    """What runs jobs: this process, or others."""
    if client is not None:
        from .cluster import Cluster

        return Cluster(client).run_jobs
    if executor is not None:
        from .executor import Executed

        return Executed(executor).run_jobs
    return run_jobs
