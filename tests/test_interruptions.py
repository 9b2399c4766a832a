"""Ctrl-C, and SIGTERM with a handler that raises, in the midst of long work: it ends soon, and the model goes on from there."""

import json
import subprocess
import sys

import pytest

# One step of each takes many seconds, so whatever ends before the step would have ended was given up.
SCRIPT = """
import json, os, signal, sys, threading, time
import numpy as np
import fastbp
from fastbp import Dense, Sequential

which, kind = sys.argv[1:]
number = getattr(signal, which)
signal.signal(number, signal.default_int_handler if which == "SIGINT" else lambda *_: sys.exit(15))
raised = KeyboardInterrupt if which == "SIGINT" else SystemExit

rng = np.random.default_rng(0)
width = 1024
model = Sequential([Dense(width, "tanh"), Dense(width, "tanh"), Dense(8)], seed=0)
model.compile("adam", "mse")
x = np.repeat(rng.normal(size=(64, 300)).astype("f"), 3000, axis=0)
y = np.ones((len(x), 8), "f")
model.fit(x[:64], y[:64], verbose=0, shuffle=False)
model.evaluate(x[:64], y[:64], verbose=0)
model.predict(x[:64], verbose=0)
before, steps = model.get_weights(), model.optimizer.iterations
work = {
    "fit": lambda: model.fit(x, y, batch_size=len(x), epochs=50, verbose=0),
    "evaluate": lambda: [model.evaluate(x, y, verbose=0) for _ in range(50)],
    "predict": lambda: [model.predict(x, verbose=0) for _ in range(50)],
    "value_and_gradient": lambda: [model.value_and_gradient(x, y) for _ in range(50)],
}[kind]
sent = []
def send():
    sent.append(time.perf_counter())
    os.kill(os.getpid(), number)
threading.Timer(0.3, send).start()
try:
    work()
    told = {"raised": False}
except raised:
    told = {"raised": True, "seconds": time.perf_counter() - sent[0]}
    done = model.optimizer.iterations - steps
    told["steps"] = done
    if done == 0:
        assert all(a.tobytes() == b.tobytes() for a, b in zip(before, model.get_weights(), strict=True))
    assert np.isfinite(model.fit(x[:64], y[:64], verbose=0).history["loss"]).all()
print(json.dumps(told))
"""


@pytest.mark.parametrize(
    ("which", "kind"),
    [("SIGINT", "value_and_gradient"), ("SIGINT", "evaluate"), ("SIGTERM", "fit")],
)
def test_a_signal_ends_long_work(which, kind):
    command = [sys.executable, "-c", SCRIPT, which, kind]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["raised"]
