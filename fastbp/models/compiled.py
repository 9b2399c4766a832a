"""A network with an optimizer, a loss and metrics."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .. import losses, optimizers
from ..arguments import boolean, integer
from ..data import Data, Spec
from ..kernels.codes import SOFTMAX
from ..layers.claims import changes
from ..metrics import CompiledMetric, check_targets, get_all
from ..notices import warn_of_last_activation
from .network import Network
from .portions import is_weighted


class Compiled(Network):
    """The part of ``Sequential`` that knows what to learn by."""

    _metrics: tuple[CompiledMetric, ...] = ()
    _outputs = 0  # units of the last layer, once metrics have been fitted to it

    @changes
    def compile(
        self,
        optimizer: str | optimizers.Optimizer = "rmsprop",
        loss: str | losses.Loss | Callable[..., Any] | None = None,
        loss_weights: Any = None,
        metrics: Any = None,
        weighted_metrics: Any = None,
        run_eagerly: bool | None = False,
        steps_per_execution: int | None = 1,
        jit_compile: str | bool | None = "auto",
        auto_scale_loss: bool | None = True,
    ) -> None:
        """Choose how to learn. The optimizer's state starts afresh.

        Parameters
        ----------
        optimizer : str or Optimizer
            Or a solver, as "lbfgs": see ``fastbp.optimizers.Solver``.
        loss : str, Loss or callable
            A function ``f(y_true, y_pred)`` is a custom formula, differentiated and compiled; see
            ``fastbp.losses.Custom``.
        loss_weights : optional
            None or 1: there is one loss.
        metrics : list of str, Metric or callable, optional
            See ``fastbp.metrics``. The second of one name is called name_1.
        weighted_metrics : list, optional
            Those in which the samples' weights count.
        run_eagerly, steps_per_execution, jit_compile, auto_scale_loss
            Accepted as Keras accepts them, without effect: everything is compiled, and as many steps as can be go together.

        Examples
        --------
        >>> import fastbp
        >>> model = fastbp.Sequential([fastbp.Dense(10, "softmax")])
        >>> model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
        >>> model.optimizer.learning_rate = 1e-4  # at any time; the optimizer's state stays
        """
        _check_loss_weights(loss_weights)
        if steps_per_execution is not None:
            integer("steps_per_execution", steps_per_execution, 1)
        for name, flag in (("run_eagerly", run_eagerly), ("jit_compile", jit_compile), ("auto_scale_loss", auto_scale_loss)):
            if flag is not None and flag != "auto":
                boolean(name, flag)
        chosen_optimizer, chosen_loss = optimizers.get(optimizer), losses.get(_only(loss))
        chosen_optimizer.check_loss(chosen_loss)
        chosen_metrics = get_all(metrics, weighted_metrics)
        fitted = self._fitting(chosen_loss, chosen_metrics) if self._output_units is not None else None
        self._configure(chosen_optimizer, chosen_loss)
        self.optimizer, self.loss, self._metrics = chosen_optimizer, chosen_loss, chosen_metrics
        self._fitted_metrics = fitted

    def higher_is_better(self, name: str) -> bool | None:
        """Whether larger values of a metric are the better ones; None where nothing says so.

        Examples
        --------
        >>> import fastbp
        >>> model = fastbp.Sequential([fastbp.Dense(1, "sigmoid")])
        >>> model.compile("adam", "binary_crossentropy", metrics=["accuracy", "mae"])
        >>> model.higher_is_better("accuracy"), model.higher_is_better("mae")
        (True, False)
        """
        directions = {metric.name: metric.direction for metric in self._metrics}
        return None if directions.get(name) is None else directions[name] == "up"

    @property
    def metrics_names(self) -> list[str]:
        """What ``evaluate`` returns, in order."""
        return ["loss", *(metric.name for metric in self._metrics)]

    def reset_metrics(self) -> None:
        """Nothing: what is measured is that of each call alone."""

    # -- what must fit together

    def _compiled(self) -> tuple[optimizers.Optimizer, losses.Loss]:
        """Optimizer and loss of a model that is compiled, or the error for one that is not."""
        if self.optimizer is None or self.loss is None:
            raise ValueError("the model must be compiled first, got none of compile(optimizer, loss, metrics)")
        return self.optimizer, self.loss

    def _to_measure(self) -> tuple[CompiledMetric, ...]:
        """The metrics to compute."""
        if self._fitted_metrics is None:  # not compiled, or layers have come since
            self._fitted_metrics = self._fitting(self._compiled()[1], self._metrics)
        return self._fitted_metrics

    def _fitting(self, loss: losses.Loss, metrics: Sequence[CompiledMetric]) -> tuple[CompiledMetric, ...]:
        """Metrics for a loss, if they go together with the last layer."""
        units = self._outputs = self._need_outputs()
        if units == 1 and loss.output_activation == SOFTMAX:
            raise ValueError(f"loss {loss.name!r} needs a last layer of at least 2 units, got 1: binary_crossentropy does")
        loss.target_columns(units)
        resolved = tuple(metric.resolve(loss, units) for metric in metrics)
        warn_of_last_activation(self._output_activation, units, loss)
        return resolved

    # -- weights that a callback keeps

    def _copy_weights(self) -> np.ndarray:
        """All weights, for ``_restore_weights`` alone; faster than ``get_weights``."""
        return self._need_engine("copying weights").copy_weights()

    def _arrays_of(self, copied: np.ndarray) -> list[np.ndarray]:
        """What ``_copy_weights`` gave, as ``get_weights`` gives it."""
        return self._need_engine("reading weights").arrays_of(copied)

    def _restore_weights(self, copied: np.ndarray) -> None:
        self._need_engine("restoring weights").restore_weights(copied)
        self._kept_rows = 0

    # -- data

    def _spec(self) -> Spec:
        """What data must be like to learn from it, or be measured on it."""
        self._to_measure()
        loss = self._compiled()[1]
        return Spec(
            self._input_units, self._outputs, self._dtype, loss, self._feature_names, self._flattens, self._sample_shape
        )

    def _check_targets(self, data: Data) -> None:
        """Make sure that a custom loss and the metrics can compare these targets with the outputs, before anything changes."""
        loss = self.loss
        if isinstance(loss, losses.Custom):
            check_targets(self._to_measure(), data.target_columns, self._outputs)
            if loss.graph(data.target_columns, self._outputs).is_of_batch and is_weighted(data):
                raise ValueError(
                    f"sample_weight and class_weight must be None for the loss {loss.name!r}, whose value belongs to a batch "
                    "as a whole: weights can be a column of y and a part of the formula, as y_true[:, 1]"
                )

    @property
    def _has_loss_of_batch(self) -> bool:
        """Whether the value of the loss belongs to a batch as a whole; see ``fastbp.losses.Custom``."""
        return isinstance(self.loss, losses.Custom) and self.loss.is_of_batch


def _only(loss: Any) -> Any:
    """The loss in a list or a dict of one, as models of several outputs have them."""
    values = list(loss.values()) if isinstance(loss, dict) and "class_name" not in loss else loss
    if isinstance(values, list | tuple):
        if len(values) != 1:
            raise ValueError(f"loss must be one, since a model has one output, got {len(values)}: {loss!r}")
        return values[0]
    return loss


def _check_loss_weights(loss_weights: Any) -> None:
    """A model has one loss, and a factor of it would only be one of the learning rate."""
    only = list(loss_weights.values()) if isinstance(loss_weights, dict) else loss_weights
    if only is not None and only not in (1, [1], (1,)):
        raise ValueError(f"loss_weights must be None or 1, since there is one loss, got {loss_weights!r}")
