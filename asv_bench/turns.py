"""Peers measured in turns, so that a machine that is busy for a while is busy for all of them."""

import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path

import fastbp

HERE = Path(__file__).resolve().parent
SAME_LOSS = 0.02  # relative difference allowed after up to a hundred steps in another order of summation
LONGEST_REACH = 60  # seconds of training after which a loss counts as out of reach
REACH_ROUNDS = 3
SETTLE = 0.3  # seconds in which the threads of the peer before stop spinning


class Failed(RuntimeError):
    """A peer's process ended before it answered."""


class Worker:
    """The process of one peer at work on one workload (worker.py)."""

    def __init__(self, peer, workload, cache=None):
        self.peer, self.errors = peer, tempfile.TemporaryFile(mode="w+")  # noqa: SIM115 (lives as long as the process)
        command = [sys.executable, str(HERE / "worker.py"), peer, json.dumps(asdict(workload)), repr(time.time())]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": self.errors}
        self.process = subprocess.Popen(command, text=True, env=_environment(workload.threads, cache), **pipes)

    def ask(self, *question):
        """The answer to a question, for which the process may take its time."""
        try:
            self.process.stdin.write(" ".join(map(str, question)) + "\n")
            self.process.stdin.flush()
            answer = self.process.stdout.readline()
        except BrokenPipeError:
            answer = ""
        if not answer:
            lines = self.close().splitlines()
            raise Failed(lines[-1] if lines else f"exit code {self.process.returncode}")
        return json.loads(answer)

    def close(self):
        """End the process; what it wrote to stderr."""
        with contextlib.suppress(BrokenPipeError):
            self.process.communicate()
        self.errors.seek(0)
        with self.errors:
            return self.errors.read().strip()


def _environment(threads, cache):
    """``cache``: a folder for all that is compiled, instead of the user's."""
    folders = dict.fromkeys(("NUMBA_CACHE_DIR", "TORCHINDUCTOR_CACHE_DIR"), str(cache)) if cache else {}
    count = str(threads)
    eigen = f"--xla_cpu_multi_thread_eigen={str(threads > 1).lower()}"
    return {**os.environ, **folders, "OMP_NUM_THREADS": count, "OPENBLAS_NUM_THREADS": count, "XLA_FLAGS": eigen}


def measure(workload, peers, rounds, seconds):
    """One row of the report: the limit, and for each peer its times, loss and start-up."""
    row = {"workload": asdict(workload), "flop": workload.flop, "limits": [], "failed": {}, "peers": {}}
    workers = []
    for peer in peers:
        worker = Worker(peer, workload)
        try:
            row["peers"][peer] = {**worker.ask("ready"), "seconds": []}
            workers.append(worker)
        except Failed as error:
            row["failed"][peer] = str(error)
    settle = SETTLE if workload.threads > 1 else 0.0
    for _ in range(rounds):
        time.sleep(settle)
        row["limits"].append(fastbp.measure_limit(workload.threads, workload.dtype))
        for worker in workers:
            time.sleep(settle)
            row["peers"][worker.peer]["seconds"].append(worker.ask("time", seconds))
    for worker in workers:
        worker.close()
    row["limit"] = statistics.median(row["limits"])
    row["disagreement"] = disagreement({name: peer["loss"] for name, peer in row["peers"].items()})
    return row


def disagreement(losses):
    """What is wrong if not all have learnt the same; else an empty string."""
    reference = losses.get("fastbp", next(iter(losses.values()), 0.0))
    apart = {name: loss for name, loss in losses.items() if not abs(loss - reference) <= SAME_LOSS * abs(reference)}
    return "".join(f"{name} has a loss of {loss:g} where fastbp has {reference:g}; " for name, loss in apart.items())


def measure_reach(workload, peers):
    """Seconds to the workload's loss: ``first`` with nothing compiled yet, ``start`` in a later process, ``train`` alone.

    The first two go from the start of the process, imports and compilation included, to that loss. None for out of reach.
    """
    question = workload.reach, LONGEST_REACH
    times, workers = {}, []
    for peer in peers:
        with tempfile.TemporaryDirectory() as cache:
            first, second = Worker(peer, workload, cache), None
            try:
                times[peer] = {"first": first.ask("begin", *question)}
                first.close()
                second = Worker(peer, workload, cache)
                times[peer] |= {"start": second.ask("begin", *question), "train": []}
                workers.append(second)
            except Failed:
                times.pop(peer, None)
    for _ in range(REACH_ROUNDS):
        for worker in workers:
            times[worker.peer]["train"].append(worker.ask("reach", *question))
    for worker in workers:
        worker.close()
    return times
