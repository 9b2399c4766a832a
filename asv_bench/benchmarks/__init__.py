"""Benchmarks for airspeed velocity. Everything is compiled before it is timed, in ``setup``.

This file is run before NumPy, Numba or fastbp is imported.
"""

import os
import sys
from pathlib import Path

BENCH = Path(__file__).resolve().parent.parent

# asv installs one commit after another into the same place: each gets compiled kernels of its own.
if commit := os.environ.get("ASV_COMMIT"):
    os.environ["NUMBA_CACHE_DIR"] = str(BENCH / "env" / "kernels" / commit)
# fastbp has threads of its own. This is for NumPy, where it is the plain twin of a kernel that one thread runs.
os.environ["OPENBLAS_NUM_THREADS"] = os.environ["OMP_NUM_THREADS"] = "1"
sys.path.insert(0, str(BENCH))  # workloads and peers
