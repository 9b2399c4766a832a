"""Members of an ensemble, and folds, made alike but for their seeds."""

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from ..arguments import function_name
from ..models.cloning import fresh_copy
from ..models.model import Model
from ..seeds import MEMBERS, generator, seeding
from .scores import known


def member_seeds(seed: int | None, count: int) -> list[int]:
    """Seeds that follow from one. More of them begin with the same."""
    return [int(number) for number in generator(seed, MEMBERS).integers(2**32, size=count)]


def check_build(build: Any) -> None:
    """Refuse what is neither a compiled model nor a function."""
    if isinstance(build, Model):
        build._compiled()
    elif not callable(build):
        raise TypeError(f"build must be a compiled model, or a function that returns one, got {build!r}")


def built(build: Any, seed: int, index: int) -> Model:
    """Member number ``index``: what the function returns, or a copy of the model that has learnt nothing.

    What the function makes without seeds of its own follows from ``seed``, whether or not it takes that.
    """
    if isinstance(build, Model):
        return fresh_copy(build, seed)
    with seeding(seed):
        return compiled_model(build, *_arguments(build, seed, index))


def compiled_model(build: Callable[..., Any], arguments: list[Any], settings: dict[str, Any]) -> Model:
    """What a function returns, if that is a compiled model."""
    model = build(*arguments, **settings)
    if not isinstance(model, Model):
        raise TypeError(f"build must return a compiled model, got {model!r} from {function_name(build)}")
    if model.optimizer is None:
        raise ValueError(f"build must return a compiled model, got {model!r} from {function_name(build)}: call compile in it")
    return model


def check_alike(models: Mapping[int, Model]) -> None:
    """Refuse models, by their numbers, that cannot predict together."""
    first, model = next(iter(models.items()))
    for i, other in models.items():
        if _kind(other) != _kind(model) or (model.built and other.built and other._input_units != model._input_units):
            raise ValueError(
                "build must return models of the same inputs, outputs, dtype and loss, got "
                f"{_told(model)} for member {first} and {_told(other)} for member {i}"
            )


def _kind(model: Model) -> tuple[Any, ...]:
    loss = known(model._compiled()[1])
    return model._need_outputs(), model.dtype, type(loss), loss.from_logits


def _told(model: Model) -> str:
    width = model._input_units if model.built else "any"
    return f"{width} inputs, {model._need_outputs()} outputs of {model.dtype} and {model._compiled()[1].name!r}"


def _arguments(build: Callable[..., Any], seed: int, index: int) -> tuple[list[Any], dict[str, Any]]:
    """What a function is called with: the seed or the index where an argument has that name, or the seed if it needs one."""
    try:
        parameters = inspect.signature(build).parameters
    except (TypeError, ValueError):  # some callables have no signature
        return [], {}
    known = {"seed": seed, "index": index}
    named = {name: known[name] for name, p in parameters.items() if name in known and p.kind is not p.POSITIONAL_ONLY}
    needed = [
        name
        for name, p in parameters.items()
        if p.default is p.empty and name not in named and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)
    ]
    if not needed:
        return [], named
    if named or len(needed) > 1 or parameters[needed[0]].kind is inspect.Parameter.KEYWORD_ONLY:
        wanted = "build must be a function of nothing, of the member's seed, or of arguments named seed and index"
        raise TypeError(f"{wanted}, got {function_name(build)}{inspect.signature(build)}")
    return [seed], {}
