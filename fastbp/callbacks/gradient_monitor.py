"""What goes on inside a network while it learns: gradients, updates and outputs of each layer."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..arguments import integer
from ..kernels.fields import (
    DEAD_SHARE,
    FLAT_SHARE,
    GRADIENT_NORM,
    OUTPUT_MEAN,
    OUTPUT_SPREAD,
    UPDATE_NORM,
    WEIGHT_NORM,
)
from .base import Callback

QUANTITIES = (
    *("gradient_norm", "weight_norm", "update_ratio"),
    *("activation_mean", "activation_std", "dead", "saturated"),
)


class GradientMonitor(Callback):
    """Look into every so many steps of a fit, and keep the gradients, updates and outputs of each layer.

    It looks from within the compiled loop: an epoch stays one call, and the steps between cost nothing. The numbers are the
    same for any number of threads, and the fit is the same, bit by bit, as without it.

    Parameters
    ----------
    every : int
        Steps 0, every, 2 every, ... of each epoch are looked at. At the default this takes less than 3 % of the time, where
        epochs have as many steps.

    Attributes
    ----------
    layers : list of str
        The names of the layers that compute something. An ``Activation`` that follows a linear ``Dense`` is part of that.
    steps, epochs : ndarray of int
        Of each look: the steps of the optimizer before it, and the epoch, both counted from 0.
    history : dict of dicts
        ``history[layer][quantity]``: an array with a number for each look. The quantities are

        - ``"gradient_norm"``, ``"weight_norm"``: the roots of the sums of squares over all of the layer's weights that are
          learnt; of the gradient of the batch's loss, penalties included, before it is clipped, and of the weights before the
          update; NaN for a layer that learns nothing;
        - ``"update_ratio"``: how far the step moved the weights, as the norm of the difference, constraints included, over
          their norm;
        - ``"activation_mean"``, ``"activation_std"``: of the layer's outputs, over units and the rows of the batch;
        - ``"dead"``: the share of units that let no gradient through for any row of the batch;
        - ``"saturated"``: the share of outputs, over units and rows, that let no gradient through; NaN but for activations
          that flatten out at both ends, as tanh and sigmoid do.

        An output lets no gradient through where the activation's derivative is smaller than 5 % of the largest it has near 0:
        a relu's at 0, a tanh's beyond 0.975. The shares are NaN where that cannot happen, as for linear or leaky units,
        softmax and other activations of whole rows.

    Notes
    -----
    Where the last activation and the loss are computed as one (sigmoid and softmax with their cross-entropies), the last
    layer's numbers are of what goes into that activation. A monitor keeps the last fit.

    Examples
    --------
    >>> import numpy as np
    >>> import fastbp
    >>> x = np.random.default_rng(0).normal(size=(640, 4))
    >>> model = fastbp.Sequential([fastbp.Dense(16, "tanh"), fastbp.Dense(1)], seed=0)
    >>> model.compile("adam", "mse")
    >>> monitor = fastbp.callbacks.GradientMonitor(every=10)
    >>> history = model.fit(x, x[:, :1], epochs=3, verbose=0, callbacks=[monitor])
    >>> monitor.steps.tolist()
    [0, 10, 20, 30, 40, 50]
    >>> monitor.history["dense"]["gradient_norm"].shape
    (6,)
    >>> bool((monitor.history["dense"]["update_ratio"] < 0.1).all())
    True
    """

    def __init__(self, every: int = 50) -> None:
        self.every = integer("every", every, 1)
        self._begin([])

    def _begin(self, layers: Sequence[Any]) -> None:
        self._layers = list(layers)
        self._looks: list[tuple[list[int], list[int], np.ndarray]] = []  # epochs, steps, records

    # -- called by ``fit``

    def on_observing(self, layers: Sequence[Any]) -> None:
        """Before the first epoch: the layers, as models/observing.py has them. The last fit is forgotten."""
        self._begin(layers)

    def on_observed(self, epochs: list[int], steps: list[int], records: np.ndarray) -> None:
        """After each call into the kernel: what it found."""
        self._looks.append((epochs, steps, records))

    # -- what was found

    def _merged(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Epochs, steps and records in order. Of a step that was taken twice, when a fit went back, it is the last."""
        if not self._looks:
            return np.zeros(0, int), np.zeros(0, int), np.zeros((0, 0, 0))
        epochs, steps = (np.concatenate([look[i] for look in self._looks]).astype(int) for i in (0, 1))
        records = np.concatenate([look[2] for look in self._looks])
        last = {step: i for i, step in enumerate(steps.tolist())}
        chosen = [last[step] for step in sorted(last)]
        return epochs[chosen], steps[chosen], records[chosen]

    @property
    def layers(self) -> list[str]:
        """The names of the layers."""
        return [layer.name for layer in self._layers]

    @property
    def epochs(self) -> np.ndarray:
        """The epoch of each look."""
        return self._merged()[0]

    @property
    def steps(self) -> np.ndarray:
        """The optimizer's steps before each look."""
        return self._merged()[1]

    @property
    def history(self) -> dict[str, dict[str, np.ndarray]]:
        """By layer and quantity, an array with a number for each look."""
        records = self._merged()[2]
        return {layer.name: _quantities(records, layer) for layer in self._layers} if len(records) else {}

    # -- to look at

    def to_frame(self) -> Any:
        """A DataFrame of pandas: a row for each look and layer.

        Examples
        --------
        >>> import numpy as np
        >>> import fastbp
        >>> model = fastbp.Sequential([fastbp.Dense(2, "relu"), fastbp.Dense(1)], seed=0)
        >>> model.compile("sgd", "mse")
        >>> monitor = fastbp.callbacks.GradientMonitor()
        >>> history = model.fit(np.ones((8, 3)), np.ones(8), epochs=2, verbose=0, callbacks=monitor)
        >>> monitor.to_frame()[["epoch", "step", "layer"]]
           epoch  step    layer
        0      0     0    dense
        1      0     0  dense_1
        2      1     1    dense
        3      1     1  dense_1
        """
        from ..views import monitor as views  # only where somebody wants to look

        return views.frame(self)

    def plot(self, path: Any = None) -> list[Any]:
        """Draw the norms of the gradients by layer, the update ratios, and what is known of the outputs, step after step.

        Parameters
        ----------
        path : str or path, optional
            Where to save the picture, in a format of matplotlib's (.png, .svg, .pdf).

        Returns
        -------
        list of matplotlib Axes
            One for each panel; ``axes[0].figure`` is the picture.

        Raises
        ------
        ValueError
            If nothing was observed yet.
        ImportError
            If matplotlib is not installed (``pip install fastbp[plot]``).

        Examples
        --------
        >>> import numpy as np
        >>> import fastbp
        >>> model = fastbp.Sequential([fastbp.Dense(2, "relu"), fastbp.Dense(1)], seed=0)
        >>> model.compile("sgd", "mse")
        >>> monitor = fastbp.callbacks.GradientMonitor()
        >>> history = model.fit(np.ones((8, 3)), np.ones(8), epochs=2, verbose=0, callbacks=monitor)
        >>> [axes.get_title() for axes in monitor.plot()]
        ['gradient norm', 'update / weights', 'spread of outputs', 'dead units']
        """
        from ..views import monitor as views  # only where somebody wants to look

        return views.plot(self, path)

    def _repr_html_(self) -> str:
        from ..views import monitor as views  # only where somebody wants to look

        return views.html(self)

    def __repr__(self) -> str:
        return f"GradientMonitor(every={self.every}, looks={len(self.steps)}, layers={len(self._layers)})"


def _quantities(records: np.ndarray, layer: Any) -> dict[str, np.ndarray]:
    """The history of a layer."""
    weights, output = records[:, layer.weights], records[:, min(layer.output, records.shape[1] - 1)]
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = weights[:, UPDATE_NORM] / weights[:, WEIGHT_NORM]
    flat = output[:, FLAT_SHARE] if layer.saturates else np.full(len(records), np.nan)
    columns = weights[:, GRADIENT_NORM], weights[:, WEIGHT_NORM], ratio
    found = *columns, output[:, OUTPUT_MEAN], output[:, OUTPUT_SPREAD], output[:, DEAD_SHARE], flat
    return dict(zip(QUANTITIES, (np.array(column) for column in found), strict=True))
