"""Parameters with names: which are free, which are held, and which follow from others."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from ..arguments import number, unknown
from .bounds import bounds_pair
from .curve_fit import start_within

Tie = Callable[..., Any]


class Parameters:
    """The parameters of a formula f(x, a, b, ...).

    Attributes
    ----------
    names : list of str
        Of all, in the formula's order.
    free : list of str
        Those that are fitted.
    fixed : dict
        Those that are held, with their values.
    tied : dict
        Those that are functions of others, with the functions; each after those that it needs.
    start, low, high : array
        Of the free ones: where they begin, and their bounds.
    """

    def __init__(self, f: Callable[..., Any], p0: Any, bounds: Any, fixed: Any, tied: Mapping[str, Tie] | None) -> None:
        self.f = f
        self.names = _names(f, p0)
        values = self._values(p0)
        self.fixed = self._fixed(fixed, values)
        self.needs = {name: self._arguments(name, tie) for name, tie in (tied or {}).items()}
        both = [name for name in self.needs if name in self.fixed]
        if both:
            raise ValueError(f"tied and fixed must name different parameters, got {both[0]!r} in both")
        self.tied = {name: (tied or {})[name] for name in self._order()}
        self.free = [name for name in self.names if name not in self.fixed and name not in self.tied]
        if not self.free:
            raise ValueError("fixed and tied must leave at least one parameter free")
        self.low, self.high = self._bounds(bounds)
        if not (self.low < self.high).all():
            raise ValueError("bounds must have each lower bound below the upper one")
        chosen = start_within(self.low, self.high)
        self.start = np.array([values.get(name, middle) for name, middle in zip(self.free, chosen, strict=True)])
        outside = [n for n, p, a, b in zip(self.free, self.start, self.low, self.high, strict=True) if not a <= p <= b]
        if outside:
            raise ValueError(f"p0 must lie within bounds, which that of {outside[0]!r} does not")

    def values(self, free: Iterable[Any]) -> dict[str, Any]:
        """All parameters by their names, from those that are free: numbers or nodes."""
        found = {**self.fixed, **dict(zip(self.free, free, strict=True))}
        for name, tie in self.tied.items():
            found[name] = tie(*(found[other] for other in self.needs[name]))
        return {name: found[name] for name in self.names}

    def model(self) -> Callable[..., Any]:
        """The formula as a function of x and the free parameters."""
        if self.free == self.names:
            return self.f
        return lambda x, *free: self.f(x, *self.values(free).values())

    # -- reading the arguments

    def _check(self, argument: str, names: Iterable[str]) -> None:
        for name in names:
            if name not in self.names:
                raise unknown(f"a name in {argument}", name, self.names)

    def _values(self, p0: Any) -> dict[str, float]:
        """The values that are given, by p0 or as defaults of the formula."""
        found = _defaults(self.f)
        if isinstance(p0, Mapping):
            self._check("p0", p0)
            given = p0
        else:
            given = {} if p0 is None else dict(zip(self.names, np.atleast_1d(np.asarray(p0, float)).tolist(), strict=True))
        return {**found, **{name: number(f"p0[{name!r}]", value) for name, value in given.items()}}

    def _fixed(self, fixed: Any, values: dict[str, float]) -> dict[str, float]:
        if isinstance(fixed, Mapping):
            self._check("fixed", fixed)
            return {name: number(f"fixed[{name!r}]", value) for name, value in fixed.items()}
        fixed = [fixed] if isinstance(fixed, str) else list(fixed)
        self._check("fixed", fixed)
        missing = [name for name in fixed if name not in values]
        if missing:
            raise ValueError(f"p0 must have a value for {missing[0]!r}, which is fixed")
        return {name: values[name] for name in fixed}

    def _arguments(self, name: str, tie: Any) -> list[str]:
        """The parameters that a tie is a function of."""
        self._check("tied", [name])
        if not callable(tie):
            raise TypeError(f"tied[{name!r}] must be a function of other parameters, got {tie!r}")
        found = list(inspect.signature(tie).parameters)
        self._check(f"the arguments of tied[{name!r}]", found)
        return found

    def _order(self) -> list[str]:
        """The tied parameters, each after those that it needs."""
        done: list[str] = []
        while len(done) < len(self.needs):
            ready = [n for n in self.needs if n not in done and all(o not in self.needs or o in done for o in self.needs[n])]
            if not ready:
                left = [name for name in self.needs if name not in done]
                raise ValueError(f"tied must not go in a circle, as {' and '.join(map(repr, left))} do")
            done += ready
        return done

    def _bounds(self, bounds: Any) -> tuple[np.ndarray, np.ndarray]:
        """Lower and upper bounds of the free parameters."""
        if bounds is None:
            return np.full(len(self.free), -np.inf), np.full(len(self.free), np.inf)
        if isinstance(bounds, Mapping):
            self._check("bounds", bounds)
            useless = [name for name in bounds if name not in self.free]
            if useless:
                raise ValueError(f"bounds must be of free parameters, which {useless[0]!r} is not")
            pairs = [bounds.get(name, (-np.inf, np.inf)) for name in self.free]
            if any(np.size(pair) != 2 for pair in pairs):
                raise ValueError(f"bounds must have a pair (lower, upper) for each name, got {bounds!r}")
            ends = [[-np.inf if a is None else a, np.inf if b is None else b] for a, b in pairs]
            low, high = np.array(ends, float).T
            return low, high
        which = [self.names.index(name) for name in self.free]
        try:
            low, high = (np.full(len(self.names), end, float)[which] for end in bounds_pair(bounds))
        except (TypeError, ValueError):
            count = len(self.names)
            raise ValueError(
                f"bounds must be a dict, or two numbers or arrays of {count} values, the parameters, got {bounds!r}"
            ) from None
        return low, high


def _positional(f: Callable[..., Any]) -> list[inspect.Parameter]:
    """The formula's parameters after x."""
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.VAR_POSITIONAL)
    return [p for p in inspect.signature(f).parameters.values() if p.kind in kinds][1:]


def _names(f: Callable[..., Any], p0: Any) -> list[str]:
    found: list[str] = []
    given = 0 if p0 is None or isinstance(p0, Mapping) else np.size(p0)
    for parameter in _positional(f):
        if parameter.kind != parameter.VAR_POSITIONAL:
            found.append(parameter.name)
        elif isinstance(p0, Mapping):
            found += [name for name in p0 if name not in found]
        else:
            found += [f"{parameter.name}{i}" for i in range(given - len(found))]
    if not found:
        raise ValueError("f must take parameters after x; for f(x, *p) p0 says how many")
    if given and given != len(found):
        raise ValueError(f"p0 must have {len(found)} values ({', '.join(found)}), got {given}")
    return found


def _defaults(f: Callable[..., Any]) -> dict[str, float]:
    return {p.name: float(p.default) for p in _positional(f) if isinstance(p.default, int | float)}
