"""A network that code compiled by Numba can call: its weights and some sets of buffers, found through one address."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any
from weakref import WeakSet

import numpy as np

from ..conversion import as_numbers
from ..engine.contexts import entry_point, gradient_contexts, prediction_contexts, weight_positions
from ..engine.engine import Engine
from ..engine.guards import checked
from ..engine.memory import address, aligned_zeros, empty
from ..forks import at_fork
from ..kernels import fields as at
from ..layers.stages import Stage
from . import numba_calls as calls

CONTEXTS = 32  # calls that may be under way at a time; others wait for the first of them
ROWS = 16  # samples of a call that go through the network together


class PredictFunction:
    """A network to call in compiled code and out of it. Make one by ``model.predict_function``.

    Parameters
    ----------
    model : Model
        Whose weights it takes.
    stages : sequence of Stage
    dtype : str
    differentiates : bool

    Attributes
    ----------
    inputs, outputs : int
        Numbers of a sample, and of its output.
    """

    def __init__(self, model: Any, stages: Sequence[Stage], dtype: str, differentiates: bool) -> None:
        self._model, self.dtype, self.differentiates = model, dtype, differentiates
        self.inputs, self.outputs = stages[0].units_in, stages[-1].units_out
        self._engine = Engine(stages, dtype)
        self.refresh()
        plans, runner = (self._engine._plans, self._engine._runner) if differentiates else self._engine._for_predictions()
        self._kernel = runner.prepare()
        if differentiates:
            self._own, *self._others = gradient_contexts(self._engine, CONTEXTS + 1, ROWS)
        else:
            self._own, *self._others = prediction_contexts(plans, CONTEXTS + 1, ROWS)
        self._gradient = np.zeros(0) if self._own.by_weights is None else self._own.by_weights
        self._lock, self._positions = threading.Lock(), weight_positions(self._engine)
        self._record = aligned_zeros("calls", calls.FIRST + CONTEXTS * calls.CONTEXT_FIELDS, np.int64)
        head = {
            calls.KERNEL: entry_point(self._kernel),
            calls.CONTEXTS: CONTEXTS,
            calls.INPUTS: self.inputs,
            calls.OUTPUTS: self.outputs,
            calls.WEIGHTS: len(self._positions),
            calls.POSITIONS: address(self._positions),
            calls.ROWS: ROWS,
            calls.INPUT_GRADIENT_ROW: int(self._own.plan.rows[0][at.DELTA_ROW]),
        }
        self._record[list(head)] = list(head.values())
        self._contexts = self._record[calls.FIRST :].reshape(CONTEXTS, calls.CONTEXT_FIELDS)
        for fields, context in zip(self._contexts, self._others, strict=True):
            fields[calls.PLAN], fields[calls.INPUT_GRADIENT] = context.plan.address, context.by_input
            fields[calls.GRADIENT] = address(context.by_weights)
        self.address = address(self._record)
        _functions.add(self)

    def __repr__(self) -> str:
        return f"<PredictFunction of {self._model.name!r}: {self.inputs} -> {self.outputs}, {self.dtype}>"

    def refresh(self) -> None:
        """Take the weights that the model has now. No other thread may call the function meanwhile.

        Examples
        --------
        >>> import fastbp, numpy as np
        >>> model = fastbp.Sequential([fastbp.Input((1,)), fastbp.Dense(1, kernel_initializer="ones")])
        >>> predict = model.predict_function()
        >>> model.set_weights([[[2.0]], [1.0]])
        >>> float(predict(np.array([3.0]))[0])
        3.0
        >>> predict.refresh()
        >>> float(predict(np.array([3.0]))[0])
        7.0
        """
        weights = self._model.get_weights()
        if [w.shape for w in weights] != [w.shape for w in self._engine.get_weights()]:
            raise ValueError(f"{self!r} is of a network with other layers than {self._model!r}: make a new predict_function")
        self._engine.set_weights(weights)
        self._engine._for_predictions()  # whose folded copies follow

    @checked
    def __call__(self, x: Any, second: Any = None) -> Any:
        """As in compiled code, out of it."""
        x = self._checked("x", x, self.inputs)
        if not self.differentiates:
            out = empty("predictions", (*x.shape[:-1], self.outputs), self.dtype) if second is None else second
            if out.shape != (*x.shape[:-1], self.outputs) or out.dtype != self.dtype or not out.flags.c_contiguous:
                raise ValueError(f"out must be a {self.dtype} array of shape {(*x.shape[:-1], self.outputs)} in C order")
            if x.size:
                with self._lock:
                    self._run(x.reshape(-1, self.inputs), out)
            return out
        direction = self._checked("direction", second, self.outputs)
        if direction.shape[:-1] != x.shape[:-1]:
            raise ValueError(f"direction must have shape {(*x.shape[:-1], self.outputs)}, got {direction.shape}")
        y, by_input = empty("predictions", direction.shape, self.dtype), empty("gradient", x.shape, self.dtype)
        by_weights = np.zeros(len(self._positions), self.dtype)
        samples, along, out, found = (array.reshape(-1, array.shape[-1]) for array in (x, direction, y, by_input))
        with self._lock, np.errstate(all="ignore"):
            for i in range(0, len(samples), ROWS):
                rows, plan = slice(i, i + ROWS), self._own.plan
                plan[at.Y], plan[at.Y_ROW] = address(along[rows]), along.strides[0]
                self._run(samples[rows], out[rows])
                found[rows] = plan.input_gradient()[: len(found[rows])]
                by_weights += self._gradient[self._positions]
        return y, by_input, by_weights

    def _run(self, x: np.ndarray, out: np.ndarray) -> None:
        plan = self._own.plan
        plan[at.SAMPLES], plan[at.X], plan[at.X_ROW] = len(x), address(x), self.inputs * x.itemsize
        plan[at.OUT], plan[at.OUT_ROW] = address(out), self.outputs * x.itemsize
        self._kernel(plan.address, 0)

    def _checked(self, name: str, value: Any, width: int) -> np.ndarray:
        array = np.ascontiguousarray(as_numbers(name, value), self.dtype)
        if array.ndim not in (1, 2) or array.shape[-1] != width:
            raise ValueError(f"{name} must have shape ({width},) or (samples, {width}), got {array.shape}")
        return array

    def __reduce__(self) -> Any:
        weights = self._engine.get_weights()
        return _rebuilt, (self._model, self._engine._given, self.dtype, self.differentiates, weights)


def _rebuilt(
    model: Any, stages: Sequence[Stage], dtype: str, differentiates: bool, weights: list[np.ndarray]
) -> PredictFunction:
    made = PredictFunction(model, stages, dtype, differentiates)
    made._engine.set_weights(weights)
    made._engine._for_predictions()
    return made


_functions: WeakSet[PredictFunction] = WeakSet()


def _free_contexts() -> None:
    """In a forked child: the threads that were in calls are not there."""
    for function in list(_functions):
        function._contexts[:, calls.BUSY] = 0
        function._lock = threading.Lock()


at_fork(after_in_child=_free_contexts)
calls.register(PredictFunction)
