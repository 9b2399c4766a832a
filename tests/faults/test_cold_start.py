"""Processes that begin at once with nothing compiled, and where nothing can be kept."""

import os
import resource
import subprocess
import sys

import pytest

from paths import ROOT

FORMULA = """
import warnings
import numpy as np, fastbp
with warnings.catch_warnings(record=True) as seen:
    warnings.simplefilter("always")
    for k in range(1, 4):
        assert fastbp.grad(lambda w: fastbp.sum(w**k))(np.full(3, 2.0)).tolist() == [k * 2.0 ** (k - 1)] * 3
print(len(seen))
"""
LOOP = """
import numpy as np, fastbp
fit = fastbp.fit_formula(lambda p, x: fastbp.mean((x - p) ** 2), np.array([1.0, 3.0]), 0.0, epochs=2)
assert np.isfinite(fit.params)
print(0)
"""
MODEL = """
import numpy as np, fastbp
x = np.ones((8, 3), "float32")
model = fastbp.Sequential([fastbp.Dense(4, "tanh"), fastbp.Dense(1)], seed=0)
model.compile("adam", "mse")
assert np.isfinite(model.fit(x, x[:, :1], verbose=0).history["loss"]).all()
print(0)
"""


def start(script, cache, **settings):
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **settings.pop("env", {})}
    if cache is None:
        environment.pop("NUMBA_CACHE_DIR", None)
    else:
        environment["NUMBA_CACHE_DIR"] = str(cache)
    pipe = subprocess.PIPE
    return subprocess.Popen([sys.executable, "-c", script], env=environment, stdout=pipe, stderr=pipe, text=True, **settings)


def said(process):
    """How many warnings there were."""
    output, errors = process.communicate(timeout=900)
    assert process.returncode == 0, errors
    return int(output)


def test_processes_that_begin_at_once(tmp_path):
    assert [said(process) for process in [start(FORMULA, tmp_path) for _ in range(8)]] == [0] * 8


@pytest.mark.soak
@pytest.mark.parametrize("script", [FORMULA, LOOP, MODEL], ids=["formulas", "fits of formulas", "models"])
def test_fifty_processes_that_begin_at_once(tmp_path, script):
    assert [said(process) for process in [start(script, tmp_path) for _ in range(50)]] == [0] * 50


def test_a_full_disk(tmp_path):
    """No file may grow: what is compiled is not kept, with one warning."""

    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))

    assert said(start(FORMULA, tmp_path, preexec_fn=limit)) <= 1
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and path.stat().st_size]
