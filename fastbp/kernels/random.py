"""The shuffle of an epoch, and the key of a step's random numbers."""

import numpy as np
from numba import types

from . import fields as at
from .memory import read_int, write_int
from .simd.jit import inner, kernel

GOLDEN, MIX_1, MIX_2 = 0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB
SHIFTS = (30, 27, 31)
_STEP, _MIX_1, _MIX_2 = (np.uint64(c) for c in (GOLDEN, MIX_1, MIX_2))
_30, _27, _31, _32 = (np.uint64(c) for c in (*SHIFTS, 32))


@inner("")
def mix(state):
    """One 64-bit random number from a counter (SplitMix64: Steele, Lea & Flood, OOPSLA 2014)."""
    z = (state ^ (state >> _30)) * _MIX_1
    z = (z ^ (z >> _27)) * _MIX_2
    return z ^ (z >> _31)


@inner("")
def shuffle(order, n, random):
    """Fisher and Yates: 0 .. n-1 at ``order``, every order equally likely. Overwrites them, moves the generator on."""
    state = types.uint64(read_int(random, 0))
    for i in range(n):  # always from the same start, so that the order follows from the generator only
        write_int(order, i, i)
    for i in range(n - 1, 0, -1):
        state += _STEP
        j = types.int64(((mix(state) >> _32) * types.uint64(i + 1)) >> _32)
        swap = read_int(order, i)
        write_int(order, i, read_int(order, j))
        write_int(order, j, swap)
    write_int(random, 0, types.int64(state))


@inner("")
def name_rows(order, n, rows):
    """Have the order tell rows of the data rather than samples, each of which is one of these rows."""
    for i in range(n):
        write_int(order, i, read_int(rows, read_int(order, i)))


@inner("")
def choose_noise(plan, taken):
    """Where layers are random: the key of the step after ``taken`` steps of the run. It has no other state."""
    if read_int(plan, at.TRAINING):
        step = types.uint64(read_int(plan, at.NOISE_STEP) + taken)
        write_int(plan, at.NOISE_KEY, types.int64(mix(step * _STEP)))


def shuffle_kernel():
    """The compiled ``shuffle``, for those who take rows in an epoch's order themselves."""

    def build():
        def run(order, n, random):
            shuffle(order, n, random)

        return run

    return kernel("shuffle", "void(int64, int64, int64)", build)
