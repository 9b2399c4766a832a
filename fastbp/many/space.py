"""Parameters drawn from a space, and the models that are built of them."""

import inspect
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from ..arguments import function_name, integer
from ..models.model import Model
from ..seeds import seeding
from .building import compiled_model
from .trials import Trial

BATCH_SIZE = "batch_size"  # a parameter of the fit, where ``build`` has no such argument


def sampled(space: Any, count: int, seed: int) -> list[dict[str, Any]]:
    """Parameters drawn from a space as scikit-learn draws them; fewer where lists have no more to give.

    Examples
    --------
    >>> sorted(sampled({"units": [4, 8]}, 9, 0), key=str)
    [{'units': 4}, {'units': 8}]
    """
    for part in _parts(space):
        for name, values in part.items():
            _check_values(name, values)
    try:
        from sklearn.model_selection import ParameterSampler
    except ImportError as error:
        raise ImportError("parameters are drawn by scikit-learn, which pip install 'fastbp[sklearn]' installs") from error
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The total space of parameters", UserWarning)
        drawn = list(ParameterSampler(space, count, random_state=seed))
    return [{name: _plain(value) for name, value in parameters.items()} for parameters in drawn]


def _parts(space: Any) -> Sequence[Mapping[str, Any]]:
    parts = [space] if isinstance(space, Mapping) else space
    is_list = isinstance(parts, list | tuple) and len(parts) > 0
    if not is_list or not all(isinstance(part, Mapping) and all(isinstance(name, str) for name in part) for part in parts):
        raise TypeError(f"space must be a dict of parameters by name, or a list of such, got {space!r}")
    if not all(parts):
        raise ValueError(f"space must have at least one parameter, got {space!r}")
    found: Sequence[Mapping[str, Any]] = parts
    return found


def _check_values(name: str, values: Any) -> None:
    if hasattr(values, "rvs"):
        return
    if not isinstance(values, list | tuple | range | np.ndarray):
        raise TypeError(f"space[{name!r}] must be a list, or a distribution as those of scipy.stats, got {values!r}")
    if not len(values):
        raise ValueError(f"space[{name!r}] must hold at least one value, got {values!r}")


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value


class Builder:
    """Makes models of parameters.

    Parameters
    ----------
    build : callable
    space : dict or list of dicts
        It must be able to take these.
    batch_size : int, optional
        Of trials that do not say theirs.
    """

    def __init__(self, build: Callable[..., Any], space: Any, batch_size: int | None) -> None:
        if not callable(build) or isinstance(build, Model):
            raise TypeError(f"build must be a function of the parameters that returns a compiled model, got {build!r}")
        self._build = build
        self._batch_size = None if batch_size is None else integer(BATCH_SIZE, batch_size, 1)
        names = dict.fromkeys(name for part in _parts(space) for name in part)
        try:
            known = inspect.signature(build).parameters
        except (TypeError, ValueError):  # some callables have no signature
            self._is_for_fit, self._takes_seed = False, False
            return
        takes_all = any(p.kind is p.VAR_KEYWORD for p in known.values())
        self._is_for_fit = BATCH_SIZE not in known and not takes_all
        self._takes_seed = "seed" in known and "seed" not in names
        for name in names:
            if name not in known and not takes_all and name != BATCH_SIZE:
                raise TypeError(
                    f"space must have the arguments of build, {function_name(build)}({', '.join(known)}), "
                    f"and {BATCH_SIZE}, got {name!r}"
                )

    def model(self, parameters: Mapping[str, Any], seed: int) -> Model:
        """The model of some parameters; what it makes without a seed of its own follows from ``seed``."""
        given = {name: value for name, value in parameters.items() if not (self._is_for_fit and name == BATCH_SIZE)}
        if self._takes_seed:
            given["seed"] = seed
        with seeding(seed):
            model = compiled_model(self._build, [], given)
        model._given_name = None  # one that all have would tell none apart
        return model

    def trial(self, number: int, parameters: dict[str, Any], seeds: Sequence[int]) -> Trial:
        """A trial with a model for each seed, or with the error that there was."""
        made = Trial(number, parameters, self._batch_size)
        try:
            if self._is_for_fit and BATCH_SIZE in parameters:
                made.batch_size = integer(BATCH_SIZE, parameters[BATCH_SIZE], 1)
            made.models = [self.model(parameters, seed) for seed in seeds]
        except Exception as error:  # whatever the user's function raises
            made.error = error
        return made
