"""Predictions: of a few rows in NumPy, which takes less time than a call of the kernels, else by the engine."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from scipy.sparse import issparse
from scipy.special import expit

from ..models.model import Sequential
from .network import Architecture, Weights, load, sequential

FEW_ROWS = 16
MAX_DENSE_BYTES = 1 << 26  # of a sparse matrix's rows that are made dense at once


def _softmax(z: np.ndarray) -> np.ndarray:
    z -= z.max(axis=1, keepdims=True)
    np.exp(z, out=z)
    z /= z.sum(axis=1, keepdims=True)
    return z


_FUNCTIONS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "identity": lambda z: z,
    "linear": lambda z: z,
    "relu": lambda z: np.maximum(z, 0, out=z),
    "tanh": lambda z: np.tanh(z, out=z),
    "logistic": lambda z: expit(z, out=z),
    "sigmoid": lambda z: expit(z, out=z),
    "softmax": _softmax,
    "exp": lambda z: np.exp(z, out=z),
}


def is_plain(architecture: Architecture) -> bool:
    """Whether the network is of the kind that scikit-learn has."""
    return architecture.normalization is None and all(name in _FUNCTIONS for name in architecture.activations)


def forward_rows(X: Any, weights: Weights, activations: tuple[str, ...]) -> np.ndarray:
    """The outputs of a plain network, for rows that may be sparse."""
    outputs = X
    for coef, intercept, activation in zip(*weights[:2], activations, strict=True):
        outputs = outputs @ coef
        outputs += intercept
        outputs = _FUNCTIONS[activation](outputs)
    found: np.ndarray = outputs
    return found


class Predictor:
    """The model that an estimator predicts with, kept from call to call; its weights are taken anew each time."""

    def __init__(self) -> None:
        self._model: tuple[Architecture, Sequential] | None = None

    def outputs(self, X: Any, architecture: Architecture, weights: Weights, threads: int | None) -> np.ndarray:
        """The outputs for checked rows."""
        if is_plain(architecture) and (len_of(X) <= FEW_ROWS or issparse(X)):
            return forward_rows(X, weights, architecture.activations)
        if self._model is None or self._model[0] != architecture:
            self._model = architecture, sequential(architecture)
        model = self._model[1]
        load(model, weights)
        engine = model._build(architecture.units[0])
        parts = [engine.forward(rows, threads) for rows in dense_parts(X, engine.dtype)]
        outputs = parts[0] if len(parts) == 1 else np.concatenate(parts)
        return outputs.astype(np.result_type(X.dtype, outputs.dtype), copy=False)


def len_of(X: Any) -> int:
    """How many rows there are."""
    rows: int = X.shape[0]
    return rows


def dense_parts(X: Any, dtype: Any) -> Iterator[np.ndarray]:
    """The rows as the engine takes them, those of a sparse matrix some at a time."""
    if not issparse(X):
        yield np.ascontiguousarray(X, dtype)
        return
    X = X.tocsr()
    rows = max(1, MAX_DENSE_BYTES // (X.shape[1] * np.dtype(dtype).itemsize))
    for start in range(0, X.shape[0], rows):
        yield np.ascontiguousarray(X[start : start + rows].toarray(), dtype)
