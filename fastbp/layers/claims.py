"""Threads that share layers: one at a time changes their weights, and a fit has its layers to itself.

Two threads that take single steps of one model wait for each other. A fit takes long, and another thread's step, or weights
set from outside, would be lost among its own or spoil them: such a call is refused.
"""

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any, NamedTuple, ParamSpec, TypeVar

from ..forks import at_fork

P = ParamSpec("P")
R = TypeVar("R")


class _Claim(NamedTuple):
    thread: int
    is_fit: bool


class _Table:
    """Who has which layers at present, by their ids."""

    def __init__(self) -> None:
        self.changed = threading.Condition(threading.Lock())
        self.claims: dict[int, _Claim] = {}


_table = _Table()


def _leave_parent() -> None:
    """A forked child has none of its parent's other threads."""
    global _table
    before, _table, here = _table, _Table(), threading.get_ident()
    _table.claims = {layer: claim for layer, claim in before.claims.items() if claim.thread == here}


at_fork(after_in_child=_leave_parent)


@contextmanager
def claimed(layers: Iterable[Any], what: str, is_fit: bool = False) -> Iterator[None]:
    """Have layers for this thread alone. It may claim them again meanwhile.

    Parameters
    ----------
    layers : iterable of Layer
        Those with weights of their own, not models.
    what : str
        Who wants them, for the error.
    is_fit : bool
        Whether other threads are to be refused meanwhile; else they wait.

    Raises
    ------
    RuntimeError
        If another thread is fitting one of them.
    """
    wanted, here = {id(layer): layer for layer in layers}, threading.get_ident()
    with _table.changed:
        while True:
            others = [layer for layer in wanted if layer in _table.claims and _table.claims[layer].thread != here]
            fitted = next((layer for layer in others if _table.claims[layer].is_fit), None)
            if fitted is not None:
                raise RuntimeError(_refusal(what, wanted[fitted], _table.claims[fitted].thread))
            if not others:
                break
            _table.changed.wait()
        new = [layer for layer in wanted if layer not in _table.claims]
        _table.claims.update(dict.fromkeys(new, _Claim(here, is_fit)))
    try:
        yield
    finally:
        with _table.changed:
            for layer in new:
                _table.claims.pop(layer, None)
            _table.changed.notify_all()


def check_free(layers: Iterable[Any], what: str) -> None:
    """Refuse a step in the midst of another thread's fit; it takes next to no time where nothing is claimed."""
    if _table.claims:
        with claimed(layers, what):
            pass


def _refusal(what: str, layer: Any, thread: int) -> str:
    name = next((other.name for other in threading.enumerate() if other.ident == thread), "another")
    return (
        f"{what} changes the layer {layer.name!r}, which thread {name!r} is fitting: wait until that fit has ended, "
        "or use a copy of the model (copy.deepcopy)"
    )


def changes(method: Callable[P, R]) -> Callable[P, R]:
    """A method of a layer or model that changes it: other threads that want to wait, and a fit of theirs refuses it."""
    return _claiming(method, False)


def fits(method: Callable[P, R]) -> Callable[P, R]:
    """A method of a model that changes it for long: other threads that want to are refused meanwhile."""
    return _claiming(method, True)


def _claiming(method: Callable[P, R], is_fit: bool) -> Callable[P, R]:
    @wraps(method)
    def claiming(*arguments: P.args, **settings: P.kwargs) -> R:
        owner: Any = arguments[0]
        with claimed(owner.leaves(), method.__name__, is_fit):
            return method(*arguments, **settings)

    return claiming
