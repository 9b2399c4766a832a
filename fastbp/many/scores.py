"""What a network's outputs are, by its loss, and how good they are: what scikit-learn's ``score`` is."""

import numpy as np

from .. import losses
from ..losses import Loss
from ..metrics import R2Score

_LABELS = losses.BinaryCrossentropy, losses.BinaryFocalCrossentropy
_CLASSES = (
    losses.CategoricalCrossentropy,
    losses.SparseCategoricalCrossentropy,
    losses.CategoricalFocalCrossentropy,
    losses.CategoricalHinge,
)
_SIGNS = losses.Hinge, losses.SquaredHinge


def known(loss: Loss) -> Loss:
    """The loss itself, where a model has it as a formula to compile."""
    owner = getattr(getattr(loss, "function", None), "__self__", None)
    return owner if isinstance(owner, Loss) else loss


def classifies(loss: Loss) -> bool:
    """Whether the outputs tell classes."""
    return isinstance(known(loss), (*_LABELS, *_CLASSES, *_SIGNS))


def probabilities(loss: Loss, outputs: np.ndarray) -> np.ndarray:
    """The outputs, those that are logits as the probabilities that they stand for."""
    loss = known(loss)
    if not loss.from_logits:
        return outputs
    found: np.ndarray
    with np.errstate(over="ignore", under="ignore"):
        if isinstance(loss, _LABELS):
            found = 1 / (1 + np.exp(-outputs))
        else:
            powers = np.exp(outputs - outputs.max(axis=-1, keepdims=True))
            found = powers / powers.sum(axis=-1, keepdims=True)
    return found


def class_labels(loss: Loss, y: np.ndarray) -> np.ndarray:
    """Targets as a number for each sample, where they tell one class of several; else as they are."""
    found: np.ndarray = y[:, 0] if y.ndim == 2 and y.shape[1] == 1 else y
    return y.argmax(axis=1) if isinstance(known(loss), _CLASSES) and found.ndim == 2 else found


def score(loss: Loss, y: np.ndarray, predictions: np.ndarray, sample_weight: np.ndarray | None = None) -> float:
    """The share of samples whose classes (or all of whose labels) are right, or the coefficient of determination R².

    Parameters
    ----------
    loss : Loss
    y : array
        As the engine takes it: (n,) labels or (n, columns).
    predictions : array (n, outputs)
        Probabilities rather than logits.
    sample_weight : array (n,), optional

    Examples
    --------
    >>> import numpy as np
    >>> score(losses.get("mse"), np.array([[1.0], [2.0], [3.0]]), np.array([[1.0], [2.0], [3.5]]))
    0.875
    """
    if not classifies(loss):
        metric = R2Score(dtype="float64")
        metric.update_state(y, predictions, sample_weight)
        return float(metric.result())
    if isinstance(known(loss), _CLASSES):
        right = predictions.argmax(axis=1) == class_labels(loss, y)
    else:
        border = 0.0 if isinstance(known(loss), _SIGNS) else 0.5
        right = ((predictions > border) == (y > border)).all(axis=1)
    return float(np.average(right, weights=sample_weight))
