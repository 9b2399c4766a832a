"""A network with a loss and an optimizer, and the lower level for custom training loops."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import losses, optimizers
from ..arguments import boolean
from ..data import arrays, inputs, output_gradient, pair
from ..errors import TrainingDiverged
from ..feature_names import Names, column_names
from ..kernels.codes import SOFTMAX
from ..metrics import CompiledMetric, epoch_logs, get_all, to_count
from ..notices import warn_of_probabilities
from ..scaled_sums import Targets
from .network import Measures, Network

if TYPE_CHECKING:
    from ..engine.engine import Engine
    from ..engine.epoch import Epoch

Data = tuple[np.ndarray, np.ndarray]
Learn = Callable[[int, "list[Epoch]"], None]  # so many epochs; those that have ended are appended


class Trainable(Network):
    """The part of ``Sequential`` that takes single steps."""

    _metrics: tuple[CompiledMetric, ...] = ()

    def compile(
        self,
        optimizer: str | optimizers.Optimizer = "rmsprop",
        loss: str | losses.Loss | Callable[..., Any] | None = None,
        metrics: Any = None,
    ) -> None:
        """Choose how to learn. The optimizer's state starts afresh.

        Parameters
        ----------
        optimizer : str or Optimizer
        loss : str, Loss or callable
            A function ``f(y_true, y_pred)`` is a custom formula, differentiated and compiled; see
            ``fastbp.losses.Custom``.
        metrics : list of str or Metric, optional
            Of "mse", "mae", "rmse", "r2", "accuracy" and Keras's longer names. The second of one name is called name_1.

        Examples
        --------
        >>> import fastbp
        >>> model = fastbp.Sequential([fastbp.Dense(10, "softmax")])
        >>> model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
        >>> model.optimizer.learning_rate = 1e-4  # at any time; the optimizer's state stays
        """
        chosen_optimizer, chosen_loss, chosen_metrics = optimizers.get(optimizer), losses.get(loss), get_all(metrics)
        measures = self._fitting(chosen_loss, chosen_metrics) if self._output_units is not None else None
        self._configure(chosen_optimizer, chosen_loss)
        self.optimizer, self.loss, self._metrics = chosen_optimizer, chosen_loss, chosen_metrics
        self._measures = measures

    @property
    def metrics_names(self) -> list[str]:
        """What ``evaluate`` returns, in order."""
        return ["loss", *(metric.name for metric in self._metrics)]

    # -- single steps

    def forward(self, x: Any) -> np.ndarray:
        """The output for x, remembering what ``backward`` needs. Numbers that are not finite pass through.

        Parameters
        ----------
        x : array of shape (samples, features)

        Returns
        -------
        ndarray of shape (samples, units)

        Examples
        --------
        >>> import fastbp
        >>> model = fastbp.Sequential([fastbp.Dense(2, kernel_initializer="ones")])
        >>> model.forward([[1.0, 2.0, 3.0]])
        array([[6., 6.]], dtype=float32)
        """
        x = self._rows(x) if self._flattens else x
        x = inputs("x", x, self._input_units, self._dtype, False, self._feature_names)
        output: np.ndarray = self._build(x.shape[1]).forward(x, keep=True)
        self._kept_rows = len(x)
        return output

    def backward(self, dy: Any) -> np.ndarray:
        """Take a gradient with respect to the output of the last ``forward`` back to its input.

        The gradients with respect to the weights, in ``get_weights`` order, are in ``model.gradients`` afterwards.

        Parameters
        ----------
        dy : array of shape (samples, units)

        Returns
        -------
        ndarray of shape (samples, features)

        Examples
        --------
        >>> import fastbp
        >>> model = fastbp.Sequential([fastbp.Dense(2, kernel_initializer="ones")])
        >>> y = model.forward([[1.0, 2.0, 3.0]])
        >>> model.backward([[1.0, 10.0]])
        array([[11., 11., 11.]], dtype=float32)
        >>> model.gradients[1]
        array([ 1., 10.], dtype=float32)
        """
        if self._engine is None or not self._kept_rows:
            raise ValueError("backward needs a forward(x) before it, got none since the weights last changed")
        dy = output_gradient("dy", dy, (self._kept_rows, self._need_outputs()), self._dtype)
        dx: np.ndarray
        dx, self.gradients = self._engine.backward(dy)
        return dx

    def train_on_batch(
        self, x: Any, y: Any, *, return_dict: bool = False, check_finite: bool = True
    ) -> float | list[float] | dict[str, float]:
        """One step of the optimizer on all of x, y as one batch.

        Parameters
        ----------
        x, y : arrays
            As for ``fit``.
        return_dict : bool
            Return a dict by name instead.
        check_finite : bool
            Refuse NaN and infinity in the data.

        Returns
        -------
        float, list or dict
            The loss before the step, with the metrics after it in a list where there are any. They are those of this batch
            alone.

        Examples
        --------
        >>> import fastbp
        >>> model = fastbp.Sequential([fastbp.Dense(1, kernel_initializer="zeros")])
        >>> model.compile("sgd", "mse")
        >>> model.train_on_batch([[1.0]], [2.0])
        4.0
        """
        samples, targets = self._pair(x, y, check_finite)
        engine, (metrics, counted) = self._build(samples.shape[1]), self._to_measure()
        self._feature_names = self._feature_names or column_names(x)
        ended: list[Epoch] = []
        rest = samples, targets, len(samples), False, counted
        self._train(engine, 0, 1, ended, lambda count, ended: engine.train_epochs(count, ended, *rest))
        return as_returned(epoch_logs(ended[0], metrics, Targets(targets)), return_dict)

    def value_and_gradient(self, x: Any, y: Any, *, check_finite: bool = True) -> tuple[float, list[np.ndarray]]:
        """The loss on all of x, y and its gradient with respect to the weights, in ``get_weights`` order.

        Parameters
        ----------
        x, y : arrays
            As for ``fit``.
        check_finite : bool
            Refuse NaN and infinity in the data.

        Examples
        --------
        >>> import fastbp
        >>> model = fastbp.Sequential([fastbp.Dense(1, kernel_initializer="zeros")])
        >>> model.compile("sgd", "mse")
        >>> loss, gradients = model.value_and_gradient([[3.0]], [2.0])
        >>> loss, [g.tolist() for g in gradients]
        (4.0, [[[-12.0]], [-4.0]])
        """
        x, y = self._pair(x, y, check_finite)
        loss, gradients = self._build(x.shape[1]).value_and_gradient(x, y)
        return float(loss), gradients

    def apply_gradients(self, gradients: Sequence[Any]) -> None:
        """One step of the optimizer along given gradients.

        Parameters
        ----------
        gradients : list of arrays
            In ``get_weights`` order, as ``value_and_gradient`` and ``model.gradients`` have them.

        Raises
        ------
        TrainingDiverged
            If a weight becomes NaN or infinite. All of them are as they were.

        Examples
        --------
        >>> import fastbp
        >>> model = fastbp.Sequential([fastbp.Input((1,)), fastbp.Dense(1, kernel_initializer="ones")])
        >>> model.compile(fastbp.SGD(0.5), "mse")
        >>> model.apply_gradients([[[1.0]], [4.0]])
        >>> [w.tolist() for w in model.get_weights()]
        [[[0.5]], [-2.0]]
        """
        self._compiled()
        engine = self._need_engine("apply_gradients")
        shapes = self._weight_shapes(self._input_units or 0)
        checked = arrays("gradients", gradients, shapes, self._dtype)
        self._train(engine, 0, 1, [], lambda *_: engine.apply_gradients(checked))

    def _train(self, engine: "Engine", index: int, count: int, ended: "list[Epoch]", learn: Learn) -> None:
        """``count`` epochs from number ``index`` on; those that have ended are appended to ``ended``, whatever is raised.

        Where one diverges, the weights from before it and the error; the same where Ctrl-C finds weights of no use.
        """
        from ..engine.epoch import Diverged

        self._build(self._input_units or 0)  # another model may have used the layers since
        self._kept_rows = 0
        engine.state.remember()
        before = len(ended)
        try:
            learn(count, ended)
        except (Diverged, KeyboardInterrupt) as error:
            if isinstance(error, KeyboardInterrupt) and engine.state.is_finite():
                raise
            engine.state.go_back()
            from_finite, done = engine.state.is_finite(), len(ended) - before
            if done:  # the same again, to its end: nothing in it depends on the clock
                learn(done, [])
            if isinstance(error, KeyboardInterrupt):
                error.add_note("The weights had become NaN or infinite; they are those of the last finished epoch.")
                raise
            rate = self._compiled()[0].learning_rate
            raise TrainingDiverged(index + done + 1, error.step, rate, error.by_weights, from_finite) from None

    # -- what must fit together

    def _compiled(self) -> tuple[optimizers.Optimizer, losses.Loss]:
        """Optimizer and loss of a model that is compiled, or the error for one that is not."""
        if self.optimizer is None or self.loss is None:
            raise ValueError("the model must be compiled first, got none of compile(optimizer, loss, metrics)")
        return self.optimizer, self.loss

    def _to_measure(self) -> Measures:
        """The metrics to compute and what to have the engine count for them."""
        if self._measures is None:  # not compiled, or layers have come since
            self._measures = self._fitting(self._compiled()[1], self._metrics)
        return self._measures

    def _fitting(self, loss: losses.Loss, metrics: Sequence[CompiledMetric]) -> Measures:
        """``_to_measure`` for a loss and metrics, if they go together with the last layer."""
        units = self._need_outputs()
        if units == 1 and loss.output_activation == SOFTMAX:
            raise ValueError(f"loss {loss.name!r} needs a last layer of at least 2 units, got 1: binary_crossentropy does")
        resolved = tuple(metric.resolve(loss, units) for metric in metrics)
        counted = to_count(resolved)
        warn_of_probabilities(self._output_activation, units, loss)
        return resolved, counted

    def _pair(self, x: Any, y: Any, check_finite: bool, prefix: str = "", like: tuple[int, Names] | None = None) -> Data:
        """Samples and targets, checked. ``like``: the input's width and names, which the model may not know yet."""
        _, counted = self._to_measure()
        loss, outputs = self._compiled()[1], self._need_outputs()
        width, names = like or (self._input_units, self._feature_names)
        x = self._rows(x) if self._flattens else x
        x, y = pair(x, y, (width, outputs), loss, self._dtype, boolean("check_finite", check_finite), prefix, names)
        if isinstance(loss, losses.Custom):
            if counted and y.shape[1] != outputs:
                listed = ", ".join(repr(metric.name) for metric in self._metrics)
                raise ValueError(f"metrics need targets of shape ({len(y)}, {outputs}), got {y.shape} for {listed}")
            loss.graph(y.shape[1], outputs)  # a bad formula stops here, before anything has changed
        return x, y


def as_returned(logs: dict[str, float], return_dict: bool) -> float | list[float] | dict[str, float]:
    """Losses and metrics in the form that Keras returns them in."""
    if return_dict:
        return logs
    return list(logs.values()) if len(logs) > 1 else logs["loss"]
