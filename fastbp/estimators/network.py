"""The network of an estimator: its layers, and its weights as scikit-learn keeps them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .. import layers as kinds
from ..models.model import Sequential
from ..optimizers import Optimizer
from ..regularizers import L2
from .heads import Head
from .settings import NAMES

State = tuple[np.ndarray, np.ndarray, np.ndarray, int]  # of an optimizer
Weights = tuple[list[np.ndarray], list[np.ndarray], list[np.ndarray]]  # coefs_, intercepts_, those of normalizations


@dataclass(frozen=True)
class Architecture:
    """What the layers are.

    Parameters
    ----------
    units : tuple of int
        Of the inputs and of each layer.
    activations : tuple of str
        Of each layer, by scikit-learn's names.
    dropout : tuple of float
        Of each hidden layer.
    normalization : {"batch", "layer"} or None
        Between the weighted sums of a hidden layer and its activation.
    dtype : str
    """

    units: tuple[int, ...]
    activations: tuple[str, ...]
    dropout: tuple[float, ...]
    normalization: str | None
    dtype: str

    def layers(self, l2: float) -> list[Any]:
        """The layers, whose weights cost ``l2`` times their squares."""
        found: list[Any] = []
        hidden = len(self.units) - 2
        for i, units in enumerate(self.units[1:]):
            activation = _ACTIVATIONS.get(self.activations[i], self.activations[i])
            penalty = L2(l2) if l2 else None
            normalized = self.normalization is not None and i < hidden
            found.append(kinds.Dense(units, None if normalized else activation, kernel_regularizer=penalty))
            if normalized:
                # Fits are short here: Keras's momentum of 0.99 would still remember the first weights.
                norm = kinds.BatchNormalization(momentum=0.9) if self.normalization == "batch" else kinds.LayerNormalization()
                found += [norm, kinds.Activation(activation)]
            if i < hidden and self.dropout[i]:
                found.append(kinds.Dropout(self.dropout[i]))
        return found


_ACTIVATIONS = {**NAMES, "exp": "exponential"}


def sequential(architecture: Architecture, weights: Weights | None = None, l2: float = 0.0, seed: int = 0) -> Sequential:
    """The model, with these weights."""
    inputs = kinds.Input((architecture.units[0],))
    model = Sequential([inputs, *architecture.layers(l2)], seed=seed, dtype=architecture.dtype)
    if weights is not None:
        load(model, weights)
    return model


def load(model: Sequential, weights: Weights) -> None:
    """Have a model use these weights."""
    coefs, intercepts, others = (iter(part) for part in weights)
    arrays: list[np.ndarray] = []
    for layer in model.layers:
        if isinstance(layer, kinds.Dense):
            arrays += [next(coefs), next(intercepts)]
        else:
            arrays += [next(others) for _ in layer.weights]
    engine = model._need_engine("weights")
    shapes = [weight.shape for weight in model.weights]
    if [np.shape(array) for array in arrays] != [tuple(shape) for shape in shapes]:
        given = [np.shape(array) for array in arrays]
        raise ValueError(f"coefs_ and intercepts_ must have the shapes {shapes} in turns, got {given}")
    engine.set_weights([np.asarray(array, engine.dtype) for array in arrays])


def weights_of(model: Sequential) -> Weights:
    """The present weights, as new arrays."""
    arrays = iter(model.get_weights())
    coefs, intercepts, others = [], [], []
    for layer in model.layers:
        if isinstance(layer, kinds.Dense):
            coefs.append(next(arrays))
            intercepts.append(next(arrays))
        else:
            others += [next(arrays) for _ in layer.weights]
    return coefs, intercepts, others


class Learner:
    """A network that learns: the model with its optimizer, and the engine inside.

    Parameters
    ----------
    architecture : Architecture
        Of what is to predict.
    head : Head
    l2 : float
    optimizer : Optimizer
    seed : int
        Of the shuffling and of dropout.
    """

    def __init__(self, architecture: Architecture, head: Head, l2: float, optimizer: Optimizer, seed: int) -> None:
        activations = (*architecture.activations[:-1], head.trained_activation)
        trained = Architecture(
            architecture.units, activations, architecture.dropout, architecture.normalization, architecture.dtype
        )
        self.head, self.optimizer = head, optimizer
        self.key: Any = None  # of what it is made from
        self.model = sequential(trained, None, l2, seed)
        self.model.compile(optimizer, head.loss)
        self.engine = self.model._build(architecture.units[0])

    def load(self, weights: Weights) -> None:
        """Go on from these weights."""
        load(self.model, weights)

    def weights(self) -> Weights:
        """The present weights, as new arrays."""
        return weights_of(self.model)

    def state(self) -> State:
        """What the optimizer and the shuffling go on from."""
        state = self.engine.state
        return state.parameters.state.copy(), state.running_products.copy(), state.generator.copy(), state.steps

    def resume(self, state: State | None) -> None:
        """Go on from it, if there is one and this machine lays it out in the same way."""
        here = self.engine.state
        if state is not None and state[0].shape == here.parameters.state.shape:
            here.parameters.state[:], here.running_products[:], here.generator[:], here.steps = state


def initial_weights(
    units: Sequence[int], activations: Sequence[str], random: np.random.RandomState, dtype: Any
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """The weights that scikit-learn draws: Glorot and Bengio 2010, with a smaller bound where units are logistic.

    The last layer's are drawn as those of the hidden layer before it: ``activations`` has its activation twice.
    """
    coefs, intercepts = [], []
    for i, (fan_in, fan_out) in enumerate(zip(units[:-1], units[1:], strict=True)):
        bound = np.sqrt((2.0 if activations[i] in ("logistic", "sigmoid") else 6.0) / (fan_in + fan_out))
        coefs.append(random.uniform(-bound, bound, (fan_in, fan_out)).astype(dtype, copy=False))
        intercepts.append(random.uniform(-bound, bound, fan_out).astype(dtype, copy=False))
    return coefs, intercepts
