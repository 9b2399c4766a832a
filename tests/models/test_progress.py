"""What is only shown: as it should look, and that nothing about it can stop a fit."""

import io
import json
import os
import subprocess
import sys

import numpy as np
import pytest

import fastbp

X = np.linspace(-1, 1, 64, dtype="float32")[:, None]


def use():
    """Everything that shows something."""
    model = fastbp.Sequential([fastbp.Dense(4, "tanh"), fastbp.Dense(1)], seed=0)
    model.compile("adam", "mse", metrics=["mae"])
    for verbose in (1, 2, "auto"):
        assert len(model.fit(X, X, epochs=3, verbose=verbose, validation_split=0.5).epoch) == 3
        assert len(model.evaluate(X, X, verbose=verbose)) == 2
        assert fastbp.fit_formula(lambda p, x: fastbp.mean((x - p) ** 2), X[:, 0], 0.5, epochs=3, verbose=verbose).loss >= 0


class Bad:
    """A stream that cannot be written, and has nothing else that streams have."""

    def __init__(self, error):
        self.error = error

    def write(self, text):
        raise self.error


def closed():
    stream = io.StringIO()
    stream.close()
    return stream


STREAMS = {
    "none": lambda: None,
    "closed": closed,
    "a broken pipe": lambda: Bad(BrokenPipeError()),
    "a full disk": lambda: Bad(OSError(28, "No space left on device")),
    "a detached one": lambda: Bad(ValueError("underlying buffer has been detached")),
    "an error of its own": lambda: Bad(KeyError()),
    "no stream": lambda: object(),
    "ascii": lambda: io.TextIOWrapper(io.BytesIO(), "ascii"),
    "cp1252": lambda: io.TextIOWrapper(io.BytesIO(), "cp1252"),
    "ascii that says utf-8": lambda: Claims(io.BytesIO(), "ascii"),
}


class Claims(io.TextIOWrapper):
    encoding = "utf-8"


@pytest.mark.parametrize("kind", STREAMS)
def test_no_stream_stops_a_fit(kind, monkeypatch):
    stream = STREAMS[kind]()
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setattr(sys, "stdout", stream)
    use()
    if isinstance(stream, io.TextIOWrapper):
        text = stream.detach().getvalue().decode("ascii")
        assert "Epoch 3/3" in text and "samples/s" in text and "mae: " in text


def test_no_stream_from_the_start_of_the_process():
    """As with pythonw: Python itself sets them to None where the descriptors are closed."""
    script = """
import os, subprocess, sys
child = '''
import sys
assert sys.stdout is None and sys.stderr is None
from test_progress import use
use()
open(sys.argv[1], "w").write("well")
'''
path = sys.argv[1]
done = subprocess.run([sys.executable, "-c", child, path], preexec_fn=lambda: [os.close(1), os.close(2)])
assert done.returncode == 0
"""
    if not hasattr(os, "fork"):
        pytest.skip("descriptors are closed by a child before it begins")
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        told = os.path.join(folder, "told")
        tests = os.pathsep.join([os.path.dirname(__file__), os.getcwd(), os.environ.get("PYTHONPATH", "")])
        subprocess.run([sys.executable, "-c", script, told], env={**os.environ, "PYTHONPATH": tests}, check=True, timeout=500)
        with open(told) as file:
            assert file.read() == "well"


# What a first fit shows and measures.
FIRST = """
import json, sys, time
import numpy as np, fastbp
x = np.linspace(-1, 1, 64, dtype=np.float32)[:, None]
start = time.perf_counter()
if sys.argv[1] == "formula":
    fit = fastbp.fit_formula(lambda p, x: fastbp.mean((x - p) ** 2), x[:, 0], 0.5, epochs=2, verbose=int(sys.argv[2]))
    history = fit.history
else:
    model = fastbp.Sequential([fastbp.Dense(8, "tanh"), fastbp.Dense(1)], seed=0)
    model.compile("adam", "mse" if sys.argv[1] == "mse" else lambda t, p: (t - p) ** 2)
    history = model.fit(x, x, epochs=2, verbose=int(sys.argv[2]))
whole = time.perf_counter() - start
print(json.dumps([whole, [64 / rate for rate in history.samples_per_second]]))
"""


@pytest.mark.parametrize("kind", ["mse", "custom", "formula"])
def test_the_first_fit_on_a_machine_tells_that_it_compiles_and_does_not_count_it(kind, tmp_path):
    def fit(verbose):
        done = subprocess.run(
            [sys.executable, "-c", FIRST, kind, str(verbose)],
            env={**os.environ, "NUMBA_CACHE_DIR": str(cache)},
            capture_output=True,
            encoding="utf-8",
            timeout=500,
            check=True,
        )
        *shown, numbers = done.stdout.splitlines()
        return "\n".join([*shown, done.stderr]), json.loads(numbers)

    cache, verbose = tmp_path, 1 if kind == "mse" else 2
    shown, (whole, epochs) = fit(verbose)
    assert shown.count("Compiling (once per machine)") == 1
    assert shown.index("Compiling") < shown.index("Epoch 1/2")
    assert sum(epochs) < whole / 10  # all the rest of it is compilation
    shown, _ = fit(verbose)
    assert "Compiling" not in shown and "Epoch 2/2" in shown
    shown, _ = fit(0)
    assert not shown


INTERRUPTED = """
import _thread, sys, threading
import numpy as np, fastbp, fastbp.engine
x = np.linspace(-1, 1, 64, dtype=np.float32)[:, None]
model = fastbp.Sequential([fastbp.Dense(8, "tanh"), fastbp.Dense(1)], seed=0)
model.compile("adam", "mse")
try:
    threading.Timer(float(sys.argv[1]), _thread.interrupt_main).start()
    model.fit(x, x, verbose=1)
    print("too late")
except KeyboardInterrupt:
    pass
loss = model.fit(x, x, epochs=300, verbose=0).history["loss"][-1]
fresh = fastbp.Sequential([fastbp.Dense(8, "tanh"), fastbp.Dense(1)], seed=0)
fresh.compile("adam", "mse")
assert fresh.fit(x, x, epochs=300, verbose=0).history["loss"][-1] == loss
print("well")
"""


@pytest.mark.parametrize(("seconds", "alone"), [(0.7, True), (1.9, False)])
def test_control_c_during_the_first_compilation_breaks_nothing(seconds, alone, tmp_path):
    script = "import sys; sys.executable = ''\n" * alone + INTERRUPTED
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script, str(seconds)],
        env={**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)},
        capture_output=True,
        encoding="utf-8",
        timeout=500,
        check=False,
    )
    assert done.returncode == 0 and done.stdout == "well\n", done.stdout + done.stderr
