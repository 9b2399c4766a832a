"""How a model shows itself: ``summary``, and a table in a notebook."""

from collections.abc import Callable, Sequence
from typing import Any

from ..arguments import boolean, integer
from .outline import Costs, Row, between, costs, outline
from .summary import summary_html, summary_lines


class Displayed:
    """The part of a model that is there to be looked at. It asks the model for its layers and shapes (architecture.py)."""

    def summary(
        self: Any,
        line_length: int | None = None,
        positions: Sequence[float] | None = None,
        print_fn: Callable[[str], object] | None = None,
        expand_nested: bool = False,
        show_trainable: bool = False,
        layer_range: Sequence[str] | None = None,
    ) -> None:
        """Print the layers with their output shapes and numbers of weights, and what the model and a training step cost.

        Memory is that of the weights, of what the optimizer keeps for them, and of the outputs of all layers with the
        derivatives with respect to them. Operations are those of the matrix products.

        Parameters
        ----------
        line_length : int, optional
            The length of the table's lines. Left out, it is that of what is in them.
        positions : list of numbers, optional
            Where the columns end: parts of the line (up to 1) or numbers of letters.
        print_fn : callable, optional
            Given the text line by line instead of ``print``.
        expand_nested : bool
            Show the layers of a model that is a layer of this one.
        show_trainable : bool
            Show which layers learn.
        layer_range : pair of str, optional
            Names (or regular expressions) of the first and the last layer to show.

        Examples
        --------
        >>> import fastbp
        >>> fastbp.Sequential([fastbp.Input((17,)), fastbp.Dense(64, "tanh"), fastbp.Dense(6)]).summary()
        Model: "sequential"
        Layer (type)      Output shape   Activation   Params
        dense (Dense)     (None, 64)     tanh          1,152
        dense_1 (Dense)   (None, 6)      linear          390
        Total params: 1,542 (6.02 KB)
        Trainable params: 1,542 (6.02 KB)
        Non-trainable params: 0 (0.00 B)
        Training step of 32 samples: 213 kFLOP, 23.52 KB of memory (params 6.02 KB, activations 17.50 KB)
        """
        if line_length is not None:
            integer("line_length", line_length, 1)
        rows = between(self.outline(boolean("expand_nested", expand_nested)), layer_range)
        shows = boolean("show_trainable", show_trainable)
        for line in summary_lines(self.name, rows, self.costs(), line_length, positions, shows):
            (print_fn or print)(line)

    def outline(self: Any, expand_nested: bool = False) -> list[Row]:
        """A row for each layer, as it is shown."""
        return list(outline(self.layers, self.asked_sample(), expand_nested))

    def costs(self: Any) -> Costs | None:
        """What the model and a training step cost; None before the width of the input is known."""
        if self._input_units is None and self._layers:
            return None
        slots = 0 if self.optimizer is None else self.optimizer.slots
        return costs(self.leaves(), self._input_units or 0, slots, self._dtype.itemsize)

    def _repr_html_(self: Any) -> str:
        return summary_html(self.name, self.outline(), self.costs())
