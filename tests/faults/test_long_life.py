"""Memory does not grow with the number of fits, losses and formulas."""

import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="memory is read from /proc")

MAX_GROWTH = 5e6  # bytes

BEGIN = """
import gc, sys, time
import numpy as np, fastbp

x = np.random.default_rng(0).normal(size=(64, 4)).astype("f")
y = x[:, :1].copy()
kept = fastbp.Sequential([fastbp.Dense(8, "tanh"), fastbp.Dense(1)], seed=0)
kept.compile("adam", "mse")

def made(loss="mse"):
    model = fastbp.Sequential([fastbp.Dense(8, "tanh"), fastbp.Dense(1)], seed=0)
    model.compile("adam", loss, metrics=["mae"])
    return model

def fit(i):
    kept.fit(x, y, verbose=0)

def fit_and_predict(i):
    model = made()
    model.fit(x, y, epochs=2, verbose=0, validation_split=0.25)
    model.predict(x[: 1 + i % 60])
    model.train_on_batch(x, y)

def loss(i):
    made(lambda true, predicted: (i + 0.5) * (true - predicted) ** 2).fit(x, y, verbose=0)

def formula(i):
    fastbp.grad(lambda w: fastbp.sum(fastbp.exp(w * (i + 0.5)) * w))(np.zeros(5))

def form(i):
    "Another one each time, so code of its own."
    def f(w):
        for bit in range(14):
            w = fastbp.sin(w) if (i + before) >> bit & 1 else w * 0.5
        return fastbp.sum(w)
    fastbp.grad(f)(np.ones(5))

def memory():
    gc.collect()
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096

work, first, stop, seconds = globals()[sys.argv[1]], int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4])
before = time.time_ns() % 1000 * 9  # forms that other runs have not left on disk
end = time.monotonic() + seconds
for i in range(first):
    work(i)
start = memory()
while i < stop or time.monotonic() < end:
    i += 1
    work(i)
print(memory() - start)
"""


def growth(work, first, stop, seconds=0.0):
    """Bytes by which ``work`` makes a process grow from its call number ``first`` on."""
    command = [sys.executable, "-c", BEGIN, work, str(first), str(stop), str(seconds)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return int(done.stdout)


@pytest.mark.parametrize(
    ("work", "first", "stop"), [("fit", 100, 3000), ("fit_and_predict", 50, 300), ("loss", 100, 300), ("formula", 100, 1000)]
)
def test_memory_stays(work, first, stop):
    assert growth(work, first, stop) < MAX_GROWTH


@pytest.mark.soak
@pytest.mark.parametrize(
    ("work", "first", "stop", "seconds"),
    [("fit", 100, 20_000, 0), ("fit_and_predict", 100, 20_000, 1800), ("loss", 100, 3000, 0), ("formula", 100, 10_000, 0)],
)
def test_memory_stays_for_long(work, first, stop, seconds):
    assert growth(work, first, stop, seconds) < MAX_GROWTH


@pytest.mark.soak
def test_formulas_of_different_forms_are_bounded():
    """64 that nobody holds stay loaded; from then on the code of one goes where another comes. 0.2 MB a form was the leak."""
    assert growth("form", 120, 320) < 2 * MAX_GROWTH
