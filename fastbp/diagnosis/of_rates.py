"""Findings about the learning rate: what some steps at it, at a lower and at a higher one make of the loss."""

from collections.abc import Callable, Iterator

import numpy as np

from .finding import Finding
from .trial import STEPS, Outcome

LARGE_UPDATE, USUAL_UPDATE, SMALL_UPDATE = 0.3, 1e-2, 1e-4  # of a layer's weights, in one step
RISE = 1.2  # times the loss before
LOWER, HIGHER = 0.03, 30.0  # times the learning rate, to compare with
GAIN = 0.02  # of the loss: what another rate must win to be the better one


def of_learning_rate(rate: float, run: Callable[[float], Outcome]) -> Iterator[Finding]:
    """Whether the learning rate is too high or too low. ``run`` makes a trial at some times the rate."""
    usual = run(1.0)
    largest = float(np.max(usual.ratios, initial=0.0))
    rises = usual.after > RISE * usual.before and largest > USUAL_UPDATE  # near a minimum it may by chance
    if usual.diverged or rises or largest > LARGE_UPDATE:
        lower = run(LOWER)
        if not lower.diverged and lower.after < min(usual.after, usual.before) - GAIN * usual.before:
            yield _too_high(rate, usual, lower, largest)
    elif largest < SMALL_UPDATE:
        higher = run(HIGHER)
        if higher.after < usual.after - GAIN * usual.before:
            yield _too_low(rate, usual, higher, largest)


def _too_high(rate: float, usual: Outcome, lower: Outcome, largest: float) -> Finding:
    end = "the loss is no number any more" if usual.diverged else f"the loss went from {usual.before:.4g} to {usual.after:.4g}"
    return Finding(
        "learning_rate_too_high",
        None,
        "error" if usual.diverged or usual.after > usual.before else "warning",
        f"In {STEPS} steps at {rate:.3g}, {end}; at {LOWER * rate:.3g} it came to {lower.after:.4g}. Updates are up to "
        f"{100 * largest:.2g} % of a layer's weights, where about 0.1 to 1 % is usual.",
        f"Lower the learning rate, to about {_round(LOWER * rate)} at first.",
        {"ratios": usual.ratios.tolist(), "before": usual.before, "after": usual.after, "after_lower": lower.after},
    )


def _too_low(rate: float, usual: Outcome, higher: Outcome, largest: float) -> Finding:
    return Finding(
        "learning_rate_too_low",
        None,
        "warning",
        f"In {STEPS} steps at {rate:.3g}, the loss went from {usual.before:.4g} to {usual.after:.4g}; at {HIGHER * rate:.3g} "
        f"it came to {higher.after:.4g}. Updates are at most {100 * largest:.2g} % of a layer's weights, where about 0.1 to "
        "1 % is usual.",
        f"Raise the learning rate, to about {_round(HIGHER * rate)} at first.",
        {"ratios": usual.ratios.tolist(), "before": usual.before, "after": usual.after, "after_higher": higher.after},
    )


def _round(rate: float) -> str:
    return f"{rate:.1g}"
