"""Files of models, beside safetensors alone: ``python asv_bench/benchmarks/saving.py`` prints the figures."""

import os
import statistics
import tempfile
import time

import numpy as np

import fastbp

WIDTHS = 1000, 2300, 2300, 1000  # ten million parameters, and twice as many numbers of Adam's
TURNS = 7


def trained():
    """A compiled model with the optimizer's state."""
    model = fastbp.Sequential([fastbp.Dense(width, "relu") for width in WIDTHS[1:]], seed=0)
    model.compile("adam", "mse")
    model.train_on_batch(np.ones((4, WIDTHS[0]), "float32"), np.ones((4, WIDTHS[-1]), "float32"))
    return model


def seconds(folder):
    """Median seconds of saving and loading, in turns with safetensors, and the bytes of the file."""
    from safetensors.numpy import load_file, save_file

    model, path, other = trained(), os.path.join(folder, "model.keras"), os.path.join(folder, "other.safetensors")
    model.save(path)
    arrays = load_file(path)
    calls = {
        "save": lambda: model.save(path),
        "safetensors save": lambda: save_file(arrays, other),
        "load": lambda: fastbp.load_model(path),
        "safetensors load": lambda: load_file(other),
    }
    taken = {name: [] for name in calls}
    for _ in range(TURNS):
        for name, call in calls.items():
            start = time.perf_counter()
            call()
            taken[name].append(time.perf_counter() - start)
    return {name: statistics.median(values) for name, values in taken.items()}, os.path.getsize(path)


class TenMillion:
    """In memory (/dev/shm), so that no disk is measured."""

    def setup(self):
        self.folder = tempfile.TemporaryDirectory(dir="/dev/shm" if os.path.isdir("/dev/shm") else None)
        self.model, self.path = trained(), os.path.join(self.folder.name, "model.keras")
        self.model.save(self.path)

    def teardown(self):
        self.folder.cleanup()

    def time_save(self):
        self.model.save(self.path)

    def time_load(self):
        fastbp.load_model(self.path)


if __name__ == "__main__":
    for place in ("/dev/shm", tempfile.gettempdir()):
        with tempfile.TemporaryDirectory(dir=place) as name:
            found, size = seconds(name)
            for what, value in found.items():
                print(f"{place}: {what} {value:.3f} s, {size / value / 1e9:.2f} GB/s")
