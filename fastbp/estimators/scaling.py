"""Standardizing inside of an estimator, for ``scale=True``."""

from typing import Any

import numpy as np
from scipy.sparse import issparse
from sklearn.preprocessing import StandardScaler


class Scaling:
    """Means and deviations of inputs, and of targets where they have some.

    Parameters
    ----------
    X : array or sparse matrix
        Of a sparse one only the deviations are used, so that it stays sparse.
    y : array (samples, outputs), optional
    sample_weight : array, optional
    """

    def __init__(self, X: Any, y: np.ndarray | None, sample_weight: np.ndarray | None) -> None:
        scaler = StandardScaler(with_mean=not issparse(X)).fit(X, sample_weight=sample_weight)
        self.x_scale = np.asarray(scaler.scale_, np.float64)
        self.x_mean = np.zeros_like(self.x_scale) if issparse(X) else np.asarray(scaler.mean_, np.float64)
        self.y_mean, self.y_scale = np.zeros(1), np.ones(1)
        if y is not None:
            of_targets = StandardScaler().fit(y, sample_weight=sample_weight)
            self.y_mean, self.y_scale = of_targets.mean_, of_targets.scale_

    def inputs(self, X: Any) -> Any:
        """X as the network is to have it."""
        if not issparse(X):
            return ((X - self.x_mean) / self.x_scale).astype(X.dtype if X.dtype.kind == "f" else np.float64, copy=False)
        if self.x_mean.any():  # fitted to what was not sparse
            return self.inputs(X.toarray())
        scaled = X.multiply(1 / self.x_scale).tocsr()
        return scaled.astype(X.dtype, copy=False)

    def targets(self, y: np.ndarray) -> np.ndarray:
        """y as the network is to learn it."""
        return (y - self.y_mean) / self.y_scale

    def predictions(self, outputs: np.ndarray, each: int) -> np.ndarray:
        """The way back, where the network has ``each`` outputs for each target, one after the other."""
        mean, scale = np.repeat(self.y_mean, each), np.repeat(self.y_scale, each)
        return (outputs * scale + mean).astype(outputs.dtype, copy=False)

    def folded(self, coefs: list[np.ndarray], intercepts: list[np.ndarray]) -> None:
        """Have weights (lists of float64, which change) do what the scaling does."""
        coefs[0] = coefs[0] / self.x_scale[:, None]
        intercepts[0] = intercepts[0] - self.x_mean @ coefs[0]
        each = len(intercepts[-1]) // len(self.y_mean)
        mean, scale = np.repeat(self.y_mean, each), np.repeat(self.y_scale, each)
        coefs[-1] = coefs[-1] * scale
        intercepts[-1] = intercepts[-1] * scale + mean
