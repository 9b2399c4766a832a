"""Many networks trained in one call, beside a loop over PyTorch models and JAX's vmap: the rates, measured in turns.

    python asv_bench/many_peers.py [--case tiny --case rl] [--rounds 5] [--python jax=PATH] [--threads 2]

All train as many steps of Adam on the same data; vmap has the same order of samples for all networks, which suits it. PyTorch
trains few of them, one after another: its rate does not depend on how many there are. ``--python`` names the interpreter of a
peer that is not installed here. Losses of the last epoch must agree.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np

RATE, BETA_1, BETA_2, EPSILON = 1e-3, 0.9, 0.999, 1e-7
SAME_LOSS = 0.1  # relative difference of the mean loss of all, whose first weights are others


class Case(NamedTuple):
    """So many networks of some sizes, each on so many rows for so many epochs."""

    sizes: tuple[int, ...]
    members: int
    rows: int
    epochs: int
    batch: int
    of_torch: int  # networks that PyTorch trains
    goals: dict[str, float]  # times the rates of others, where there are any


CASES = {
    "tiny": Case((1, 8, 1), 10_000, 100, 200, 25, 1, {"torch": 20, "jax": 3}),
    "rl": Case((17, 64, 64, 6), 256, 4096, 20, 64, 1, {"torch": 30, "jax": 3, "fastbp, one core": 1.85}),
}


def data(case):
    generator = np.random.default_rng(0)
    x = generator.uniform(-1, 1, (case.rows, case.sizes[0])).astype("f")
    return x, np.sin(3 * x @ generator.normal(size=(case.sizes[0], case.sizes[-1])) / case.sizes[0]).astype("f")


class OfFastbp:
    """One call of fit_many."""

    def __init__(self, case, threads):
        self.case, self.threads = case, threads
        self.x, self.y = data(case)
        self.members = case.members

    def models(self):
        import fastbp as bp

        models = []
        for seed in range(self.members):
            hidden = [bp.Dense(units, "tanh") for units in self.case.sizes[1:-1]]
            model = bp.Sequential([*hidden, bp.Dense(self.case.sizes[-1])], seed=seed)
            model.compile(bp.Adam(RATE), "mse")
            models.append(model)
        return models

    def run(self):
        import fastbp as bp

        models = self.models()
        settings = {"epochs": self.case.epochs, "batch_size": self.case.batch, "verbose": 0, "threads": self.threads}
        start = time.perf_counter()
        found = bp.fit_many(models, self.x, self.y, **settings)
        seconds = time.perf_counter() - start
        return seconds, float(np.mean([member.history.history["loss"][-1] for member in found]))


class OfTorch:
    """The loop that people write."""

    def __init__(self, case, threads):
        import torch

        torch.set_num_threads(1)  # the fastest for networks of these sizes
        self.torch, self.case, self.members = torch, case, case.of_torch
        self.x, self.y = map(torch.from_numpy, data(case))

    def run(self):
        losses, start = [], time.perf_counter()
        for seed in range(self.members):
            losses.append(self.train(seed))
        return time.perf_counter() - start, float(np.mean(losses))

    def train(self, seed):
        torch, case = self.torch, self.case
        torch.manual_seed(seed)
        layers = []
        for width, units in zip(case.sizes, case.sizes[1:], strict=False):
            layers += [torch.nn.Linear(width, units), torch.nn.Tanh()]
        model = torch.nn.Sequential(*layers[:-1])
        for layer in layers[::2]:
            torch.nn.init.xavier_uniform_(layer.weight)
            torch.nn.init.zeros_(layer.bias)
        optimizer = torch.optim.Adam(model.parameters(), RATE, (BETA_1, BETA_2), EPSILON, fused=True)
        for _ in range(case.epochs):
            order, total = torch.randperm(case.rows), 0.0
            for first in range(0, case.rows, case.batch):
                taken = order[first : first + case.batch]
                loss = torch.nn.functional.mse_loss(model(self.x[taken]), self.y[taken])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                total += loss.detach() * len(taken)
        return float(total) / case.rows


class OfJax:
    """vmap of a scan over all steps of all epochs, jitted."""

    def __init__(self, case, threads):
        import jax
        import jax.numpy as jnp

        jax.config.update("jax_platforms", "cpu")
        self.jax, self.jnp, self.case, self.members = jax, jnp, case, case.members
        x, y = data(case)
        generator, steps = np.random.default_rng(1), case.rows // case.batch
        orders = [generator.permutation(case.rows)[: steps * case.batch].reshape(steps, -1) for _ in range(case.epochs)]
        self.arguments = jnp.asarray(x), jnp.asarray(y), jnp.asarray(np.array(orders))
        self.train_all = jax.jit(jax.vmap(self.train, (0, None, None, None)))

    def outputs(self, weights, x):
        for kernel, bias in weights[:-1]:
            x = self.jnp.tanh(x @ kernel + bias)
        kernel, bias = weights[-1]
        return x @ kernel + bias

    def train(self, weights, x, y, orders):
        jax, jnp = self.jax, self.jnp

        def loss_of(weights, x, y):
            return jnp.mean((self.outputs(weights, x) - y) ** 2)

        def step(state, taken):
            weights, m, v, t = state
            loss, g = jax.value_and_grad(loss_of)(weights, x[taken], y[taken])
            t = t + 1
            m = jax.tree.map(lambda a, b: BETA_1 * a + (1 - BETA_1) * b, m, g)
            v = jax.tree.map(lambda a, b: BETA_2 * a + (1 - BETA_2) * b * b, v, g)
            alpha = RATE * jnp.sqrt(1 - BETA_2**t) / (1 - BETA_1**t)
            weights = jax.tree.map(lambda w, a, b: w - alpha * a / (jnp.sqrt(b) + EPSILON), weights, m, v)
            return (weights, m, v, t), loss

        def epoch(state, order):
            state, losses = jax.lax.scan(step, state, order)
            return state, losses.mean()

        zeros = jax.tree.map(jnp.zeros_like, weights)
        state, losses = jax.lax.scan(epoch, (weights, zeros, zeros, jnp.zeros(())), orders)
        return state[0], losses[-1]

    def first_weights(self):
        generator, found = np.random.default_rng(2), []
        for width, units in zip(self.case.sizes, self.case.sizes[1:], strict=False):
            limit = np.sqrt(6 / (width + units))
            kernel = generator.uniform(-limit, limit, (self.members, width, units)).astype("f")
            found.append((self.jnp.asarray(kernel), self.jnp.zeros((self.members, units))))
        return found

    def run(self):
        weights = self.jax.block_until_ready(self.first_weights())
        start = time.perf_counter()
        _, losses = self.jax.block_until_ready(self.train_all(weights, *self.arguments))
        return time.perf_counter() - start, float(losses.mean())


PEERS = {"fastbp": OfFastbp, "fastbp, one core": OfFastbp, "torch": OfTorch, "jax": OfJax}


def work(name, case, threads):
    """What the process of a peer does: one measurement for each line that it is sent."""
    try:
        peer = PEERS[name](case, 1 if name == "fastbp, one core" else threads)
    except ImportError as error:
        print(json.dumps({"missing": str(error)}), flush=True)
        return
    peer.run()
    print(json.dumps({"ready": True}), flush=True)
    for _ in sys.stdin:
        seconds, loss = peer.run()
        print(json.dumps({"rate": peer.members / seconds, "loss": loss}), flush=True)


def begin(name, case_name, options, pythons):
    command = [pythons.get(name, sys.executable), str(Path(__file__).resolve()), "--work", name, "--case", case_name]
    command += ["--threads", str(options.threads), "--members", str(options.members)]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parent.parent)}
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)


def answer(process):
    line = process.stdout.readline()
    return json.loads(line) if line else {"missing": f"exit code {process.wait()}"}


def measure(case_name, options, pythons):
    """The rates of each peer, round after round, and its mean loss."""
    processes = {name: begin(name, case_name, options, pythons) for name in options.peer or PEERS}
    rates, losses = {}, {}
    for name, process in list(processes.items()):
        told = answer(process)
        if "missing" in told:
            print(f"{name}: {told['missing']}", file=sys.stderr)
            del processes[name]
    for _ in range(options.rounds):
        for name, process in processes.items():
            process.stdin.write("go\n")
            process.stdin.flush()
            told = answer(process)
            rates.setdefault(name, []).append(told["rate"])
            losses[name] = told["loss"]
    for process in processes.values():
        process.stdin.close()
        process.wait()
    return rates, losses


def chosen(name, members):
    case = CASES[name]
    return case if not members else case._replace(members=members)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--case", action="append", choices=CASES)
    parser.add_argument("--peer", action="append", choices=PEERS)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--members", type=int, default=0, help="other than the case has")
    parser.add_argument("--python", action="append", default=[], metavar="PEER=PATH")
    parser.add_argument("--work", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.work:
        work(options.work, chosen(options.case[0], options.members), options.threads)
        return
    pythons, apart = dict(text.split("=", 1) for text in options.python), False
    print("| networks | peer | networks a second | fastbp / this | goal |")
    print("|---|---|---|---|---|")
    for case_name in options.case or CASES:
        rates, losses = measure(case_name, options, pythons)
        case = chosen(case_name, options.members)
        label = f"{case.members:,} of {'-'.join(map(str, case.sizes))}, {case.rows:,} rows, {case.epochs} epochs"
        for name, found in rates.items():
            ratios = [ours / theirs for ours, theirs in zip(rates["fastbp"], found, strict=True)]
            goal = case.goals.get(name, "")
            print(
                f"| {label} | {name} | {statistics.median(found):,.4g} | {statistics.median(ratios):.3g} | {goal} |", flush=True
            )
            apart |= abs(losses[name] / losses["fastbp"] - 1) > SAME_LOSS and name != "torch"  # which trains few
    if apart:
        sys.exit("the losses differ: these are not the same fits")


if __name__ == "__main__":
    main()
