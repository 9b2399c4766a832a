"""Value and gradient of a formula over a million points: fastbp beside JAX, PyTorch and a loop written by hand.

    python asv_bench/graph_peers.py                      both formulas, float64 and float32, every installed peer
    python asv_bench/graph_peers.py --only damped --dtypes float64 --rounds 9

Each peer works in a process of its own, with as many threads as it takes by itself (the loop in Numba has one); the processes
take turns, so that a busy machine is busy for all. Values and gradients must agree. Prints a Markdown table.
"""

import argparse
import importlib.util
import json
import statistics
import subprocess
import sys
import time
from math import cos, exp, sin

import numpy as np

ROWS = 1_000_000
TOLERANCE = {"float64": 1e-9, "float32": 2e-3}  # relative to the largest part of the gradient
START = {
    "damped": [1.2, 0.7, 2.1, 0.3],
    "peaks": [1.2, 0.7, 2.1, 0.3, 0.8, 0.2, 5.0, 0.6, 1.5, 0.4],
}


def damped(m, p, x, y):
    """A damped oscillation, squared and averaged; ``m`` is the module that has exp, cos and mean."""
    return m.mean((p[0] * m.exp(-p[1] * x) * m.cos(p[2] * x + p[3])) ** 2)


def peaks(m, p, x, y):
    """Two damped oscillations and a Gaussian bump fitted to data: ten parameters."""
    waves = p[0] * m.exp(-p[1] * x) * m.sin(p[2] * x + p[3]) + p[4] * m.exp(-p[5] * x) * m.cos(p[6] * x)
    return m.mean((waves + p[7] * m.exp(-(((x - p[8]) / p[9]) ** 2)) - y) ** 2)


FORMULAS = {"damped": damped, "peaks": peaks}


def damped_loop(p, x, y):
    """The same, with its gradient by hand."""
    value, gradient = 0.0, np.zeros(4)
    for i in range(len(x)):
        decay, angle = exp(-p[1] * x[i]), p[2] * x[i] + p[3]
        shape = decay * cos(angle)
        f = p[0] * shape
        across = -2 * f * p[0] * decay * sin(angle)
        value += f * f
        gradient[0] += 2 * f * shape
        gradient[1] -= 2 * f * f * x[i]
        gradient[2] += across * x[i]
        gradient[3] += across
    return value / len(x), gradient / len(x)


def peaks_loop(p, x, y):
    """The same, with its gradient by hand."""
    value, gradient = 0.0, np.zeros(10)
    for i in range(len(x)):
        first, second = exp(-p[1] * x[i]), exp(-p[5] * x[i])
        sine, cosine = sin(p[2] * x[i] + p[3]), cos(p[2] * x[i] + p[3])
        sine_2, cosine_2 = sin(p[6] * x[i]), cos(p[6] * x[i])
        z = (x[i] - p[8]) / p[9]
        bump = exp(-z * z)
        error = p[0] * first * sine + p[4] * second * cosine_2 + p[7] * bump - y[i]
        g = 2 * error
        value += error * error
        gradient[0] += g * first * sine
        gradient[1] -= g * p[0] * first * sine * x[i]
        gradient[2] += g * p[0] * first * cosine * x[i]
        gradient[3] += g * p[0] * first * cosine
        gradient[4] += g * second * cosine_2
        gradient[5] -= g * p[4] * second * cosine_2 * x[i]
        gradient[6] -= g * p[4] * second * sine_2 * x[i]
        gradient[7] += g * bump
        gradient[8] += g * p[7] * bump * 2 * z / p[9]
        gradient[9] += g * p[7] * bump * 2 * z * z / p[9]
    return value / len(x), gradient / len(x)


LOOPS = {"damped": damped_loop, "peaks": peaks_loop}


def use_fastbp(name, p, x, y):
    import fastbp

    call = fastbp.value_and_grad(lambda p, x, y: FORMULAS[name](fastbp, p, x, y))
    return lambda: call(p, x, y)


def use_jax(name, p, x, y):
    import jax

    jax.config.update("jax_enable_x64", True)
    p, x, y = map(jax.numpy.asarray, (p, x, y))
    call = jax.jit(jax.value_and_grad(lambda p, x, y: FORMULAS[name](jax.numpy, p, x, y)))
    return lambda: jax.block_until_ready(call(p, x, y))


def use_torch(name, p, x, y):
    import torch

    p, x, y = map(torch.from_numpy, (p, x, y))
    p.requires_grad_(True)

    def call():
        p.grad = None
        value = FORMULAS[name](torch, p, x, y)
        value.backward()
        return value.detach(), p.grad

    return call


def use_numba(name, p, x, y):
    import numba

    call = numba.njit(LOOPS[name])
    return lambda: call(p, x, y)


PEERS = {"fastbp": use_fastbp, "jax": use_jax, "torch": use_torch, "numba": use_numba}


def serve(peer, name, dtype, seconds):
    """One peer's process: it says what it computed, then answers each line with the seconds that a call took."""
    rng = np.random.default_rng(0)
    x = rng.uniform(0, 3, ROWS).astype(dtype)
    y = rng.normal(size=ROWS).astype(dtype)
    call = PEERS[peer](name, np.array(START[name], dtype), x, y)
    start = time.perf_counter()
    value, gradient = call()
    first = time.perf_counter() - start
    print(json.dumps({"first": first, "value": float(value), "gradient": np.asarray(gradient, float).tolist()}), flush=True)
    for _ in sys.stdin:
        times, end = [], time.perf_counter() + seconds
        while not times or time.perf_counter() < end:
            start = time.perf_counter()
            call()
            times.append(time.perf_counter() - start)
        print(json.dumps(statistics.median(times)), flush=True)


class Worker:
    """A peer's process."""

    def __init__(self, peer, name, dtype, seconds):
        command = [sys.executable, __file__, "--serve", peer, name, dtype, str(seconds)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.peer, self.times = peer, []
        self.first = json.loads(self.process.stdout.readline())

    def turn(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        self.times.append(json.loads(self.process.stdout.readline()))

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def check(workers, dtype):
    """Everybody must have computed the same."""
    value, gradient = workers[0].first["value"], np.array(workers[0].first["gradient"])
    for worker in workers[1:]:
        error = np.max(np.abs(gradient - worker.first["gradient"])) / np.max(np.abs(gradient))
        error = max(error, abs(worker.first["value"] / value - 1))
        if not error <= TOLERANCE[dtype]:
            raise SystemExit(f"{worker.peer} and {workers[0].peer} differ by {error:.1e} in {dtype}")


def measure(name, dtype, peers, rounds, seconds):
    """Each peer's milliseconds."""
    workers = [Worker(peer, name, dtype, seconds) for peer in peers]
    check(workers, dtype)
    for _ in range(rounds):
        for worker in workers:
            worker.turn()
    for worker in workers:
        worker.close()
    return {worker.peer: statistics.median(worker.times) * 1e3 for worker in workers}


def main():
    if sys.argv[1:2] == ["--serve"]:
        peer, name, dtype, seconds = sys.argv[2:]
        serve(peer, name, dtype, float(seconds))
        return
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default=",".join(FORMULAS), help="formulas, by name, separated by commas")
    parser.add_argument("--dtypes", default="float64,float32")
    parser.add_argument("--peers", help="peers, by name; all that are installed if left out")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=0.2, help="of each turn")
    chosen = parser.parse_args()
    peers = chosen.peers.split(",") if chosen.peers else [p for p in PEERS if importlib.util.find_spec(p)]
    print("| formula | type | " + " | ".join(f"{peer}, ms" for peer in peers) + " | best peer / fastbp |")
    print("|---" * (3 + len(peers)) + "|")
    for name in chosen.only.split(","):
        for dtype in chosen.dtypes.split(","):
            times = measure(name, dtype, peers, chosen.rounds, chosen.seconds)
            others = [t for peer, t in times.items() if peer != "fastbp"]
            ratio = f"{min(others) / times['fastbp']:.1f}" if others and "fastbp" in times else "-"
            print(f"| {name} | {dtype} | " + " | ".join(f"{t:.2f}" for t in times.values()) + f" | {ratio} |", flush=True)


if __name__ == "__main__":
    main()
