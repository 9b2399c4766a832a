"""Models out of other programs' networks."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..layers import InputLayer, Layer
from .model import Sequential


def from_torch(module: Any) -> Sequential:
    """The model of a ``torch.nn.Sequential``, with a copy of its weights; it is not compiled.

    Parameters
    ----------
    module : torch.nn.Sequential
        Of Linear, BatchNorm1d, LayerNorm, RMSNorm, Dropout, AlphaDropout, Flatten, PReLU, Identity, GLU, Softmax, LogSoftmax
        and elementwise activations, sequences of these within it, and whatever ``to_torch`` makes. Others are refused by name.
        Of float32 or float64, on any device.

    Returns
    -------
    Sequential

    Examples
    --------
    >>> import fastbp
    >>> import torch  # doctest: +SKIP
    >>> fastbp.from_torch(torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.Tanh()))  # doctest: +SKIP
    <Sequential 'sequential': 3-2, float32>
    """
    from ..interchange.torch_import import layers_of

    return built(*layers_of(module), "from_torch")


def from_onnx(path: Any) -> Sequential:
    """The model in an ONNX file, not compiled: it needs the package onnx.

    Parameters
    ----------
    path : str or path
        Of what ``export_onnx`` wrote, or of a chain of dense layers that another program wrote: Gemm, MatMul and Add,
        normalizations, activations, and formulas of each number made of elementwise operators. What is something else is
        refused by name. Nothing in the file is executed.

    Returns
    -------
    Sequential

    Raises
    ------
    ModelFileError
        If the file is no ONNX file, is damaged, or has what fastbp has not.

    Examples
    --------
    >>> import fastbp
    >>> model = fastbp.from_onnx("net.onnx")  # doctest: +SKIP
    """
    from ..interchange.onnx_import import layers_of

    return built(*layers_of(path), "from_onnx")


def built(made: Sequence[tuple[Layer, list[np.ndarray]]], inputs: Any, dtype: str, what: str) -> Sequential:
    """A model of layers with these weights, for an input of so many units, or of a shape."""
    if inputs is None:
        raise ValueError(f"{what} needs at least one layer that tells how many inputs there are, got none")
    sample = inputs if isinstance(inputs, tuple) else (inputs,)
    model = Sequential([InputLayer(sample).tensor(), *(layer for layer, _ in made)], dtype=dtype)
    weights = [np.asarray(w, dtype) for _, arrays in made for w in arrays]
    shapes = model._weight_shapes(model._input_units or 0)
    if len(weights) != len(shapes):
        raise ValueError(f"{what} got {len(weights)} arrays of weights for the {len(shapes)} of its layers")
    model.set_weights([np.broadcast_to(w, s) if w.size == 1 else w for w, s in zip(weights, shapes, strict=True)])
    return model
