"""fit_formula: gradient trainer on the parameters of any formula, over mini-batches, by backpropagation.

The way of a fit: the formula is traced and differentiated (formula_trainer.py) -> one compiled call an epoch
(kernels/formula.py), which runs the graph's machine code and the optimizers of the library -> the parameters in the form in
which they came.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from .. import optimizers
from ..arguments import boolean, integer, verbosity
from ..callbacks.history import History
from ..data import columns
from ..errors import TrainingDiverged
from ..models.progress import Progress
from ..notices import warn_of_large_integers
from ..seeds import FORMULA, shuffle_seed
from .formula_trainer import FormulaTrainer


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
    """Minimise a formula over data by gradient trainer on mini-batches.

    For what ``fastbp.curve_fit`` is not for: data too large for a Jacobian, losses that are no squares. ``f`` is traced once
    (``fastbp.trace``) and compiled with its gradient; an epoch is one compiled call.

    Parameters
    ----------
    f : callable
        ``f(params, x, y, ...)`` gives the loss of a batch, a single number: ``fastbp.mean`` of something over its rows. It
        takes the parameters first, in the form of ``params``, then the data, as loss functions for JAX do. It may use Python's
        if, while, max and the like on its parameters: each way through its branches is compiled once.
    data : array, or tuple or list of arrays
        Of shape (n,) or (n, k). Of the latter a formula sees the columns: ``x[:, 0]``, ``x.T``, ``x @ w``. Computes in float32
        if all of it is float32, else in float64, and reads arrays of that type where they are, also memory-mapped ones.
    params : number, array of one or two dimensions, or containers of such
        Where to start: dicts, lists, tuples, named tuples, dataclasses and None, nested as you like.
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
    if not chosen.takes_steps:
        name = type(chosen).__name__
        raise ValueError(f"optimizer must be one that takes steps on batches, got {name}: curve_fit takes all data at once")
    if chosen.schedule is not None:
        raise ValueError(f"optimizer must have a number as its learning_rate here, got {chosen.schedule!r}")
    if chosen.is_steered:
        raise ValueError(f"optimizer must neither clip, average nor add up gradients here, got {chosen!r}")
    epochs, batch_size, verbose = integer("epochs", epochs, 0), integer("batch_size", batch_size, 1), verbosity(verbose)
    shuffle, check_finite = boolean("shuffle", shuffle), boolean("check_finite", check_finite)
    arrays = _arrays(data, check_finite)
    first = shuffle_seed(None if seed is None else integer("seed", seed, 0), FORMULA)
    trainer = FormulaTrainer(f, arrays, params, chosen, min(batch_size, len(arrays[0])), shuffle, first)
    history = History({"verbose": verbose, "epochs": epochs, "steps": trainer.steps, "dtype": trainer.dtype})
    with Progress(verbose, epochs, 0) as progress:
        progress.prepare(trainer)
        for index in range(epochs):
            before = trainer.parameters.copy()
            try:
                epoch = trainer.run()
            except KeyboardInterrupt as error:
                error.result = FormulaFit(trainer.shaped(trainer.parameters), _last(history), history)  # type: ignore[attr-defined]
                raise
            if trainer.diverged_at:
                diverged = TrainingDiverged(index + 1, trainer.diverged_at, chosen.learning_rate)
                diverged.result = FormulaFit(trainer.shaped(before), _last(history), history)
                raise diverged
            progress.epoch_ended(index, {"loss": epoch.loss}, history.append(index, {"loss": epoch.loss}, epoch))
    return FormulaFit(trainer.shaped(trainer.parameters), _last(history), history)


def _last(history: History) -> float:
    return history.history.get("loss", [float("nan")])[-1]


def _arrays(data: Any, check_finite: bool) -> list[np.ndarray]:
    """The data as arrays of one type, with equally many rows."""
    several = isinstance(data, tuple) or (
        isinstance(data, list) and any(getattr(item, "ndim", hasattr(item, "__len__")) for item in data)
    )
    items = list(data) if several else [data]
    if not items:
        raise ValueError("data must hold at least one array, got none")
    names = [f"data[{i}]" if several else "data" for i in range(len(items))]
    arrays = [columns(name, item, check_finite) for name, item in zip(names, items, strict=True)]
    lengths = [len(array) for array in arrays]
    if len(set(lengths)) > 1:
        raise ValueError(f"data must have the same number of rows in each array, got {', '.join(map(str, lengths))}")
    dtype = np.float32 if all(array.dtype == np.float32 for array in arrays) else np.float64
    for name, array in zip(names, arrays, strict=True):
        warn_of_large_integers(name, array, np.dtype(dtype))
    return [np.require(array, dtype, ["A"]) for array in arrays]
