"""check_gradients: backpropagation against central differences."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .arguments import boolean, integer, number
from .models.model import Sequential

_STEPS = (1.0, 0.1, 0.01)  # a shorter step may not reach across a kink; a wrong derivative stays wrong
_SMALL_ERROR = 1e-9  # no other step is tried below this error
_ROUNDING = 64 * np.finfo(float).eps  # relative difference of two values that rounding explains


@dataclass(frozen=True)
class GradientEntry:
    """One derivative, by backpropagation and by a central difference.

    Attributes
    ----------
    array : str
        Which parameter.
    index : tuple of int
        Where in it; ``()`` for a single number.
    backpropagation, difference : float
        The derivative computed each way.
    error : float
        Their distance beyond what rounding explains, relative to the larger one.

    Examples
    --------
    >>> import fastbp
    >>> fastbp.check_gradients(lambda x: x**2, 3.0).worst.backpropagation
    6.0
    """

    array: str
    index: tuple[int, ...]
    backpropagation: float
    difference: float
    error: float

    def __str__(self) -> str:
        place = f"{self.array}[{', '.join(map(str, self.index))}]" if self.index else self.array
        return f"{place}: backpropagation {self.backpropagation:.9g}, difference {self.difference:.9g}, error {self.error:.2g}"


@dataclass(frozen=True)
class GradientCheck:
    """What ``check_gradients`` found. It is true where all derivatives agree, so that tests can assert it.

    Attributes
    ----------
    entries : list of GradientEntry
        All that were checked, the worst first.
    tolerance : float
        The largest error that passes.

    Examples
    --------
    >>> import fastbp
    >>> bool(fastbp.check_gradients(lambda x: x**2, 3.0))
    True
    """

    entries: list[GradientEntry]
    tolerance: float
    shown: int = 5

    @property
    def worst(self) -> GradientEntry:
        return self.entries[0]

    def __bool__(self) -> bool:
        return bool(self.worst.error <= self.tolerance)

    def __repr__(self) -> str:
        bad = sum(not entry.error <= self.tolerance for entry in self.entries)
        verdict = "all agree" if self else f"{bad} differ"
        lines = [f"GradientCheck: {verdict} of {len(self.entries)} derivatives, tolerance {self.tolerance:g}; the worst:"]
        return "\n".join(lines + [f"  {entry}" for entry in self.entries[: self.shown]])


def check_gradients(
    model_or_function: Any,
    *args: Any,
    argnums: int | Sequence[int] = 0,
    gradient: Callable[..., Any] | None = None,
    tolerance: float = 1e-6,
    max_entries: int | None = 100,
    seed: int = 0,
    training: bool = False,
) -> GradientCheck:
    """Compare derivatives by backpropagation with central differences, in float64.

    Where a step reaches across a kink (of relu, say) shorter ones are tried. About rounding and truncation of differences see
    Nocedal and Wright 2006, Numerical Optimization, section 8.1.

    Parameters
    ----------
    model_or_function : Sequential or callable
        A compiled model; its derivatives with respect to the weights that learn are checked on a float64 copy. Or a formula as
        ``fastbp.grad`` takes it, which is called with NumPy's numbers and arrays for the differences.
    *args
        A model's x and y, or the function's arguments.
    argnums : int or sequence of int
        Of a function, the arguments to differentiate with respect to.
    gradient : callable, optional
        A function's gradient, to be checked instead of ``fastbp.grad``'s: takes the same arguments and returns an array, or a
        tuple of them for a sequence of ``argnums``.
    tolerance : float
        The largest relative error that passes.
    max_entries : int or None
        How many derivatives of each array to check, chosen at random with ``seed``; None for all.
    seed : int
    training : bool
        Of a model, whether its layers do what they do while it learns, with the noise of one step throughout.

    Returns
    -------
    GradientCheck
        True where all agree; prints the worst ones.

    Raises
    ------
    TypeError, ValueError
        For arguments that do not fit.

    Examples
    --------
    >>> import fastbp
    >>> import numpy as np
    >>> x = np.linspace(-1, 1, 20).reshape(-1, 1)
    >>> model = fastbp.Sequential([fastbp.Dense(8, "tanh"), fastbp.Dense(1)], seed=0)
    >>> model.compile("adam", "mse")
    >>> assert fastbp.check_gradients(model, x, x**2)
    >>> fastbp.check_gradients(lambda p: p**2, 3.0, gradient=lambda p: 5.0)
    GradientCheck: 1 differ of 1 derivatives, tolerance 1e-06; the worst:
      argument 0: backpropagation 5, difference 6, error 0.17
    """
    tolerance, seed = number("tolerance", tolerance, 0), integer("seed", seed, 0)
    most = None if max_entries is None else integer("max_entries", max_entries, 1)
    if isinstance(model_or_function, Sequential):
        if len(args) != 2:
            raise TypeError(f"a model is checked on x and y, got {len(args)} arguments")
        names, arrays, derivatives, value = _of_model(model_or_function, *args, training=boolean("training", training))
    elif callable(model_or_function):
        names, arrays, derivatives, value = _of_function(model_or_function, args, argnums, gradient)
    else:
        raise TypeError(f"model_or_function must be a Sequential or a function, got {model_or_function!r}")
    rng = np.random.default_rng(seed)
    entries = [entry for i in range(len(arrays)) for entry in _entries(names[i], arrays, i, derivatives[i], value, most, rng)]
    entries.sort(key=lambda entry: -entry.error if entry.error == entry.error else -np.inf)
    return GradientCheck(entries, tolerance)


Parts = tuple[list[str], list[np.ndarray], list[np.ndarray], Callable[[list[np.ndarray]], float]]


def _of_model(model: Sequential, x: Any, y: Any, training: bool) -> Parts:
    """Names, weights and gradients of a float64 copy, and its loss as a function of the weights."""
    from .layers import Input

    if model.optimizer is None or model.loss is None:
        raise ValueError("the model must be compiled first, got none of compile(optimizer, loss, metrics)")
    if not model.built:
        model.value_and_gradient(x, y)  # builds the model: its width follows from the data
    assert model.input_shape is not None
    copy = Sequential([Input(model.input_shape[1:]), *(leaf.twin(leaf.name) for leaf in model.leaves())], dtype="float64")
    copy.compile(model.optimizer, model.loss)
    weights = [np.array(w, np.float64) for w in model.get_weights()]
    copy.set_weights(weights)
    _, derivatives = copy.value_and_gradient(x, y, training=training)
    names = [f"layer {i} {weight.name}" for i, leaf in enumerate(copy.leaves()) for weight in leaf.weights]
    learnt = [i for i, weight in enumerate(copy.weights) if weight.trainable]

    def value(changed: list[np.ndarray]) -> float:
        whole = list(weights)
        for i, array in zip(learnt, changed, strict=True):
            whole[i] = array
        copy.set_weights(whole)
        return copy.value_and_gradient(x, y, training=training)[0]

    return [names[i] for i in learnt], [weights[i] for i in learnt], [derivatives[i] for i in learnt], value


def _of_function(f: Callable[..., Any], args: tuple[Any, ...], argnums: Any, gradient: Callable[..., Any] | None) -> Parts:
    """Names and values of the chosen arguments, the gradients with respect to them, and the function of them."""
    from .graph.autodiff.derivative import argument_numbers
    from .graph.autodiff.transforms import grad

    single, chosen = argument_numbers(argnums)
    for i in chosen:
        if not -len(args) <= i < len(args):
            raise ValueError(f"argnums names argument {i}, the function was given {len(args)}")
    chosen = [i % len(args) for i in chosen]
    values = [np.array(a, np.float64) for a in args]
    found = (gradient or grad(f, argnums))(*(_plain(v) for v in values))
    derivatives = [np.asarray(s, np.float64) for s in ([found] if single else found)]
    names = [f"argument {i}" for i in chosen]
    for name, derivative, i in zip(names, derivatives, chosen, strict=True):
        if derivative.shape != values[i].shape:
            raise ValueError(f"gradient must have shape {values[i].shape} for {name}, got {derivative.shape}")

    def value(changed: list[np.ndarray]) -> float:
        whole = list(values)
        for i, array in zip(chosen, changed, strict=True):
            whole[i] = array
        result = np.asarray(f(*(_plain(v) for v in whole)), np.float64)
        if result.ndim:
            raise ValueError(f"model_or_function must return a single number, got shape {result.shape}")
        return float(result)

    return names, [values[i] for i in chosen], derivatives, value


def _plain(array: np.ndarray) -> Any:
    """A copy of an array, or a number."""
    return array.copy() if array.ndim else array[()]


def _entries(
    name: str,
    arrays: list[np.ndarray],
    which: int,
    derivative: np.ndarray,
    value: Any,
    most: int | None,
    rng: np.random.Generator,
) -> Iterator[GradientEntry]:
    """Some or all derivatives with respect to one array."""
    places = np.arange(arrays[which].size)
    if most is not None and most < len(places):
        places = np.sort(rng.choice(places, most, replace=False))
    for place in places:
        index = tuple(int(i) for i in np.unravel_index(place, arrays[which].shape))
        exact = float(derivative[index])
        tries = [_difference(arrays, which, index, exact, value, _STEPS[0])]
        if tries[0][1] > _SMALL_ERROR:
            tries += [_difference(arrays, which, index, exact, value, scale) for scale in _STEPS[1:]]
        difference, error = min(tries, key=lambda found: found[1] if found[1] == found[1] else np.inf)
        yield GradientEntry(name, index, exact, difference, error)


def _difference(
    arrays: list[np.ndarray], which: int, index: tuple[int, ...], exact: float, value: Any, scale: float
) -> tuple[float, float]:
    """The derivative by a central difference, and the relative error of the exact one beyond rounding."""
    centre = arrays[which][index]
    # The cube root of the rounding error balances truncation (step squared) against cancellation (1 / step).
    step = scale * np.cbrt(np.finfo(float).eps) * max(1.0, abs(centre))
    points = []
    for x in (centre + step, centre - step):
        changed = list(arrays)
        changed[which] = arrays[which].copy()
        changed[which][index] = x
        points.append((float(changed[which][index]), value(changed)))
    (high, above), (low, below) = points
    difference = float((above - below) / (high - low))
    rounding = _ROUNDING * max(abs(above), abs(below)) / (high - low)
    largest = max(abs(exact), abs(difference))
    distance = abs(exact - difference)
    if not np.isfinite(distance):
        return difference, np.inf
    return difference, float(max(distance - rounding, 0.0) / largest) if largest else 0.0
