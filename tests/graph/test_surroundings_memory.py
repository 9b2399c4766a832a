"""Thousands of changed constants: nothing is compiled anew, nothing is kept on disk, and memory does not grow."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

FEW_FILES, MEGABYTES = 6, 40

SETUP = """
import gc, json, os, pathlib, sys
import numpy as np
import fastbp

created = []  # whatever file this process makes, wherever
sys.addaudithook(lambda event, details: created.append(details[0]) if event == "open" and details[2] & os.O_CREAT else None)

x = np.linspace(0, 2, 50)
k, c = 1.0, 0.5
held = np.ones(1000)


def state():
    gc.collect()
    pages = int(pathlib.Path("/proc/self/statm").read_text().split()[1])
    return len(created), pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def repeat(times, once, warm=30):
    for i in range(warm):
        once(i)
    before = state()
    for i in range(warm, warm + times):
        once(i)
    print(json.dumps([after - start for start, after in zip(before, state(), strict=True)]))
"""

SCRIPTS = {
    "grad": """
slope = fastbp.grad(lambda x: k * np.exp(-c * x))

def once(i):
    global k, c
    k, c = 1 + 0.001 * i, 0.5 + 0.0007 * i
    assert abs(slope(0.3) + c * k * np.exp(-c * 0.3)) < 1e-12

repeat(1000, once)
""",
    "grad made anew": """
def once(i):
    k, c = 1 + 0.001 * i, 0.5 + 0.0007 * i
    assert abs(fastbp.grad(lambda x: k * np.exp(-c * x))(0.3) + c * k * np.exp(-c * 0.3)) < 1e-12

repeat(1000, once)
""",
    "curve_fit": """
def once(i):
    global k, c
    k, c = 1 + 0.001 * i, 0.5 + 0.0007 * i
    (a,), _ = fastbp.curve_fit(lambda x, a: k * np.exp(-c * a * x), x, k * np.exp(-c * 1.5 * x), p0=[1.0])
    assert abs(a - 1.5) < 1e-6

repeat(1000, once)
""",
    "fit_formula": """
def loss(p, x):
    return fastbp.mean((k * p * x - c) ** 2)

def once(i):
    global k, c
    k, c = 1 + 0.001 * i, 0.5 + 0.0007 * i
    p = fastbp.fit_formula(loss, x, 1.0, fastbp.SGD(0.1), epochs=1, batch_size=50).params
    assert abs(p - 1 + 0.1 * np.mean(2 * (k * x - c) * k * x)) < 1e-12

repeat(300, once)
""",
    "arrays": """
slope = fastbp.grad(lambda p: fastbp.mean(np.exp(-p * held)) + held[3] * p)

def once(i):
    global held
    held = held + 0.001
    assert abs(slope(0.5) - np.mean(-held * np.exp(-0.5 * held)) - held[3]) < 1e-10

repeat(1000, once)
""",
    "custom loss": """
inputs, targets = x[:, None], np.cos(x)[:, None]

def loss(y_true, y_pred):
    return k * (y_true - y_pred) ** 2 + c * y_pred

def once(i):
    global k, c
    k, c = 1 + 0.001 * i, 0.5 + 0.0007 * i
    model = fastbp.Sequential([fastbp.Dense(4, lambda z: k * np.tanh(c * z)), fastbp.Dense(1)], seed=0)
    model.compile("sgd", loss)
    model.fit(inputs, targets, batch_size=50, epochs=1, verbose=0)

repeat(200, once, warm=5)
""",
}


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="resident memory is read from /proc")
@pytest.mark.parametrize("script", SCRIPTS)
def test_changed_constants(script):
    run = subprocess.run(
        [sys.executable, "-c", SETUP + SCRIPTS[script]],
        capture_output=True,
        text=True,
        timeout=180,
    )
    assert run.returncode == 0, run.stderr[-2000:]
    files, megabytes = json.loads(run.stdout)
    assert files <= FEW_FILES
    assert megabytes < MEGABYTES
