"""Keywords that a call does not have: those of Keras that change nothing are accepted, all others say what to write instead."""

from collections.abc import Callable, Mapping, Set
from functools import wraps
from typing import Any, NamedTuple, TypeVar

Target = TypeVar("Target", bound=Callable[..., Any])
ANY = object()  # every value is harmless


class Advice(NamedTuple):
    """What to write instead of a keyword, and the values of it that change nothing (``ANY``: all)."""

    instead: str
    harmless: Any = ()


Table = Mapping[str, "Advice | str"]


def keywords(advice: Table) -> Callable[[Target], Target]:
    """A decorator of functions and classes: an unknown keyword is dropped if its value is harmless, else explained.

    Parameters
    ----------
    advice : dict
        For each keyword that Keras has or had, what to write instead.

    Examples
    --------
    >>> @keywords({"lr": "use learning_rate", "workers": Advice("", ANY)})
    ... def fit(learning_rate=0.1):
    ...     return learning_rate
    >>> fit(0.5, workers=4)
    0.5
    >>> fit(lr=0.5)
    Traceback (most recent call last):
    ...
    TypeError: fit has no argument 'lr': use learning_rate
    """

    def decorate(target: Target) -> Target:
        function: Any = target.__init__ if isinstance(target, type) else target  # type: ignore[misc]
        names = _keyword_names(function)

        @wraps(function)
        def call(*args: Any, **given: Any) -> Any:
            if not given.keys() <= names:
                what = type(args[0]) if function.__name__ == "__init__" else function
                given = accepted(what.__name__, given, names, advice)
            return function(*args, **given)

        if not isinstance(target, type):
            return call  # type: ignore[return-value]
        target.__init__ = call  # type: ignore[misc]
        return target

    return decorate


def _keyword_names(function: Any) -> frozenset[str]:
    code = getattr(function, "__wrapped__", function).__code__
    return frozenset(code.co_varnames[code.co_posonlyargcount : code.co_argcount + code.co_kwonlyargcount]) - {"self"}


def accepted(what: str, given: Mapping[str, Any], names: Set[str], advice: Table) -> dict[str, Any]:
    """The keywords that are known; those without effect are dropped, and the first other one is the error."""
    for name in given.keys() - names:
        known = advice.get(name, "")
        instead, harmless = known if isinstance(known, Advice) else (known, ())
        if harmless is not ANY and not any(given[name] is value or _equal(given[name], value) for value in harmless):
            raise TypeError(f"{what} has no argument {name!r}{f': {instead}' if instead else _nearest(name, names)}")
    return {name: value for name, value in given.items() if name in names}


def _equal(given: Any, harmless: Any) -> bool:
    return isinstance(given, str | int | float) and bool(given == harmless)


def _nearest(name: str, names: Set[str]) -> str:
    from difflib import get_close_matches  # only an error needs it

    near = get_close_matches(name, names, n=1)
    return f". Did you mean {near[0]!r}?" if near else f": it takes {', '.join(sorted(names))}"
