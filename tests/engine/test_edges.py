"""Data that ends where the process's memory does: whoever reads a number too far is killed."""

import os
import subprocess
import sys

import pytest

from paths import ROOT

SCRIPT = """
import ctypes, itertools, mmap
import numpy as np
from fastbp import Dense, losses, optimizers
from fastbp.engine.engine import Engine
from fastbp.layers.stages import stages_of

libc, PAGE = ctypes.CDLL(None, use_errno=True), mmap.PAGESIZE
regions = []


def at_the_edge(array):
    # a copy of an array that ends where a page begins that nobody may touch
    pages = -(-array.nbytes // PAGE)
    region = mmap.mmap(-1, (pages + 1) * PAGE)
    regions.append(region)
    start = ctypes.addressof(ctypes.c_char.from_buffer(region))
    assert libc.mprotect(ctypes.c_void_p(start + pages * PAGE), PAGE, 0) == 0, ctypes.get_errno()
    copy = np.frombuffer(region, array.dtype, array.size, pages * PAGE - array.nbytes).reshape(array.shape)
    copy[...] = array
    return copy


random, n = np.random.default_rng(0), 5003
for dtype, units, batch, threads in itertools.product(("float32", "float64"), (1, 5, 19), (61, 5003), (1, 2)):
    x, y = (at_the_edge(random.normal(size=(n, columns)).astype(dtype)) for columns in (7, units))
    weight, rates = at_the_edge(random.random(n)), at_the_edge(random.random(-(-n // batch)) / 1000)
    engine = Engine(stages_of([Dense(9, "tanh"), Dense(units)], 7), dtype)
    engine.configure(optimizers.Adam(), losses.MeanSquaredError())
    engine.set_weights([random.normal(size=shape) for shape in ((7, 9), 9, (9, units), units)])
    for shuffle in (False, True):
        ended = []
        keywords = dict(sample_weight=weight, keep_outputs=True, learning_rates=rates)
        engine.train_epochs(1, ended, x, y, batch, shuffle, 1, threads, **keywords)
        steps = -(-n // batch)
        for first in range(0, steps, 20):
            engine.train_steps(first, min(first + 20, steps), ended, x, y, batch, shuffle, 1, threads, **keywords)
    engine.evaluate(x, y, 1, threads, sample_weight=weight, keep_outputs=True)
    engine.value_and_gradient(x, y, sample_weight=weight)
print("within bounds")
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="pages are protected by Linux's mprotect")
def test_nothing_is_read_beyond_the_data():
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", SCRIPT], env=environment, capture_output=True, text=True, timeout=300)
    assert done.stdout == "within bounds\n", (done.returncode, done.stderr[-2000:])
