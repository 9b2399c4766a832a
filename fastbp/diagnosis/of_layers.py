"""Findings about layers: what a step's gradients and outputs say."""

import math
from collections.abc import Collection, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from ..kernels.fields import DEAD_SHARE, FLAT_SHARE, GRADIENT_NORM, OUTPUT_MEAN, OUTPUT_SPREAD
from ..layers.stages import Stage
from .finding import Finding

FADED = 1e-3  # of the largest signal above a layer, below which what comes down to it has vanished
MAX_DEAD, NEARLY_ALL = 0.4, 0.95  # shares of a layer's units
MAX_SATURATED = 0.5  # share of a layer's outputs


class Signal(NamedTuple):
    """A layer that learns, and how much of the loss's gradient comes down to it."""

    name: str
    strength: float
    gradient_norm: float


def signals(record: np.ndarray, stages: Sequence[Stage], layers: Sequence[Any], input_square: float) -> list[Signal]:
    """Of each dense layer that learns, from the input up.

    A weight's gradient is the gradient with respect to a unit's sum, times an input. Divided by the size of the layer's
    inputs, gradients of layers become comparable. ``input_square`` is the mean square of the network's inputs.
    """
    squares = [input_square, *(record[:, OUTPUT_MEAN] ** 2 + record[:, OUTPUT_SPREAD] ** 2)]
    found = []
    for layer in layers:
        stage, norm = stages[layer.weights], float(record[layer.weights, GRADIENT_NORM])
        if stage.is_dense and stage.learns:
            inputs = stage.units_in * squares[layer.weights] + stage.bias
            found.append(Signal(layer.name, norm / math.sqrt(inputs) if inputs > 0 else norm, norm))
    return found


def of_gradients(found: Sequence[Signal], dead: Collection[str]) -> Iterator[Finding]:
    """Whether gradients vanish or explode on their way down. That nothing comes through ``dead`` layers is known."""
    numbers = {signal.name: signal.gradient_norm for signal in found}
    if not all(math.isfinite(signal.strength) for signal in found):
        yield Finding(
            "exploding_gradient",
            next(signal.name for signal in found if not math.isfinite(signal.strength)),
            "error",
            "The gradient is not finite.",
            "Scale inputs and targets to about 1, draw smaller weights (kernel_initializer='glorot_uniform'), and lower the "
            "learning rate.",
            {"gradient_norms": numbers},
        )
        return
    if len(found) < 2:
        return
    above = [max((s.strength for s in found[i + 1 :]), default=0.0) for i in range(len(found))]
    lowest = max((i + 1 for i, signal in enumerate(found) if signal.name in dead), default=0)
    faded = [found[i] for i in range(lowest, len(found)) if found[i].strength < FADED * above[i]]
    if faded:
        weakest = min(faded, key=lambda signal: signal.strength)
        most = max(signal.strength for signal in found)
        yield Finding(
            "vanishing_gradient",
            faded[0].name,
            "error" if weakest.strength < 1e-6 * most else "warning",
            f"The gradient fades on its way down: less than 1/1000 of what layers above get comes to {_range(faded)}, and "
            f"{_times(most, weakest.strength)} less to {weakest.name}. They hardly learn.",
            "Use relu with kernel_initializer='he_normal' rather than sigmoid or tanh, fewer layers, or normalization between "
            "them.",
            {"gradient_norms": numbers, "weakest": weakest.strength / most},
        )
    top = found[-1].strength
    grown = [signal for signal in found[:-1] if top > 0 and signal.strength > top / FADED]
    if grown:
        strongest = max(grown, key=lambda signal: signal.strength)
        yield Finding(
            "exploding_gradient",
            strongest.name,
            "error",
            f"The gradient grows on its way down: more than 1000 times what the last layer gets comes to {_range(grown)}, and "
            f"{_times(strongest.strength, top)} as much to {strongest.name}.",
            "Draw smaller weights (kernel_initializer='glorot_uniform' or 'he_normal'), or clip gradients by their norm.",
            {"gradient_norms": numbers, "strongest": strongest.strength / top},
        )


def of_outputs(record: np.ndarray, stages: Sequence[Stage], layers: Sequence[Any]) -> Iterator[Finding]:
    """Units that let no gradient through; where all of a layer's are such, it is an error."""
    for layer in layers:
        if layer.output >= len(record):  # a last activation that is one with the loss
            continue
        units, activation = stages[layer.output].units_out, stages[layer.output].activation.name
        dead, flat = float(record[layer.output, DEAD_SHARE]), float(record[layer.output, FLAT_SHARE])
        if dead > MAX_DEAD:
            count = round(dead * units)
            yield Finding(
                "dead_units",
                layer.name,
                "error" if dead > NEARLY_ALL else "warning",
                f"{count} of {units} {activation} units are flat for every row, so that no gradient comes through: they do "
                "not learn.",
                "Lower the learning rate, begin with kernel_initializer='he_normal' and biases at 0 or a little above, or use "
                "leaky_relu or elu.",
                {"dead": count, "units": units},
            )
        elif layer.saturates and flat > MAX_SATURATED and layer is not layers[-1]:
            yield Finding(
                "saturated_units",
                layer.name,
                "error" if flat > NEARLY_ALL else "warning",
                f"{100 * flat:.0f} % of the outputs are at the flat ends of {activation}, where its derivative is less than "
                "5 % of the largest: little gradient comes through.",
                "Scale the inputs to about 1, draw smaller weights (kernel_initializer='glorot_uniform'), or put normalization "
                "before the activation.",
                {"saturated": flat, "units": units},
            )


def _range(found: Sequence[Signal]) -> str:
    names = [signal.name for signal in found]
    return ", ".join(names) if len(names) <= 3 else f"{len(names)} layers from {names[0]} to {names[-1]}"


def _times(large: float, small: float) -> str:
    return f"{large / small:.0e} times" if small > 0 else "infinitely"
