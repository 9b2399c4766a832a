"""Saving a model while it learns."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..arguments import boolean, integer, number
from .messages import message
from .monitor import Monitor


class ModelCheckpoint(Monitor):
    """Save the model after each epoch, after a number of batches, or only when it is better than before.

    Parameters
    ----------
    filepath : str or path
        In which ``{epoch}``, ``{batch}`` and the names in the logs, like ``{val_loss:.2f}``, are replaced by their
        values; epochs and batches count from 1. Any suffix will do, as in ``model.save``, but for one that says the opposite
        of ``save_weights_only``: ".weights.h5" for models, ".keras" for weights.
    monitor : str
        With ``save_best_only``, what to watch, as it is named in the logs.
    verbose : int
        With 1, say so.
    save_best_only : bool
        Save only a model that is better than the one saved last.
    save_weights_only : bool
        Call ``model.save_weights`` instead of ``model.save``.
    mode : {"auto", "min", "max"}
        Which values are better; "auto" goes by the name.
    save_freq : "epoch" or int
        Or after so many batches.
    initial_value_threshold : float, optional
        With ``save_best_only``, the value that the first model to be saved must improve on.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import fastbp
    >>> folder = Path(tempfile.mkdtemp())
    >>> model = fastbp.Sequential([fastbp.Dense(1)])
    >>> model.compile("sgd", "mse")
    >>> saving = fastbp.callbacks.ModelCheckpoint(folder / "model-{epoch:02d}.keras")
    >>> history = model.fit([[1.0]], [1.0], epochs=2, verbose=0, callbacks=[saving])
    >>> sorted(path.name for path in folder.iterdir())
    ['model-01.keras', 'model-02.keras']
    >>> fastbp.load_model(folder / "model-02.keras").optimizer.iterations
    2
    """

    def __init__(
        self,
        filepath: Any,
        monitor: str = "val_loss",
        verbose: int = 0,
        save_best_only: bool = False,
        save_weights_only: bool = False,
        mode: str = "auto",
        save_freq: str | int = "epoch",
        initial_value_threshold: float | None = None,
    ) -> None:
        threshold = initial_value_threshold
        super().__init__(monitor, mode, 0.0, None if threshold is None else number("initial_value_threshold", threshold))
        self.filepath, self.verbose = os.fspath(filepath), verbose
        self._check_suffix(boolean("save_weights_only", save_weights_only))
        self.save_best_only = boolean("save_best_only", save_best_only)
        self.save_weights_only = boolean("save_weights_only", save_weights_only)
        if save_freq != "epoch":
            if isinstance(save_freq, str):
                raise ValueError(f"save_freq must be 'epoch' or a number of batches, got {save_freq!r}")
            save_freq = integer("save_freq", save_freq, 1)
            vars(self).update(on_epoch_begin=self._epoch_begins, on_train_batch_end=self._batch_ends)  # hooks cost time
        else:
            vars(self).update(on_epoch_end=self._epoch_ends)
        self.save_freq, self._epoch, self._batches = save_freq, 0, 0

    def _check_suffix(self, weights_only: bool) -> None:
        says_weights = self.filepath.endswith((".weights.h5", ".weights.safetensors"))
        if says_weights and not weights_only:
            raise ValueError(f"filepath must not end as that of weights alone, got {self.filepath!r}: save_weights_only=True")
        if weights_only and self.filepath.endswith(".keras"):
            raise ValueError(f"filepath must end in .weights.h5 or another suffix for weights alone, got {self.filepath!r}")

    def _epoch_begins(self, epoch: int, logs: Any = None) -> None:
        self._epoch = epoch

    def _batch_ends(self, batch: int, logs: Any = None) -> None:
        self._batches += 1
        if self._batches == self.save_freq:
            self._batches = 0
            self._save(self._epoch, logs or {}, {"batch": batch + 1})

    def _epoch_ends(self, epoch: int, logs: Any = None) -> None:
        self._save(epoch, logs or {}, {})

    def _save(self, epoch: int, logs: Mapping[str, Any], batch: Mapping[str, int]) -> None:
        try:
            path = self.filepath.format(**{"epoch": epoch + 1, **batch, **logs})
        except KeyError as error:
            known = ", ".join(["epoch", *batch, *logs])
            raise KeyError(f"filepath must name what the logs have ({known}), got {error} in {self.filepath!r}") from None
        if self.save_best_only and not self._is_best(epoch, logs):
            return
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        save = self.model.save_weights if self.save_weights_only else self.model.save
        save(path, overwrite=True)
        if self.verbose:
            message(f"\nEpoch {epoch + 1}: saved to {path}")

    def _is_best(self, epoch: int, logs: Mapping[str, Any]) -> bool:
        """Whether the model is better than the best; one that cannot be told from it counts as such."""
        current = self._watched(logs, "saves by")
        if current is None or self._improves(current, self.best):
            self.best = self.best if current is None else current
            return True
        if self.verbose:
            message(f"\nEpoch {epoch + 1}: {self.monitor} did not improve from {self.best:.5f}")
        return False
