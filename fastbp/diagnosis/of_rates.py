"""Findings about the learning rate: what some steps at it, at a lower and at a higher one make of the loss."""

from collections.abc import Callable, Iterator

import numpy as np

from .finding import Finding
from .trial import STEPS, Outcome

LARGE_UPDATE, USUAL_UPDATE, SMALL_UPDATE = 0.3, 1e-2, 1e-4  # of a layer's weights, in one step
RISE = 1.2  # times the loss before
LOWEST, LOWER, HIGHEST = 1e-3, 0.1, 1e6  # times the learning rate, what is compared with it
GAIN = 0.02  # of the loss: what another rate must win to be the better one


def of_learning_rate(rate: float, run: Callable[[float], Outcome]) -> Iterator[Finding]:
    """Whether the learning rate is too high or too low. ``run`` makes a trial at some times the rate."""
    usual = run(1.0)
    largest = float(np.max(np.nan_to_num(usual.ratios, nan=np.inf), initial=0.0))
    factor = float(np.clip(USUAL_UPDATE / max(largest, 1e-300), LOWEST, HIGHEST))  # that would bring updates to what is usual
    rises = usual.after > RISE * usual.before and largest > USUAL_UPDATE  # near a minimum it may by chance
    if usual.diverged or rises or largest > LARGE_UPDATE:
        factor = min(factor, LOWER)
        lower = run(factor)
        if not lower.diverged and lower.after < min(usual.after, usual.before) - GAIN * usual.before:
            yield _too_high(rate, factor, usual, lower, largest)
    elif largest < SMALL_UPDATE:
        higher = run(factor)
        if higher.after < usual.after - GAIN * usual.before:
            yield _too_low(rate, factor, usual, higher, largest)


def _too_high(rate: float, factor: float, usual: Outcome, lower: Outcome, largest: float) -> Finding:
    end = "the loss is no number any more" if usual.diverged else f"the loss went from {usual.before:.4g} to {usual.after:.4g}"
    return Finding(
        "learning_rate_too_high",
        None,
        "error" if usual.diverged or usual.after > usual.before else "warning",
        f"In {STEPS} steps at {rate:.3g}, {end}; at {factor * rate:.3g} it came to {lower.after:.4g}. Updates are up to "
        f"{largest:.2g} times a layer's weights, where about 0.001 to 0.01 times is usual.",
        f"Lower the learning rate, to about {factor * rate:.1g} at first.",
        {"ratios": usual.ratios.tolist(), "before": usual.before, "after": usual.after, "after_lower": lower.after},
    )


def _too_low(rate: float, factor: float, usual: Outcome, higher: Outcome, largest: float) -> Finding:
    return Finding(
        "learning_rate_too_low",
        None,
        "warning",
        f"In {STEPS} steps at {rate:.3g}, the loss went from {usual.before:.4g} to {usual.after:.4g}; at {factor * rate:.3g} "
        f"it came to {higher.after:.4g}. Updates are at most {largest:.2g} times a layer's weights, where about 0.001 to 0.01 "
        "times is usual.",
        f"Raise the learning rate, to about {factor * rate:.1g} at first.",
        {"ratios": usual.ratios.tolist(), "before": usual.before, "after": usual.after, "after_higher": higher.after},
    )
