"""A network that learns: single steps, and what all learning has in common."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any
from weakref import proxy

import numpy as np

from ..arguments import boolean
from ..data import arrays, prepare_rows
from ..errors import TrainingDiverged
from ..layers.claims import changes
from .bound import TrainingStep
from .differentiable import Differentiable
from .measures import Measures
from .passes import Teacher, WholePasses

if TYPE_CHECKING:
    from ..engine.engine import Engine
    from ..engine.epoch import Epoch

MAX_REPEATED_BYTES = 16 * 1024  # of a batch, beyond which a step takes so long that the calls around it do not count
Learn = Callable[[int, "list[Epoch]"], None]  # so many epochs; those that have ended are appended


class Trainable(Differentiable):
    """The part of ``Sequential`` that takes single steps."""

    _last_shapes: tuple[tuple[int, ...], ...] = ()
    _averages_in_place = False  # whether the weights are the averages for a while, and the averages the weights

    @changes
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
        check_finite, return_dict = boolean("check_finite", check_finite), boolean("return_dict", return_dict)
        is_plain = sample_weight is None and class_weight is None and not self._metrics
        if self._step is not None and is_plain and self._step.fits(x, y):
            loss = self._step.take(x, y, True, check_finite)
            return {"loss": loss} if return_dict else loss
        self._need_steps("train_on_batch")
        rows = prepare_rows(x, y, sample_weight, class_weight, spec=self._spec(), check_finite=check_finite)
        self._check_targets(rows)
        engine = self._build(rows.width)
        self._feature_names = self._feature_names or rows.names
        measures = Measures(self._to_measure(), rows.sample_weight is not None)
        passes = WholePasses(Teacher(engine, self._compiled()[0], measures, None, False, None), rows)
        ended: list[Epoch] = []
        self._train(engine, 0, 1, ended, passes.train)
        if is_plain:
            self._note_batch(x, y)
        return as_returned(passes.logs_of(ended[0]), return_dict)

    def _note_batch(self, x: Any, y: Any) -> None:
        """Have a step for the next batches where those of one shape come again and again."""
        if type(x) is not np.ndarray or type(y) is not np.ndarray or x.nbytes > MAX_REPEATED_BYTES:
            return
        shapes = x.shape, y.shape
        if shapes == self._last_shapes:
            step = TrainingStep(proxy(self), *shapes, True)  # which does not keep the model alive
            self._step = step if step.fits(x, y) else None
        self._last_shapes = shapes

    def make_step(self, x_shape: Any, y_shape: Any, *, check_finite: bool = True) -> TrainingStep:
        """A function that takes one step of the optimizer, for batches of one shape: calls cost next to nothing besides.

        Parameters
        ----------
        x_shape, y_shape : tuple of int
            Of the batches, samples first.
        check_finite : bool
            Refuse NaN and infinity in the data.

        Returns
        -------
        TrainingStep
            Its call ``step(x, y)`` does what ``train_on_batch`` does, and returns the loss before the step, without metrics.
            It takes arrays of the model's dtype (labels: int64) as they are, or, without arguments, what has been written into
            its ``x`` and ``y``. Whatever changes the model between two calls (its weights, the learning rate, ``compile``,
            another fit) holds for the next one, and where its data is of another form then, that raises an error.

        Examples
        --------
        >>> import numpy as np
        >>> import fastbp
        >>> model = fastbp.Sequential([fastbp.Dense(1, kernel_initializer="zeros")])
        >>> model.compile("sgd", "mse")
        >>> step = model.make_step((1, 1), (1, 1))
        >>> step(np.array([[1.0]], "float32"), np.array([[2.0]], "float32"))
        4.0
        >>> step() < 4.0  # the same batch again
        True
        """
        return TrainingStep(self, x_shape, y_shape, boolean("check_finite", check_finite))

    @changes
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
        self._exclude_from_decay(engine)
        self._place_averages(False)
        before, optimizer.steps = len(ended), engine.steps
        engine.remember()
        try:
            learn(count, ended)
        except (Diverged, KeyboardInterrupt) as error:
            if isinstance(error, KeyboardInterrupt) and engine.state.is_finite():
                raise
            engine.go_back()
            from_finite, done = engine.state.is_finite(), len(ended) - before
            if done:  # the same again, to its end: nothing in it depends on the clock
                learn(done, [])
            if isinstance(error, KeyboardInterrupt):
                error.add_note("The weights had become NaN or infinite; they are those of the last finished epoch.")
                raise
            rate = optimizer.learning_rate
            raise TrainingDiverged(index + done + 1, error.step, rate, error.by_weights, from_finite) from None
        finally:
            optimizer.end_at(engine.steps)

    def _exclude_from_decay(self, engine: "Engine") -> None:
        """Tell the engine which weights do not decay, if the optimizer says so and it does not know yet."""
        excluded = self._compiled()[0].excluded
        if excluded is not None and not engine.knows_decay:
            engine.spare_from_decay(excluded.decays(self.weights))

    def _place_averages(self, wanted: bool) -> None:
        """Have the averages that the optimizer keeps in place of the weights for a while, or the weights again."""
        if self._averages_in_place != wanted:
            self._need_engine("averages of weights").swap_averages()
            self._averages_in_place, self._kept_rows = wanted, 0

    def _end_with_averages(self) -> None:
        """Have the averages in place of the weights for good, if the optimizer keeps them."""
        if self._compiled()[0].use_ema:
            self._place_averages(False)
            self._need_engine("averages of weights").use_averages()
            self._kept_rows = 0


def as_returned(logs: dict[str, float], return_dict: bool) -> float | list[float] | dict[str, float]:
    """Losses and metrics in the form that Keras returns them in."""
    if return_dict:
        return logs
    return list(logs.values()) if len(logs) > 1 else logs["loss"]
