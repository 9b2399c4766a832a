"""What the two estimators have in common: the way of a fit, and what is kept of it."""

import warnings
from typing import Any

import numpy as np
from sklearn.model_selection import train_test_split
from sklearn.utils import check_random_state

from . import lbfgs
from .fitted import Fitted
from .forward import Predictor
from .heads import Head
from .network import Learner, initial_weights
from .rows import Rows, Settings
from .scaling import Scaling
from .schedule import Schedule, make_optimizer
from .settings import STOCHASTIC, Settable, dropout_rates, element_type, hidden_activations, hidden_units
from .stochastic import Fit
from .validation import Validation
from .versions import checked_weights, validated_features
from .workers import threads_of

MIN_VALIDATION_ROWS = 2  # of few samples, validation_fraction may be fewer


def is_stochastic(estimator: Any) -> bool:
    """Whether the solver takes batches; if not, why there is no ``partial_fit``."""
    if estimator.solver in STOCHASTIC:
        return True
    raise AttributeError(f"partial_fit is only available for stochastic optimizers. {estimator.solver} is not stochastic.")


class Estimator(Settable, Fitted):
    """A multi-layer perceptron that is fitted by the compiled kernels.

    It goes before scikit-learn's class, which has the public methods and all checks of data.
    """

    loss_curve_: list[float]
    validation_scores_: list[float] | None
    validation_loss_curve_: list[float] | None
    best_validation_score_: float | None

    # -- what the classifier and the regressor say

    def _head(self, targets: int) -> Head:
        raise NotImplementedError

    def _score_outputs(self, outputs: np.ndarray, y: np.ndarray, sample_weight: np.ndarray | None) -> float:
        raise NotImplementedError

    def _class_weights(self, y: np.ndarray, incremental: bool) -> np.ndarray | None:
        """What multiplies the samples' weights."""
        return None

    def _encoded(self, y: Any) -> np.ndarray:
        """Targets that are not learnt from, as the network has them."""
        raise NotImplementedError

    def _scaled_targets(self) -> bool:
        """Whether ``scale`` is for the targets too."""
        return False

    # -- learning

    def _learn(self, X: Any, y: Any, sample_weight: Any, validation_data: Any, incremental: bool) -> Any:
        """Fit to data, from the beginning or from where the last fit ended."""
        sizes = hidden_units(self.hidden_layer_sizes)
        hidden_activations(self.activation, len(sizes)), dropout_rates(self.dropout, len(sizes))
        chosen = element_type(self.dtype)
        self._check_together(incremental, validation_data)
        first = not hasattr(self, "coefs_") or not (self.warm_start or incremental)
        X, y = self._validate_input(X, y, incremental, reset=first)
        if sample_weight is not None:
            sample_weight = checked_weights(sample_weight, X)
        y = y.reshape(-1, 1) if y.ndim == 1 else y
        factors = self._class_weights(y, incremental)
        if factors is not None:
            sample_weight = factors if sample_weight is None else sample_weight * factors
        self.n_outputs_ = y.shape[1]
        random = check_random_state(self.random_state)
        dtype = chosen or np.dtype(np.float64 if self.solver == "lbfgs" else X.dtype)
        if first:
            self._begin(X, y, sample_weight, [X.shape[1], *sizes], random, dtype)
        X, y = self._standardized(X, y)
        if self.solver in STOCHASTIC:
            self._fit_batches(X, y, sample_weight, validation_data, incremental, random, dtype)
        else:
            self._fit_whole(X, y, sample_weight, dtype)
        return self

    def _check_together(self, incremental: bool, validation_data: Any) -> None:
        """Refuse what does not go together."""
        before = getattr(self, "_optimizer", None)
        if self.early_stopping and incremental and validation_data is None and before is not None and not before.incremental:
            raise ValueError("partial_fit does not support early_stopping=True after fit without validation_data=(X, y)")
        if self.solver == "lbfgs":
            others = {"callbacks": self.callbacks, "validation_data": validation_data, "dropout": np.any(self.dropout) or None}
            for name, value in others.items():
                if value is not None:
                    raise ValueError(
                        f"{name} must be left out for solver='lbfgs', which takes no steps on batches, got {value!r}"
                    )
            if self.normalization == "batch":
                raise ValueError("normalization must be 'layer' or None for solver='lbfgs', got 'batch'")

    def _begin(
        self,
        X: Any,
        y: np.ndarray,
        sample_weight: np.ndarray | None,
        sizes: list[int],
        random: np.random.RandomState,
        dtype: Any,
    ) -> None:
        """Draw weights, and forget what was measured."""
        head = self._head(y.shape[1])
        units = [*sizes, head.units]
        self.n_iter_ = self.t_ = 0
        self.n_layers_, self.out_activation_ = len(units), head.activation
        names = hidden_activations(self.activation, len(sizes) - 1)
        activations = (*names, names[-1] if names else str(self.activation))
        self.coefs_, self.intercepts_ = initial_weights(units, activations, random, dtype)
        self._others = None
        targets = y if self._scaled_targets() else None
        self._scaling = Scaling(X, targets, sample_weight) if self.scale else None
        self._predictor = Predictor()
        self.__dict__.pop("_learner", None)
        if self.solver in STOCHASTIC:
            self.loss_curve_, self._no_improvement_count = [], 0
            self.best_loss_ = None if self.early_stopping else np.inf
            self.validation_scores_ = self.validation_loss_curve_ = self.best_validation_score_ = None

    def _standardized(self, X: Any, y: np.ndarray) -> tuple[Any, np.ndarray]:
        scaling: Scaling | None = getattr(self, "_scaling", None)
        if scaling is None:
            return X, y
        return scaling.inputs(X), scaling.targets(y) if self._scaled_targets() else y

    def _learner_for(self, l2: float, random: np.random.RandomState, dtype: Any, goes_on: bool) -> Learner:
        """The network that learns, with the present weights; it goes on with the optimizer's state if told to."""
        architecture = self._architecture(dtype)
        head = self._head(self.n_outputs_)
        learner: Learner | None = self.__dict__.get("_learner")
        key = architecture, head.units, l2, self.solver
        if not goes_on or learner is None or learner.key != key:
            optimizer = make_optimizer(self, head.factor)
            learner = Learner(architecture, head, l2, optimizer, int(random.randint(2**31 - 1)))
            learner.key = key
        others: list[np.ndarray] | None = getattr(self, "_others", None)
        others = learner.weights()[2] if others is None else others
        learner.load((self.coefs_, self.intercepts_, others))
        return learner

    def _fit_batches(
        self,
        X: Any,
        y: np.ndarray,
        sample_weight: np.ndarray | None,
        validation_data: Any,
        incremental: bool,
        random: np.random.RandomState,
        dtype: Any,
    ) -> None:
        """Learn by a stochastic optimizer."""
        goes_on = incremental and hasattr(self, "_optimizer")
        if not goes_on:
            self._optimizer = Schedule(self, incremental)
        elif self._optimizer.has_stopped and self.early_stopping:
            return
        threads, head = threads_of(self), self._head(self.n_outputs_)
        held_out = None
        if validation_data is not None:
            held_out = self._given_validation(validation_data)
        elif self.early_stopping:
            X, y, sample_weight, held_out = self._split(X, y, sample_weight, random)
        validation = None if held_out is None else Validation(*held_out, head, self._score_outputs, threads)
        if validation is not None and self.validation_scores_ is None:
            self.validation_scores_, self.validation_loss_curve_, self.best_validation_score_ = [], [], -np.inf
        rows = Rows(X, y, sample_weight, dtype, Settings(self._rows_of_batch(X.shape[0]), bool(self.shuffle), threads))
        learner = self._learner_for(0.5 * self.alpha * head.factor, random, dtype, goes_on)
        if goes_on:
            learner.resume(self._optimizer.state)
        fit = Fit(self, learner, rows, validation, bool(self.early_stopping), 1 if incremental else self.max_iter)
        with np.errstate(all="ignore"):
            self._optimizer.has_stopped = fit.run()
        self._take(learner)
        if incremental:
            self._learner, self._optimizer.state = learner, None
        else:
            self._optimizer.state = learner.state()

    def _fit_whole(self, X: Any, y: np.ndarray, sample_weight: np.ndarray | None, dtype: Any) -> None:
        """Learn by L-BFGS."""
        threads, head = threads_of(self), self._head(self.n_outputs_)
        rows = Rows(X, y, sample_weight, dtype, Settings(X.shape[0], False, threads))
        l2 = 0.5 * self.alpha * head.factor / rows.total
        learner = self._learner_for(l2, check_random_state(0), dtype, False)
        lbfgs.fit(self, learner, rows, threads)
        self._take(learner)

    def _rows_of_batch(self, samples: int) -> int:
        if isinstance(self.batch_size, str):
            return min(200, samples)
        if self.batch_size > samples:
            warnings.warn("Got `batch_size` less than 1 or larger than sample size. It is going to be clipped", stacklevel=2)
        return int(np.clip(self.batch_size, 1, samples))

    def _split(self, X: Any, y: np.ndarray, sample_weight: np.ndarray | None, random: np.random.RandomState) -> Any:
        """The part to learn from, and the part to measure the score on."""
        arrays = [X, y] if sample_weight is None else [X, y, sample_weight]
        samples, strata = X.shape[0], self._strata(y)
        size, least = self.validation_fraction, MIN_VALIDATION_ROWS
        if np.ceil(size * samples) < least <= samples - least:
            size = least
        parts = train_test_split(*arrays, random_state=random, test_size=size, stratify=strata)
        train, held_out = parts[::2], parts[1::2]
        if held_out[0].shape[0] < 2:
            raise ValueError("The validation set is too small. Increase 'validation_fraction' or the size of your dataset.")
        weights = (None, None) if sample_weight is None else (train[2], held_out[2])
        return train[0], train[1], weights[0], (held_out[0], held_out[1], weights[1])

    def _strata(self, y: np.ndarray) -> np.ndarray | None:
        return None

    def _given_validation(self, validation_data: Any) -> tuple[Any, np.ndarray, np.ndarray | None]:
        """The data of ``validation_data``, as the network has it."""
        if not isinstance(validation_data, tuple | list) or len(validation_data) not in (2, 3):
            raise ValueError(f"validation_data must be (X, y) or (X, y, sample_weight), got {type(validation_data).__name__}")
        X = validated_features(self, validation_data[0])
        y = self._encoded(validation_data[1])
        if len(y) != X.shape[0]:
            raise ValueError(f"validation_data must have as many targets as rows, got {len(y)} and {X.shape[0]}")
        weights = checked_weights(validation_data[2], X) if len(validation_data) == 3 else None
        return (*self._standardized(X, y), weights)

    def _take(self, learner: Learner) -> None:
        """Have the weights that were learnt."""
        self.coefs_, self.intercepts_, self._others = learner.weights()
        if not all(np.isfinite(w).all() for part in (self.coefs_, self.intercepts_, self._others) for w in part):
            raise ValueError(
                "Solver produced non-finite parameter weights. The input data may contain large values and need to be"
                " preprocessed."
            )
