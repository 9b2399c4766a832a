"""What there is to show of a model: a row for each layer, how many numbers it learns, and what a step costs."""

import math
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ..engine.work import step_flop
from ..layers import Layer
from ..layers.stages import stages_of

Sample = tuple[int, ...]

BATCH = 32  # the samples of a step, where a cost is told: as many as ``fit`` takes unless told otherwise


@dataclass(frozen=True)
class Row:
    """One layer, as it is shown.

    Attributes
    ----------
    name, kind : str
        The layer's own name and that of its class.
    inputs, outputs : tuple
        Shapes, the batch axis first; a size that is not known yet is "?".
    activation : str
        Empty where there is none.
    params : int or None
        How many weights; None before the input's width is known.
    trainable : bool or None
        None where there is nothing to train.
    depth : int
        0, and one more for layers in a model that is itself a layer.
    """

    name: str
    kind: str
    inputs: tuple[Any, ...]
    outputs: tuple[Any, ...]
    activation: str
    params: int | None
    trainable: bool | None
    depth: int = 0


@dataclass(frozen=True)
class Costs:
    """Numbers of a model, and what a training step of ``BATCH`` samples costs.

    Attributes
    ----------
    trainable, frozen : int
        Weights.
    state : int
        Numbers that the optimizer keeps.
    activations : int
        Outputs of all layers for the batch, and the derivatives with respect to them.
    flop : int
        Floating-point operations of the step's matrix products, nothing else counted.
    itemsize : int
        Bytes of a number.
    """

    trainable: int
    frozen: int
    state: int
    activations: int
    flop: int
    itemsize: int

    @property
    def memory(self) -> int:
        """Bytes of all of it."""
        return self.itemsize * (self.trainable + self.frozen + self.state + self.activations)


def outline(layers: Iterable[Layer], sample: Sample | None, nested: bool = False, depth: int = 0) -> Iterator[Row]:
    """A row for each layer of a stack, whose input has samples of a shape, if it is known.

    ``nested``: after a layer that is itself a model, a row for each of its layers.
    """
    for layer in layers:
        after = None if sample is None else layer.output_sample(sample)
        count = None if sample is None else sum(math.prod(weight.shape) for weight in layer.weight_specs(math.prod(sample)))
        trainable = layer.trainable if count or (count is None and layer.weight_specs(1)) else None
        inputs, outputs = _shown(sample), _shown(after or (layer.output_units(None),))
        yield Row(layer.name, type(layer).__name__, inputs, outputs, layer.output_activation or "", count, trainable, depth)
        if nested:
            yield from outline(getattr(layer, "layers", ()), sample, True, depth + 1)
        sample = after


def _shown(sample: Sequence[int | None] | None) -> tuple[Any, ...]:
    return (None, *("?" if size is None else size for size in sample or (None,)))


def costs(layers: Iterable[Layer], units: int, slots: int, itemsize: int) -> Costs:
    """What layers that are no models cost, if their input has ``units`` features.

    ``slots`` are the numbers that the optimizer keeps for each weight.
    """
    stack, counts, width = list(layers), {True: 0, False: 0}, units
    for layer in stack:
        for weight in layer.weight_specs(width):
            counts[layer.trainable and weight.trainable] += math.prod(weight.shape)
        width = layer.output_units(width) or 0
    stages = stages_of(stack, units, [layer.trainable for layer in stack])
    activations = 2 * BATCH * sum(stage.units_out for stage in stages)
    return Costs(counts[True], counts[False], slots * counts[True], activations, step_flop(stages, BATCH), itemsize)


def between(rows: Sequence[Row], layer_range: Any) -> list[Row]:
    """The rows from the first whose name matches ``layer_range[0]`` to the last that matches ``layer_range[1]``."""
    if layer_range is None:
        return list(rows)
    pair = tuple(layer_range) if isinstance(layer_range, tuple | list) else ()
    if len(pair) != 2 or not all(isinstance(name, str) for name in pair):
        raise ValueError(f"layer_range must be two names of layers (or regular expressions), got {layer_range!r}")
    first, last = ([i for i, row in enumerate(rows) if re.fullmatch(name, row.name)] for name in pair)
    for name, found in zip(pair, (first, last), strict=True):
        if not found:
            listed = ", ".join(repr(row.name) for row in rows)
            raise ValueError(f"layer_range must name layers of the model, {listed}, got {name!r}")
    start, stop = min(first[0], last[-1]), max(first[0], last[-1])
    return list(rows[start : stop + 1])


def shape_text(shape: Sequence[Any]) -> str:
    """A shape as Python writes it, with ? for what is not known.

    >>> shape_text((None, 3)), shape_text((None, "?"))
    ('(None, 3)', '(None, ?)')
    """
    return f"({', '.join(map(str, shape))})"


def bytes_text(count: float) -> str:
    """A number of bytes, with two decimals and a unit.

    >>> bytes_text(6168), bytes_text(12), bytes_text(0)
    ('6.02 KB', '12.00 B', '0.00 B')
    """
    for unit in ("B", "KB", "MB", "GB"):
        if count < 1024:
            return f"{count:,.2f} {unit}"
        count /= 1024
    return f"{count:,.2f} TB"


def flop_text(count: float) -> str:
    """A number of operations with three digits.

    >>> flop_text(296_000), flop_text(18.9e9)
    ('296 kFLOP', '18.9 GFLOP')
    """
    for size, letter in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if count >= size:
            return f"{count / size:.3g} {letter}FLOP"
    return f"{count:.0f} FLOP"
