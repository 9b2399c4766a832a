"""What is kept of a fit: weights, what is predicted by them, and copies."""

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator

from ..models.model import Sequential
from .export import to_sklearn
from .forward import Predictor
from .network import Architecture, Weights, sequential
from .scaling import Scaling
from .settings import dropout_rates, hidden_activations
from .versions import validated_features
from .workers import threads_of

# What is of use in this process, or until the fit is over: it is made anew when needed.
_PASSING = ("_learner", "_predictor")


class Fitted(BaseEstimator):
    """The part of an estimator that predicts."""

    _others: list[np.ndarray] | None
    _scaling: Scaling | None
    coefs_: list[np.ndarray]
    intercepts_: list[np.ndarray]

    def _architecture(self, dtype: Any) -> Architecture:
        """Of the network with the present weights."""
        units = [len(self.coefs_[0]), *(np.shape(coef)[1] for coef in self.coefs_)]
        hidden = len(units) - 2
        activations = (*hidden_activations(self.activation, hidden), self.out_activation_)
        dropout = dropout_rates(self.dropout, hidden)
        return Architecture(tuple(units), activations, dropout, self.normalization, np.dtype(dtype).name)

    def _forward_pass_fast(self, X: Any, check_input: bool = True) -> np.ndarray:
        """The outputs of the network, back in the scale of the targets."""
        if check_input:
            X = self._checked_rows(X)
        scaling = getattr(self, "_scaling", None)
        if scaling is not None:
            X = scaling.inputs(X)
        predictor = self.__dict__.get("_predictor") or Predictor()  # not kept here: predictions leave no trace
        outputs = predictor.outputs(X, self._architecture(self.coefs_[0].dtype), self._weights(), threads_of(self))
        return outputs if scaling is None else self._rescaled(outputs, scaling)

    def _rescaled(self, outputs: np.ndarray, scaling: Scaling) -> np.ndarray:
        return outputs

    def _weights(self) -> Weights:
        return self.coefs_, self.intercepts_, getattr(self, "_others", None) or []

    def _checked_rows(self, X: Any) -> Any:
        """X after scikit-learn's checks, which an array of numbers that has nothing to be refused need not go through."""
        is_plain = type(X) is np.ndarray and X.ndim == 2 and X.dtype in (np.float64, np.float32) and len(X) > 0
        if is_plain and not hasattr(self, "feature_names_in_") and X.shape[1] == self.n_features_in_:
            with np.errstate(all="ignore"):
                if np.isfinite(X.sum()):
                    return X
        return validated_features(self, X)

    @property
    def model_(self) -> Sequential:
        """The network as a ``Sequential`` of its own, with the present weights. Its inputs are what ``scale`` makes of X."""
        if not hasattr(self, "coefs_"):
            raise AttributeError(f"model_ needs a fitted estimator, got {type(self).__name__} before fit")
        return sequential(self._architecture(np.asarray(self.coefs_[0]).dtype), self._weights())

    # -- copies

    def __getstate__(self) -> dict[str, Any]:
        learner = self.__dict__.get("_learner")
        state = super().__getstate__()
        state = {name: value for name, value in state.items() if name not in _PASSING}
        if "_optimizer" in state:
            state["_optimizer"] = self._optimizer.copy(None if learner is None else learner.state())
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        if hasattr(self, "coefs_"):
            self._predictor = Predictor()

    def to_sklearn(self) -> Any:
        """scikit-learn's estimator with the same parameters and weights, which predicts the same."""
        return to_sklearn(self)
