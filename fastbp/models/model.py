"""Models: layers that follow each other, with the methods and habits of Keras's."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from ..arguments import boolean
from ..layers import InputLayer, Layer
from ..layers.symbolic import SymbolicTensor
from .advice import METHODS, explained
from .configs import chained, functional_config, given_feedback, layer_of, model_dtype, sequential_config, written
from .exporting import Exportable
from .functional import chain_between, one_tensor
from .layer_outputs import output_of
from .savable import Savable


@explained
class Model(Exportable, Savable):
    """The layers between an ``Input`` and an output that layers were called for.

    Parameters
    ----------
    inputs, outputs : SymbolicTensor
        One of each: directed graphs of layers come later.
    seed : int, optional
        Fixes the initial weights and the shuffling; see ``Sequential``.
    dtype : {"float32", "float64"}, optional
    name : str, optional
    trainable : bool
        See the attribute.
    feedback : {None, "alignment", "direct", "sign"}
        See ``Sequential``.

    Notes
    -----
    Layers that other models hold are the same layers here, with the same weights: a model that ends at a layer in the
    middle of another gives what that computes there. With them come their names and whether they are trainable.

    Examples
    --------
    >>> import numpy as np
    >>> import fastbp
    >>> x = fastbp.Input(shape=(4,))
    >>> code = fastbp.Dense(2, "tanh")(x)
    >>> model = fastbp.models.Model(inputs=x, outputs=fastbp.Dense(4)(code), seed=0)
    >>> encoder = fastbp.models.Model(x, code)
    >>> model.compile("adam", "mse")
    >>> history = model.fit(np.eye(4), np.eye(4), verbose=0)
    >>> encoder.predict(np.eye(4)).shape
    (4, 2)
    """

    def __init__(
        self,
        inputs: Any = None,
        outputs: Any = None,
        name: str | None = None,
        *,
        seed: int | None = None,
        dtype: str | None = None,
        trainable: bool = True,
        feedback: str | None = None,
    ) -> None:
        if inputs is None and outputs is None:
            raise NotImplementedError(
                f"{type(self).__name__} needs inputs and outputs: a model with a call of its own cannot be compiled; "
                "make it of layers by Model(inputs, outputs) or Sequential"
            )
        chain = chain_between(one_tensor("inputs", inputs), one_tensor("outputs", outputs))
        super().__init__(seed, dtype, name, trainable, feedback)
        first = chain[0]
        self._begin(first.layer if isinstance(first.layer, InputLayer) else InputLayer(first.sample_shape))
        for tensor in chain[1:]:
            self._append(tensor.layer)
        self._symbolic = chain
        modes = enumerate(tensor.training for tensor in chain[1:])
        self._modes = {i: training for i, training in modes if training is not None}
        if not trainable:
            self.trainable = False

    # -- calling

    def __call__(self, x: Any, training: bool | None = None) -> Any:
        """The output: an array for data, as ``predict(x, training=training)`` gives it, a tensor without numbers for one.

        Without ``training``, layers that were called with one keep to theirs.

        Examples
        --------
        >>> import fastbp
        >>> model = fastbp.Sequential([fastbp.Dense(1, kernel_initializer="ones")])
        >>> model([[1.0, 2.0]])
        array([[3.]], dtype=float32)
        """
        if isinstance(x, SymbolicTensor):
            return self.follow(x, self._mode(training))
        if training is None and self._modes:
            modes = {self._modes.get(i, False) for i, layer in enumerate(self._layers) if layer.changes_in_training()}
            if len(modes) > 1:
                return self._by_layers(x)
            training = modes.pop()
        training = boolean("training", training or False)
        if self._engine is None and not self.built:
            return self.forward(x, training)
        return self.predict(x, training=training)

    def _by_layers(self, x: Any) -> Any:
        """The output where layers differ in whether they are as in training."""
        for i, layer in enumerate(self._layers):
            x = layer(x, training=self._modes.get(i))
        return x

    def __getattr__(self, name: str) -> Any:
        """Called for what is not found: methods of Keras that are not there say what to use."""
        if name in METHODS:
            raise AttributeError(f"{type(self).__name__}.{name} is not there: {METHODS[name]}")
        return object.__getattribute__(self, name)

    # -- settings

    def get_config(self) -> dict[str, Any]:
        """The layers as values that JSON can hold, without the weights.

        Examples
        --------
        >>> import fastbp
        >>> model = fastbp.Sequential([fastbp.Input((3,)), fastbp.Dense(2)])
        >>> [layer["class_name"] for layer in model.get_config()["layers"]]
        ['InputLayer', 'Dense']
        """
        return functional_config(self)

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Mapping[str, Any] | None = None) -> Any:
        """The model that ``get_config`` describes, with weights drawn anew."""
        (first, _), *calls = chained(config, {**model_classes(), **(custom_objects or {})})
        assert isinstance(first, InputLayer)
        inputs = outputs = first.tensor()
        for layer, training in calls:
            outputs = layer.follow(outputs, training)
        settings = {"trainable": config.get("trainable", True), "dtype": model_dtype(config), **given_feedback(config)}
        return cls(inputs, outputs, config.get("name"), **settings)

    def to_json(self, **settings: Any) -> str:
        """``get_config`` and the class as a text, which ``models.model_from_json`` reads, and Keras's too.

        Parameters
        ----------
        **settings
            For ``json.dumps``, as ``indent=2``.
        """
        return json.dumps(written(self), **settings)


class Sequential(Model):
    """Layers one after the other.

    Parameters
    ----------
    layers : list of Layer, optional
        Perhaps with an ``Input`` first. Without one, the first data tells the width of the input. A model may stand among
        them.
    seed : int, optional
        Fixes the initial weights and the shuffling: the same seed gives the same bits. They have nothing to do with the
        numbers of ``np.random.default_rng(seed)``.
    dtype : {"float32", "float64"}, optional
        Of weights and arithmetic; ``fastbp.config.floatx()``, which is float32, if it is left out. Data of this dtype that
        lies in C order is used where it is, without a copy.
    name : str, optional
    trainable : bool
        Whether training changes the weights.
    feedback : {None, "alignment", "direct", "sign"}
        What errors go back through when the model learns: the transposed kernels (None: backpropagation), fixed random
        matrices ("alignment"), such from the output straight to each layer ("direct"), or numbers of one size with the signs
        of the kernels ("sign"). See ``gradient_angles``.

    Examples
    --------
    >>> import numpy as np
    >>> import fastbp
    >>> x = np.linspace(-1, 1, 256, dtype="float32").reshape(-1, 1)
    >>> model = fastbp.Sequential([fastbp.Dense(32, "tanh"), fastbp.Dense(1)], seed=0)
    >>> model.compile(fastbp.Adam(0.01), "mse", metrics=["mae"])
    >>> history = model.fit(x, np.sin(3 * x), epochs=50, verbose=0)
    >>> model.evaluate(x, np.sin(3 * x), verbose=0, return_dict=True)["mae"] < 0.2
    True
    >>> model.predict(x[:5]).shape
    (5, 1)
    """

    kind = "sequential"

    def __init__(
        self,
        layers: Sequence[SymbolicTensor | Layer] | None = None,
        trainable: bool = True,
        name: str | None = None,
        *,
        seed: int | None = None,
        dtype: str | None = None,
        feedback: str | None = None,
    ) -> None:
        Savable.__init__(self, seed, dtype, name, trainable, feedback)
        if layers is not None and not isinstance(layers, list | tuple):
            raise TypeError(f"layers must be a list of layers, got {layers!r}")
        for layer in layers or ():
            self.add(layer)
        if not trainable:
            self.trainable = False

    @property
    def layers(self) -> list[Layer]:
        """The layers in order, without the Input; each has a name, given or of the kind of ``dense_1``."""
        return list(self._layers)

    def add(self, layer: SymbolicTensor | Layer) -> None:
        """Append a layer. Weights there are stay; those of the new layer are drawn, and the optimizer starts afresh.

        Parameters
        ----------
        layer : Layer, or an Input
            An Input only as the first. A layer of another model has the same weights here.

        Examples
        --------
        >>> import fastbp
        >>> model = fastbp.Sequential()
        >>> model.add(fastbp.Input((3,)))
        >>> model.add(fastbp.Dense(2))
        >>> model.count_params()
        8
        """
        if isinstance(layer, SymbolicTensor) and layer.source is None:
            layer = layer.layer
        if not isinstance(layer, Layer):
            raise TypeError(f"layers must be layers of fastbp.layers, after at most one Input, got {layer!r}")
        if isinstance(layer, InputLayer):
            self._begin(layer)
            return
        sample = layer.asked_sample()
        if sample is not None and not self._layers and self._input_units is None:
            self._begin(InputLayer(sample))
        self._append(layer)

    def pop(self) -> Layer:
        """Remove the last layer and return it. The weights of the others stay, and the optimizer starts afresh.

        Examples
        --------
        >>> import fastbp
        >>> model = fastbp.Sequential([fastbp.Input((3,)), fastbp.Dense(2), fastbp.Dense(1)])
        >>> model.pop().units
        1
        >>> model.output_shape
        (None, 2)
        """
        return self._remove_last()

    # -- settings

    def get_config(self) -> dict[str, Any]:
        """The layers as values that JSON can hold, without the weights.

        Examples
        --------
        >>> import fastbp
        >>> fastbp.Sequential([fastbp.Dense(2)]).get_config()["layers"][0]["config"]["units"]
        2
        """
        return sequential_config(self)

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Mapping[str, Any] | None = None) -> Any:
        """The model that ``get_config`` describes, with weights drawn anew.

        Examples
        --------
        >>> import fastbp
        >>> model = fastbp.Sequential([fastbp.Input((3,)), fastbp.Dense(2)])
        >>> fastbp.Sequential.from_config(model.get_config()).count_params()
        8
        """
        classes = {**model_classes(), **(custom_objects or {})}
        model = cls(name=config.get("name"), dtype=model_dtype(config), **given_feedback(config))
        for layer in config["layers"]:
            model.add(layer_of(layer, classes))
        if not model.built and config.get("build_input_shape"):
            model.build(config["build_input_shape"])
        model._trainable = config.get("trainable", True)
        return model


Layer.compute = staticmethod(output_of)


def model_classes() -> dict[str, Any]:
    """The classes of models by the names that they are written down with."""
    return {"Sequential": Sequential, "Functional": Model, "Model": Model}
