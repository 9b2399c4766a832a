"""A fork while other threads are inside: the child has none of them, and must be able to do everything all the same."""

import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")

# What all these processes begin with. ``use`` is a day's work; ``in_child`` has a forked child do it.
BEGIN = """
import os, sys, threading, time, traceback, warnings
import importlib, pkgutil
import numpy as np, fastbp
for module in pkgutil.walk_packages(fastbp.__path__, "fastbp."):  # a fork amid an import is beyond mending
    module.name.endswith("__main__") or importlib.import_module(module.name)
warnings.simplefilter("ignore", DeprecationWarning)  # Python's advice not to fork with threads

rng = np.random.default_rng(0)
x, y = rng.normal(size=(60_000, 64)).astype("f"), rng.normal(size=(60_000, 8)).astype("f")

def make(loss="mse", seed=0):
    model = fastbp.Sequential([fastbp.Input((64,)), fastbp.Dense(256, "tanh"), fastbp.Dense(8)], seed=seed)
    model.compile("adam", loss)
    return model

def use(model):
    before = model.get_weights()
    assert np.array_equal(model.predict(x[:100]), fresh(model).predict(x[:100]))
    model.fit(x[:640], y[:640], epochs=2, verbose=1, threads=2)
    assert np.isfinite(model.evaluate(x[:100], y[:100], verbose=0))
    assert any((a != b).any() for a, b in zip(before, model.get_weights()))
    model.compile("sgd", lambda t, p: (t - p) ** 4)
    model.fit(x[:64], y[:64], verbose=0)
    fastbp.grad(lambda w: fastbp.sum(w**3))(np.ones(5))

def fresh(model):
    copy = make()
    copy.set_weights(model.get_weights())
    return copy

def in_child(work):
    child = os.fork()
    if child == 0:
        try:
            work()
            os._exit(0)
        except BaseException:
            traceback.print_exc()
            os._exit(1)
    return child

def well(child):
    end = time.monotonic() + 200
    while time.monotonic() < end:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status) == 0
        time.sleep(0.05)
    os.kill(child, 9)
    return False

def background(function):
    thread = threading.Thread(target=function, daemon=True)
    thread.start()
    return thread
"""


def run(script, **environment):
    done = subprocess.run(
        [sys.executable, "-c", BEGIN + script],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
    )
    assert done.returncode == 0 and done.stdout.strip().endswith("well"), done.stdout + done.stderr


INSIDE = {
    "fit": "model.fit(x, y, epochs=10_000, verbose=0, threads=1)",
    "fit in a team": "model.fit(x, y, epochs=10_000, verbose=0, threads=2)",
    "a fit of short epochs and a bar": "model.fit(x[:64], y[:64], epochs=10**9, verbose=1)",
    "predict": "[model.predict(x) for _ in iter(int, 1)]",
    "evaluate": "[model.evaluate(x, y, verbose=0) for _ in iter(int, 1)]",
    "forward and backward": "[model.backward(model.forward(x[:9000])) for _ in iter(int, 1)]",
    "train_on_batch": "[model.train_on_batch(x[:5000], y[:5000]) for _ in iter(int, 1)]",
}


@pytest.mark.parametrize("inside", INSIDE)
def test_a_fork_while_another_thread_is_inside(inside):
    run(
        f"""
model = make()
use(model)
model.compile("adam", "mse")
background(lambda: {INSIDE[inside]})
for i in range(2):
    time.sleep(0.1 + 0.07 * i)
    assert well(in_child(lambda: use(model)))
assert well(in_child(lambda: use(make())))
print("well")
os._exit(0)
"""
    )


def test_a_child_has_the_weights_of_before_the_epoch_under_way():
    run(
        """
model = make()
model.fit(x[:640], y[:640], verbose=0)
before = model.get_weights()
background(lambda: model.fit(np.tile(x, (20, 1)), np.tile(y, (20, 1)), verbose=0))
while model._engine is None or not model._engine._learning:
    time.sleep(0.01)
time.sleep(0.3)
def same():
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))
    use(model)
child = in_child(same)
assert model._engine._learning  # the fork did not wait for the epoch
assert well(child)
print("well")
os._exit(0)
"""
    )


@pytest.mark.parametrize("how", ["make().fit(x[:64], y[:64], verbose=0)", "formulas()"])
def test_a_fork_during_a_compilation(how, tmp_path):
    run(
        f"""
import fastbp.engine.engine, fastbp.graph.autodiff.transforms
def formulas():
    for k in range(40):
        cube(k + 0.5)
def cube(factor):
    fastbp.grad(lambda w: fastbp.sum(fastbp.exp(w * factor) ** 3))(np.ones(5))
def some():
    cube(0.25)
    {"make().fit(x[:64], y[:64], verbose=0)" if "fit" in how else ""}
cube(0.125)  # what is imported for this is there when the fork comes
thread = background(lambda: {how})
children = []
for i in range({1 if "fit" in how else 4}):
    time.sleep(0.3)
    children.append(in_child(some))
assert all([well(child) for child in children])
thread.join()
some()
print("well")
""",
        NUMBA_CACHE_DIR=str(tmp_path),
    )


def test_a_fork_of_a_fork():
    run(
        """
model = make()
use(model)
model.compile("adam", "mse")
background(lambda: model.fit(x, y, epochs=10_000, verbose=0, threads=2))
time.sleep(0.3)
def again():
    background(lambda: model.fit(x, y, epochs=10_000, verbose=0, threads=2))
    time.sleep(0.3)
    assert well(in_child(lambda: use(model)))
assert well(in_child(again))
print("well")
os._exit(0)
"""
    )


WORKERS = """
import numpy as np, fastbp
x = np.random.default_rng(0).normal(size=(500, 5)).astype("f")

def work(seed):
    model = fastbp.Sequential([fastbp.Dense(40, "tanh"), fastbp.Dense(5)], seed=seed)
    model.compile("adam", "mse")
    return model.fit(x, x, epochs=2, verbose=0).history["loss"], model, fastbp.get_num_threads()

def predicts(model):
    return model.predict(x)
"""
POOLS = """
import sys, warnings
from worker import *
warnings.simplefilter("ignore", DeprecationWarning)

def main():
    here = [work(seed) for seed in range(4)]
    if sys.argv[1] == "loky":
        from joblib import Parallel, delayed
        there = Parallel(n_jobs=2)(delayed(work)(seed) for seed in range(4))
        outputs = Parallel(n_jobs=2)(delayed(predicts)(model) for _, model, _ in there)
    else:
        import multiprocessing
        with multiprocessing.get_context(sys.argv[1]).Pool(2) as pool:
            there = pool.map(work, range(4))
            outputs = pool.map(predicts, [model for _, model, _ in there])
    assert [losses for losses, _, _ in here] == [losses for losses, _, _ in there]
    assert all(np.array_equal(output, model.predict(x)) for output, (_, model, _) in zip(outputs, here))
    print("threads", *{threads for _, _, threads in there})

if __name__ == "__main__":
    main()
"""


@pytest.mark.parametrize("kind", ["fork", "forkserver", "spawn", "loky"])
def test_pools_of_processes(kind, tmp_path):
    (tmp_path / "worker.py").write_text(WORKERS)
    (tmp_path / "main.py").write_text(POOLS)
    path = os.pathsep.join([os.getcwd(), os.environ.get("PYTHONPATH", "")])
    environment = {key: value for key, value in os.environ.items() if not key.endswith("NUM_THREADS")}
    done = subprocess.run(
        [sys.executable, "main.py", kind],
        cwd=tmp_path,
        env={**environment, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    if kind == "loky" and (os.cpu_count() or 1) <= 3:  # it shares the processors among its workers
        assert done.stdout.strip() == "threads 1"
