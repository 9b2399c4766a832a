"""A network's derivatives: forward and backward, the gradient of the loss, the Jacobian of the outputs."""

from threading import get_ident
from typing import Any

import numpy as np

from ..arguments import boolean
from ..data import Spec, inputs, output_gradient, prepare_rows
from ..data.samples import is_ready, samples
from ..engine.threads import check_threads
from .compiled import Compiled
from .feedback import angle


class Differentiable(Compiled):
    """The part of a model that differentiates, for custom training loops and for insight."""

    _kept_by = 0  # the thread that called ``forward`` last, whose ``backward`` may come

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
        self._kept_rows, self._kept_by = len(x), get_ident()
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
        if self._engine is None or not self._kept_rows or self._kept_by != get_ident():
            raise ValueError(
                "backward needs a forward(x) of the same thread before it, got none since the weights last changed"
            )
        dy = output_gradient("dy", dy, (self._kept_rows, self._need_outputs()), self._dtype)
        dx: np.ndarray
        dx, self.gradients = self._engine.backward(dy)
        return dx

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
