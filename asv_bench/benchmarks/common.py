"""What the benchmarks share."""

import statistics
import time
from dataclasses import replace

import peers
from workloads import WORKLOADS

import fastbp

TRACK_SECONDS = 0.4


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


def gflops(peer):
    return peer.w.flop / step_seconds(peer) / 1e9


def fraction(peer):
    """Of the multiply-add limit of as many threads, in percent."""
    rate = gflops(peer)
    return 100 * rate / fastbp.measure_limit(peer.w.threads, peer.w.dtype)


def unit(text):
    """Decorate a ``track_`` benchmark with what it is measured in."""

    def mark(function):
        function.unit = text
        return function

    return mark
