"""One expression compiled for several uses: what is kept on disk for one of them never serves another."""

import itertools
import os
import subprocess
import sys

import pytest

SETUP = """
import numpy as np
import fastbp

k, x, rows = 1.5, 1.25, np.linspace(0.3, 1.7, 12)
inputs, targets = np.random.default_rng(0).normal(size=(12, 3)), np.ones((12, 1))

def f(x):
    return k * x**2 + x

def model(activation=None, loss="mse"):
    made = fastbp.Sequential([fastbp.Input((3,)), fastbp.Dense(1, activation)], seed=0, dtype="float64")
    made.compile("sgd", loss)
    return made, inputs @ made.get_weights()[0]
"""

USES = {
    "value_and_grad": "assert np.allclose(fastbp.value_and_grad(f)(x), [k * x**2 + x, 2 * k * x + 1])",
    "grad": "assert np.isclose(fastbp.grad(f)(x), 2 * k * x + 1)",
    "jacobian": "assert np.allclose(fastbp.jacobian(lambda p, r: f(p * r))(1.0, rows), rows * (2 * k * rows + 1))",
    "hessian": "assert np.isclose(fastbp.hessian(f)(x), 2 * k)",
    "mean": "assert np.isclose(fastbp.value_and_grad(lambda p, r: fastbp.mean(f(p * r)))(1.0, rows)[0], np.mean(f(rows)))",
    "curve_fit": "assert np.isclose(fastbp.curve_fit(lambda x, a: f(a * x), rows, f(0.9 * rows), p0=[1.0])[0][0], 0.9)",
    "activation": "m, z = model(f); assert np.allclose(m.predict(inputs), f(z))",
    "loss": "m, z = model(None, lambda y, p: f(p)); assert np.isclose(m.evaluate(inputs, targets, verbose=0), np.mean(f(z)))",
}


@pytest.mark.parametrize("order", ["there", "back"])
def test_every_use_beside_every_other(order, tmp_path):
    """All in one process, then in a second one that finds the code of the first on disk in the other order."""
    uses = list(USES) if order == "there" else list(USES)[::-1]
    for turn in (uses, uses[::-1]):
        # Neighbours in both orders, and all of them again.
        script = SETUP + "\n".join(USES[use] for use in itertools.chain(turn, turn))
        run = subprocess.run(
            [sys.executable, "-X", "faulthandler", "-c", script],
            env={**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)},
            capture_output=True,
            text=True,
            timeout=180,
        )
        assert run.returncode == 0, run.stderr[-1500:]
