"""Warnings about calls that work, but are probably not what was meant."""

import sys
import warnings
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from .losses import Loss


def warn(message: str) -> None:
    """Warn, pointing at the line outside of the package that led here."""
    frame, level = sys._getframe(1), 2
    while frame.f_back is not None and frame.f_back.f_globals.get("__name__", "").partition(".")[0] == __package__:
        frame, level = frame.f_back, level + 1
    warnings.warn(message, UserWarning, stacklevel=level + 1)


def warn_of_large_integers(argument: str, array: np.ndarray, dtype: np.dtype) -> None:
    """Warn of integers so large that the dtype does not hold each of them exactly."""
    if array.dtype.kind not in "iu" or dtype.kind != "f" or not array.size:
        return
    most = 2 ** (np.finfo(dtype).nmant + 1)
    if np.iinfo(array.dtype).max <= most:
        return
    low, high = int(array.min()), int(array.max())
    if max(-low, high) <= most:
        return
    remedy = "Subtract an offset first" + (", or use dtype='float64'" if dtype == np.float32 else "")
    warn(
        f"{argument} holds the integer {high if high >= -low else low}, but {dtype.name} holds every integer only up to "
        f"{most} in size: those beyond are rounded. {remedy}"
    )


def warn_of_last_activation(name: str | None, units: int, loss: "Loss") -> None:
    """Warn of a last activation whose outputs do not fit the loss, or are always 1."""
    if name in ("sigmoid", "softmax") and loss.from_logits:
        warn(
            f"loss {loss.name!r} has from_logits=True, but the last layer's activation {name!r} makes probabilities of the "
            "logits, which the loss then does once more: leave out one of the two"
        )
    elif name == "softmax" and units == 1:
        warn("activation 'softmax' of 1 unit gives 1 for any input: use 'sigmoid', or one unit for each class")
    elif name in (None, "linear") and loss.needs_positive:
        warn(
            f"loss {loss.name!r} takes predictions of more than 0, but the last layer without an activation gives any numbers: "
            "let it have 'exponential' or 'softplus', or the loss log_input=True"
        )


def warn_of_mode(layer: str, training: bool) -> None:
    """Warn of a ``training`` that a layer is called with, which Keras 3 follows less often than it may seem."""
    otherwise = "fit has it on, evaluate and predict off"
    remedy = "predict(x, training=True) asks for it" if training else "layers that are not trainable do without"
    warn(f"training={training} of {layer} is for model(x) alone, as in Keras 3: {otherwise}; {remedy}")
