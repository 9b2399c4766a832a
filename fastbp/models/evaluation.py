"""Measuring and predicting: what a model does without learning."""

from typing import Any

import numpy as np

from ..arguments import boolean, integer, verbosity
from ..callbacks.callback_list import CallbackList
from ..data import Data, Rows, Spec, prepare
from ..data.samples import is_ready, samples
from ..engine.threads import check_threads
from .bound import Prediction
from .measures import Measures
from .measuring import Measuring
from .portions import is_weighted, limited, need_end, step_count
from .predicting import Predicting
from .progress import format_logs, show
from .trainable import Trainable, as_returned

BATCH_SIZE = 32  # Keras's


class Evaluable(Trainable):
    """The part of ``Sequential`` that measures and predicts."""

    stop_evaluating = False  # a callback may set these
    stop_predicting = False

    def evaluate(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        verbose: int | str = "auto",
        sample_weight: Any = None,
        steps: int | None = None,
        callbacks: Any = None,
        return_dict: bool = False,
        *,
        check_finite: bool = True,
        threads: int | None = None,
    ) -> float | list[float] | dict[str, float]:
        """The loss, with the penalties that layers have, and metrics on data.

        Parameters
        ----------
        x, y, sample_weight : arrays
            As for ``fit``.
        batch_size : int, optional
            For ``steps`` and callbacks (None: 32). The result does not depend on it, but for a custom loss that belongs to a
            batch as a whole (see ``fastbp.losses.Custom``).
        verbose : {"auto", 0, 1, 2}
            0 prints nothing, the others one line.
        steps : int, optional
            How many batches; all if left out.
        callbacks : list of Callback, optional
            Their ``on_test_...`` are called.
        return_dict : bool
            Return a dict by name instead.
        check_finite : bool
            Refuse NaN and infinity in the data.
        threads : int, optional

        Returns
        -------
        float, list or dict
            The loss, with the metrics after it in a list where there are any.

        Examples
        --------
        >>> import fastbp
        >>> model = fastbp.Sequential([fastbp.Input((1,)), fastbp.Dense(1, kernel_initializer="ones")])
        >>> model.compile("sgd", "mse", metrics=["mae"])
        >>> model.evaluate([[1.0], [2.0]], [3.0, 4.0], verbose=0)
        [4.0, 2.0]
        """
        verbose, threads = verbosity(verbose), thread_count(threads)
        steps, return_dict = None if steps is None else integer("steps", steps, 1), boolean("return_dict", return_dict)
        size = integer("batch_size", BATCH_SIZE if batch_size is None else batch_size, 1)
        data = prepare(x, y, sample_weight, spec=self._spec(), check_finite=check_finite, batch_size=batch_size)
        return self._measured(data, size, return_dict, verbose, steps, callbacks, threads)

    def _measured(
        self,
        data: Data,
        size: int,
        return_dict: bool,
        verbose: int = 0,
        steps: int | None = None,
        callbacks: Any = None,
        threads: int | None = None,
    ) -> float | list[float] | dict[str, float]:
        """What ``evaluate`` returns for data in batches of ``size``."""
        metrics = self._to_measure()
        self._check_targets(data)
        need_end(data, "steps", steps)
        engine = self._build(data.width)
        measures = Measures(metrics, is_weighted(data), size)
        if not metrics and callbacks is None and steps is None and isinstance(data, Rows):
            assert data.y is not None
            measured = engine.evaluate(data.x, data.y, threads=threads, sample_weight=data.sample_weight, batch_size=size)
            loss = float(measured.loss)
            if verbose:
                show(format_logs({"loss": loss}))
            return {"loss": loss} if return_dict else loss
        listening = CallbackList(callbacks, model=self, verbose=verbose, epochs=1, steps=step_count(data, size, steps))
        logs = Measuring(engine, measures, data, size, steps, threads, listening).logs()
        if verbose:
            show(format_logs(logs))
        return as_returned(logs, return_dict)

    def test_on_batch(
        self, x: Any, y: Any = None, sample_weight: Any = None, return_dict: bool = False, *, check_finite: bool = True
    ) -> float | list[float] | dict[str, float]:
        """The loss and metrics on one batch, as ``evaluate`` has them, without a word.

        Parameters
        ----------
        x, y, sample_weight, return_dict, check_finite
            As for ``evaluate``.

        Examples
        --------
        >>> import fastbp
        >>> model = fastbp.Sequential([fastbp.Input((1,)), fastbp.Dense(1, kernel_initializer="ones")])
        >>> model.compile("sgd", "mse")
        >>> model.test_on_batch([[1.0]], [3.0])
        4.0
        """
        return_dict = boolean("return_dict", return_dict)
        data = prepare(x, y, sample_weight, spec=self._spec(), check_finite=check_finite)
        return self._measured(data, len(data) if isinstance(data, Rows) else BATCH_SIZE, return_dict)

    def predict(
        self,
        x: Any,
        batch_size: int | None = None,
        verbose: int | str = "auto",
        steps: int | None = None,
        callbacks: Any = None,
        *,
        threads: int | None = None,
        training: bool = False,
    ) -> np.ndarray:
        """The output for x. A row with NaN or infinity in it gives what the arithmetic gives, as in Keras.

        Parameters
        ----------
        x : array of shape (samples, features)
            Or data of another kind, as for ``fit``.
        batch_size : int, optional
            For ``steps`` and callbacks (None: 32). The result does not depend on it.
        verbose : {"auto", 0, 1, 2}
            Accepted as Keras accepts it, without effect.
        steps : int, optional
            How many batches; all if left out.
        callbacks : list of Callback, optional
            Their ``on_predict_...`` are called.
        threads : int, optional
        training : bool
            Whether layers do what they do while the model learns. Dropout and its kin are another noise at each call, which
            follows from the model's seed: the spread of several predictions says how sure the model is (Gal & Ghahramani 2016,
            arXiv:1506.02142).

        Returns
        -------
        ndarray of shape (samples, units)

        Examples
        --------
        >>> import fastbp
        >>> model = fastbp.Sequential([fastbp.Input((2,)), fastbp.Dense(1, kernel_initializer="ones")])
        >>> model.predict([[1.0, 2.0]])
        array([[3.]], dtype=float32)
        """
        size = BATCH_SIZE if batch_size is None else integer("batch_size", batch_size, 1)
        verbose, threads = verbosity(verbose), thread_count(threads)
        steps = None if steps is None else integer("steps", steps, 1)
        training, is_plain = boolean("training", training), callbacks is None and steps is None
        engine = self._engine or (self._need_engine("predict") if self.built else None)  # else the data says how wide it is
        output: np.ndarray
        if engine and is_plain and is_ready(x, self._input_units, self._dtype) and len(x):  # of a caller that goes row by row
            output = engine.forward(x, threads, training=training)
            return output
        spec = Spec(self._input_units, 0, self._dtype, None, self._feature_names, self._flattens, self._sample_shape)
        if engine and is_plain and type(x) is np.ndarray:
            output = engine.forward(samples("x", x, spec, False), threads, training=training)
            return output
        data = prepare(x, spec=spec, check_finite=False, batch_size=batch_size)
        need_end(data, "steps", steps)
        engine, data = engine or self._build(data.width), limited(data, size, steps)
        listening = CallbackList(callbacks, model=self, verbose=verbose, epochs=1, steps=step_count(data, size, steps))
        return Predicting(engine, data, size, steps, threads, listening, training).outputs()

    def make_predict(self, x_shape: Any) -> Prediction:
        """A function that predicts samples of one shape: what calls cost besides the arithmetic is next to nothing.

        Parameters
        ----------
        x_shape : tuple of int
            Samples first.

        Returns
        -------
        Prediction
            Its call ``predict(x)``, or ``predict(x, out)``, does what ``predict`` does. It takes arrays of the model's dtype
            as they are, or, without one, what has been written into its ``x``. The weights are those that the model has when
            it is called; for compiled code there is ``predict_function``.

        Examples
        --------
        >>> import numpy as np
        >>> import fastbp
        >>> model = fastbp.Sequential([fastbp.Input((2,)), fastbp.Dense(1, kernel_initializer="ones")])
        >>> predict = model.make_predict((1, 2))
        >>> predict(np.array([[1.0, 2.0]], "float32"))
        array([[3.]], dtype=float32)
        """
        return Prediction(self, x_shape)

    def predict_on_batch(self, x: Any) -> np.ndarray:
        """The output for x, as ``predict`` gives it.

        Examples
        --------
        >>> import fastbp
        >>> model = fastbp.Sequential([fastbp.Input((2,)), fastbp.Dense(1, kernel_initializer="ones")])
        >>> model.predict_on_batch([[1.0, 2.0]])
        array([[3.]], dtype=float32)
        """
        return self.predict(x)


def thread_count(threads: Any) -> int | None:
    """``threads`` as the engine takes it."""
    return None if threads is None else check_threads(threads, "threads")
