"""Where a network ends: its last layer, its loss, and how that compares with scikit-learn's.

scikit-learn's gradient is that of a sum over outputs, whatever it reports. Ours is ``factor`` times that: a rule that knows the
factor takes the same step (``schedule.py``), so nothing needs to be multiplied.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from .. import losses
from ..graph.tracing import functions as ops


def poisson_deviance(y_true: Any, y_pred: Any) -> Any:
    """Half of the Poisson deviance of each sample, where predictions are logarithms of means."""
    constant = ops.where(y_true > 0.0, y_true * ops.log(ops.where(y_true > 0.0, y_true, 1.0)), 0.0) - y_true
    return ops.sum(constant + ops.exp(y_pred) - y_true * y_pred, axis=-1)


@dataclass(frozen=True)
class Head:
    """The end of a network.

    Parameters
    ----------
    units : int
    activation : str
        Of the last layer, by scikit-learn's name: ``out_activation_``.
    loss : Loss or callable
    factor : float
        The loss's gradient, divided by that of scikit-learn.
    reported : float
        scikit-learn's loss without penalties, divided by ours.
    by_logarithm : bool
        Whether the loss is a function of the logarithms of what is predicted.
    """

    units: int
    activation: str
    loss: Any
    factor: float = 1.0
    reported: float = 1.0
    by_logarithm: bool = False

    @property
    def trained_activation(self) -> str:
        """Of the last layer while it learns."""
        return "identity" if self.by_logarithm else self.activation

    def loss_of(self, loss: float, penalty: float) -> float:
        """The loss as scikit-learn reports it, from ours and what that has of penalties."""
        return (loss - penalty) * self.reported + penalty / self.factor

    def predictions(self, outputs: np.ndarray) -> np.ndarray:
        """What is predicted, from the outputs of a network that learns."""
        return np.exp(outputs) if self.by_logarithm else outputs


def classifier_head(outputs: int, exclusive: bool) -> Head:
    """Of classes that exclude each other (or two, as one output), or of labels."""
    if exclusive and outputs > 1:
        return Head(outputs, "softmax", losses.CategoricalCrossentropy())
    return Head(outputs, "logistic", losses.BinaryCrossentropy(), 1 / outputs, outputs)


def regressor_head(loss: str, targets: int, quantile: Any, delta: float) -> Head:
    """Of numbers."""
    if loss == "squared_error":
        return Head(targets, "identity", losses.MeanSquaredError(), 2 / targets, 0.5)
    if loss == "poisson":
        return Head(targets, "exp", poisson_deviance, by_logarithm=True)
    if loss == "absolute_error":
        return Head(targets, "identity", losses.MeanAbsoluteError())
    if loss == "huber":
        return Head(targets, "identity", losses.Huber(delta))
    if loss == "quantile":
        return Head(targets * np.size(quantile), "identity", losses.Quantile(quantile))
    return Head(2 * targets, "identity", losses.GaussianNLL())
