"""Going on with a fit that was cut short."""

import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

from ..arguments import boolean, integer
from ..engine.interrupts import import_to_end
from ..errors import ModelFileError
from .base import Callback
from .messages import message

NAME, PREVIOUS = "backup.safetensors", "backup.previous.safetensors"


class Resumable(Protocol):
    """A fit that can be left and gone on with."""

    def get_state(self) -> dict[str, Any]:
        """All of it but the model."""

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Go on from a state."""


class BackupAndRestore(Callback):
    """Keep a backup of a fit while it runs. Where the process ends early, the same script run again goes on from there.

    It comes to the same bits as a fit that was never cut short: the backup has the model with the optimizer's state and the
    random state, the history, the position in the epoch and in its order, and what the other callbacks remember
    (``EarlyStopping``, ``ReduceLROnPlateau``, ``ModelCheckpoint``, ``CSVLogger`` ...; of your own, the attributes that are
    numbers, texts, arrays, lists, tuples and dicts of such). When the fit has ended the backup is removed. The process may be
    killed at any moment.

    Parameters
    ----------
    backup_dir : str or path
        A folder for this fit alone; it is made if need be.
    save_freq : "epoch" or int
        Whether there is a backup after each epoch (of epochs of less than 5 ms, after some), or after so many batches.
    double_checkpoint : bool
        Keep the backup before the last too, and go on from that where the last cannot be read.
    delete_checkpoint : bool
        Whether the backup is removed when the fit has ended.

    Notes
    -----
    Data that comes in batches, or with ``steps_per_epoch``, is read again up to where the fit was: a generator must yield the
    same as in the first run. What the script draws from random generators of its own is not kept.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> import fastbp
    >>> def run(epochs, folder):
    ...     model = fastbp.Sequential([fastbp.Dense(1)], seed=0)
    ...     model.compile("adam", "mse")
    ...     backup = fastbp.callbacks.BackupAndRestore(folder, delete_checkpoint=False)
    ...     x = np.linspace(-1, 1, 64, dtype="float32")
    ...     return model.fit(x, x, epochs=epochs, verbose=0, callbacks=[backup]).history["loss"]
    >>> folder = tempfile.mkdtemp()
    >>> first = run(2, folder)
    >>> run(4, folder) == run(4, tempfile.mkdtemp())
    True
    """

    def __init__(
        self,
        backup_dir: Any,
        save_freq: str | int = "epoch",
        double_checkpoint: bool = False,
        delete_checkpoint: bool = True,
    ) -> None:
        if not backup_dir:
            raise ValueError(f"backup_dir must be a folder, got {backup_dir!r}")
        if save_freq != "epoch":
            if isinstance(save_freq, str):
                raise ValueError(f"save_freq must be 'epoch' or a number of batches, got {save_freq!r}")
            save_freq = integer("save_freq", save_freq, 1)
        self.backup_dir, self.save_freq = Path(backup_dir), save_freq
        self.double_checkpoint = boolean("double_checkpoint", double_checkpoint)
        self.delete_checkpoint = boolean("delete_checkpoint", delete_checkpoint)
        self._folder, self._batches = self.backup_dir, 0

    @property
    def keeps_batches(self) -> bool:
        """Whether it wants to be told of each batch."""
        return self.save_freq != "epoch"

    # -- called by ``fit``

    def on_resume(self, fit: Resumable) -> None:
        """Before the first epoch: go on from a backup, if there is one."""
        self._folder = self.backup_dir.absolute()  # a fit may change folders
        self._folder.mkdir(parents=True, exist_ok=True)
        self._batches = 0
        files = import_to_end("fastbp.saving.backups")
        files.remove_unfinished(str(self._folder))
        found = self._read(files)
        if found is not None:
            state, go_back = found
            fit.set_state(state)
            go_back()

    def _read(self, files: Any) -> Any:
        """What the last backup has, or the one before it."""
        paths = [self._folder / name for name in (NAME, PREVIOUS) if (self._folder / name).exists()]
        for path in paths:
            try:
                return files.read_backup(self.model, str(path))
            except ModelFileError as error:
                if path == paths[-1]:
                    raise
                message(f"{error}: the backup before it is used")
        return None

    def on_kept(self, fit: Resumable, batch: bool = False) -> None:
        """After an epoch or a batch, and all that other callbacks do then."""
        if batch != self.keeps_batches:
            return
        if batch:
            self._batches += 1
            if self._batches % int(self.save_freq):
                return
        path = self._folder / NAME
        if self.double_checkpoint:
            with suppress(FileNotFoundError):
                os.replace(path, self._folder / PREVIOUS)
        import_to_end("fastbp.saving.backups").write_backup(self.model, str(path), fit.get_state())

    def on_finished(self) -> None:
        """When the fit has ended, and all that other callbacks do then: remove the backup."""
        if self.delete_checkpoint:
            for name in (NAME, PREVIOUS):
                (self._folder / name).unlink(missing_ok=True)
            with suppress(OSError):  # it has other files
                self._folder.rmdir()
