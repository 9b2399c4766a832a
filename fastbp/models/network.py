"""A network: layers with weights, and the engine that runs them."""

import math
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from copy import copy, deepcopy
from typing import TYPE_CHECKING, Any

import numpy as np

from ..arguments import integer
from ..config import floatx
from ..data import arrays
from ..engine.interrupts import import_to_end
from ..forks import lock
from ..layers.claims import changes, claimed
from ..layers.held import trainable_flags
from ..layers.stages import stages_of
from ..layers.store import AtRest
from ..layers.variable import Variable
from ..losses import Loss
from ..metrics import CompiledMetric
from ..optimizers import Optimizer
from ..seeds import FEEDBACK, SHUFFLE, WEIGHTS, generator, shuffle_seed
from .assembly import Assembly
from .feedback import check_feedback, draw_matrices, engine_feedback
from .holding import InEngine, has_foreign_weights, held

if TYPE_CHECKING:
    from ..engine.engine import Engine
    from ..engine.state import TrainingRecord
    from .bound import TrainingStep

_making = lock()  # held while weights are drawn and engines made


class Network(Assembly):
    """The part of a model that has weights.

    The engine is made when it is first needed, since importing it takes longer than all the rest. While other models use
    the layers, it is set aside: the weights are theirs then, and are fetched when this model needs its engine again.
    """

    def __init__(
        self, seed: int | None, dtype: str | None, name: str | None, trainable: bool = True, feedback: str | None = None
    ) -> None:
        self._seed = None if seed is None else integer("seed", seed, 0)
        self._random, self._shuffle_seed = generator(self._seed, WEIGHTS), shuffle_seed(self._seed, SHUFFLE)
        self._feedback = check_feedback(feedback)
        self._feedback_seed = 0 if feedback is None else shuffle_seed(self._seed, FEEDBACK)
        self._feedback_matrices: list[np.ndarray] | None = None  # drawn with the first engine
        self._feature_names: tuple[str, ...] | None = None  # the columns of the first data that named them
        self._engine: Engine | None = None
        self._engine_aside: Engine | None = None
        self._record: TrainingRecord | None = None  # of a copied or loaded model, until it has an engine
        self._trained: tuple[bool, ...] | None = None  # which leaves training changes, by the last compile
        self._kept_rows = 0
        self._step: TrainingStep | None = None  # of ``train_on_batch``, where batches of one shape are repeated
        self._fitted_metrics: tuple[CompiledMetric, ...] | None = None  # worked out when needed; void when a layer comes
        self.optimizer: Optimizer | None = None
        self.loss: Loss | None = None
        self.gradients: list[np.ndarray] | None = None
        super().__init__(floatx() if dtype is None else dtype, name, trainable)

    def _layers_change(self) -> None:
        super()._layers_change()
        self._drop_engine()
        self._fitted_metrics = self._trained = self._feedback_matrices = None

    def _drop_engine(self) -> None:
        """Bring the weights to rest; another engine is made when one is needed."""
        for leaf in self.leaves():
            if isinstance(leaf._store, InEngine) and leaf._store.engine is self._engine:
                leaf._store = AtRest(leaf._store.view())
        self._engine, self._engine_aside, self._record, self._kept_rows, self._step = None, None, None, 0, None

    def build(self, input_shape: int | Sequence[int | None]) -> None:
        """Fix the input's width, which otherwise the first data does.

        Parameters
        ----------
        input_shape : int or tuple
            The features of a sample: ``17``, ``(17,)`` or ``(None, 17)``; of samples of several axes ``(None, 28, 28)``.

        Examples
        --------
        >>> import fastbp
        >>> model = fastbp.Sequential([fastbp.Dense(2)])
        >>> model.build((None, 3))
        >>> model.built
        True
        """
        sizes = tuple(input_shape) if isinstance(input_shape, tuple | list) else (input_shape,)
        sizes = sizes[1:] if len(sizes) > 1 and sizes[0] is None else sizes
        if not sizes or (len(sizes) > 1 and not (self._flattens and input_shape[0] is None)):  # type: ignore[index]
            raise ValueError(f"input_shape must be (features,) or (None, features), got {input_shape!r}")
        sample = tuple(integer("input_shape", size, 1) for size in sizes)
        if len(sample) > 1 and self._input_units is None:
            self.check_sample(sample)
            self.expect(sample)
        self._build(math.prod(sample))

    def _build(self, units: int) -> "Engine":
        """The engine for an input of ``units`` with the present weights, made now if there is none."""
        if self._engine is not None and units == self._input_units:
            return self._engine
        if self._input_units is not None and units != self._input_units:
            raise ValueError(f"input_shape must be that of the built model, {self._input_units}, got {units}")
        if not self._weights_of(units):
            raise ValueError("layers must hold at least one Dense layer, got none: add one before using the model")
        self._need_outputs()
        while True:
            foreign = has_foreign_weights(self)
            with claimed(self.leaves(), "another model") if foreign else nullcontext(), _making:
                if self._engine is not None:  # another thread has made it
                    return self._engine
                if foreign or not has_foreign_weights(self):
                    return self._enter_engine(units)

    def _enter_engine(self, units: int) -> "Engine":
        """Have the weights, drawn now if they were not yet, in the engine."""
        if self._input_units is None:
            self.check_sample((units,))
            self.expect((units,))
            try:
                self.draw_weights()
            except BaseException:  # by an initializer
                self._input_units = None
                raise
        self.draw_weights()
        engine = self._engine_aside or self._make_engine(units)
        self._fetch_weights(engine)
        self._engine, self._engine_aside = engine, None
        return engine

    def _make_engine(self, units: int) -> "Engine":
        import_to_end("fastbp.engine.engine")  # and with it Numba
        from ..engine.engine import Engine

        leaves = list(self.leaves())
        self._trained = self._trained or trainable_flags(leaves)
        if self._feedback is not None and self._feedback_matrices is None:
            self._feedback_matrices = draw_matrices(self._feedback, leaves, units, self._feedback_seed)
        feedback = engine_feedback(self._feedback, self._feedback_matrices)
        engine = Engine(stages_of(leaves, units, self._trained), self.dtype, self._shuffle_seed, feedback)
        if self.optimizer is not None:
            engine.configure(self.optimizer, self.loss)
        if self._record is not None:
            engine.resume(self._record)
        self._record = None
        return engine

    def _training_record(self, stored: bool = False) -> "TrainingRecord | None":
        """What training has changed besides the weights; None where nothing has trained."""
        engine = self._engine or self._engine_aside
        return self._record if engine is None else engine.record(stored)

    def _configure(self, optimizer: Optimizer, loss: Loss) -> None:
        """Have the engine, if there is one, learn by these, and only the layers that are to be trained."""
        trained, engine, self._step = trainable_flags(self.leaves()), self._engine or self._engine_aside, None
        if trained != self._trained:
            self._drop_engine()
        elif engine is not None:
            engine.configure(optimizer, loss)
        elif self._record is not None:
            self._record = self._record.before_training()
        self._trained = trained

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

    # -- where the weights are

    def draw_weights(self) -> None:
        """Draw the weights of the layers that have none yet: by the seed of the model, else of the one it is a layer of."""
        with _making:
            if self._seed is None:
                for model in self.holders():
                    if model.built:
                        model.draw_weights()
            for model in self._seeded_models():
                model.draw_weights()
            for leaf in self.leaves():
                if leaf._store is None:
                    leaf.draw(self._random, self._dtype)

    def _seeded_models(self) -> "Iterator[Network]":
        """The models within it that draw their weights themselves."""
        for layer in self._layers:
            if isinstance(layer, Network):
                yield from layer._seeded_models() if layer._seed is None else (layer,)

    def located(self) -> None:
        """Nowhere: each of its layers has its weights in some place."""

    def _fetch_weights(self, engine: "Engine") -> None:
        """Have the weights in an engine, wherever they are."""
        leaves, weights, first = [leaf for leaf in self.leaves() if leaf._store is not None], [], 0
        sources: dict[int, list[np.ndarray]] = {}  # an engine gives all of its weights or none
        for leaf in leaves:
            store = leaf._store
            if isinstance(store, InEngine):
                if id(store.engine) not in sources:
                    sources[id(store.engine)] = store.engine.get_weights()
                weights += sources[id(store.engine)][store.slice]
            elif store is not None:
                weights += store.view()
        engine.set_weights([array.astype(self._dtype, copy=False) for array in weights])
        for leaf in leaves:
            if isinstance(leaf._store, InEngine) and leaf._store.engine is not engine:
                leaf._store.leave()
            stop = first + len(leaf._specs())
            leaf._store = InEngine(self, engine, first, stop)
            first = stop

    def _set_engine_aside(self, engine: "Engine") -> None:
        """Another model has taken weights of this engine."""
        if self._engine is engine:
            self._engine, self._engine_aside, self._kept_rows = None, engine, 0

    # -- weights

    @property
    def weights(self) -> list[Variable]:
        """The weights as objects, in ``get_weights`` order; none before the width of the input is known."""
        return [weight for leaf in self.leaves() for weight in leaf.weights]

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

    @changes
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
        with held(self):
            layers = [copy(layer) for layer in self._layers]  # first, since what was not drawn yet is drawn now
            state = super().__getstate__()
            for passing in ("_engine", "_engine_aside", "_symbolic", "_learnt_from", "_step"):
                state.pop(passing, None)
            state.update(_kept_rows=0, _layers=layers, _random=deepcopy(self._random), _record=self._training_record())
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, _engine=None, _engine_aside=None, _symbolic=[], _step=None)
        for layer in self._layers:
            layer.hold(self)
