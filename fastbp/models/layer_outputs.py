"""The output of a layer by itself."""

import math
from typing import Any

import numpy as np

from ..conversion import as_numbers
from ..data import inputs
from ..engine.interrupts import import_to_end
from ..layers import Layer
from ..layers.stages import stages_of
from ..seeds import NOISE, shuffle_seed


def output_of(layer: Layer, x: Any, training: bool) -> np.ndarray:
    """The output of one layer for data, which is not kept. Noise is another at each call."""
    x, dtype = as_numbers("x", x), np.dtype(layer.dtype)
    sample = x.shape[1:]
    layer.check_sample(sample)
    outputs, units = layer.output_sample(sample), math.prod(sample)
    layer.expect(sample)
    rows = inputs("x", x.reshape(len(x), units), units, dtype, False)
    stages = [stage for stage in stages_of([layer], units) if training or not stage.is_random]
    if stages:
        import_to_end("fastbp.engine.engine")
        from ..engine.engine import Engine

        draws = training and layer.differs_in_training
        engine = Engine(stages, layer.dtype, shuffle_seed(None, NOISE) if draws else 0)
        engine.set_weights(layer.get_weights())
        engine.state.draws = layer._draws
        rows = engine.forward(rows, training=training)
        layer._draws = engine.state.draws
    return rows.reshape(len(x), *outputs)
