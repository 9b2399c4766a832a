"""A network: layers with weights, and the engine that runs them."""

import operator
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..arguments import integer
from ..data import arrays
from ..engine.interrupts import import_to_end
from ..layers import Input, Layer
from ..layers.stages import stages_of
from ..losses import Loss
from ..metrics import CompiledMetric
from ..optimizers import Optimizer
from ..seeds import SHUFFLE, WEIGHTS, generator, shuffle_seed
from .architecture import Architecture

if TYPE_CHECKING:
    from ..engine.engine import Engine

Measures = tuple[tuple[CompiledMetric, ...], int]


class Network(Architecture):
    """The part of ``Sequential`` that has weights.

    The engine is made when it is first needed, since importing it takes longer than all the rest.
    """

    def __init__(
        self,
        layers: Sequence[Input | Layer] | None = None,
        *,
        seed: int | None = None,
        dtype: str = "float32",
        name: str | None = None,
    ) -> None:
        seed = None if seed is None else integer("seed", seed, 0)
        self._random, self._shuffle_seed = generator(seed, WEIGHTS), shuffle_seed(seed, SHUFFLE)
        self._feature_names: tuple[str, ...] | None = None  # the columns of the first data that named them
        self._engine: Engine | None = None
        self._first_weights: list[np.ndarray] = []  # those an engine yet to be made starts with; drawn where missing
        self._kept_rows = 0
        self._measures: Measures | None = None  # worked out when needed; void when a layer comes
        self.optimizer: Optimizer | None = None
        self.loss: Loss | None = None
        self.gradients: list[np.ndarray] | None = None
        super().__init__(layers, dtype, name)

    def _forget_engine(self) -> None:
        if self._engine is not None:
            self._first_weights, self._engine, self._kept_rows = self._engine.get_weights(), None, 0
        self._measures = None

    def build(self, input_shape: int | Sequence[int | None]) -> None:
        """Fix the input's width, which otherwise the first data does.

        Parameters
        ----------
        input_shape : int or tuple
            The features of a sample: ``17``, ``(17,)`` or ``(None, 17)``.

        Examples
        --------
        >>> import fastbp
        >>> model = fastbp.Sequential([fastbp.Dense(2)])
        >>> model.build((None, 3))
        >>> model.built
        True
        """
        sizes = tuple(input_shape) if isinstance(input_shape, tuple | list) else (input_shape,)
        if len(sizes) not in (1, 2) or (len(sizes) == 2 and sizes[0] is not None):
            raise ValueError(f"input_shape must be (features,) or (None, features), got {input_shape!r}")
        self._build(integer("input_shape", sizes[-1], 1))

    def _build(self, units: int) -> "Engine":
        """The engine for an input of ``units``, made now if there is none."""
        if self._engine is not None and units == self._input_units:
            return self._engine
        if self._input_units is not None and units != self._input_units:
            raise ValueError(f"input_shape must be that of the built model, {self._input_units}, got {units}")
        if not self._weights_of(units):
            raise ValueError("layers must hold at least one Dense layer, got none: add one before using the model")
        import_to_end("fastbp.engine.engine")  # and with it Numba
        from ..engine.engine import Engine

        engine = Engine(stages_of(self._layers, units), self.dtype, self._shuffle_seed)
        engine.set_weights(self._draw_weights(units))
        if self.optimizer is not None:
            engine.configure(self.optimizer, self.loss)
        self._input_units, self._engine, self._first_weights = units, engine, []
        return engine

    def _need_engine(self, what: str) -> "Engine":
        """The engine of a model that is built, or the error for one that is not."""
        if self._engine is not None:
            return self._engine
        if not self.built:
            raise ValueError(
                f"{what} needs a built model, got one whose input width is unknown: call fit or build, "
                "or begin the layers with an Input"
            )
        return self._build(self._input_units or 0)

    def _draw_weights(self, units: int) -> list[np.ndarray]:
        weights = list(self._first_weights)
        for weight in self._weights_of(units)[len(weights) :]:
            drawn = weight.initializer(weight.shape, self._random, self.dtype)
            weights += arrays(f"{weight.name}_initializer", [drawn], [weight.shape], self._dtype)
        return weights

    # -- weights

    def get_weights(self) -> list[np.ndarray]:
        """Copies of all weights: kernel (in, out) and bias (out,) of each layer in order.

        Examples
        --------
        >>> import fastbp
        >>> model = fastbp.Sequential([fastbp.Input((3,)), fastbp.Dense(2)])
        >>> [w.shape for w in model.get_weights()]
        [(3, 2), (2,)]
        """
        return self._need_engine("get_weights").get_weights()

    def set_weights(self, weights: Sequence[Any]) -> None:
        """Replace all weights.

        Parameters
        ----------
        weights : list of arrays
            As ``get_weights`` gives them.

        Examples
        --------
        >>> import fastbp
        >>> model = fastbp.Sequential([fastbp.Input((3,)), fastbp.Dense(2)])
        >>> model.set_weights([[[1, 2], [3, 4], [5, 6]], [0, 1]])
        >>> model.predict([[1, 1, 1]])
        array([[ 9., 13.]], dtype=float32)
        """
        engine = self._need_engine("set_weights")
        engine.set_weights(arrays("weights", weights, self._weight_shapes(self._input_units or 0), self._dtype))
        self._kept_rows = 0

    def count_params(self) -> int:
        """How many numbers the model learns.

        Examples
        --------
        >>> import fastbp
        >>> fastbp.Sequential([fastbp.Input((17,)), fastbp.Dense(64), fastbp.Dense(6)]).count_params()
        1542
        """
        if not self.built:
            self._need_engine("count_params")
        return sum(int(np.prod(shape)) for shape in self._weight_shapes(self._input_units or 0))

    # -- copies: an engine holds addresses, so it is never copied but made anew

    def __getstate__(self) -> dict[str, Any]:
        state = dict(self.__dict__)
        engine = state.pop("_engine")
        state["_kept_rows"] = 0
        if engine is not None:
            state["_first_weights"] = engine.get_weights()
            state["_snapshot"] = (engine.shapes, engine.snapshot())
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        shapes, snapshot = state.pop("_snapshot", (None, None))
        self.__dict__.update(state, _engine=None)
        if snapshot is not None:
            engine = self._build(operator.index(state["_input_units"]))
            if engine.shapes == shapes:  # the optimizer's state is laid out for a machine; another starts it afresh
                engine.restore(snapshot)
