"""Compilation: once for all networks, kept for the next process, and never in the way of an import."""

import json
import os
import signal
import subprocess
import sys
import threading

import numpy as np
import pytest

from bridge import make_problem
from fastbp.kernels.simd import background_compile as beside
from fastbp.kernels.simd.jit import compilations
from networks import HIDDEN_ACTIVATIONS, OPTIMIZERS, PAIRINGS
from paths import ROOT

# What another process does: train, and tell what was compiled, what was found on disk and how it ended.
SCRIPT = """
import json
import fastbp
import numpy as np
x = np.linspace(-1, 1, 64, dtype=np.float32)[:, None]
model = fastbp.Sequential([fastbp.Dense(8, "tanh"), fastbp.Dense(1)], seed=0)
model.compile(optimizer="adam", loss="mse")
loss = model.fit(x, np.sin(3 * x), epochs=3, verbose=0).history["loss"][-1]
from fastbp.kernels.simd.jit import compilations
compiled, loaded = compilations()
print(json.dumps({"compiled": compiled, "loaded": loaded, "loss": loss}))
"""


INTERRUPTED = """
import json, os, signal, threading
signal.signal(signal.SIGINT, signal.default_int_handler)
import fastbp
import numpy as np
from fastbp.kernels.simd import background_compile
begun = threading.Event()
start = background_compile._start
background_compile._start = lambda code: (begun.set(), start(code))[1]
threading.Thread(target=lambda: (begun.wait(), os.kill(os.getpid(), signal.SIGINT)), daemon=True).start()
model = fastbp.Sequential([fastbp.Dense(1)], seed=0)
model.compile("sgd", "mse")
try:
    model.fit(np.ones((4, 2), "f"), np.ones((4, 1), "f"), verbose=0)
    print(json.dumps({"interrupted": False}))
except KeyboardInterrupt:
    assert model.optimizer.iterations == 0
    print(json.dumps({"interrupted": True}))
"""

ALONE = "import sys; sys.executable = ''\n"  # with no interpreter to start, a process compiles everything itself


def environment(cache):
    return {**os.environ, "NUMBA_CACHE_DIR": str(cache), "PYTHONPATH": str(ROOT)}


def start(cache, *options, script=SCRIPT):
    command = [sys.executable, *options, "-c", script]
    return subprocess.Popen(
        command, env=environment(cache), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=cache.parent
    )


def finish(process):
    """What the script told, and what it wrote to stderr."""
    out, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors
    return json.loads(out.splitlines()[-1]), errors


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    """A cache that one process has filled, and what that process told."""
    cache = tmp_path_factory.mktemp("kernels") / "cache"
    cache.mkdir()
    told, errors = finish(start(cache, "-W", "error", script=ALONE + SCRIPT))
    assert not errors
    return cache, told


# ------------------------------------------------------------------------------------------------ within one process


def train(problem, optimizer, batch_size):
    engine, (x, y) = problem.engine(optimizer), problem.data
    engine.train_epoch(x, y, batch_size, statistics=1 if y.ndim == 2 else 4)
    engine.evaluate(x, y)
    engine.forward(x, keep=True)
    engine.backward(np.ones((len(x), problem.widths[-1]), problem.dtype))
    engine.value_and_gradient(x, y)
    engine.apply_gradients([np.zeros_like(w) for w in engine.get_weights()])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_nothing_is_compiled_twice(dtype):
    """Whatever the sizes, activations, losses, optimizers and thread counts: one set of kernels serves them all."""
    linear = {"activation": "linear"}
    train(make_problem([linear], [3, 2], {"name": "mean_squared_error"}, 8, dtype=dtype), None, 4)
    before = compilations()
    for i, (loss, last) in enumerate(PAIRINGS):
        hidden = [{"activation": name} for name in HIDDEN_ACTIVATIONS[i % 4 :: 4]]
        widths = [1 + 7 * i, *[3 + i + 5 * k for k in range(len(hidden))], 2 + i % 3]
        optimizer = {"learning_rate": 1e-4, **OPTIMIZERS[i % len(OPTIMIZERS)]}
        train(make_problem([*hidden, {"activation": last}], widths, loss, 5 + 11 * i, dtype=dtype), optimizer, 1 + 6 * i)
    for optimizer in OPTIMIZERS:
        problem = make_problem([linear], [3, 2], {"name": "mean_squared_error"}, 3000, dtype=dtype)
        train(problem, {"learning_rate": 1e-4, **optimizer}, 1500)
    assert compilations() == before


# --------------------------------------------------------------------------------------------------- across processes


def test_first_process_compiles(filled):
    _, told = filled
    assert told["compiled"] > 0 and told["loaded"] == 0


@pytest.mark.parametrize("name", ["", "/no/such/python3", sys.executable])
def test_another_process_that_does_not_work(name, monkeypatch):
    """No interpreter, one that cannot be started, an error in it: nothing is raised here."""
    monkeypatch.setattr(sys, "executable", name)
    beside.run_elsewhere("raise ValueError", "raise KeyError")


def test_an_interrupt_ends_the_other_processes(monkeypatch):
    processes, start = [], beside._start
    monkeypatch.setattr(beside, "can_start", lambda: True)
    monkeypatch.setattr(beside, "_start", lambda code: processes.append(start(code)) or processes[-1])
    timer = threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        beside.run_elsewhere("import time; time.sleep(60)", "import time; time.sleep(60)")
    assert len(processes) == 2 and all(p.returncode not in (None, 0) for p in processes)  # killed, and waited for


@pytest.mark.skipif(not beside.can_start(), reason="no other process compiles here")
def test_an_interrupt_ends_a_compilation(tmp_path):
    """Whenever it comes: nobody waits for the compiler, and the same model then learns."""
    process = start(tmp_path / "cache", script=INTERRUPTED)
    told, _ = finish(process)
    assert told["interrupted"]


def test_second_process_compiles_nothing(filled):
    cache, first = filled
    told, errors = finish(start(cache, "-W", "error"))
    assert told["compiled"] == 0 and told["loaded"] == first["compiled"]
    assert told["loss"] == first["loss"] and not errors


def test_spoilt_files_are_compiled_anew(filled, tmp_path):
    """Cut short, overwritten or empty, as after a full disk: no crash and no wrong code."""
    cache, first = filled
    spoilt = tmp_path / "cache"
    spoilt.mkdir()
    for i, path in enumerate(p for p in sorted(cache.rglob("*")) if p.is_file()):
        copy = spoilt / path.relative_to(cache)
        copy.parent.mkdir(parents=True, exist_ok=True)
        content = path.read_bytes()
        copy.write_bytes([content[: len(content) // 2], b"", content[:-8] + b"spoilt!!"][i % 3])
    told, errors = finish(start(spoilt, "-W", "error"))
    assert told["loaded"] == 0 and told["compiled"] == first["compiled"] and told["loss"] == first["loss"]
    assert not errors
    assert finish(start(spoilt))[0]["compiled"] == 0  # and the good files took the place of the bad ones


def test_no_place_for_the_cache(tmp_path):
    """A cache folder that cannot be made costs one warning, not the fit."""
    blocked = tmp_path / "file"
    blocked.write_text("a file where a folder is wanted")
    told, errors = finish(start(blocked))
    assert told["compiled"] > 0 and np.isfinite(told["loss"])
    assert errors.count("RuntimeWarning") == 1 and "NUMBA_CACHE_DIR" in errors


def test_two_processes_at_once(filled, tmp_path):
    """Both find the cache empty, one compiles, neither trips over the other."""
    cache, (_, first) = tmp_path / "cache", filled
    cache.mkdir()
    processes = [start(cache, "-W", "error") for _ in range(2)]
    for told, errors in map(finish, processes):
        assert told["loss"] == first["loss"] and not errors
        if beside.can_start():
            assert told["compiled"] == 0 and told["loaded"] == first["compiled"]
    assert {path.name for path in cache.rglob("*.bin")} == {path.name for path in filled[0].rglob("*.bin")}
    told, _ = finish(start(cache))
    assert told["compiled"] == 0
    assert not list(cache.rglob("*.tmp"))


def test_warmup_from_the_command_line(filled, tmp_path):
    """``python -m fastbp warmup`` leaves nothing to compile for float32 or float64."""
    cache, _ = filled
    subprocess.run([sys.executable, "-m", "fastbp", "warmup"], env=environment(cache), check=True, cwd=tmp_path)
    for dtype in ("float32", "float64"):
        script = SCRIPT.replace("seed=0)", f"seed=0, dtype={dtype!r})")
        assert finish(start(cache, script=script))[0]["compiled"] == 0


# ------------------------------------------------------------------------------------------------------------- import


def test_import_brings_in_nothing_heavy(tmp_path):
    """Neither the compiler nor any extra is loaded before somebody needs it."""
    script = """
import sys, json
import fastbp
heavy = ["numba", "llvmlite", "sklearn", "scipy", "matplotlib", "pandas", "torch", "onnx", "dask"]
print(json.dumps([name for name in heavy if name in sys.modules]))
"""
    loaded, errors = finish(start(tmp_path / "cache", "-W", "error", script=script))
    assert loaded == [] and not errors
