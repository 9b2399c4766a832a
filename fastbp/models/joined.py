"""One pass that was run in parts."""

from dataclasses import replace
from functools import reduce
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..engine.epoch import Epoch


def joined(first: "Epoch", *others: "Epoch") -> "Epoch":
    """What the parts of a pass, one after the other, gave together."""
    return reduce(_join, others, first)


def _join(a: "Epoch", b: "Epoch") -> "Epoch":
    samples = a.samples + b.samples
    sums = a.statistics
    if sums is not None and b.statistics is not None:
        sums = replace(sums, counts=sums.counts + b.statistics.counts)
    return replace(
        a,
        loss=(a.loss * a.samples + b.loss * b.samples) / samples,
        samples=samples,
        steps=a.steps + b.steps,
        seconds=a.seconds + b.seconds,
        flop=a.flop + b.flop,
        threads=max(a.threads, b.threads),
        statistics=sums,
    )
