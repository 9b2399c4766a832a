"""What the benchmarks share."""

import math
import os
import statistics
import time
from dataclasses import replace

import peers
from workloads import WORKLOADS

import fastbp

SMOKE = "FASTBP_SMOKE" in os.environ  # track.py smoke: that every benchmark works, not how long it takes
TRACK_SECONDS = 0.0 if SMOKE else 1.0


def some(values):
    """All parameters; the first and the last of them for the smoke."""
    values = list(values)
    return [values[0], values[-1]] if SMOKE and len(values) > 2 else values


def own(name, **changes):
    """fastbp ready to run a workload, everything compiled."""
    peer = peers.make("fastbp", replace(WORKLOADS[name], **changes))
    peer.run(1)
    return peer


def step_seconds(peer):
    """Median seconds of a step."""
    seconds, end = [], time.perf_counter() + TRACK_SECONDS
    while time.perf_counter() < end or len(seconds) < 3:
        start = time.perf_counter()
        peer.run(1)
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds) / peer.w.steps


def rates(peer):
    """How fast it is: us/step, GFLOP/s, and the percentage of the multiply-add limit of as many threads, of this minute."""
    seconds = step_seconds(peer)
    gflops = peer.w.flop / seconds / 1e9
    measure_limit = getattr(fastbp, "measure_limit", lambda *_: math.nan)  # older commits have none
    limit = measure_limit(peer.w.threads, peer.w.dtype)
    return {"us/step": 1e6 * seconds, "GFLOP/s": gflops, "% of the limit": 100 * gflops / limit}


def unit(text):
    """Decorate a ``track_`` benchmark with what it is measured in."""

    def mark(function):
        function.unit = text
        return function

    return mark
