"""Of processes that want the same code, one compiles at a time; whatever ends it, the next has its turn."""

import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from fastbp.kernels.simd import background_compile, disk_cache, turns
from paths import ROOT

pytestmark = pytest.mark.skipif(turns.fcntl is None, reason="no locks of folders here")

HOLD = """
import sys, time
from fastbp.kernels.simd.turns import turn
with turn():
    print("mine", flush=True)
    time.sleep(60)
"""


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(disk_cache, "directory", lambda: tmp_path / "fastbp")
    return tmp_path


def held():
    """A process that has its turn."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "NUMBA_CACHE_DIR": str(disk_cache.directory().parent)}
    process = subprocess.Popen([sys.executable, "-c", HOLD], env=environment, stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "mine\n"
    return process


def test_one_at_a_time_and_nothing_stays(folder):
    inside, most, lock = [], [], threading.Lock()

    def work():
        with turns.turn():
            with lock:
                inside.append(1)
                most.append(len(inside))
            time.sleep(0.01)
            with lock:
                inside.pop()

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1] * 6 and not turns._held
    assert os.listdir(folder) == ["fastbp"] and not os.listdir(folder / "fastbp")


def test_a_process_that_is_killed_gives_its_turn_back():
    process, got = held(), []

    def work():
        with turns.turn():
            got.append(process.poll())

    thread = threading.Thread(target=work)
    thread.start()
    time.sleep(0.1)
    assert not got
    process.kill()
    thread.join(30)
    assert got == [-signal.SIGKILL] or got == [None]  # the lock goes before the process is seen to be gone
    process.wait()
    process.stdout.close()


def test_a_wait_has_an_end_and_can_be_interrupted(monkeypatch):
    process = held()
    try:
        monkeypatch.setattr(turns, "MAX_WAIT", 0.05)
        with turns.turn():
            pass
        monkeypatch.setattr(turns, "MAX_WAIT", 60.0)
        timer = threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT))
        timer.start()
        with pytest.raises(KeyboardInterrupt), turns.turn():
            pytest.fail("it was not this one's turn")
        timer.join()
        assert not turns._held
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_does_not_have_its_parents_turn():
    with turns.turn():
        child = os.fork()
        if child == 0:
            time.sleep(20)
            os._exit(0)
    try:
        with turns.turn():
            assert os.waitpid(child, os.WNOHANG) == (0, 0)  # it was not waited for
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


@pytest.mark.parametrize("why", ["nowhere", "no locks"])
def test_without_locks_nobody_waits(why, folder, monkeypatch):
    if why == "nowhere":
        (folder / "file").touch()
        monkeypatch.setattr(disk_cache, "directory", lambda: folder / "file" / "fastbp")
    else:

        def flock(*arguments):
            raise OSError(95, "Operation not supported")

        monkeypatch.setattr(turns.fcntl, "flock", flock)
    with turns.turn(), turns.turn():
        pass


def test_what_another_process_has_compiled_is_not_compiled_again(monkeypatch):
    done = []
    monkeypatch.setattr(background_compile, "run_elsewhere", lambda *codes: done.append(codes))
    for there in (False, True):
        background_compile.compile_once(lambda there=there: there, lambda: done.append("loaded"), "a", "b")
    assert done == [("a", "b"), "loaded"]
