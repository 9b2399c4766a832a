"""FASTBP_DEBUG=1: canaries round buffers find a write outside of them, and name the buffer."""

import ctypes
import os
import subprocess
import sys

import numpy as np
import pytest

from fastbp.engine import guards, memory


@pytest.fixture
def enabled(monkeypatch):
    for module in (guards, memory):
        monkeypatch.setattr(module, "ENABLED", True)


def write(address, size=1):
    """As compiled code writes: to a plain address."""
    ctypes.memset(address, 0, size)


@pytest.mark.parametrize("make", [memory.aligned_zeros, memory.zeros, memory.empty])
@pytest.mark.parametrize(("count", "dtype"), [(1, np.float32), (37, np.float64), (4096, np.uint8)])
def test_what_is_written_outside_is_found(make, count, dtype, enabled):
    array = make("a buffer", count, dtype)
    first, size = array.ctypes.data, array.nbytes
    assert first % guards.ALIGNMENT == 0 and array.shape == (count,) and array.dtype == dtype
    array[:] = 1
    guards.check()
    for place, message in [
        (first + size, f"after the buffer 'a buffer' of {size} bytes, at 0 bytes from its end"),
        (first + size + guards.GUARD - 1, f"at {guards.GUARD - 1} bytes from its end"),
        (first - 1, "before the buffer 'a buffer' .* at -1 bytes from its beginning"),
        (first - guards.GUARD, f"at -{guards.GUARD} bytes from its beginning"),
    ]:
        array = make("a buffer", count, dtype)
        shift = array.ctypes.data - first
        write(place + shift)
        with pytest.raises(guards.BufferOverrun, match=message):
            guards.check()
        guards.check()  # it is told once


def test_a_range_is_told_and_buffers_that_are_gone_are_forgotten(enabled):
    array = memory.empty("rows", (3, 5), np.float32)
    assert array.shape == (3, 5)
    write(array.ctypes.data + 60 + 4, 8)
    with pytest.raises(guards.BufferOverrun, match="after the buffer 'rows' of 60 bytes, at 4 .. 11 bytes"):
        guards.check()
    count = len(guards._guarded)
    many = [memory.zeros("many", 10) for _ in range(100)]
    guards.check()
    assert len(guards._guarded) >= count + 100
    del many
    guards.check()
    assert len(guards._guarded) <= count + 1


def test_without_the_variable_there_is_nothing(monkeypatch):
    monkeypatch.setattr(guards, "ENABLED", False)
    assert guards.checked(len) is len
    if not memory.ENABLED:
        assert memory.zeros("a", 3).base is None and memory.empty("a", 3).base is None


PLANTED = """
import numpy as np, fastbp
from fastbp.engine import guards
from fastbp.kernels import fields as at
assert guards.ENABLED
model = fastbp.Sequential([fastbp.Dense(5), fastbp.Dense(3)], seed=0)
model.compile("sgd", "mse")
x, y = np.ones((30, 4), "f"), np.ones((30, 3), "f")
model.fit(x, y, batch_size=10, verbose=0)
model.predict(x)
for plan in model._engine._plans._plans.values():
    end = plan.buffers["activations"].ctypes.data + plan.buffers["activations"].nbytes
    plan.table[-1, at.DELTA] = end - 32  # a mistake in the layout: one row has room there
try:
    model.fit(x, y, batch_size=10, verbose=0)
except guards.BufferOverrun as error:
    assert "wrote after the buffer 'activations'" in str(error), error
    print("found")
"""


def test_a_mistake_in_a_plan_is_found_by_the_call_that_makes_it():
    environment = {**os.environ, "FASTBP_DEBUG": "1"}
    done = subprocess.run([sys.executable, "-c", PLANTED], env=environment, capture_output=True, text=True, timeout=120)
    assert done.stdout.strip() == "found", done.stderr
