"""The regressor."""

from numbers import Real
from typing import Any

import numpy as np
from sklearn.base import _fit_context
from sklearn.neural_network import MLPRegressor as ScikitLearnRegressor
from sklearn.utils import check_array
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from .base import Estimator, is_stochastic
from .heads import Head, regressor_head
from .scaling import Scaling
from .scores import r2
from .settings import CONSTRAINTS

LOSSES = ("squared_error", "poisson", "absolute_error", "huber", "quantile", "gaussian_nll")


class MLPRegressor(Estimator, ScikitLearnRegressor):
    """scikit-learn's ``MLPRegressor``, fitted by compiled kernels.

    Parameters
    ----------
    loss : {"squared_error", "poisson", "absolute_error", "huber", "quantile", "gaussian_nll"}
        The first two are scikit-learn's; for the others see ``fastbp.losses``. With "gaussian_nll" the network learns how far
        targets are spread too: ``predict(X, return_std=True)``.
    hidden_layer_sizes, activation, ..., max_fun
        As in ``sklearn.neural_network.MLPRegressor``, with its defaults. ``activation`` may also be one of
        ``fastbp.activations`` that treat each unit alone, or a tuple of names, one for each hidden layer.
    dropout, normalization, callbacks, dtype, n_threads, time_budget, restore_best
        As in ``MLPClassifier``.
    scale : bool
        Whether to standardize X and y inside. The losses are then of standardized targets (but "poisson", whose are as given).
    quantile : float or list of float
        Of the loss "quantile", between 0 and 1; ``predict`` gives a column for each of several.
    delta : float
        Of the loss "huber": the error from which it is straight.

    Attributes
    ----------
    coefs_, intercepts_, loss_, loss_curve_, ...
        As in scikit-learn.
    validation_loss_curve_ : list of float or None
        The loss, without penalties, on the data for validation after each epoch.
    model_ : Sequential
        The network.

    Examples
    --------
    >>> import numpy as np
    >>> import fastbp
    >>> X = np.random.default_rng(0).normal(size=(300, 2))
    >>> regressor = fastbp.MLPRegressor(solver="lbfgs", random_state=0).fit(X, X[:, 0] * X[:, 1])
    >>> regressor.score(X, X[:, 0] * X[:, 1]) > 0.99
    True
    """

    _parameter_constraints: dict[str, Any] = {
        **CONSTRAINTS,
        "loss": [StrOptions({*LOSSES})],
        "quantile": [Interval(Real, 0, 1, closed="neither"), "array-like"],
        "delta": [Interval(Real, 0, None, closed="neither")],
    }

    def __init__(
        self,
        loss: str = "squared_error",
        hidden_layer_sizes: Any = (100,),
        activation: Any = "relu",
        *,
        solver: str = "adam",
        alpha: float = 0.0001,
        batch_size: Any = "auto",
        learning_rate: str = "constant",
        learning_rate_init: float = 0.001,
        power_t: float = 0.5,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: Any = None,
        tol: float = 1e-4,
        verbose: Any = False,
        warm_start: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: Any = 10,
        max_fun: int = 15000,
        dropout: Any = 0.0,
        normalization: str | None = None,
        callbacks: Any = None,
        dtype: Any = None,
        n_threads: int | None = None,
        time_budget: float | None = None,
        restore_best: bool | None = None,
        scale: bool = False,
        quantile: Any = 0.5,
        delta: float = 1.0,
    ) -> None:
        self._keep(locals())

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any, sample_weight: Any = None, *, validation_data: Any = None) -> "MLPRegressor":
        """Fit to data.

        Parameters
        ----------
        X : array or sparse matrix of shape (samples, features)
        y : array of shape (samples,) or (samples, targets)
        sample_weight : array of shape (samples,), optional
        validation_data : tuple (X, y) or (X, y, sample_weight), optional
            Measured after each epoch.
        """
        self._learn(X, y, sample_weight, validation_data, False)
        return self

    @available_if(is_stochastic)
    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None, *, validation_data: Any = None) -> "MLPRegressor":
        """Go once over data, from where the last call ended.

        Parameters
        ----------
        X, y, sample_weight
            As for ``fit``.
        validation_data : tuple, optional
            Measured after the epoch. With ``early_stopping``, calls after that in which the rule has stopped do nothing.
        """
        self._learn(X, y, sample_weight, validation_data, True)
        return self

    def predict(self, X: Any, return_std: bool = False) -> Any:
        """The targets of rows.

        Parameters
        ----------
        X : array or sparse matrix of shape (samples, features)
        return_std : bool
            With the loss "gaussian_nll": the standard deviations too.

        Returns
        -------
        array of shape (samples,) or (samples, targets); with ``return_std`` a tuple of two
        """
        check_is_fitted(self)
        if return_std and self.loss != "gaussian_nll":
            raise ValueError(f"return_std must be False but for loss='gaussian_nll', got {return_std!r} and loss={self.loss!r}")
        outputs = self._forward_pass_fast(X)
        if not return_std:
            return self._shaped(self._means(outputs))
        spread = np.exp(0.5 * outputs[:, self.n_outputs_ :])
        return self._shaped(self._means(outputs)), self._shaped(spread)

    def _predict(self, X: Any, check_input: bool = True) -> np.ndarray:
        return self._shaped(self._means(self._forward_pass_fast(X, check_input=check_input)))

    @staticmethod
    def _shaped(columns: np.ndarray) -> np.ndarray:
        return columns.ravel() if columns.shape[1] == 1 else columns

    def _means(self, outputs: np.ndarray) -> np.ndarray:
        """The part of the outputs that are the targets' sizes."""
        return outputs[:, : self.n_outputs_] if self.loss == "gaussian_nll" else outputs

    # -- what makes it a regressor

    def _validate_input(self, X: Any, y: Any, incremental: bool, reset: bool) -> Any:
        X, y = super()._validate_input(X, y, incremental, reset)
        if self.loss == "poisson" and (y < 0).any():
            raise ValueError(f"y must be at least 0 for loss='poisson', got {y.min()}")
        return X, y

    def _head(self, targets: int) -> Head:
        quantile = self.quantile
        if self.loss == "quantile":
            levels = np.atleast_1d(np.asarray(quantile, np.float64))
            if levels.ndim != 1 or not len(levels) or not ((levels > 0) & (levels < 1)).all():
                raise ValueError(f"quantile must be a number or numbers between 0 and 1, got {quantile!r}")
            quantile = tuple(levels.tolist()) if np.ndim(quantile) else float(levels[0])
        return regressor_head(self.loss, targets, quantile, float(self.delta))

    def _score_outputs(self, outputs: np.ndarray, y: np.ndarray, sample_weight: np.ndarray | None) -> float:
        outputs = self._means(outputs)
        each = outputs.shape[1] // y.shape[1]
        return r2(outputs, y if each == 1 else np.repeat(y, each, axis=1), sample_weight)

    def _encoded(self, y: Any) -> np.ndarray:
        targets: np.ndarray = check_array(y, ensure_2d=False, dtype="numeric")
        targets = targets.reshape(-1, 1) if targets.ndim == 1 else targets
        if targets.shape[1] != self.n_outputs_:
            raise ValueError(f"validation_data must have {self.n_outputs_} targets, got {targets.shape[1]}")
        return targets

    def _scaled_targets(self) -> bool:
        return bool(self.loss != "poisson")

    def _rescaled(self, outputs: np.ndarray, scaling: Scaling) -> np.ndarray:
        if self.loss != "gaussian_nll":
            return scaling.predictions(outputs, outputs.shape[1] // self.n_outputs_)
        mean, log_variance = np.split(outputs, 2, axis=1)
        shifted = log_variance + 2 * np.log(scaling.y_scale)
        return np.hstack([scaling.predictions(mean, 1), shifted.astype(outputs.dtype)])
