"""What happened during a fit."""

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..peak_flops import measure_limit
from .base import Callback

if TYPE_CHECKING:
    from ..engine.epoch import Epoch


class History(Callback):
    """The losses and metrics of each epoch, as ``fit`` returns them.

    Every fit has one of its own. Where one is among the callbacks, it is that which is filled, and goes on with its
    ``history`` in the next fit.

    Attributes
    ----------
    history : dict of lists
        ``"loss"``, the metrics by name, and the same with ``val_`` before it where there was validation data, as well as
        what callbacks put into their logs. One entry for each epoch, or for each that was validated.
    epoch : list of int
        The epochs, counted from 0.
    samples_per_second : list of float
        Training samples over the seconds that training took, for each epoch. Epochs of a few milliseconds share calls into the
        kernel, and their time evenly.
    gflops : list of float
        Billions of floating-point operations a second, for each epoch: those of the matrix products of training, forward,
        backward and for the gradient, nothing else counted.
    threads : list of int
        The threads of each epoch.
    epochs_of : dict of lists
        The epochs that the entries of ``history`` belong to.
    converged : bool or None
        Of a fit by a solver (``fastbp.optimizers.Solver``): whether it has found a minimum.
    message : str
        Why it has ended, in the solver's words.
    params : dict
        The fit's ``epochs``, ``steps`` of an epoch, ``verbose`` and ``dtype``.

    Examples
    --------
    >>> import numpy as np
    >>> import fastbp
    >>> x = np.linspace(-1, 1, 64, dtype="float32").reshape(-1, 1)
    >>> model = fastbp.Sequential([fastbp.Dense(8, "tanh"), fastbp.Dense(1)], seed=0)
    >>> model.compile("adam", "mse")
    >>> history = model.fit(x, x**2, epochs=3, verbose=0)
    >>> len(history.history["loss"]), history.epoch
    (3, [0, 1, 2])
    """

    def __init__(self, params: Mapping[str, Any] | None = None) -> None:
        self.history: dict[str, list[float]] = {}
        self.epochs_of: dict[str, list[int]] = {}
        self.params = dict(params or {})
        self._begin()

    def _begin(self) -> None:
        self._before = {name: len(epochs) for name, epochs in self.epochs_of.items()}  # entries of earlier fits
        self.epoch: list[int] = []
        self.samples_per_second: list[float] = []
        self.gflops: list[float] = []
        self.threads: list[int] = []
        self.converged: bool | None = None
        self.message = ""
        self.run: Epoch | None = None  # what the engine measured of the epoch that has just ended

    def on_train_begin(self, logs: Any = None) -> None:
        """Count the epochs anew."""
        self._begin()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Add an epoch."""
        self.append(epoch, logs or {}, self.run)

    def append(self, epoch: int, logs: Mapping[str, float], run: "Epoch | None" = None) -> float:
        """Add an epoch; returns its samples a second. Where Ctrl-C comes in between, the same call again completes it."""
        position = len(self.epoch)
        if run is not None:
            seconds = max(run.seconds, 1e-9)
            _put(self.samples_per_second, position, run.samples / seconds)
            _put(self.gflops, position, run.flop / seconds / 1e9)
            _put(self.threads, position, run.threads)
        for name, value in logs.items():
            recorded = self.epochs_of.setdefault(name, [])
            if recorded[self._before.get(name, 0) :][-1:] != [epoch]:
                values = self.history.setdefault(name, [])
                del values[len(recorded) :]
                values.append(value)
                recorded.append(epoch)
        _put(self.epoch, position, epoch)
        return self.samples_per_second[-1] if self.samples_per_second else math.nan

    def fraction_of_limit(self) -> list[float]:
        """The GFLOP/s of each epoch over what as many threads could do at most, measured now (see ``measure_limit``).

        Examples
        --------
        >>> import numpy as np
        >>> import fastbp
        >>> model = fastbp.Sequential([fastbp.Dense(64, "tanh"), fastbp.Dense(1)], seed=0)
        >>> model.compile("adam", "mse")
        >>> history = model.fit(np.ones((640, 8), "float32"), np.ones(640), epochs=2, verbose=0)
        >>> [0 < fraction < 1.5 for fraction in history.fraction_of_limit()]
        [True, True]
        """
        limits = {threads: measure_limit(threads, self.params.get("dtype", "float32")) for threads in set(self.threads)}
        return [gflops / limits[threads] for gflops, threads in zip(self.gflops, self.threads, strict=True)]

    # -- to look at

    def plot(self, path: Any = None) -> list[Any]:
        """Draw the loss, each metric and, where it is among them, the learning rate, epoch after epoch.

        What has a ``val_`` counterpart is drawn together with it. The scale is logarithmic where numbers span decades.

        Parameters
        ----------
        path : str or path, optional
            Where to save the picture, in a format of matplotlib's (.png, .svg, .pdf).

        Returns
        -------
        list of matplotlib Axes
            One for each panel; ``axes[0].figure`` is the picture. A notebook shows it, elsewhere ``pyplot.show()`` does.

        Raises
        ------
        ImportError
            If matplotlib is not installed (``pip install fastbp[plot]``).

        Examples
        --------
        >>> import fastbp
        >>> history = fastbp.History()
        >>> for epoch in range(3):
        ...     _ = history.append(epoch, {"loss": 0.1**epoch, "mae": 1.0 / (1 + epoch)})
        >>> [axes.get_yscale() for axes in history.plot()]
        ['log', 'linear']
        """
        from ..views import history as views  # only where somebody wants to look

        return views.plot(self, path)

    def to_frame(self) -> Any:
        """The history as a DataFrame of pandas: a row for each epoch, NaN where an epoch was not validated.

        Examples
        --------
        >>> import fastbp
        >>> history = fastbp.History()
        >>> _ = history.append(0, {"loss": 4.0})
        >>> _ = history.append(1, {"loss": 2.0, "val_loss": 3.0})
        >>> history.to_frame()
               loss  val_loss
        epoch
        0       4.0       NaN
        1       2.0       3.0
        """
        from ..views import history as views  # only where somebody wants to look

        return views.frame(self)

    def _repr_html_(self) -> str:
        from ..views import history as views  # only where somebody wants to look

        return views.html(self)

    def __repr__(self) -> str:
        last = "".join(f", {name}={values[-1]:.4g}" for name, values in self.history.items())
        return f"History(epochs={len(self.epoch)}{last})"


def _put(values: list[Any], position: int, value: Any) -> None:
    """Append a value unless it is there already."""
    if len(values) == position:
        values.append(value)
