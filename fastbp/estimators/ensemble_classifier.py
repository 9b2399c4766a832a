"""An ensemble of networks for classes."""

from typing import Any

import numpy as np
from sklearn.base import ClassifierMixin, _fit_context
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import column_or_1d

from ..losses import Loss
from .ensembles import ENSEMBLE_CONSTRAINTS, EnsembleEstimator
from .heads import Head, classifier_head
from .versions import checked_weights, validated


class EnsembleClassifier(ClassifierMixin, EnsembleEstimator):  # type: ignore[misc]
    """An ensemble of networks for classes: ``fastbp.Ensemble`` as an estimator of scikit-learn.

    Parameters
    ----------
    hidden_layer_sizes, activation, alpha, batch_size, learning_rate_init, max_iter, random_state, verbose, class_weight
        As in ``MLPClassifier``; the optimizer is Adam.
    build, n_estimators, bootstrap, oob_score, dropout, callbacks, dtype, n_threads
        As in ``EnsembleRegressor``. A network of ``build`` has an output for each class, or one for two classes.
    scale : bool
        Whether to standardize X inside.

    Attributes
    ----------
    ensemble_, estimators_, histories_
        As in ``EnsembleRegressor``.
    classes_ : array
    oob_score_, oob_decision_function_ : float, array
        As in scikit-learn's ``BaggingClassifier``.

    Examples
    --------
    >>> import numpy as np
    >>> import fastbp
    >>> X = np.random.default_rng(0).normal(size=(200, 4))
    >>> y = np.where(X[:, 0] > X[:, 1], "first", "second")
    >>> classifier = fastbp.EnsembleClassifier((16,), n_estimators=8, learning_rate_init=0.01, oob_score=True, random_state=0)
    >>> classifier.fit(X, y).oob_score_ > 0.9
    True
    >>> classifier.predict_proba(X).shape
    (200, 2)
    """

    _parameter_constraints: dict[str, Any] = {
        **ENSEMBLE_CONSTRAINTS,
        "class_weight": [StrOptions({"balanced"}), dict, list, None],
    }

    def __init__(
        self,
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
        class_weight: Any = None,
        dropout: Any = 0.0,
        callbacks: Any = None,
        dtype: Any = None,
        n_threads: int | None = None,
        scale: bool = True,
    ) -> None:
        self._keep(locals())

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> "EnsembleClassifier":
        """Fit to data.

        Parameters
        ----------
        X : array of shape (samples, features)
        y : array of shape (samples,)
        sample_weight : array of shape (samples,), optional
        """
        X, y = validated(self, X, y, dtype=[np.float64, np.float32])
        check_classification_targets(y)
        y = column_or_1d(y, warn=True)
        self.classes_, numbers = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(f"y must hold at least 2 classes, got {len(self.classes_)} class: {self.classes_.tolist()}")
        weights = None if sample_weight is None else checked_weights(sample_weight, X)
        if self.class_weight is not None:
            factors = compute_sample_weight(self.class_weight, y)
            weights = factors if weights is None else weights * factors
        self._fit(X, numbers, len(self.classes_), weights)
        if self.oob_score:
            seen, rows = self._seen(X, weights)
            self.oob_decision_function_ = self._probabilities(self.ensemble_.oob_predict(seen))
            known = ~np.isnan(self.oob_decision_function_).any(axis=1)
            self.oob_score_ = float(np.mean(self.oob_decision_function_[known].argmax(axis=1) == numbers[rows][known]))
        return self

    def predict(self, X: Any, return_std: bool = False) -> Any:
        """The likeliest class of each row.

        Parameters
        ----------
        X : array of shape (samples, features)
        return_std : bool
            Whether to give the standard deviation of its probability too: how far the members disagree.

        Returns
        -------
        array of shape (samples,); with ``return_std`` a tuple of two
        """
        x = self._rows(X)
        chosen = self._probabilities(self.ensemble_.predict(x)).argmax(axis=1)
        classes = self.classes_[chosen]
        return (classes, self._spread(x)[np.arange(len(chosen)), chosen]) if return_std else classes

    def predict_proba(self, X: Any, return_std: bool = False) -> Any:
        """The mean of the probabilities that the members give each class.

        Parameters
        ----------
        X : array of shape (samples, features)
        return_std : bool
            Whether to give their standard deviation too.

        Returns
        -------
        array of shape (samples, classes); with ``return_std`` a tuple of two
        """
        x = self._rows(X)
        found = self._probabilities(self.ensemble_.predict(x))
        return (found, self._spread(x)) if return_std else found

    def predict_log_proba(self, X: Any) -> np.ndarray:
        """The logarithms of ``predict_proba``."""
        with np.errstate(divide="ignore"):
            found: np.ndarray = np.log(self.predict_proba(X))
        return found

    def _spread(self, x: np.ndarray) -> np.ndarray:
        """The standard deviation of the probability of each class."""
        spread = self.ensemble_.predict_std(x)
        return np.repeat(spread, 2, axis=1) if spread.shape[1] == 1 else spread

    def _probabilities(self, outputs: np.ndarray) -> np.ndarray:
        return np.hstack([1 - outputs, outputs]) if outputs.shape[1] == 1 else outputs

    def _head(self, targets: int) -> Head:
        return classifier_head(1 if targets == 2 else targets, True)

    def _encoded(self, y: np.ndarray, loss: Loss, units: int) -> np.ndarray:
        if units not in {1, len(self.classes_)} or (units == 1 and len(self.classes_) > 2):
            raise ValueError(f"build must make networks of {len(self.classes_)} outputs, one for each class, got {units}")
        if loss.sparse:
            return y
        return y.astype(np.float64)[:, None] if units == 1 else np.eye(units)[y]
