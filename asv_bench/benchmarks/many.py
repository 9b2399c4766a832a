"""Many networks trained in one call."""

import time

import numpy as np

import fastbp

from .common import SMOKE, some, unit

CASES = {  # sizes, how many, rows, epochs, rows of a step
    "tiny": ((1, 8, 1), 20 if SMOKE else 2000, 100, 200, 25),
    "rl": ((17, 64, 64, 6), 4 if SMOKE else 32, 4096, 20, 64),
}


def models(sizes, count):
    made = []
    for seed in range(count):
        model = fastbp.Sequential([*(fastbp.Dense(n, "tanh") for n in sizes[1:-1]), fastbp.Dense(sizes[-1])], seed=seed)
        model.compile("adam", "mse")
        made.append(model)
    return made


def data(sizes, rows):
    x = np.random.default_rng(0).uniform(-1, 1, (rows, sizes[0])).astype("f")
    return x, np.repeat(x[:, :1], sizes[-1], axis=1)


class Many:
    """Each with a thread of its own, on one core and on two."""

    params = (list(CASES), [1, 2])
    param_names = ["case", "threads"]

    def setup(self, case, threads):
        sizes, count, rows, epochs, batch = CASES[case]
        self.x, self.y = data(sizes, rows)
        self.settings = {"epochs": epochs, "batch_size": batch, "verbose": 0, "threads": threads}
        self.count, self.sizes = count, sizes
        fastbp.fit_many(models(sizes, 4), self.x, self.y, **self.settings)

    @unit("networks a second")
    def track_rate(self, case, threads):
        made = models(self.sizes, self.count)
        start = time.perf_counter()
        fastbp.fit_many(made, self.x, self.y, **self.settings)
        return self.count / (time.perf_counter() - start)


class Overhead:
    """What each costs beside its steps: a single one of them, on a row."""

    params = some([100, 1000])
    param_names = ["members"]

    def setup(self, members):
        self.x, self.y = data((1, 8, 1), 1)
        fastbp.fit_many(models((1, 8, 1), 4), self.x, self.y, verbose=0)

    @unit("us a network")
    def track_overhead(self, members):
        made = models((1, 8, 1), members)
        start = time.perf_counter()
        fastbp.fit_many(made, self.x, self.y, verbose=0, threads=1)
        return 1e6 * (time.perf_counter() - start) / members


class Together:
    """The predictions of an ensemble: of all members in one call, and beside that with a call for each."""

    params = (some([1, 100, 10_000]), ["together", "one by one"])
    param_names = ["rows", "way"]

    def setup(self, rows, way):
        sizes, x = (17, 64, 64, 6), np.random.default_rng(0).normal(size=(rows, 17)).astype("f")
        self.ensemble, self.x = fastbp.Ensemble(models(sizes, 1)[0], 4 if SMOKE else 32, seed=0), x
        self.ensemble.fit(*data(sizes, 64), epochs=0, verbose=0)
        self.time_predict(rows, way)

    def time_predict(self, rows, way):
        if way == "together":
            self.ensemble.predict_members(self.x)
        else:
            for model in self.ensemble.models:
                model.predict(self.x, verbose=0)


class Memory:
    """Peak memory of many fits, beside that of the same process without them."""

    params = some(["rl"])
    param_names = ["case"]

    def setup(self, case):
        sizes, count, rows, *_ = CASES[case]
        self.x, self.y = data(sizes, rows)
        self.models = models(sizes, 8 * count)
        fastbp.fit_many(models(sizes, 4), self.x, self.y, verbose=0)

    def peakmem_fit_many(self, case):
        fastbp.fit_many(self.models, self.x, self.y, batch_size=64, verbose=0, threads=1)

    def peakmem_reference(self, case):
        """What the interpreter, the libraries, the networks and the data take."""
