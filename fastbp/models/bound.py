"""A training step and a prediction for arrays of one shape, call after call: what control loops and online learners do."""

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from ..arguments import integer
from ..conversion import describe
from ..data import Rows, Spec
from ..data.finite import MAX_SQUARED
from ..data.finite import check_finite as require_finite
from ..data.samples import no_rows, sample_width
from ..data.targets import targets
from ..errors import TrainingDiverged
from ..layers.claims import check_free

if TYPE_CHECKING:
    from ..engine.bound import BoundPrediction, BoundStep


class Bound:
    """What both have in common.

    Parameters
    ----------
    model : Model
    x_shape : tuple of int
    """

    _generation = -1

    def __init__(self, model: Any, x_shape: Any) -> None:
        self.model, self._dtype = model, np.dtype(model.dtype)
        shape = shape_of("x_shape", x_shape)
        if not shape[0]:
            raise no_rows("x_shape", shape)
        self._engine: Any = None
        self._width = sample_width("x_shape", shape, self._input_spec())

    def _input_spec(self) -> Spec:
        model = self.model
        return Spec(model._input_units, 0, self._dtype, None, None, model._flattens, model._sample_shape)

    def _put(self, name: str, given: Any, place: np.ndarray) -> None:
        """Copy an argument to where the engine reads it."""
        self._check_array(name, given, place)
        place[...] = given

    def _check_array(self, name: str, given: Any, place: np.ndarray) -> None:
        """Refuse what is not an array like ``place``."""
        if type(given) is np.ndarray and given.shape == place.shape and given.dtype == place.dtype:
            return
        kind = ValueError if type(given) is np.ndarray else TypeError
        found = f"{given.dtype} of shape {given.shape}" if type(given) is np.ndarray else describe(given)
        form = f"an array of {place.dtype} of shape {place.shape}"
        raise kind(f"{name} must be {form}, as this {self._what} was made for, got {found}")

    _what = ""

    def __reduce__(self) -> Any:
        raise TypeError(f"a {self._what} holds buffers of its model and cannot be copied: make another of the copied model")


class TrainingStep(Bound):
    """One step of the optimizer, as ``train_on_batch`` takes it, for batches of one shape. ``model.make_step`` makes it.

    Attributes
    ----------
    x, y : ndarray
        Where the batch is. They may be written in place, and the object called without arguments.
    """

    _what = "step"

    def __init__(self, model: Any, x_shape: Any, y_shape: Any, check_finite: bool) -> None:
        model._need_steps("make_step")
        super().__init__(model, x_shape)
        self._checks, given = check_finite, shape_of("y_shape", y_shape)
        self._y_dtype = np.dtype(np.int64) if model._compiled()[1].sparse else self._dtype
        n, size = shape_of("x_shape", x_shape)[0], math.prod(given)
        # One buffer, so that one look at it tells whether all numbers are finite.
        both = np.zeros(n * self._width + size * (self._y_dtype == self._dtype), self._dtype)
        self._rows = both[: n * self._width].reshape(n, self._width)
        self.x = self._rows.reshape(x_shape)
        self.y = both[n * self._width :].reshape(given) if self._y_dtype == self._dtype else np.zeros(given, np.int64)
        self._both, self._x_shape, self._y_shape = both, self.x.shape, self.y.shape
        self._targets = self._fitting_targets()
        self._bound: BoundStep | None = None
        self._plans: Any = None
        self._excluded: Any = None

    def _fitting_targets(self) -> np.ndarray:
        """``y`` as the engine takes it, where the model's loss takes such targets."""
        model, loss = self.model, self.model._compiled()[1]
        wanted = np.dtype(np.int64) if loss.sparse else self._dtype
        if wanted != self._y_dtype:
            raise ValueError(
                f"the model now learns from y of {wanted}, but this step was made for {self._y_dtype}: make another"
            )
        self._spec, self._looks_at_targets = model._spec(), loss.sparse or loss.domain is not None
        example = np.full(self.y.shape, 0 if loss.sparse else 1, self._y_dtype)  # which all losses take
        rows = self.y.reshape(targets("y_shape", example, len(self.x), self._spec, False, None, "x_shape").shape)
        model._check_targets(Rows(self._rows, rows))
        return rows

    def __call__(self, x: Any = None, y: Any = None) -> float:
        """Take one step on x and y, or on what has been written into ``self.x`` and ``self.y``; the loss before it.

        Parameters
        ----------
        x, y : ndarray, optional
            Of the shapes that the object was made for, in the model's dtype (labels: int64), of any strides.

        Raises
        ------
        TypeError, ValueError
            For other arrays, and for numbers that are not finite. The model is as it was.
        TrainingDiverged
            If the loss or a weight becomes NaN or infinite. The weights and the optimizer's state go back to a copy that is
            taken every 64 steps, and whenever anything else has changed the weights.
        """
        check_free(self.model.leaves(), "a step")
        return self.take(x, y, False, self._checks)

    def fits(self, x: Any, y: Any) -> bool:
        """Whether these are arrays that it was made for."""
        if type(x) is not np.ndarray or type(y) is not np.ndarray:
            return False
        same = x.shape == self._x_shape and y.shape == self._y_shape
        return bool(same and x.dtype == self._dtype and y.dtype == self._y_dtype)

    def take(self, x: Any, y: Any, keep: bool, checks: bool) -> float:
        """As a call; ``keep`` has the weights go back to those from before this very step where it diverges."""
        model, bound = self.model, self._bound
        if (
            bound is None
            or model._engine is not self._engine
            or bound.generation != self._plans.generation
            or model._averages_in_place
            or bound._optimizer.excluded is not self._excluded
        ):
            bound = self._bind()
        with self._engine._lock:
            if x is not None:
                self._put("x", x, self.x)
            if y is not None:
                self._put("y", y, self.y)
            if checks and not (self._both.size <= MAX_SQUARED and math.isfinite(np.vdot(self._both, self._both))):
                require_finite("x", self._rows)
                if self._targets.ndim == 2:
                    require_finite("y", self._targets)
            if self._looks_at_targets:
                targets("y", self._targets, len(self._targets), self._spec, False)
            model._kept_rows = 0
            try:
                loss = bound.run(keep)
            except BaseException as error:
                self._end_badly(error, keep)
                raise
            bound._settings["steps"] = bound._state.steps
        return loss

    def _bind(self) -> "BoundStep":
        """Everything that a step needs of the model as it is now."""
        from ..engine.bound import BoundStep

        model = self.model
        model._need_steps("a step")
        if sample_width("x_shape", self._x_shape, self._input_spec()) != self._width:
            raise ValueError(f"the model now takes other samples than of shape {self._x_shape[1:]}: make another step")
        self._targets = self._fitting_targets()
        self._engine = engine = model._build(self._width)
        model._place_averages(False)
        model._exclude_from_decay(engine)
        with engine._lock:
            self._bound = BoundStep(engine, self._rows, self._targets)
        self._plans, self._excluded = engine._plans, model._compiled()[0].excluded
        return self._bound

    def _end_badly(self, error: BaseException, keep: bool) -> None:
        """Have weights that are of use after a step that did not come to its end; raise TrainingDiverged if that is why."""
        from ..engine.epoch import Diverged

        state, optimizer = self._engine.state, self.model._compiled()[0]
        if isinstance(error, Diverged) or not state.is_finite():
            state.go_back()
        optimizer.end_at(state.steps)
        if isinstance(error, Diverged):
            place = (1, 1) if keep else (0, error.step)
            rate = optimizer.learning_rate
            raise TrainingDiverged(*place, rate, error.by_weights, state.is_finite()) from None


class Prediction(Bound):
    """The output for samples of one shape, with the weights as they are at each call. ``model.make_predict`` makes it.

    Attributes
    ----------
    x : ndarray
        Where the samples are. It may be written in place, and the object called without arguments.
    """

    _what = "prediction"

    def __init__(self, model: Any, x_shape: Any) -> None:
        super().__init__(model, x_shape)
        n = shape_of("x_shape", x_shape)[0]
        self._rows = np.zeros((n, self._width), self._dtype)
        self.x = self._rows.reshape(x_shape)
        self._x_shape = self.x.shape
        self._bound: BoundPrediction | None = None
        self._plans: Any = None

    def __call__(self, x: Any = None, out: np.ndarray | None = None) -> np.ndarray:
        """The output for x, or for what has been written into ``self.x``: a new array, or ``out``.

        Parameters
        ----------
        x : ndarray, optional
            Of the shape that the object was made for, in the model's dtype, of any strides.
        out : ndarray, optional
            Where to write the output (samples, units).
        """
        model, bound = self.model, self._bound
        if bound is None or model._engine is not self._engine or bound.generation != self._plans.generation:
            bound = self._bind()
        with self._engine._lock:
            if x is not None:
                self._put("x", x, self.x)
            bound.run()
            if out is None:
                return bound.out.copy()
            self._check_array("out", out, bound.out)
            out[...] = bound.out
            return out

    def _bind(self) -> "BoundPrediction":
        """Everything that a prediction needs of the model as it is now."""
        from ..engine.bound import BoundPrediction

        if sample_width("x_shape", self._x_shape, self._input_spec()) != self._width:
            raise ValueError(f"the model now takes other samples than of shape {self._x_shape[1:]}: make another prediction")
        self._engine = engine = self.model._build(self._width)
        with engine._lock:
            self._bound = BoundPrediction(engine, self._rows)
        self._plans = engine._plans
        return self._bound


def shape_of(argument: str, value: Any) -> tuple[int, ...]:
    """A shape as the user gives it, of at least one axis."""
    if not isinstance(value, tuple | list) or not value:
        raise TypeError(f"{argument} must be a tuple of int, (samples, ...), got {value!r}")
    return tuple(integer(argument, size, 0 if i == 0 else 1) for i, size in enumerate(value))
