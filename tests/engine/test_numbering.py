"""Networks' arrays as rows of numbers are where the engine itself would have put them."""

import numpy as np
import pytest

import fastbp as bp
from fastbp.engine.engine import Engine
from fastbp.engine.numbering import Numbering
from fastbp.layers.stages import stages_of

NETWORKS = {
    "dense": (3, [bp.Dense(33, "tanh"), bp.Dense(70, use_bias=False), bp.Dense(1)]),
    "norms": (5, [bp.Dense(9), bp.layers.LayerNormalization(), bp.layers.PReLU(), bp.layers.BatchNormalization(), bp.Dense(2)]),
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", NETWORKS)
def test_as_the_engine_has_them(name, dtype):
    units, layers = NETWORKS[name]
    engine = Engine(stages_of(layers, units), dtype)
    parameters, generator = engine._parameters, np.random.default_rng(0)
    networks = [[generator.normal(size=a.shape).astype(dtype) for a in engine.get_weights()] for _ in range(3)]
    numbering, buffers = Numbering(parameters), np.zeros((3, parameters.size), dtype)
    buffers[:] = parameters.weights
    numbering.write(buffers, networks)
    for buffer, arrays, found in zip(buffers, networks, numbering.read(buffers), strict=True):
        engine.set_weights(arrays)
        np.testing.assert_array_equal(buffer, parameters.weights)
        for a, b in zip(found, arrays, strict=True):
            np.testing.assert_array_equal(a, b, strict=True)


@pytest.mark.parametrize("settings", [{}, {"mean": [1.0, 2.0], "variance": [4.0, 9.0]}], ids=["weights", "constants"])
def test_numbers_in_several_places_and_constants(settings):
    """A normalization along an axis has one mean for the units of all other axes; one that is given is no weight."""
    layers = [bp.layers.Normalization(axis=-1, **settings), bp.layers.Flatten(), bp.Dense(3)]
    engine = bp.Sequential([bp.Input((3, 2)), *layers])._build(6)
    parameters = engine._parameters
    numbering = Numbering(parameters)
    arrays = [array + 1 + i for i, array in enumerate(engine.get_weights())]
    buffers = parameters.weights.copy()[None]
    numbering.write(buffers, [arrays])
    engine.set_weights(arrays)
    np.testing.assert_array_equal(buffers[0], parameters.weights)
    for a, b in zip(numbering.read(buffers)[0], arrays, strict=True):
        np.testing.assert_array_equal(a, b)
