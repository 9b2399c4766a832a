"""Measuring and predicting: what a model does without learning."""

from typing import Any

import numpy as np

from ..arguments import boolean, integer, verbosity
from ..callbacks.callback_list import CallbackList
from ..data import inputs
from ..engine.threads import check_threads
from .measuring import Measuring
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
        """The loss and metrics on data.

        Parameters
        ----------
        x, y, sample_weight : arrays
            As for ``fit``.
        batch_size : int, optional
            For ``steps`` and callbacks (None: 32). The result does not depend on it.
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
        batch_size = integer("batch_size", BATCH_SIZE if batch_size is None else batch_size, 1)
        verbose, threads, measures = verbosity(verbose), thread_count(threads), self._to_measure()
        steps, return_dict = None if steps is None else integer("steps", steps, 1), boolean("return_dict", return_dict)
        engine = self._need_engine("evaluate")
        rows = self._checked_rows(x, y, sample_weight, None, check_finite)
        rows = rows if steps is None else rows.part(0, steps * batch_size)
        listening = CallbackList(callbacks, model=self, verbose=verbose, epochs=1, steps=-(-len(rows) // batch_size))
        logs = Measuring(engine, measures, rows, batch_size, threads, listening).logs()
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
        return self.evaluate(x, y, verbose=0, sample_weight=sample_weight, return_dict=return_dict, check_finite=check_finite)

    def predict(
        self,
        x: Any,
        batch_size: int | None = None,
        verbose: int | str = "auto",
        steps: int | None = None,
        callbacks: Any = None,
        *,
        threads: int | None = None,
    ) -> np.ndarray:
        """The output for x. A row with NaN or infinity in it gives what the arithmetic gives, as in Keras.

        Parameters
        ----------
        x : array of shape (samples, features)
        batch_size : int, optional
            For ``steps`` and callbacks (None: 32). The result does not depend on it.
        verbose : {"auto", 0, 1, 2}
            Accepted as Keras accepts it, without effect.
        steps : int, optional
            How many batches; all if left out.
        callbacks : list of Callback, optional
            Their ``on_predict_...`` are called.
        threads : int, optional

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
        if batch_size is not None:
            integer("batch_size", batch_size, 1)
        verbose = verbosity(verbose)
        engine = self._engine or self._need_engine("predict")
        x = self._rows(x) if self._flattens else x
        x = inputs("x", x, self._input_units, self._dtype, False, self._feature_names)
        batch_size = batch_size or BATCH_SIZE
        if steps is not None:
            x = x[: integer("steps", steps, 1) * batch_size]
        if callbacks is not None:
            listening = CallbackList(callbacks, model=self, verbose=verbose, epochs=1, steps=-(-len(x) // batch_size))
            return self._watched_predictions(x, batch_size, thread_count(threads), listening)
        output: np.ndarray = engine.forward(x, thread_count(threads))
        return output

    def _watched_predictions(self, x: np.ndarray, batch_size: int, threads: int | None, callbacks: CallbackList) -> np.ndarray:
        """The output for x, of which callbacks see a batch after the other."""
        self.stop_predicting, seen = False, 0
        callbacks.on_predict_begin()
        output: np.ndarray = self._need_engine("predict").forward(x, threads)
        if callbacks.listens("on_predict_batch_begin", "on_predict_batch_end"):
            for step, start in enumerate(range(0, len(x), batch_size)):
                callbacks.on_predict_batch_begin(step)
                seen = start + batch_size
                callbacks.on_predict_batch_end(step, {"outputs": output[start:seen].copy()})
                if self.stop_predicting:
                    output = output[:seen]
                    break
        callbacks.on_predict_end()
        return output

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
