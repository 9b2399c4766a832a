"""Findings about targets: their scale, whether the last activation can give them, classes that are rare."""

from collections.abc import Iterator

import numpy as np

from ..kernels.codes import LINEAR, SIGMOID, SOFTMAX
from ..layers.stages import Stage
from ..losses import Custom, Loss
from .finding import Finding
from .of_inputs import LARGE, SMALL

MAX_RATIO = 10.0  # of the most frequent class to the rarest
MAX_SPREADS = 100.0  # of the columns of targets, the largest to the smallest
TOLERANCE = 0.05  # of an activation's range, by which a target may be outside


def of_targets(y: np.ndarray, loss: Loss, last: Stage) -> Iterator[Finding]:
    """What is wrong with targets: labels (n,) or (n, columns)."""
    if isinstance(loss, Custom):  # a formula of the user's knows what it does with them
        return
    if loss.output_activation in (SIGMOID, SOFTMAX):
        yield from _classes(y, loss, last.units_out)
    if loss.sparse:
        return
    values = np.asarray(y, np.float64)
    if not loss.from_logits:
        yield from _range(values, last)
    if loss.output_activation is None and last.activation.code == LINEAR:
        yield from _scale(values)


def _classes(y: np.ndarray, loss: Loss, units: int) -> Iterator[Finding]:
    if loss.sparse:
        counts = np.bincount(y.ravel().astype(np.int64), minlength=units)
    elif loss.output_activation == SOFTMAX:
        counts = np.bincount(y.argmax(axis=1), minlength=units)
    elif y.shape[1] == 1:
        counts = np.bincount((y[:, 0] > 0.5).astype(np.int64), minlength=2)
    else:
        return
    missing, least, most = np.flatnonzero(counts == 0), int(counts.min()), int(counts.max())
    if most > MAX_RATIO * least:
        which = f"class{'es' * (len(missing) != 1)} {', '.join(map(str, missing[:8]))} never" if len(missing) else ""
        rare = f"class {int(counts.argmin())} occurs {least} times"
        yield Finding(
            "class_imbalance",
            None,
            "warning",
            f"Class {int(counts.argmax())} occurs {most} times, {which or rare}.",
            "Weigh the classes, as by fit(class_weight={0: 1, 1: 10}), and judge by a metric that is not led by the frequent "
            "class (AUC, F1Score)."
            if not len(missing)
            else "See that the labels are those that were meant, and that the last layer has no unit too many.",
            {"counts": counts.tolist()},
        )


def _range(values: np.ndarray, last: Stage) -> Iterator[Finding]:
    low, high = last.activation.range
    slack = TOLERANCE * min(high - low, 1.0)
    least, most = float(values.min()), float(values.max())
    outside = float(((values < low - slack) | (values > high + slack)).mean())
    if outside:
        yield Finding(
            "targets_out_of_range",
            None,
            "error",
            f"{100 * outside:.3g} % of the targets, which are from {least:.4g} to {most:.4g}, are none that the last "
            f"activation can give: {last.activation.name} is from {low:.4g} to {high:.4g}.",
            "Scale the targets into that range, or leave the last layer linear.",
            {"low": low, "high": high, "least": least, "most": most, "outside": outside},
        )


def _scale(values: np.ndarray) -> Iterator[Finding]:
    sizes, spreads = np.sqrt((values**2).mean(axis=0)), values.std(axis=0)
    known = spreads[spreads > 0]
    uneven = len(known) > 1 and known.max() > MAX_SPREADS * known.min()
    tiny = len(known) and np.abs(values).max() < SMALL
    if sizes.max() > LARGE or tiny or uneven:
        parts = [f"The targets are about {sizes.max():.3g} in size"]
        if uneven:
            parts.append(f"the spreads of their columns from {known.min():.3g} to {known.max():.3g}: the largest rule the loss")
        yield Finding(
            "targets_unscaled",
            None,
            "warning",
            f"{', '.join(parts)}.",
            "Learn (y - y.mean(axis=0)) / y.std(axis=0), and turn predictions back.",
            {"sizes": sizes.tolist(), "spreads": spreads.tolist()},
        )
