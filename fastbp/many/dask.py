"""Training on more than one machine: rows stay on the workers of a dask.distributed cluster that hold them."""

from typing import Any

from .. import optimizers
from ..arguments import boolean, integer, number, unknown, verbosity
from ..callbacks.callback_list import flat
from ..callbacks.history import History
from ..data import Data, Spec, validation
from ..layers.claims import claimed
from ..layers.stages import stages_of
from ..models.measures import Measures
from ..models.measuring import Measuring, validated_epochs
from ..models.model import Model
from ..models.portions import is_weighted, need_end
from ..models.progress import Progress
from .outer import Outer
from .rounds import Rounds, RoundsLoop, Settings
from .shards import Shards, place
from .steps import Steps
from .tables import table
from .workers import usable_client

_KINDS = {"rounds": Rounds, "step": Steps}


def fit(
    model: Model,
    x: Any,
    y: Any = None,
    *,
    rounds: int = 10,
    local_epochs: int = 1,
    batch_size: int = 32,
    outer_optimizer: Any = None,
    sync: str = "rounds",
    columns: Any = None,
    sample_weight: Any = None,
    class_weight: Any = None,
    shuffle: bool = True,
    validation_data: Any = None,
    callbacks: Any = None,
    straggler_factor: float | None = None,
    check_finite: bool = True,
    client: Any = None,
    verbose: int | str = "auto",
) -> History:
    """Train one model by the rows that the workers of a cluster hold. It is an ordinary model afterwards.

    In each round every worker trains a copy on its own rows, with the compiled loop. Then weights and the optimizer's state
    are averaged, and the next round begins with that.

    Parameters
    ----------
    model : Sequential
        Compiled, with an optimizer.
    x : dask array, dask DataFrame or path
        The path of a folder of Parquet files, or of one file. What the workers hold already (``persist``) stays where it is.
        Else they read as many partitions each. All rows must fit into their memory, in the model's dtype.
    y : dask array or DataFrame, or names of columns of x
        In the partitions of x; or an array, where the rows of x are counted.
    rounds : int
        How often the workers meet: the epochs of ``History`` and of callbacks.
    local_epochs : int
        Passes over its rows that each worker makes in a round.
    batch_size : int
        Samples of a step on each worker.
    outer_optimizer : str or Optimizer, optional
        Takes a step a round, along the difference between the weights before the round and their average after it; None: the
        average is taken. ``SGD(0.7, momentum=0.9, nesterov=True)`` is that of DiLoCo.
    sync : {"rounds", "step"}
        "step" averages the gradients of all workers in each step, of which there are as many as if one machine trained with
        ``batch_size`` times the workers. Metrics are measured on the validation data alone then.
    columns : list of str, optional
        The features, of a DataFrame or folder. None: all columns but those of y and ``sample_weight``.
    sample_weight : dask array or Series, or the name of a column of x, optional
    class_weight : dict, optional
        As ``fit``'s.
    shuffle : bool
        Take the rows in another order each epoch. Rows do not change places between workers.
    validation_data : tuple (x, y) or (x, y, sample_weight), optional
        Measured in this process after each round. Dask collections are brought here.
    callbacks : list of Callback, optional
        Called in this process; batches are not theirs to see. A learning rate that they set holds from the next round on.
    straggler_factor : float, optional
        At least 1. A worker that takes longer by this factor than the median of the round before trains fewer steps, and one
        that is not there when this factor of the time of the faster half has gone by (and a second) is left out of the round.
        The history has how many ``workers`` were averaged. What is learnt then depends on the clock; None: all are waited for.
    check_finite : bool
        Refuse NaN and infinity in the data.
    client : dask.distributed.Client, optional
        None: the one that was made last.
    verbose : {"auto", 0, 1, 2}
        As ``fit``'s.

    Returns
    -------
    History
        With an entry a round. The loss is that of the last local epoch, the mean over all rows; metrics are those that follow
        from sums over rows (accuracies, mse, mae, rmse). All others are measured on the validation data alone.

    Raises
    ------
    ImportError
        If dask is not installed (``pip install fastbp[dask]``).
    TypeError, ValueError
        For bad input, and for a cluster without workers or with another version of fastbp on one. The model is as it was.
    TrainingDiverged
        If the loss becomes NaN or infinite on a worker. The model has the weights from before that round.

    Notes
    -----
    *Averaging.* A worker counts by the rows it has learnt from (McMahan et al. 2017, arXiv:1602.05629; Stich 2019,
    arXiv:1805.09767). Means are taken in pairs, in a tree over the workers, in an order that follows from that of the
    partitions. Momentum and moments are averaged like the weights, and the bias corrections with them, so no round begins
    without. With one worker the result is that of ``model.fit``, to the last bit. DiLoCo (Douillard et al. 2023,
    arXiv:2311.08105) keeps the inner optimizers' states apart; here they are averaged in any case.

    *Lost workers.* A task begins with nothing but the state of the round and its shard of the rows. Where a worker is lost,
    dask reads its rows again elsewhere and its part of the round is done once more: the same bits, later. In ``sync="step"``
    up to 32 steps are. Rows that were scattered to one worker alone are lost with it.

    *Bytes.* A round moves the state, S bytes: (1 + the optimizer's slots) times the parameters, 4 bytes each in float32. Of W
    workers each but one sends S up the tree, the client gets S once and sends it to one worker, and those that have it pass it
    on: 2 W S in all, in about 2 log2(W) transfers each way, one after the other. A step of ``sync="step"`` moves a gradient of
    P bytes in the same manner, a third of S for Adam.

    *A hundred workers on 10 Gbit/s*, on paper. A network of a million parameters with Adam has 12 MB of state, which takes
    9.6 ms over a link. The tree has 7 levels, with 2 arrivals at each: 0.13 s up, and as long down; dask needs about 1 ms for
    each of the 200 tasks, and the client's link 20 ms. So a round costs about half a second beyond its training: a tenth of it
    where a worker trains for 5 seconds, on 80,000 rows at 100 GFLOP/s. A step of ``sync="step"`` costs 0.1 s for the tree and
    0.2 s for its tasks, so that it is of use only where a batch takes seconds. ``asv_bench/many_machines.py`` prints this for
    other sizes, and measures two workers.

    Examples
    --------
    >>> import fastbp.dask
    >>> from dask import array
    >>> from distributed import Client
    >>> client = Client(processes=False, n_workers=1, threads_per_worker=1, dashboard_address=":0")
    >>> x = array.random.default_rng(0).normal(size=(400, 3), chunks=(100, 3)).astype("float32")
    >>> model = fastbp.Sequential([fastbp.Dense(8, "tanh"), fastbp.Dense(1)], seed=0)
    >>> model.compile(fastbp.Adam(0.01), "mse")
    >>> history = fastbp.dask.fit(model, x, x[:, 0] * x[:, 1], rounds=3, local_epochs=10, client=client, verbose=0)
    >>> len(history.history["loss"]), model.predict([[1.0, 1.0, 0.0]]).shape
    (3, (1, 1))
    >>> client.close()
    """
    settings = _settings(local_epochs, batch_size, shuffle, straggler_factor, sync)
    rounds, verbose, check_finite = integer("rounds", rounds, 0), verbosity(verbose), boolean("check_finite", check_finite)
    if not isinstance(model, Model):
        raise TypeError(f"model must be a Sequential or Model of fastbp, got {model!r}")
    model._need_steps("fastbp.dask.fit")
    outer = None if outer_optimizer is None else _outer(outer_optimizer, sync)
    watching = _watching(callbacks)
    if isinstance(class_weight, str):
        raise ValueError(f"class_weight must be a dict, got {class_weight!r}: no worker knows how many rows the others have")
    client = usable_client(client)
    with claimed(model.leaves(), "fit", is_fit=True):
        spec = model._spec()
        given = table(x, y, sample_weight, columns, spec.names)
        spec = spec._replace(inputs=_width(spec, given.width))
        if sync == "step":
            _check_statistics(model, given.width)
        held_out = _held_out(validation_data, spec._replace(names=spec.names or given.names), check_finite)
        shards = place(client, given, class_weight, spec, check_finite)
        model._check_targets(shards)  # type: ignore[arg-type]
        if held_out is not None:
            model._check_targets(held_out)
        return _run(model, client, shards, settings, rounds, outer, sync, held_out, watching, verbose)


def _run(
    model: Model,
    client: Any,
    shards: Shards,
    settings: Settings,
    rounds: int,
    outer: Any,
    sync: str,
    held_out: Data | None,
    watching: list[Any],
    verbose: int,
) -> History:
    """The rounds, when everything has been looked at."""
    engine = model._build(shards.width)
    model._feature_names = model._feature_names or shards.names
    history, listening = model._listeners(watching, {"verbose": verbose, "epochs": rounds, "steps": None})
    model.history, model.stop_training = history, False
    measured = None
    if held_out is not None:
        measures = Measures(model._to_measure(), is_weighted(held_out), settings.batch_size)
        measured = Measuring(engine, measures, held_out, settings.batch_size, None, None, listening)
    work = _KINDS[sync](client, model, engine, shards, settings, None if outer is None else Outer(model, outer))
    loop = RoundsLoop(work, model.metrics_names, measured, validated_epochs(1), listening, history)
    try:
        with Progress(verbose, rounds, 0) as progress:
            loop.run(0, rounds, progress)
    finally:
        work.close()
    return history


def _settings(local_epochs: Any, batch_size: Any, shuffle: Any, straggler_factor: Any, sync: Any) -> Settings:
    if sync not in _KINDS:
        raise unknown("sync", sync, _KINDS)
    factor = None if straggler_factor is None else number("straggler_factor", straggler_factor, 1)
    if factor is not None and sync == "step":
        raise ValueError(f"straggler_factor must be None where sync is 'step', got {factor}: each step waits for all")
    sizes = integer("local_epochs", local_epochs, 1), integer("batch_size", batch_size, 1)
    return Settings(*sizes, boolean("shuffle", shuffle), factor)


def _outer(optimizer: Any, sync: str) -> Any:
    found = optimizers.get(optimizer)
    if not found.takes_steps:
        raise TypeError(f"outer_optimizer must be an optimizer that takes steps, got {found!r}")
    if sync == "step":
        raise ValueError(f"outer_optimizer must be None where sync is 'step', got {optimizer!r}: it takes a step a round")
    return found


def _watching(callbacks: Any) -> list[Any]:
    """The callbacks, none of which may want what is on the workers."""
    watching = list(flat(callbacks))
    for callback in watching:
        if hasattr(callback, "on_kept") or hasattr(callback, "on_observed"):
            name = type(callback).__name__
            raise ValueError(f"callbacks must do without single steps, which the workers take, got {name}: see ModelCheckpoint")
    return watching


def _width(spec: Spec, width: int) -> int:
    if spec.inputs not in (None, width):
        raise ValueError(f"x must have {spec.inputs} features, as the model takes, got {width}")
    return width


def _check_statistics(model: Model, width: int) -> None:
    """Refuse layers whose moving statistics only whole steps follow."""
    if any(stage.normalizes_batch for stage in stages_of(list(model.leaves()), width)):
        raise ValueError("sync must be 'rounds' for BatchNormalization, whose moving statistics need whole steps, got 'step'")


def _held_out(data: Any, spec: Spec, check_finite: bool) -> Data | None:
    """The data to validate on, in this process."""
    if data is None:
        return None
    import dask

    if isinstance(data, tuple | list):
        data = dask.compute(*data)
    found = validation(data, spec=spec, check_finite=check_finite)
    need_end(found, "validation_steps", None)
    return found
