"""Random search for the parameters of a model, with successive halving."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from ..arguments import boolean, integer, number, unknown
from ..data.rows import split_at
from ..models.model import Model
from .building import member_seeds
from .fit_many import fit_many
from .folds import Fold, folds
from .halving import Halving, rung_epochs
from .rows import row_count
from .space import Builder, sampled
from .trials import SearchResult

Space = Mapping[str, Any] | Sequence[Mapping[str, Any]]


def search(
    build: Callable[..., Any],
    space: Space,
    x: Any,
    y: Any = None,
    *,
    trials: int = 20,
    epochs: int = 30,
    batch_size: int | None = None,
    cv: Any = None,
    validation: Any = 0.2,
    groups: Any = None,
    rungs: Any = 3,
    factor: int = 3,
    objective: str = "loss",
    mode: str = "auto",
    sample_weight: Any = None,
    refit: bool = True,
    seed: int | None = None,
    verbose: int | str = "auto",
    **settings: Any,
) -> SearchResult:
    """Try parameters of a model at random, all trials side by side, and train on only with those that do well.

    Parameters
    ----------
    build : callable
        ``build(**parameters)`` returns a compiled model. An argument named ``seed`` that is not in the space gets one.
    space : dict, or list of dicts
        For each parameter a list to draw from, or a distribution of scipy.stats (anything with a method ``rvs``), as
        scikit-learn's ``ParameterSampler`` takes them. ``batch_size`` may be among them though ``build`` has no such argument:
        it is ``fit``'s.
    x, y, sample_weight : arrays
        As for a model's ``fit``.
    trials : int
        How many are drawn; fewer where the space is lists that have no more to give.
    epochs : int
        Of the trials that come to the last rung.
    batch_size : int, optional
    cv : int, splitter or iterable, optional
        Measure each trial by cross-validation, see ``cross_validate``, instead of by ``validation``.
    validation : float or tuple
        The part of the rows, drawn at random, that trials are measured on; or other data, (x, y) or (x, y, sample_weight).
    groups : array, optional
        For splitters.
    rungs : int or list of int
        How often trials are compared: 1 trains all of them to the end. Each rung has ``factor`` times the epochs of the one
        before, and the last one ``epochs``; or the epochs of each are given. Who goes on does so where it stood: the best model
        is what ``epochs`` epochs in one fit would have made of it. Only callbacks, and solvers, begin anew at each rung.
    factor : int
        One in so many comes to the next rung.
    objective : str
        What to go by, on the rows that are measured on: "loss" or the name of a metric of the model.
    mode : {"auto", "min", "max"}
        Which values are better.
    refit : bool
        Whether to train the best one anew on all rows after a cross-validation.
    seed : int, optional
        Fixes what is drawn: trials, rows and first weights.
    verbose : {"auto", 0, 1, 2}
    **settings
        The others of ``fit_many``: ``callbacks``, ``threads``, ``time_budget``, ``shuffle``, ``class_weight``, ``client`` ...

    Returns
    -------
    SearchResult
        ``best_parameters``, ``best_score``, ``best_model``, ``trials``, ``to_frame()``, ``plot()``. A trial that fails, in
        ``build`` or in training, has the error there; if all fail, the first is raised.

    Examples
    --------
    >>> import numpy as np
    >>> import fastbp
    >>> from scipy.stats import loguniform
    >>> def build(units, learning_rate):
    ...     model = fastbp.Sequential([fastbp.Dense(units, "tanh"), fastbp.Dense(1)])
    ...     model.compile(fastbp.Adam(learning_rate), "mse")
    ...     return model
    >>> x = np.linspace(-1, 1, 200).reshape(-1, 1)
    >>> space = {"units": [4, 8, 16], "learning_rate": loguniform(1e-5, 1e-1)}
    >>> found = fastbp.search(build, space, x, np.sin(3 * x), trials=9, epochs=45, seed=0, verbose=0)
    >>> sorted(trial.epochs for trial in found.trials)
    [5, 5, 5, 5, 5, 5, 15, 15, 45]
    >>> found.best_parameters["learning_rate"] > 1e-3, found.best_score < 0.1
    (True, True)
    >>> found.to_frame().columns.tolist()
    ['trial', 'param_learning_rate', 'param_units', 'score', 'epochs', 'seconds', 'error']
    """
    count, epochs = integer("trials", trials, 1), integer("epochs", epochs, 1)
    factor, refit = integer("factor", factor, 2), boolean("refit", refit)
    steps = rung_epochs(rungs, epochs, factor)
    draws = np.random.SeedSequence(None if seed is None else integer("seed", seed, 0)).generate_state(2)
    builder = Builder(build, space, batch_size)
    drawn = sampled(space, count, int(draws[0]))
    model = _first_model(builder, drawn)
    name, maximize = _direction(model, objective, mode)
    pairs, held_out = _to_measure_on(cv, validation, model, x, y, groups, int(draws[1]))
    each = len(pairs) or 1
    seeds = member_seeds(seed, len(drawn) * each)
    made = [builder.trial(i, parameters, seeds[i * each : (i + 1) * each]) for i, parameters in enumerate(drawn)]
    settings = {**settings, "verbose": verbose}
    Halving((x, y, sample_weight), pairs, held_out, name, maximize, settings).run(made, steps, factor)
    found = SearchResult(made, name, maximize)
    best = found.best_trial
    if not np.isfinite(best.score):
        raise next(trial.error for trial in made if trial.error is not None)
    if cv is None:
        found.best_model = best.models[0]
    elif refit:
        settings.pop("time_budget", None)
        sizes = {"epochs": best.epochs, "batch_size": best.batch_size, "sample_weight": sample_weight}
        (member,) = fit_many([builder.model(best.parameters, seeds[best.number * each])], x, y, **sizes, **settings)
        if member.error is not None:
            raise member.error
        found.best_model = member.model
    return found


def _first_model(builder: Builder, drawn: Sequence[Mapping[str, Any]]) -> Model:
    """A model of some parameters, which tells what all have in common; the error for the first ones if there is none."""
    first: Exception | None = None
    for parameters in drawn:
        try:
            return builder.model(parameters, 0)
        except Exception as error:  # whatever the user's function raises
            first = first or error
    assert first is not None
    raise first


def _direction(model: Model, objective: Any, mode: Any) -> tuple[str, bool]:
    """The name of what to go by, and whether larger values are better."""
    if mode not in ("auto", "min", "max"):
        raise ValueError(f"mode must be 'auto', 'min' or 'max', got {mode!r}")
    name = objective.removeprefix("val_") if isinstance(objective, str) else objective
    if name not in model.metrics_names:
        raise unknown("objective", objective, model.metrics_names)
    if mode != "auto":
        return name, mode == "max"
    is_up = False if name == "loss" else model.higher_is_better(name)
    if is_up is None:
        raise ValueError(f"mode must be 'min' or 'max' for objective={name!r}, got 'auto', but nothing says which are better")
    return name, is_up


def _to_measure_on(
    cv: Any, validation: Any, model: Model, x: Any, y: Any, groups: Any, seed: int
) -> tuple[list[Fold], tuple[Any, ...] | None]:
    """The folds; or none, and other data."""
    if cv is not None:
        return folds(cv, model._compiled()[1], x, y, groups), None
    if isinstance(validation, tuple):
        if len(validation) not in (2, 3):
            raise ValueError(f"validation must be (x, y) or (x, y, sample_weight), got a tuple of {len(validation)}")
        return [], validation
    count, part = row_count(x), number("validation", validation, 0, 1, below=True)
    if not part:
        raise ValueError(f"validation must be a part of the rows, or data, got {validation!r}: trials are measured on it")
    first, order = split_at(count, part), np.random.default_rng(seed).permutation(count)
    return [(np.sort(order[:first]), np.sort(order[first:]))], None
