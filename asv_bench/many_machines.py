"""What training on a cluster of processes costs and reaches, beside the same work in one: python asv_bench/many_machines.py

All on this machine: what a network between machines adds is not in it, but is reckoned from the bytes that move.
"""

import argparse
import math
import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

import fastbp

LINK = 1.25e9  # bytes a second, of 10 Gbit/s
TASK = 1e-3  # seconds that dask's scheduler needs for a task


def regression(rows: int) -> tuple[np.ndarray, np.ndarray]:
    """A smooth function of eight numbers, with noise."""
    rng = np.random.default_rng(0)
    x = rng.uniform(-1, 1, size=(rows, 8)).astype("float32")
    y = np.sin(3 * x[:, 0]) * x[:, 1] + x[:, 2] ** 2 * x[:, 3] + np.tanh(2 * x[:, 4] + x[:, 5]) + 0.05 * rng.normal(size=rows)
    return x, y.astype("float32").reshape(-1, 1)


def digits() -> tuple[np.ndarray, np.ndarray]:
    """The 1,797 digits of scikit-learn, shuffled."""
    from sklearn.datasets import load_digits

    x, y = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(x))
    return (x[order] / 16).astype("float32"), y[order].astype("int64")


def model_for(name: str, seed: int = 0) -> fastbp.Sequential:
    """The network for the digits, or for the regression."""
    if name == "digits":
        model = fastbp.Sequential([fastbp.Input((64,)), fastbp.Dense(64, "relu"), fastbp.Dense(10, "softmax")], seed=seed)
        model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    else:
        layers = [fastbp.Dense(64, "tanh"), fastbp.Dense(64, "tanh"), fastbp.Dense(1)]
        model = fastbp.Sequential([fastbp.Input((8,)), *layers], seed=seed)
        model.compile("adam", "mse", metrics=["r2"])
    return model


def timed(function: Callable[..., Any], *arguments: Any, **settings: Any) -> float:
    """Seconds of a call."""
    start = time.perf_counter()
    function(*arguments, **settings)
    return time.perf_counter() - start


def many(client: Any, members: int, rounds: int) -> None:
    """The same members by ``fit_many`` here and on the cluster, in turns."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(4096, 17)).astype("float32"), rng.normal(size=(4096, 6)).astype("float32")

    def networks() -> list[fastbp.Sequential]:
        made = []
        for seed in range(members):
            layers = [fastbp.Dense(64, "tanh"), fastbp.Dense(64, "tanh"), fastbp.Dense(6)]
            made.append(fastbp.Sequential([fastbp.Input((17,)), *layers], seed=seed))
            made[-1].compile("adam", "mse")
        return made

    settings: dict[str, Any] = {"epochs": 20, "batch_size": 64, "verbose": 0}
    fastbp.fit_many(networks()[:2], x, y, epochs=1, client=client, verbose=0)
    ratios = []
    for _ in range(rounds):
        here = timed(fastbp.fit_many, networks(), x, y, **settings)
        there = timed(fastbp.fit_many, networks(), x, y, client=client, **settings)
        ratios.append(there / here)
        print(f"fit_many of {members} networks 17-64-64-6: {here:.2f} s here, {there:.2f} s on the cluster")
    print(f"the cluster takes {np.median(ratios):.2f} times as long (target: at most 1.15)")


def moved(client: Any) -> int:
    """Bytes that workers have sent each other so far."""
    return sum(client.run(lambda dask_worker: dask_worker.transfer_outgoing_bytes_total).values())


def score(model: fastbp.Sequential, x: np.ndarray, y: np.ndarray) -> float:
    """The accuracy, or the share of the variance that is explained."""
    return float(model.evaluate(x, y, verbose=0)[1])  # type: ignore[index]


def accuracy(client: Any, name: str, epochs: int, batch_size: int, rows: int) -> None:
    """Rounds of averaging against a single machine, for the same passes over the same rows."""
    from dask import array

    x, y = digits() if name == "digits" else regression(rows)
    cut = len(x) * 4 // 5
    train, test = (x[:cut], y[:cut]), (x[cut:], y[cut:])
    chunks = -(-cut // 4)
    alone = model_for(name)
    seconds = timed(alone.fit, *train, epochs=epochs, batch_size=batch_size, verbose=0)
    best = score(alone, *test)
    print(f"{name}: {cut} rows, {epochs} epochs, batch {batch_size}: one machine {best:.4f} in {seconds:.1f} s")
    data = [array.from_array(part, chunks=(chunks, *part.shape[1:])).persist() for part in train]
    diloco = fastbp.SGD(0.7, momentum=0.9, nesterov=True)
    ways: list[tuple[str, dict[str, Any]]] = [
        (f"{epochs // local} rounds of {local}", {"rounds": epochs // local, "local_epochs": local})
        for local in (1, 5, 10)
        if epochs % local == 0
    ]
    ways.append((f"{epochs // 5} rounds of 5, DiLoCo", {**ways[1][1], "outer_optimizer": diloco}))
    if name == "digits":
        ways.append(("every step", {"rounds": epochs, "sync": "step"}))
    for told, settings in ways:
        model, before = model_for(name), moved(client)
        size = batch_size // 2 if "sync" in settings else batch_size
        seconds = timed(fastbp.dask.fit, model, *data, batch_size=size, client=client, verbose=0, **settings)
        found, sent = score(model, *test), moved(client) - before
        each = sent / settings["rounds"] / 1e3
        print(f"  {told:28} {found:.4f}, {found / best:.1%} of it, {seconds:5.1f} s, {each:7.1f} kB a round between workers")


def on_paper(workers: int, parameters: float, slots: int = 2, itemsize: int = 4) -> None:
    """A round and a step on many machines, by bytes and tasks alone."""
    levels = math.ceil(math.log2(workers))
    state, gradient = (1 + slots) * parameters * itemsize, parameters * itemsize
    tree = {name: 2 * 2 * levels * size / LINK for name, size in (("round", state), ("step", gradient))}
    tasks = 2 * workers * TASK
    client = 2 * state / LINK
    print(f"{workers} workers, {parameters:.0e} parameters, 10 Gbit/s: state {state / 1e6:.0f} MB, {levels} levels")
    print(f"  a round: {tree['round']:.2f} s in the tree up and down, {tasks:.2f} s for tasks, {client:.2f} s for the client")
    print(f"  a step of all together: {tree['step']:.2f} s in the tree, {tasks:.2f} s for tasks")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--members", type=int, default=64, help="of fit_many")
    parser.add_argument("--rows", type=int, default=250_000, help="of the regression, a fifth of them to test on")
    parser.add_argument("--rounds", type=int, default=3, help="of the comparison with fit_many")
    parser.add_argument("--only", default="many,digits,regression,paper", help="some of these, with commas")
    given = parser.parse_args()
    only = given.only.split(",")
    if {"many", "digits", "regression"} & {*only}:
        import distributed

        warnings.simplefilter("ignore")
        with (
            distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0") as cluster,
            distributed.Client(cluster) as client,
        ):
            client.run(fastbp.warmup)
            if "many" in only:
                many(client, given.members, given.rounds)
            if "digits" in only:
                accuracy(client, "digits", 40, 32, 0)
            if "regression" in only:
                accuracy(client, "regression", 10, 64, given.rows)
    if "paper" in only:
        for parameters in (1e4, 1e6, 1e8):
            on_paper(100, parameters)


if __name__ == "__main__":
    main()
