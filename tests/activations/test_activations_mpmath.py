"""Smooth activations and their derivatives to all digits, also far out: against their definitions in 320 digits."""

import mpmath
import numpy as np
import pytest

import fastbp
from fastbp import activations, layers, losses, optimizers
from fastbp.engine.engine import Engine
from fastbp.layers.stages import stages_of

mp = mpmath.mp.clone()
mp.dps = 320  # so many that differences of numbers near each other keep enough

DEFINITIONS = {
    "softsign": lambda z: z / (1 + abs(z)),
    "squareplus": lambda z: (z + mp.sqrt(z * z + 4)) / 2,
    "mish": lambda z: z * mp.tanh(mp.log1p(mp.exp(z))),
    "celu": lambda z: z if z > 0 else mp.expm1(z),
    "log_sigmoid": lambda z: -mp.log1p(mp.exp(-z)),
    "exponential": mp.exp,
}
POINTS = [-1e4, -300.5, -36.25, -5.5, -1.0, -0.4, -1e-3, 1e-3, 0.4, 1.0, 2.75, 36.25, 300.5, 1e4]


@pytest.mark.parametrize("name", DEFINITIONS)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_values_and_derivatives(name, dtype):
    z = np.array(POINTS, dtype)[:, None]
    if name == "exponential":
        z = z[np.abs(z) < 80][:, None]
    engine = Engine(stages_of([layers.Dense(1, name, use_bias=False)], 1), dtype)
    engine.configure(optimizers.SGD(), losses.MeanSquaredError())
    engine.set_weights([np.ones((1, 1), dtype)])
    exact = [mp.mpf(float(x)) for x in z[:, 0]]
    values = np.array([[float(DEFINITIONS[name](x))] for x in exact])
    slopes = np.array([[float(mp.diff(DEFINITIONS[name], x, h=mp.mpf(10) ** -100))] for x in exact])
    eps, tiny = float(np.finfo(dtype).eps), float(np.finfo(dtype).tiny)
    assert engine.forward(z, keep=True) == pytest.approx(values, rel=16 * eps, abs=64 * tiny)
    assert engine.backward(np.ones_like(z))[0] == pytest.approx(slopes, rel=64 * eps, abs=2e4 * tiny)
    if dtype == "float64":
        assert getattr(activations, name)(z) == pytest.approx(values, rel=16 * eps, abs=64 * tiny)


@pytest.mark.parametrize("name", DEFINITIONS)
def test_derivatives_at_zero(name):
    expected = {"squareplus": 0.5, "log_sigmoid": 0.5, "mish": 0.6}.get(name, 1.0)
    assert fastbp.grad(getattr(activations, name))(0.0) == pytest.approx(expected, rel=1e-12)
