"""A network with a loss and an optimizer, and the lower level for custom training loops."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..arguments import boolean
from ..data import Spec, arrays, inputs, output_gradient, prepare_rows
from ..data.samples import is_ready, samples
from ..engine.threads import check_threads
from ..errors import TrainingDiverged
from .compiled import Compiled
from .feedback import angle
from .measures import Measures
from .passes import Teacher, WholePasses

if TYPE_CHECKING:
    from ..engine.engine import Engine
    from ..engine.epoch import Epoch

Learn = Callable[[int, "list[Epoch]"], None]  # so many epochs; those that have ended are appended


class Trainable(Compiled):
    """The part of ``Sequential`` that takes single steps."""

    # -- single steps

    def forward(self, x: Any, training: bool = False) -> np.ndarray:
        """The output for x, remembering what ``backward`` needs. Numbers that are not finite pass through.

        Parameters
        ----------
        x : array of shape (samples, features)
        training : bool
            As for ``predict``. ``backward`` then has the same noise.

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
        if not (is_ready(x, self._input_units, self._dtype) and len(x)):
            x = self._rows(x) if self._flattens else x
            x = inputs("x", x, self._input_units, self._dtype, False, self._feature_names)
        training = boolean("training", training)
        output: np.ndarray = self._build(x.shape[1]).forward(x, keep=True, training=training)
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
        self,
        x: Any,
        y: Any = None,
        sample_weight: Any = None,
        class_weight: Any = None,
        return_dict: bool = False,
        *,
        check_finite: bool = True,
    ) -> float | list[float] | dict[str, float]:
        """One step of the optimizer on all of x, y as one batch.

        Parameters
        ----------
        x, y, sample_weight, class_weight
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
        self._need_steps("train_on_batch")
        rows = prepare_rows(
            x, y, sample_weight, class_weight, spec=self._spec(), check_finite=boolean("check_finite", check_finite)
        )
        self._check_targets(rows)
        engine, return_dict = self._build(rows.width), boolean("return_dict", return_dict)
        self._feature_names = self._feature_names or rows.names
        measures = Measures(self._to_measure(), rows.sample_weight is not None)
        passes = WholePasses(Teacher(engine, self._compiled()[0], measures, None, False, None), rows)
        ended: list[Epoch] = []
        self._train(engine, 0, 1, ended, passes.train)
        return as_returned(passes.logs_of(ended[0]), return_dict)

    def value_and_gradient(
        self, x: Any, y: Any, *, check_finite: bool = True, training: bool = False
    ) -> tuple[float, list[np.ndarray]]:
        """The loss on all of x, y and its gradient with respect to the weights, in ``get_weights`` order.

        Both with the penalties that layers have (``fastbp.regularizers``).

        Parameters
        ----------
        x, y : arrays
            As for ``fit``.
        check_finite : bool
            Refuse NaN and infinity in the data.
        training : bool
            Whether layers do what they do while the model learns: the loss and gradient are then those of the step that would
            come next, and the same, noise included, until a step is taken. Otherwise the loss is that of ``evaluate``.

        Examples
        --------
        >>> import fastbp
        >>> model = fastbp.Sequential([fastbp.Dense(1, kernel_initializer="zeros")])
        >>> model.compile("sgd", "mse")
        >>> loss, gradients = model.value_and_gradient([[3.0]], [2.0])
        >>> loss, [g.tolist() for g in gradients]
        (4.0, [[[-12.0]], [-4.0]])
        """
        return self._differentiate(x, y, check_finite, training=boolean("training", training))

    def gradient_angles(self, x: Any, y: Any, *, check_finite: bool = True, training: bool = False) -> dict[str, float]:
        """How far what the model learns by is from the gradient: the angle in degrees for each layer with weights.

        At 0 degrees the weights go straight down, below 90 still downhill. It is 0 for backpropagation, and for the last
        layer with any ``feedback``.

        Parameters
        ----------
        x, y : arrays
            As for ``fit``.
        check_finite : bool
            Refuse NaN and infinity in the data.
        training : bool
            As for ``value_and_gradient``.

        Returns
        -------
        dict
            By the layers' names, those within models as "encoder/dense". NaN where nothing gets to a layer, and for one that
            is not trained.

        Notes
        -----
        A brain has no way back through the same synapses. With ``Sequential(..., feedback=...)`` the errors of a dense layer
        go back through a fixed random matrix in the place of its transposed kernel ("alignment", Lillicrap et al. 2016,
        Nature Communications 7:13276), those of the last dense layer straight to each one below through a matrix for each
        ("direct", Nøkland 2016, arXiv:1609.01596), or through numbers of one size with the signs of the kernel ("sign", Liao
        et al. 2016, arXiv:1510.05067). What is no dense layer sends errors back as ever.

        ``fit`` and ``train_on_batch`` learn by that; ``value_and_gradient``, ``forward`` and ``backward`` stay those of
        backpropagation. The matrices follow from the model's seed. They are as large as the kernels at first: by the mean
        square of what the layer's initializer draws, or "glorot_uniform" where that is 0. Copies and pickled models keep
        them. A model within another learns as the outer one does.

        Examples
        --------
        >>> import numpy as np
        >>> import fastbp
        >>> x = np.linspace(-1, 1, 64).reshape(-1, 1)
        >>> model = fastbp.Sequential([fastbp.Dense(32, "tanh"), fastbp.Dense(1)], seed=0, feedback="sign")
        >>> model.compile("adam", "mse")
        >>> angles = model.gradient_angles(x, x**2)
        >>> 0 < angles["dense"] < 90, angles["dense_1"]
        (True, 0.0)
        """
        training = boolean("training", training)
        _, gradients = self._differentiate(x, y, check_finite, training)
        _, updates = self._differentiate(x, y, check_finite, training, by_feedback=True)
        first, found = 0, {}
        for (path, _), weights in zip(self.leaves_by_path(), self._weights_by_layer(self._input_units or 0), strict=True):
            if weights:
                own = slice(first, first + len(weights))
                found[path] = angle(gradients[own], updates[own])
                first += len(weights)
        return found

    def _differentiate(
        self, x: Any, y: Any, check_finite: bool, training: bool = False, by_feedback: bool = False
    ) -> tuple[float, list[np.ndarray]]:
        """The loss, and its gradient or what is learnt by in its place."""
        rows = prepare_rows(x, y, spec=self._spec(), check_finite=boolean("check_finite", check_finite))
        self._check_targets(rows)
        assert rows.y is not None
        engine = self._build(rows.width)
        loss, gradients = engine.value_and_gradient(rows.x, rows.y, training=training, by_feedback=by_feedback)
        return float(loss), gradients

    def jacobian(self, x: Any, with_respect_to: str = "inputs", *, threads: int | None = None) -> Any:
        """The derivatives of each output of each sample, by backpropagation.

        Parameters
        ----------
        x : array of shape (samples, features)
            As for ``predict``.
        with_respect_to : {"inputs", "weights"}
        threads : int, optional

        Returns
        -------
        ndarray of shape (samples, outputs, features), or list of ndarray
            With respect to weights an array (samples, outputs, *shape) for each, in ``get_weights`` order, whether or not it
            is trainable. Numbers that no gradient changes have 0.

        Examples
        --------
        >>> import fastbp
        >>> model = fastbp.Sequential([fastbp.Input((2,)), fastbp.Dense(1)])
        >>> model.set_weights([[[3.0], [4.0]], [0.0]])
        >>> model.jacobian([[1.0, 2.0]])
        array([[[3., 4.]]], dtype=float32)
        >>> [j.tolist() for j in model.jacobian([[1.0, 2.0]], "weights")]
        [[[[[1.0], [2.0]]]], [[[1.0]]]]
        """
        if with_respect_to not in ("inputs", "weights"):
            raise ValueError(f"with_respect_to must be 'inputs' or 'weights', got {with_respect_to!r}")
        threads = None if threads is None else check_threads(threads, "threads")
        engine = self._need_engine("jacobian")
        spec = Spec(self._input_units, 0, self._dtype, None, self._feature_names, self._flattens, self._sample_shape)
        rows = samples("x", x, spec, False)
        if with_respect_to == "weights":
            return engine.weight_jacobian(rows, threads)
        found: np.ndarray = engine.input_jacobian(rows, threads)
        return found if np.ndim(x) <= 2 else found.reshape(*found.shape[:2], *np.shape(x)[1:])

    def apply_gradients(self, gradients: Sequence[Any]) -> None:
        """One step of the optimizer along given gradients, which are taken as they are, without penalties.

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
        self._need_steps("apply_gradients")
        engine = self._need_engine("apply_gradients")
        shapes = self._weight_shapes(self._input_units or 0)
        checked = arrays("gradients", gradients, shapes, self._dtype)
        self._train(engine, 0, 1, [], lambda *_: engine.apply_gradients(checked))

    def _need_steps(self, what: str) -> None:
        """Refuse single steps of a solver."""
        optimizer = self._compiled()[0]
        if not optimizer.takes_steps:
            name = type(optimizer).__name__
            raise TypeError(f"{what} takes a single step, but {name} takes all of the data at once: use fit")

    def _train(self, engine: "Engine", index: int, count: int, ended: "list[Epoch]", learn: Learn) -> None:
        """``count`` epochs from number ``index`` on; those that have ended are appended to ``ended``, whatever is raised.

        Where one diverges, the weights from before it and the error; the same where Ctrl-C finds weights of no use.
        """
        from ..engine.epoch import Diverged

        optimizer = self._compiled()[0]
        self._build(self._input_units or 0)  # another model may have used the layers since
        self._kept_rows = 0
        engine.state.remember()
        before, optimizer.iterations = len(ended), engine.steps
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
            rate = optimizer.learning_rate
            raise TrainingDiverged(index + done + 1, error.step, rate, error.by_weights, from_finite) from None
        finally:
            optimizer.iterations = engine.steps


def as_returned(logs: dict[str, float], return_dict: bool) -> float | list[float] | dict[str, float]:
    """Losses and metrics in the form that Keras returns them in."""
    if return_dict:
        return logs
    return list(logs.values()) if len(logs) > 1 else logs["loss"]
