"""Starting: import, the first fit, and compiling everything. Each sample is a new interpreter."""

import subprocess
import sys

FIT = """
import numpy as np
import fastbp
x = np.linspace(-1, 1, 64, dtype=np.float32)[:, None]
model = fastbp.Sequential([fastbp.Dense(8, "tanh"), fastbp.Dense(1)], seed=0)
model.compile("adam", "mse")
model.fit(x, x, epochs=1, verbose=0)
"""
EMPTY_CACHE = """
import os, tempfile
folder = tempfile.TemporaryDirectory()
os.environ["NUMBA_CACHE_DIR"] = folder.name
"""


class Warm:
    """Kernels are on disk, as for all but the first process."""

    def setup(self):
        subprocess.run([sys.executable, "-c", FIT], check=True)

    def timeraw_import(self):
        return "import fastbp"

    def timeraw_import_and_first_fit(self):
        return FIT


class Cold:
    """Nothing is on disk."""

    repeat, rounds, number, warmup_time, timeout = 2, 1, 1, 0, 600

    def timeraw_import_and_first_fit(self):
        return EMPTY_CACHE + FIT

    def timeraw_warmup(self):
        return EMPTY_CACHE + "import fastbp\nfastbp.warmup()"
