"""Ctrl-C ends many fits within a step: those that have ended keep what they learnt, and all can go on."""

import json
import subprocess
import sys

import pytest

SCRIPT = """
import json, os, signal, sys, threading, time
import numpy as np
import fastbp
from fastbp.callbacks import LambdaCallback

kind, threads = sys.argv[1], int(sys.argv[2])
rng = np.random.default_rng(0)
x = rng.normal(size=(500, 20)).astype("f")
y = x[:, :1]

def made(seed):
    model = fastbp.Sequential([fastbp.Dense(30, "tanh"), fastbp.Dense(1)], seed=seed)
    model.compile("adam", "mse", metrics=["mae"] if kind == "own" else None)
    return model

models = [made(seed) for seed in range(6)]
fastbp.fit_many([made(9) for _ in range(4)], x, y, epochs=1, verbose=0)
epochs = [20, 20] + 4 * [10**7]
sent = []
def send():
    sent.append(time.perf_counter())
    os.kill(os.getpid(), signal.SIGINT)
threading.Timer(0.5, send).start()
try:
    fastbp.fit_many(models, x, y, epochs=epochs, verbose=0, threads=threads)
    raised = False
except KeyboardInterrupt:
    raised = True
seconds = time.perf_counter() - sent[0]
steps = [model.optimizer.iterations for model in models]
same = []
for seed, model in enumerate(models):
    alone, whole = made(seed), steps[seed] - steps[seed] % 16
    if 0 < steps[seed] < 200_000:
        def stop(batch, logs, alone=alone, wanted=steps[seed]):
            if alone._engine.steps >= wanted:
                raise KeyboardInterrupt
        try:
            if whole:
                alone.fit(x, y, epochs=whole // 16, verbose=0)
            if whole < steps[seed]:
                alone.fit(x, y, verbose=0, callbacks=[LambdaCallback(on_train_batch_end=stop)])
        except KeyboardInterrupt:
            pass
        same.append(all(map(np.array_equal, model.get_weights(), alone.get_weights())))
again = fastbp.fit_many(models, x, y, epochs=1, verbose=0)
errors = [str(member.error) for member in again]
print(json.dumps({"raised": raised, "seconds": seconds, "steps": steps, "same": same, "errors": errors}))
"""


@pytest.mark.parametrize(("kind", "threads"), [("alike", 2), ("own", 2)])
def test_control_c(kind, threads):
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, kind, str(threads)], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["raised"], told
    assert told["errors"] == ["None"] * 6
    assert sum(steps > 0 for steps in told["steps"]) >= 1
    assert all(told["same"]), told
