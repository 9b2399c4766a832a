"""The classifier."""

from typing import Any

import numpy as np
from sklearn.base import _fit_context
from sklearn.neural_network import MLPClassifier as ScikitLearnClassifier
from sklearn.preprocessing import LabelBinarizer
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import _check_partial_fit_first_call, type_of_target
from sklearn.utils.validation import check_is_fitted

from .base import Estimator, is_stochastic
from .heads import Head, classifier_head
from .scores import accuracy
from .settings import CONSTRAINTS


class MLPClassifier(Estimator, ScikitLearnClassifier):
    """scikit-learn's ``MLPClassifier``, fitted by compiled kernels.

    Parameters
    ----------
    hidden_layer_sizes, activation, ..., max_fun
        As in ``sklearn.neural_network.MLPClassifier``, with its defaults. ``activation`` may also be one of
        ``fastbp.activations`` that treat each unit alone, or a tuple of names, one for each hidden layer.
    class_weight : dict, "balanced" or None
        What multiplies the weights of the samples of a class.
    dropout : float or tuple of float
        The share of each hidden layer's units that are dropped at random while learning.
    normalization : {"batch", "layer"} or None
        Between the weighted sums of hidden layers and their activations.
    callbacks : list of Callback, optional
        See ``fastbp.callbacks``. Those that look at epochs, which have "loss" and, with validation, "val_loss" and "val_score".
    dtype : {"float32", "float64"} or None
        To compute in. None: that of X, as scikit-learn does it (float64 for "lbfgs"); float32 is about twice as fast.
    n_threads : int, optional
        None: as many as pay, and one inside a worker of joblib.
    time_budget : float, optional
        Seconds after which the fit ends with the epoch.
    restore_best : bool, optional
        Whether to end with the weights of the best epoch, by the validation score or else the loss. None: with
        ``early_stopping``.
    scale : bool
        Whether to standardize X inside.

    Attributes
    ----------
    coefs_, intercepts_, loss_, loss_curve_, ...
        As in scikit-learn.
    validation_loss_curve_ : list of float or None
        The loss, without penalties, on the data for validation after each epoch.
    model_ : Sequential
        The network.

    Notes
    -----
    ``fit`` and ``partial_fit`` take ``validation_data=(X, y)`` or ``(X, y, sample_weight)``: measured after each epoch, and
    used by ``early_stopping`` in place of a part of the training data. A pickle has the optimizer's state after
    ``partial_fit``, but not after ``fit``.

    Examples
    --------
    >>> import numpy as np
    >>> import fastbp
    >>> X = np.random.default_rng(0).normal(size=(200, 4))
    >>> y = np.where(X[:, 0] > X[:, 1], "first", "second")
    >>> classifier = fastbp.MLPClassifier((16,), learning_rate_init=0.01, max_iter=500, random_state=0).fit(X, y)
    >>> classifier.score(X, y) > 0.95
    True
    """

    _parameter_constraints: dict[str, Any] = {**CONSTRAINTS, "class_weight": [StrOptions({"balanced"}), dict, list, None]}

    def __init__(
        self,
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
        class_weight: Any = None,
        dropout: Any = 0.0,
        normalization: str | None = None,
        callbacks: Any = None,
        dtype: Any = None,
        n_threads: int | None = None,
        time_budget: float | None = None,
        restore_best: bool | None = None,
        scale: bool = False,
    ) -> None:
        self._keep(locals())
        self.loss = "log_loss"

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any, sample_weight: Any = None, *, validation_data: Any = None) -> "MLPClassifier":
        """Fit to data.

        Parameters
        ----------
        X : array or sparse matrix of shape (samples, features)
        y : array of shape (samples,) or (samples, labels)
        sample_weight : array of shape (samples,), optional
        validation_data : tuple (X, y) or (X, y, sample_weight), optional
            Measured after each epoch.
        """
        self._learn(X, y, sample_weight, validation_data, False)
        return self

    @available_if(is_stochastic)
    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(
        self, X: Any, y: Any, sample_weight: Any = None, classes: Any = None, *, validation_data: Any = None
    ) -> "MLPClassifier":
        """Go once over data, from where the last call ended.

        Parameters
        ----------
        X, y, sample_weight
            As for ``fit``.
        classes : array of shape (classes,), optional
            All of them, in the first call.
        validation_data : tuple, optional
            Measured after the epoch. With ``early_stopping``, calls after that in which the rule has stopped do nothing.
        """
        if _check_partial_fit_first_call(self, classes):
            self._label_binarizer = LabelBinarizer()
            self._label_binarizer.fit(y if type_of_target(y).startswith("multilabel") else classes)
        self._learn(X, y, sample_weight, validation_data, True)
        return self

    def predict(self, X: Any) -> np.ndarray:
        """The classes, or labels, of rows."""
        check_is_fitted(self)
        return self._predict(X)

    def _predict(self, X: Any, check_input: bool = True) -> np.ndarray:
        outputs, binarizer = self._forward_pass_fast(X, check_input=check_input), self._label_binarizer
        classes: np.ndarray = np.asarray(self.classes_)
        if binarizer.y_type_ == "multiclass" and len(classes) == outputs.shape[1]:
            chosen: np.ndarray = outputs.argmax(axis=1)
            return np.take(classes, chosen)
        if binarizer.y_type_ == "binary" and len(classes) == 2:
            return classes[(outputs[:, 0] > 0.5).astype(np.intp)]
        found: np.ndarray = binarizer.inverse_transform(outputs.ravel() if self.n_outputs_ == 1 else outputs)
        return found

    # -- what makes it a classifier

    @property
    def _is_exclusive(self) -> bool:
        return bool(self._label_binarizer.y_type_ == "multiclass")

    def _head(self, targets: int) -> Head:
        return classifier_head(targets, self._is_exclusive)

    def _score_outputs(self, outputs: np.ndarray, y: np.ndarray, sample_weight: np.ndarray | None) -> float:
        return accuracy(outputs, y, sample_weight, self._is_exclusive)

    def _strata(self, y: np.ndarray) -> np.ndarray | None:
        return y if self.n_outputs_ == 1 else None

    def _encoded(self, y: Any) -> np.ndarray:
        y = np.asarray(y)
        y = y[:, 0] if y.ndim == 2 and y.shape[1] == 1 else y
        if y.ndim == 1 and len(unknown := np.setdiff1d(y, self.classes_)):
            raise ValueError(f"validation_data must have classes among {self.classes_}, got {unknown}")
        encoded: np.ndarray = self._label_binarizer.transform(y)
        return encoded

    def _class_weights(self, y: np.ndarray, incremental: bool) -> np.ndarray | None:
        if self.class_weight is None:
            return None
        if incremental and self.class_weight == "balanced":
            raise ValueError("class_weight must be a dict for partial_fit, which does not see all samples, got 'balanced'")
        labels = self._label_binarizer.inverse_transform(y.astype(np.float64))
        weights: np.ndarray = compute_sample_weight(self.class_weight, labels)
        return weights
