"""Seconds of scikit-learn's multi-layer perceptrons and of fastbp's, side by side: ``python asv_bench/sklearn_ratios.py``."""

import argparse
import statistics
import time
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from sklearn import neural_network as theirs
from sklearn.datasets import load_digits, load_wine, make_regression
from sklearn.model_selection import GridSearchCV

import fastbp as ours

Case = tuple[str, Callable[[Any], Callable[[], object]]]  # a name, and what to time of a module with the estimators
GRID = {"hidden_layer_sizes": [(20,), (50,), (100,)], "alpha": [1e-4, 1e-2], "learning_rate_init": [1e-3, 1e-2]}


def fitting(kind: str, X: Any, y: Any, **settings: Any) -> Callable[[Any], Callable[[], object]]:
    settings = {"random_state": 0, "tol": 0.0, "n_iter_no_change": 10_000, **settings}  # as many epochs as are asked for
    return lambda module: lambda: getattr(module, kind)(**settings).fit(X, y)


def predicting(rows: int) -> Callable[[Any], Callable[[], object]]:
    X, y = load_digits(return_X_y=True)

    def case(module: Any) -> Callable[[], object]:
        fitted = module.MLPClassifier(max_iter=5, random_state=0).fit(X, y)
        return lambda: [fitted.predict(X[:rows]) for _ in range(100)]

    return case


def searching() -> Callable[[Any], Callable[[], object]]:
    X, y = load_digits(return_X_y=True)
    return lambda module: (
        lambda: GridSearchCV(module.MLPClassifier(max_iter=30, random_state=0), GRID, cv=3, n_jobs=2).fit(X, y)
    )


def cases() -> Iterator[Case]:
    digits, wine = load_digits(return_X_y=True), load_wine(return_X_y=True)
    table = make_regression(20_000, 20, noise=5.0, random_state=0)
    rng = np.random.default_rng(0)
    pictures = rng.uniform(size=(2_000, 784)).astype(np.float32), rng.integers(10, size=2_000)
    yield "digits, (100,)", fitting("MLPClassifier", *digits, max_iter=30)
    yield "20,000 x 20, (100,)", fitting("MLPRegressor", *table, max_iter=5)
    yield (
        "20,000 x 20, (64, 64), batch 64",
        fitting("MLPRegressor", *table, hidden_layer_sizes=(64, 64), batch_size=64, max_iter=3),
    )
    yield "178 x 13, (10,)", fitting("MLPClassifier", *wine, hidden_layer_sizes=(10,), max_iter=200)
    yield "784-512-256-10", fitting("MLPClassifier", *pictures, hidden_layer_sizes=(512, 256), max_iter=3)
    yield "digits, (100,), lbfgs", fitting("MLPClassifier", *digits, solver="lbfgs", max_iter=30)
    for width in (10, 100, 300, 1000):
        yield f"digits, ({width},)", fitting("MLPClassifier", *digits, hidden_layer_sizes=(width,), max_iter=5)
    yield "predict of one row, 100 times", predicting(1)
    yield "predict of 1,797 rows, 100 times", predicting(1797)
    yield "3-fold grid of 12, n_jobs=2", searching()


def seconds(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", default="", help="part of a case's name")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    print("| | scikit-learn | fastbp | ratio |\n| --- | --- | --- | --- |")
    for name, case in cases():
        if options.only not in name:
            continue
        calls = [case(module) for module in (theirs, ours)]
        calls[1]()  # the kernels are compiled or loaded
        rounds = [[seconds(call) for call in calls] for _ in range(options.rounds)]
        first, second = (statistics.median(column) for column in zip(*rounds, strict=True))
        print(f"| {name} | {first:.3g} s | {second:.3g} s | {first / second:.1f} |", flush=True)


if __name__ == "__main__":
    main()
