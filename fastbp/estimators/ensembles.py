"""Ensembles of networks as scikit-learn's estimators: what the classifier and the regressor have in common."""

from numbers import Integral
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval
from sklearn.utils.validation import check_is_fitted

from ..layers import Input
from ..losses import Loss
from ..many.building import built
from ..many.ensemble import Ensemble
from ..models.model import Sequential
from ..optimizers import Adam
from .heads import Head
from .network import Architecture
from .scaling import Scaling
from .settings import CONSTRAINTS, Settable, dropout_rates, element_type, hidden_activations, hidden_units
from .versions import validated
from .workers import threads_of

_OF_NETWORKS = ["hidden_layer_sizes", "activation", "alpha", "dropout", "dtype", "scale"]
_OF_FITS = ["batch_size", "learning_rate_init", "max_iter", "random_state", "verbose", "callbacks", "n_threads"]
ENSEMBLE_CONSTRAINTS: dict[str, Any] = {
    **{name: CONSTRAINTS[name] for name in _OF_NETWORKS + _OF_FITS},
    "build": "no_validation",
    "n_estimators": [Interval(Integral, 1, None, closed="left")],
    "bootstrap": ["boolean"],
    "oob_score": ["boolean"],
}


class EnsembleEstimator(Settable, BaseEstimator):  # type: ignore[misc]  # which has no types
    """What the classifier and the regressor have in common."""

    def _head(self, targets: int) -> Head:
        raise NotImplementedError

    def _encoded(self, y: np.ndarray, loss: Loss, units: int) -> np.ndarray:
        """Targets as a network with this loss and so many outputs learns them."""
        raise NotImplementedError

    def _seen(self, X: np.ndarray, weights: np.ndarray | None) -> tuple[np.ndarray, Any]:
        """The rows, scaled, that the fit was of, and which they are."""
        rows = slice(None) if weights is None else weights > 0
        return self._scaled(X[rows]), rows

    def _fit(self, X: np.ndarray, y: np.ndarray, targets: int, sample_weight: np.ndarray | None) -> None:
        """Fit the ensemble to checked data."""
        if self.oob_score and not self.bootstrap:
            raise ValueError("oob_score must be False without bootstrap, got True: all members know all rows")
        weights = sample_weight
        if weights is not None:  # rows of no weight are not drawn, and the others weigh 1 on the average
            counts = weights > 0
            if not counts.any():
                raise ValueError("sample_weight must be more than 0 for at least one row, got none")
            X, y, weights = X[counts], y[counts], weights[counts] / weights[counts].mean()
        self._scaling = Scaling(X, self._scaled_targets(y), weights) if self.scale else None
        x = self._scaled(X)
        batch_size = min(200, len(x)) if isinstance(self.batch_size, str) else min(int(self.batch_size), len(x))
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        build = self.build
        if build is None:
            architecture = self._architecture(x.shape[1], self._head(targets), element_type(self.dtype) or x.dtype)
            build = _Build(architecture, self._head(targets), float(self.alpha), float(self.learning_rate_init), batch_size)
        self.ensemble_ = Ensemble(build, int(self.n_estimators), bool(self.bootstrap), seed=seed)
        like = built(build, seed, 0)
        members = self.ensemble_.fit(
            x,
            self._encoded(y, like._compiled()[1], like._need_outputs()),
            epochs=int(self.max_iter),
            batch_size=batch_size,
            sample_weight=weights,
            callbacks=self.callbacks,
            threads=threads_of(self),
            verbose=int(self.verbose),
        )
        self.estimators_ = self.ensemble_.models
        self.histories_ = [member.history for member in members]
        self.n_iter_ = max(len(history.epoch) for history in self.histories_)

    def _architecture(self, features: int, head: Head, dtype: Any) -> Architecture:
        sizes = hidden_units(self.hidden_layer_sizes)
        activations = (*hidden_activations(self.activation, len(sizes)), head.activation)
        dropout = dropout_rates(self.dropout, len(sizes))
        return Architecture((features, *sizes, head.units), activations, dropout, None, np.dtype(dtype).name)

    def _scaled_targets(self, y: np.ndarray) -> np.ndarray | None:
        return None

    def _scaled(self, X: np.ndarray) -> np.ndarray:
        x: np.ndarray = X if self._scaling is None else self._scaling.inputs(X)
        return x

    def _rows(self, X: Any) -> np.ndarray:
        """Rows to predict for, as the networks take them."""
        check_is_fitted(self)
        return self._scaled(validated(self, X, dtype=[np.float64, np.float32], reset=False))


class _Build:
    """Makes a member."""

    def __init__(self, architecture: Architecture, head: Head, alpha: float, learning_rate: float, batch_size: int) -> None:
        self._architecture, self._head, self._rate = architecture, head, learning_rate
        self._l2 = 0.5 * alpha * head.factor / batch_size

    def __call__(self, seed: int) -> Sequential:
        inputs = Input((self._architecture.units[0],))
        model = Sequential([inputs, *self._architecture.layers(self._l2)], seed=seed, dtype=self._architecture.dtype)
        model.compile(Adam(self._rate), self._head.loss)
        return model
