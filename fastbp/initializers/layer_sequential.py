"""First weights from data: layer after layer, so that the signal keeps its size on its way through a network."""

from __future__ import annotations  # numpy.random takes a while to import

from typing import Any

import numpy as np

from ..arguments import integer, number
from ..conversion import as_numbers
from ..seeds import INITIALIZER, generator
from .plain import Orthogonal

MIN_VARIANCE = 1e-12  # of a layer's output, relative to its mean square; less is rounding


def lsuv(model: Any, x: Any, tolerance: float = 0.1, max_trials: int = 10, seed: int | None = None) -> None:
    """Draw the weights of a model anew so that the output of each dense layer has unit variance over some data.

    From the first dense layer to the last, each gets an orthogonal kernel, which is then divided by the standard deviation of
    what it makes of the data: the weighted sums, before the activation. Layer-sequential unit variance: Mishkin and Matas
    2016, All you need is a good init, arXiv:1511.06422.

    Parameters
    ----------
    model : Model
        Its biases, and layers that are not trainable, stay as they are.
    x : array of shape (samples, features)
        Samples as those to come; some hundreds are enough.
    tolerance : float
        How far a variance may be from 1 before the last division.
    max_trials : int
        Divisions of a kernel. Without biases the first one is enough.
    seed : int, optional
        Of the orthogonal kernels; the model's if left out.

    Raises
    ------
    ValueError
        If the output of a layer does not vary, or is not finite. The weights are as they were.

    Examples
    --------
    >>> import numpy as np
    >>> import fastbp
    >>> x = np.random.default_rng(0).uniform(0, 9, size=(500, 20))
    >>> model = fastbp.Sequential([fastbp.Dense(50, "relu") for _ in range(30)], seed=0)
    >>> fastbp.initializers.lsuv(model, x)
    >>> bool(0.1 < model.predict(x, verbose=0).std() < 1)
    True
    """
    number("tolerance", tolerance, 0)
    integer("max_trials", max_trials, 1)
    if not hasattr(model, "layers"):
        raise TypeError(f"model must be a Model, got {model!r}")
    x = as_numbers("x", x)
    if not model.built:
        model.build((None, *x.shape[1:]))
    model.check_sample(x.shape[1:])
    random, before = generator(model._seed if seed is None else integer("seed", seed, 0), INITIALIZER), model.get_weights()
    try:
        for layer in model.leaves():
            weights = layer.get_weights()
            if layer.trainable and weights and layer.weights[0].name == "kernel":
                kernel = Orthogonal()(weights[0].shape, random, "float64")
                scale = _scale(layer.name, x.astype(float) @ kernel, sum(weights[1:]), tolerance, max_trials)
                layer.set_weights([scale * kernel, *weights[1:]])
            x = layer(x)
    except BaseException:
        model.set_weights(before)
        raise


def _scale(name: str, sums: np.ndarray, bias: Any, tolerance: float, max_trials: int) -> float:
    """What a kernel has to be multiplied by."""
    scale = 1.0
    for _ in range(max_trials):
        outputs = scale * sums + bias
        variance = float(np.var(outputs))
        if not MIN_VARIANCE * np.mean(np.square(outputs)) < variance < np.inf:
            raise ValueError(f"x must make the output of every layer vary, got a variance of {variance:g} at layer {name!r}")
        scale /= np.sqrt(variance)
        if abs(variance - 1.0) < tolerance:
            break
    return scale
