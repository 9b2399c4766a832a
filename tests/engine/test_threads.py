"""Threads: the same bits however many there are, and nothing that hangs when they are interrupted, taken or forked away."""

import os
import subprocess
import sys
import threading
import warnings

import numpy as np
import pytest

import fastbp
from fastbp.engine.threads import _cgroup_quota, _environment_limit, available_cpus, check_threads, team

OPTIMIZERS = [
    fastbp.SGD(0.01),
    fastbp.SGD(0.01, momentum=0.9),
    fastbp.SGD(0.01, momentum=0.9, nesterov=True),
    fastbp.RMSprop(0.001),
    fastbp.RMSprop(0.001, momentum=0.5, centered=True),
    fastbp.Adagrad(0.01),
    fastbp.Adam(0.001),
    fastbp.Adam(0.001, amsgrad=True),
    fastbp.AdamW(0.001),
    fastbp.Nadam(0.001),
]


def trained(threads, optimizer="adam", sizes=(23, 101, 47, 3), batch_size=37, samples=200, dtype="float32", epochs=2):
    """Weights and losses after a short fit."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(samples, sizes[0])).astype(dtype), rng.normal(size=(samples, sizes[-1])).astype(dtype)
    layers = [fastbp.Dense(units, "tanh") for units in sizes[1:-1]] + [fastbp.Dense(sizes[-1])]
    model = fastbp.Sequential(layers, seed=1, dtype=dtype)
    model.compile(optimizer, "mse", metrics=["mae"])
    history = model.fit(x, y, batch_size=batch_size, epochs=epochs, verbose=0, threads=threads)
    return model.get_weights(), history.history


def assert_same(first, second):
    for a, b in zip(first[0], second[0], strict=True):
        np.testing.assert_array_equal(a, b)
    assert first[1]["loss"] == second[1]["loss"]


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=repr)
def test_same_bits_with_every_optimizer(optimizer):
    alone = trained(1, optimizer)
    for threads in (2, 3, 8):
        assert_same(alone, trained(threads, optimizer))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_same_bits_where_the_batch_is_cut_into_groups(dtype):
    alone = trained(1, sizes=(4, 32, 16, 4), batch_size=7001, samples=10_000, dtype=dtype)
    for threads in (2, 3, 8):
        assert_same(alone, trained(threads, sizes=(4, 32, 16, 4), batch_size=7001, samples=10_000, dtype=dtype))


@pytest.mark.parametrize(
    ("sizes", "batch_size"),
    [((513, 513, 5), 64), ((7, 1, 1, 2), 3), ((8, *[8] * 40, 1), 10), ((300, 20, 300), 1), ((5, 600, 2), 2)],
)
def test_same_bits_for_odd_shapes(sizes, batch_size):
    alone = trained(1, sizes=sizes, batch_size=batch_size, samples=70, epochs=1)
    assert np.isfinite(alone[1]["loss"][0])
    for threads in (2, 3):
        assert_same(alone, trained(threads, sizes=sizes, batch_size=batch_size, samples=70, epochs=1))


def test_several_fits_at_once_do_not_disturb_each_other():
    expected = trained(2)
    results = [None] * 4

    def fit(i):
        results[i] = trained(2)

    workers = [threading.Thread(target=fit, args=(i,)) for i in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(timeout=120)
    assert not any(worker.is_alive() for worker in workers)
    for result in results:
        assert_same(expected, result)


def test_one_model_predicts_from_several_threads():
    model = fastbp.Sequential([fastbp.Input((5,)), fastbp.Dense(40, "tanh"), fastbp.Dense(3)], seed=0)
    x = np.random.default_rng(0).normal(size=(4, 300, 5)).astype("float32")
    expected = [model.predict(part) for part in x]
    wrong = []

    def predict(i):
        for _ in range(50):
            if not np.array_equal(model.predict(x[i]), expected[i]):
                wrong.append(i)

    workers = [threading.Thread(target=predict, args=(i,)) for i in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(timeout=120)
    assert not wrong


def test_a_taken_team_leaves_one_thread():
    expected = trained(1)
    with team(2) as threads:
        assert threads == 2
        assert_same(expected, trained(2))
        with team(2) as inner:
            assert inner == 1


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_forked_child_gets_a_team_of_its_own():
    expected = trained(2)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # Python's advice not to fork with threads
        child = os.fork()
    if child == 0:
        try:
            assert_same(expected, trained(2))
            os._exit(0)
        finally:
            os._exit(1)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0


INTERRUPTED = """
import _thread, sys, threading, time
import numpy as np, fastbp
rng = np.random.default_rng(0)
x, y = rng.normal(size=(200_000, 64)).astype("f"), rng.normal(size=(200_000, 8)).astype("f")
model = fastbp.Sequential([fastbp.Dense(256, "tanh"), fastbp.Dense(256, "tanh"), fastbp.Dense(8)], seed=0)
model.compile("sgd", "mse")
model.fit(x[:64], y[:64], verbose=0)
threading.Timer(0.5, _thread.interrupt_main).start()
try:
    model.fit(x, y, epochs=1000, verbose=0, threads=int(sys.argv[1]))
except KeyboardInterrupt:
    assert all(np.isfinite(w).all() for w in model.get_weights())
    model.fit(x[:64], y[:64], verbose=0, threads=int(sys.argv[1]))
    print("interrupted")
"""


@pytest.mark.parametrize("threads", [1, 2])
def test_control_c_ends_a_fit_within_a_step(threads):
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED, str(threads)], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.stdout.strip() == "interrupted", done.stderr


def test_numbers_of_threads_are_checked():
    assert 1 <= available_cpus() <= (os.cpu_count() or 1)
    for wrong in (0, -1):
        with pytest.raises(ValueError, match="n must be at least 1"):
            fastbp.set_num_threads(wrong)
    for wrong in (1.5, "two", True):
        with pytest.raises(TypeError, match="n must be an integer"):
            fastbp.set_num_threads(wrong)
    fastbp.set_num_threads(3)
    assert fastbp.get_num_threads() == 3
    fastbp.set_num_threads(None)
    assert fastbp.get_num_threads() == min(available_cpus(), _environment_limit() or available_cpus())
    assert check_threads(np.int64(2), "threads") == 2


@pytest.mark.parametrize(("text", "said"), [("5", "5"), ("none", "FASTBP_NUM_THREADS must be an integer of at least 1")])
def test_the_environment_sets_the_number(text, said):
    code = "import fastbp; print(fastbp.get_num_threads())"
    environment = {**os.environ, "FASTBP_NUM_THREADS": text}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert said in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("variables", "threads"),
    [
        ({}, 4),
        ({"OMP_NUM_THREADS": "1"}, 1),
        ({"OMP_NUM_THREADS": " 3 , 2"}, 3),
        ({"OMP_NUM_THREADS": "64"}, 4),
        ({"OMP_NUM_THREADS": "many"}, 4),
        ({"OMP_NUM_THREADS": "0"}, 4),
        ({"OMP_NUM_THREADS": "-2"}, 4),
        ({"OMP_NUM_THREADS": ""}, 4),
        ({"NUMBA_NUM_THREADS": "2"}, 2),
        ({"OMP_NUM_THREADS": "3", "NUMBA_NUM_THREADS": "2"}, 2),
        ({"OMP_NUM_THREADS": "1", "FASTBP_NUM_THREADS": "7"}, 7),
    ],
)
def test_what_limits_other_libraries_limits_this_one(variables, threads, monkeypatch):
    monkeypatch.setattr("fastbp.engine.threads.available_cpus", lambda: 4)
    for name in ("OMP_NUM_THREADS", "NUMBA_NUM_THREADS", "FASTBP_NUM_THREADS"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    _environment_limit.cache_clear()
    try:
        assert fastbp.get_num_threads() == threads
        fastbp.set_num_threads(9)
        assert fastbp.get_num_threads() == 9
    finally:
        fastbp.set_num_threads(None)
        _environment_limit.cache_clear()


def test_the_containers_quota_is_read_once(monkeypatch):
    asked = []

    class Files:
        def __init__(self, path):
            asked.append(path)

        def read_text(self):
            return "100000 100000"

    monkeypatch.setattr("fastbp.engine.threads.Path", Files)
    _cgroup_quota.cache_clear()
    assert available_cpus() == available_cpus() == 1
    assert asked == ["/sys/fs/cgroup/cpu.max"]
    _cgroup_quota.cache_clear()  # the next one reads the true files
