"""An ensemble of networks for numbers."""

from typing import Any

import numpy as np
from sklearn.base import RegressorMixin, _fit_context
from sklearn.utils._param_validation import StrOptions

from ..losses import Loss
from .ensembles import ENSEMBLE_CONSTRAINTS, EnsembleEstimator
from .heads import Head, regressor_head
from .versions import checked_weights, validated

LOSSES = ("squared_error", "absolute_error", "huber", "gaussian_nll")


class EnsembleRegressor(RegressorMixin, EnsembleEstimator):  # type: ignore[misc]
    """An ensemble of networks for numbers: ``fastbp.Ensemble`` as an estimator of scikit-learn.

    Parameters
    ----------
    loss : {"squared_error", "absolute_error", "huber", "gaussian_nll"}
        With "gaussian_nll" the networks learn how far targets are spread too, and the deviations have both: the noise, and how
        far the members disagree.
    hidden_layer_sizes, activation, alpha, batch_size, learning_rate_init, max_iter, random_state, verbose
        As in ``MLPRegressor``; the optimizer is Adam.
    build : callable or Model, optional
        Makes the members, in the place of all that: see ``Ensemble``.
    n_estimators : int
        How many there are.
    bootstrap : bool
        Whether each learns from as many rows as there are, drawn with replacement.
    oob_score : bool
        Whether to measure, for each row, those members that did not draw it.
    dropout, callbacks, dtype, n_threads
        As in ``MLPRegressor``.
    scale : bool
        Whether to standardize X and y inside.

    Attributes
    ----------
    ensemble_ : Ensemble
    estimators_ : list of Model
    histories_ : list of History
    oob_score_, oob_prediction_ : float, array
        As in scikit-learn's ``BaggingRegressor``.

    Examples
    --------
    >>> import numpy as np
    >>> import fastbp
    >>> X = np.random.default_rng(0).uniform(-1, 1, (200, 1))
    >>> regressor = fastbp.EnsembleRegressor(hidden_layer_sizes=(16,), n_estimators=8, learning_rate_init=0.02, random_state=0)
    >>> mean, std = regressor.fit(X, 100 * X[:, 0] ** 2).predict([[0.5], [3.0]], return_std=True)
    >>> bool(abs(mean[0] - 25) < 5), bool(std[0] < 5 < std[1])
    (True, True)
    """

    _parameter_constraints: dict[str, Any] = {**ENSEMBLE_CONSTRAINTS, "loss": [StrOptions({*LOSSES})]}

    def __init__(
        self,
        loss: str = "squared_error",
        hidden_layer_sizes: Any = (100,),
        activation: Any = "relu",
        *,
        build: Any = None,
        n_estimators: int = 32,
        bootstrap: bool = True,
        oob_score: bool = False,
        alpha: float = 0.0001,
        batch_size: Any = "auto",
        learning_rate_init: float = 0.001,
        max_iter: int = 200,
        random_state: Any = None,
        verbose: Any = False,
        dropout: Any = 0.0,
        callbacks: Any = None,
        dtype: Any = None,
        n_threads: int | None = None,
        scale: bool = True,
    ) -> None:
        self._keep(locals())

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> "EnsembleRegressor":
        """Fit to data.

        Parameters
        ----------
        X : array of shape (samples, features)
        y : array of shape (samples,) or (samples, targets)
        sample_weight : array of shape (samples,), optional
        """
        X, y = validated(self, X, y, dtype=[np.float64, np.float32], multi_output=True, y_numeric=True)
        weights = None if sample_weight is None else checked_weights(sample_weight, X)
        self._is_flat, targets = y.ndim == 1, np.asarray(y, np.float64).reshape(len(y), -1)
        self._fit(X, targets, targets.shape[1], weights)
        if self.oob_score:
            seen, rows = self._seen(X, weights)
            self.oob_score_ = self.ensemble_.oob_score(seen, self._standardized(targets[rows]))
            self.oob_prediction_ = self._shaped(self._unscaled(self.ensemble_.oob_predict(seen)))
        return self

    def predict(self, X: Any, return_std: bool = False) -> Any:
        """The mean of what the members predict.

        Parameters
        ----------
        X : array of shape (samples, features)
        return_std : bool
            Whether to give the standard deviation too: how far the members disagree, see ``Ensemble.predict_std``.

        Returns
        -------
        array of shape (samples,) or (samples, targets); with ``return_std`` a tuple of two
        """
        x = self._rows(X)
        mean = self._shaped(self._unscaled(self.ensemble_.predict(x)))
        if not return_std:
            return mean
        return mean, self._shaped(self._unscaled(self.ensemble_.predict_std(x), is_spread=True))

    def predict_quantiles(self, X: Any, q: Any = (0.05, 0.5, 0.95)) -> np.ndarray:
        """Quantiles of what the members predict, one after the other: see ``Ensemble.predict_quantiles``.

        Parameters
        ----------
        X : array of shape (samples, features)
        q : float or list of float
        """
        x = self._rows(X)
        return self._shaped(self._unscaled(self.ensemble_.predict_quantiles(x, q)))

    def _head(self, targets: int) -> Head:
        return regressor_head(self.loss, targets, 0.5, 1.0)

    def _encoded(self, y: np.ndarray, loss: Loss, units: int) -> np.ndarray:
        return self._standardized(y)

    def _standardized(self, y: np.ndarray) -> np.ndarray:
        return y if self._scaling is None else self._scaling.targets(y)

    def _scaled_targets(self, y: np.ndarray) -> np.ndarray | None:
        return y

    def _unscaled(self, columns: np.ndarray, is_spread: bool = False) -> np.ndarray:
        """Columns of predictions, or of deviations, as the targets were given."""
        if self._scaling is None:
            return columns
        each = columns.shape[-1] // len(self._scaling.y_scale)
        mean = 0.0 if is_spread else np.repeat(self._scaling.y_mean, each)
        return (columns * np.repeat(self._scaling.y_scale, each) + mean).astype(columns.dtype)

    def _shaped(self, columns: np.ndarray) -> np.ndarray:
        return columns[..., 0] if self._is_flat and columns.shape[-1] == 1 else columns
