"""Batches of 1 to 32 rows: what a step takes, for networks and optimizers, here and at another commit.

    python asv_bench/few_rows.py                       names batches whose rows take longer than those of a smaller batch
    python asv_bench/few_rows.py --against HEAD~1      and what is more than 3 % slower than it was there
    python asv_bench/few_rows.py --networks 17,64,64,6 --optimizers sgd --batches 1,8

Both commits run in processes that take turns, and the best turn of each counts. Exits with 1 if anything is named.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NETWORKS = ["16,32,1", "17,64,64,6", "40,120,120,5", "64,256,256,8"]
OPTIMIZERS = ["sgd", "momentum", "adam"]
BATCHES = [1, 2, 3, 4, 5, 6, 8, 11, 16, 24, 32]
MOST_LOST = 0.25  # of the rows a second of a smaller batch
MOST_SLOWER = 0.03  # than at the other commit
SECONDS = 0.02  # of an epoch


def measure(networks, optimizers, batches):
    """Microseconds of a step by "network optimizer batch", on one thread: the best of some epochs."""
    import numpy as np

    import fastbp

    makers = {"sgd": fastbp.SGD, "momentum": lambda rate: fastbp.SGD(rate, momentum=0.9), "adam": fastbp.Adam}
    found = {}
    for network in networks:
        inputs, *hidden, units = map(int, network.split(","))
        for optimizer in optimizers:
            for batch in batches:
                model = fastbp.Sequential([*(fastbp.Dense(n, "relu") for n in hidden), fastbp.Dense(units)], seed=0)
                model.build(inputs)
                model.compile(makers[optimizer](1e-5), "mse")
                products = sum(a * b for a, b in zip([inputs, *hidden], [*hidden, units], strict=True))
                steps = max(10, int(SECONDS / (1e-6 + batch * products * 3e-10)))
                generator = np.random.default_rng(0)
                x = generator.normal(size=(steps * batch, inputs)).astype("float32")
                y = generator.normal(size=(steps * batch, units)).astype("float32")
                history = model.fit(x, y, batch_size=batch, epochs=6, verbose=0, threads=1)
                found[f"{network} {optimizer} {batch}"] = 1e6 * batch / max(history.samples_per_second)
    return found


def in_turn(tree, chosen):
    """What ``measure`` gives in a process of its own, with the fastbp of another folder."""
    lists = (",".join(map(str, part)) if name == "batches" else ";".join(part) for name, part in chosen.items())
    options = [f"--{name}={text}" for name, text in zip(chosen, lists, strict=True)]
    command = [sys.executable, __file__, "--json", *options]
    run = subprocess.run(command, env={**os.environ, "PYTHONPATH": str(tree)}, cwd=tree, check=True, stdout=subprocess.PIPE)
    return json.loads(run.stdout)


def best(turns):
    return {name: min(turn[name] for turn in turns) for name in turns[0]}


def cliffs(found, batches):
    """Batches that take longer than more rows should, told in words."""
    named = []
    for name in {key.rsplit(" ", 1)[0]: None for key in found}:
        for small, large in zip(batches, batches[1:], strict=False):
            before, after = (batch / found[f"{name} {batch}"] for batch in (small, large))
            if after < (1 - MOST_LOST) * before:
                named.append(f"{name}: batch {large} has {100 * (1 - after / before):.0f} % fewer rows a second than {small}")
    return named


def slower(here, there):
    return [
        f"{name}: {there[name]:.2f} -> {here[name]:.2f} us, {100 * (here[name] / there[name] - 1):.0f} % slower"
        for name in here
        if here[name] > (1 + MOST_SLOWER) * there[name]
    ]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--networks", type=lambda text: text.split(";"), default=NETWORKS, help="separated by semicolons")
    parser.add_argument("--optimizers", type=lambda text: text.split(";"), default=OPTIMIZERS, help="separated by semicolons")
    parser.add_argument("--batches", type=lambda text: [int(batch) for batch in text.split(",")], default=BATCHES)
    parser.add_argument("--against", help="a commit")
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--json", action="store_true", help="measure once, and print nothing but that")
    options = parser.parse_args()
    chosen = {"networks": options.networks, "optimizers": options.optimizers, "batches": options.batches}
    if options.json:
        print(json.dumps(measure(**chosen)))
        return
    named = []
    with tempfile.TemporaryDirectory() as folder:
        trees = [ROOT]
        if options.against:
            trees.append(Path(folder) / "there")
            subprocess.run(["git", "worktree", "add", "--detach", "-q", trees[1], options.against], cwd=ROOT, check=True)
        try:
            turns = [[in_turn(tree, chosen) for tree in trees] for _ in range(options.turns)]
        finally:
            if options.against:
                subprocess.run(["git", "worktree", "remove", "--force", trees[1]], cwd=ROOT, check=True)
    here, *there = (best(of_tree) for of_tree in zip(*turns, strict=True))
    for name, microseconds in here.items():
        print(f"{name}: {microseconds:.2f} us" + (f" ({there[0][name]:.2f} us at {options.against})" if there else ""))
    named = cliffs(here, options.batches) + (slower(here, there[0]) if there else [])
    print("\n".join(["", *named]) if named else "\nno cliff")
    raise SystemExit(1 if named else 0)


if __name__ == "__main__":
    main()
