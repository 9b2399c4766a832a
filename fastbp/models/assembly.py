"""How a model is put together: which layers may follow, and under which names."""

from collections.abc import Iterable

from ..arguments import unique_name
from ..layers import InputLayer, Layer
from ..layers.claims import changes
from .architecture import Architecture


class Assembly(Architecture):
    """The part of a model that takes layers."""

    def _begin(self, layer: InputLayer) -> None:
        """Take the input."""
        if self._layers or self._input_units is not None:
            raise ValueError(f"layers must have an Input at most once, as the first, got {layer!r} after others")
        self._input = layer
        self.expect(layer.shape)

    @changes
    def _append(self, layer: Layer) -> None:
        """Take a layer as the last. One that stands here already stands for another of its settings then."""
        if self.holders():
            raise ValueError(f"{self.name!r} must stay as it is, as a layer of {self.holders()[0].name!r}, got {layer!r}")
        stands_here = layer._scattered is not None or (layer in self._layers and not isinstance(layer, Architecture))
        if not stands_here:
            self._check(layer)
        sample = self.asked_sample()
        if sample is not None:
            sample = self.output_sample(sample)
            layer.output_sample(sample)
            if not stands_here:
                layer.check_sample(sample)
        placed = self._place_again(layer) if stands_here else self._place(layer)
        if sample is not None:
            placed.expect(sample)
        self._layers_change()
        self._layers.append(placed)
        placed.hold(self)
        self._flattens = self._makes_rows()

    @changes
    def _remove_last(self) -> Layer:
        """Take the last layer away."""
        if not self._layers:
            raise ValueError(f"{self.name!r} has no layers to remove")
        if self.holders():
            raise ValueError(f"{self.name!r} must stay as it is, as a layer of {self.holders()[0].name!r}")
        self._layers_change()
        layer = self._layers.pop()
        layer.let_go(self)
        self._flattens = self._makes_rows()
        return layer

    def _layers_change(self) -> None:
        """Called before the layers change."""
        self._symbolic = []

    def _makes_rows(self) -> bool:
        """Whether data may have several axes: it becomes rows before a layer needs them."""
        first = next((layer for layer in self.leaves() if not layer.keeps_axes), None)
        return self._sample_shape is not None or (first is not None and first.makes_rows)

    def _check(self, layer: Layer) -> None:
        """Make sure that a layer may stand here."""
        if layer is self or not set(self.leaves()).isdisjoint(layer.leaves()):
            raise ValueError(f"layers must be different ones, got {layer!r} twice: weights of several places come later")
        for leaf in layer.leaves():
            wanted = {leaf._own_dtype, *(model.dtype for model in leaf.holders())} - {None, self.dtype}
            if wanted:
                raise ValueError(f"layers must have the dtype of the model, {self.dtype}, got {wanted.pop()!r} for {leaf!r}")
        if layer._given_name in {other.name for other in self._layers}:
            raise ValueError(f"layers must have different names, got a second layer named {layer.name!r}")

    def _place(self, layer: Layer) -> Layer:
        """The layer under a name that is its own in each model that holds it."""
        if not layer._given_name:
            models: Iterable[Architecture] = (self, *layer.holders())
            taken = {other.name for model in models for other in [*model._layers, *model.leaves()] if other is not layer}
            made = layer._made_name
            layer._made_name = made if made and made not in taken else unique_name(layer.kind, taken.__contains__)
        return layer

    def _place_again(self, layer: Layer) -> Layer:
        """One more layer of the settings of one that stands here, with weights of its own."""
        if layer in self._layers and layer.holders() == [self]:
            i = self._layers.index(layer)
            self._layers[i] = layer.twin(layer.name, with_weights=True)
            self._layers[i].hold(self)
            layer.scatter(self)
        taken = {other.name for other in [*self._layers, *self.leaves()]}
        return layer.twin(unique_name(layer._given_name or layer.kind, taken.__contains__))
