"""What a fit observes for a callback that wants to see into its steps, and which of a model's layers each number is of."""

from collections.abc import Iterable
from typing import Any, NamedTuple

from ..arguments import unique_name
from ..engine.observer import Observed, Observer
from ..layers.stages import stages_by_layer


class WatchedLayer(NamedTuple):
    """A layer as it is observed: which stages have its weights and its output, and whether outputs can saturate."""

    name: str
    weights: int
    output: int
    saturates: bool


def watched_layers(leaves: Iterable[Any], units: int) -> list[WatchedLayer]:
    """The layers that kernels compute something for, and their stages; ``units`` are the inputs of the first."""
    layers, found = list(leaves), dict[int, tuple[int, int, bool]]()
    for i, (stage, owner) in enumerate(stages_by_layer(layers, units)):
        first = found.setdefault(owner, (i, i, False))[0]
        found[owner] = first, i, stage.activation.flatness.saturates
    names: list[str] = []
    for owner in found:
        names.append(unique_name(layers[owner].name, names.__contains__))
    return [WatchedLayer(name, *places) for name, places in zip(names, found.values(), strict=True)]


class FitObserver(Observer):
    """The observer of a fit, which knows the epoch.

    Parameters
    ----------
    callback : GradientMonitor
    layers : list of WatchedLayer
    """

    def __init__(self, callback: Any, layers: list[WatchedLayer]) -> None:
        super().__init__(callback.every, self._record)
        self.epoch, self._callback = 0, callback
        callback.on_observing(layers)

    def _record(self, observed: Observed) -> None:
        self._callback.on_observed([self.epoch + i for i in observed.passes], observed.steps, observed.records)
