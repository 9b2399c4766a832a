"""What is only shown: as it should look, and that nothing about it can stop a fit."""

import io
import json
import os
import subprocess
import sys
import time
import types

import numpy as np
import pytest

import fastbp
from fastbp.models import progress
from fastbp.models.notebook_bar import NotebookBar

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


class Cell:
    """What a notebook keeps of a cell's output: the present content of each display."""

    def __init__(self):
        self.contents, self.count, self.breaks = [], 0, False

    def display(self, content, raw, display_id):
        assert raw and display_id
        self.contents.append(None)
        handle = Handle(self, len(self.contents) - 1)
        handle.update(content, raw)
        return handle


class Handle:
    def __init__(self, cell, number):
        self.cell, self.number = cell, number

    def update(self, content, raw):
        assert raw
        if self.cell.breaks:
            raise RuntimeError("the front end is gone")
        self.cell.count += 1
        self.cell.contents[self.number] = content


@pytest.fixture
def notebook(monkeypatch):
    """A stand-in for IPython with the kernel of a notebook."""
    cell = Cell()
    shell = types.SimpleNamespace(kernel=object())
    ipython = types.ModuleType("IPython")
    ipython.get_ipython = lambda: shell
    ipython.display = types.ModuleType("IPython.display")
    ipython.display.display = cell.display
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    monkeypatch.setitem(sys.modules, "IPython.display", ipython.display)
    return cell


def test_a_notebook_has_one_bar_that_is_drawn_over(notebook, capfd):
    model = fastbp.Sequential([fastbp.Dense(4, "tanh"), fastbp.Dense(1)], seed=0)
    model.compile("adam", "mse", metrics=["mae"])
    history = model.fit(X, X, epochs=5, initial_epoch=1, verbose=1)
    (content,) = notebook.contents
    assert capfd.readouterr() == ("", "")
    assert '<progress value="4" max="4">' in content["text/html"]
    for text in content.values():
        assert "Epoch 5/5" in text and f"loss: {history.history['loss'][-1]:.4g}" in text and "samples/s" in text
    model.fit(X, X, epochs=2, verbose=0)
    model.fit(X, X, epochs=2, verbose=2)
    assert len(notebook.contents) == 1 and "Epoch 2/2" in capfd.readouterr().out


def test_a_bar_of_a_notebook_is_not_drawn_for_every_epoch(notebook):
    with progress.Progress(1, 20_000, 0) as shown:
        start = time.perf_counter()
        for epoch in range(20_000):
            shown.epoch_ended(epoch, {"loss": 1.0}, 1e6)
        seconds = time.perf_counter() - start
    assert 2 < notebook.count < 10 + seconds / progress.REDRAW_SECONDS * 2


def test_a_bar_of_a_notebook_tells_the_time_left(notebook, monkeypatch):
    now = [0.0]
    monkeypatch.setattr(time, "perf_counter", lambda: now[0])
    bar = NotebookBar(10, 4)
    now[0] = 100.0
    bar.tell("Compiling")
    assert notebook.contents[0]["text/plain"] == "Compiling"
    bar.starts()
    now[0] = 130.0
    bar.draw(6, "loss: 1 <2>", "5 samples/s")
    assert notebook.contents[0]["text/plain"] == "Epoch 6/10 - [00:30<01:00] - 5 samples/s - loss: 1 <2>"
    assert "loss: 1 &lt;2&gt;" in notebook.contents[0]["text/html"]


def test_a_notebook_that_is_gone_stops_no_fit(notebook):
    notebook.breaks = True
    with progress.Progress(1, 2, 0) as shown:
        shown.epoch_ended(0, {"loss": 1.0}, 1e6)
        shown.epoch_ended(1, {"loss": 1.0}, 1e6)


def test_a_terminal_with_ipython_is_no_notebook(monkeypatch):
    ipython = types.ModuleType("IPython")
    ipython.get_ipython = lambda: types.SimpleNamespace()
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    assert not progress.in_notebook()
    ipython.get_ipython = lambda: None
    assert not progress.in_notebook()


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
    model.compile("adam", lambda t, p: (t - p) ** 2)
    history = model.fit(x, x, epochs=2, verbose=int(sys.argv[2]))
whole = time.perf_counter() - start
print(json.dumps([whole, [64 / rate for rate in history.samples_per_second]]))
"""


@pytest.mark.parametrize(("kind", "verbose"), [("custom", 1), ("formula", 2)])
def test_the_first_fit_on_a_machine_tells_that_it_compiles_and_does_not_count_it(kind, verbose, tmp_path):
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

    cache = tmp_path
    shown, (whole, epochs) = fit(verbose)
    assert shown.count("Compiling (once per machine)") == 1
    assert shown.index("Compiling") < shown.index("Epoch")  # a log shows the last one only
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
