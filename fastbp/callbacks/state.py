"""What callbacks remember during a fit, so that another process can go on with it."""

from collections.abc import Mapping, Sequence
from typing import Any

from ..serialization import constructor_arguments

_PASSING = {"model", "params", "run", "validation_data"}


def remembered(callback: Any) -> dict[str, Any]:
    """The attributes of a callback that are not settings; those that are no numbers, texts or arrays are left out later."""
    settings = {*constructor_arguments(type(callback)), *_PASSING}
    return {name: value for name, value in vars(callback).items() if name not in settings}


def states_of(callbacks: Sequence[Any]) -> list[tuple[str, Any]]:
    """The class and the state of each callback."""
    return [(type(one).__name__, one.get_state() if hasattr(one, "get_state") else remembered(one)) for one in callbacks]


def return_states(callbacks: Sequence[Any], states: Sequence[tuple[str, Mapping[str, Any]]]) -> None:
    """Have callbacks go back to their states; they must be of the classes that they were."""
    now, then = [type(callback).__name__ for callback in callbacks], [name for name, _ in states]
    if now != then:
        raise ValueError(f"callbacks must be those of the fit that is gone on with, {', '.join(then)}, got {', '.join(now)}")
    for callback, (_, state) in zip(callbacks, states, strict=True):
        if hasattr(callback, "set_state"):
            callback.set_state(state)
        else:
            vars(callback).update(state)
