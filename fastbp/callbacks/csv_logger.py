"""The logs of a fit as a table in a file."""

import csv
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ..arguments import boolean
from .base import Callback


class CSVLogger(Callback):
    """Write a row of a CSV file after each epoch: its number and the logs, in the order of their names.

    The columns are those of the first epoch. A value that a later epoch lacks is ``NA``, and so are those of the ``val_``
    columns where the first epoch was not validated.

    Parameters
    ----------
    filename : str or path
    separator : str
        Between columns.
    append : bool
        Go on with a file that is there already, instead of starting it anew.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import fastbp
    >>> file = Path(tempfile.mkdtemp()) / "log.csv"
    >>> model = fastbp.Sequential([fastbp.Dense(1, kernel_initializer="zeros")])
    >>> model.compile(fastbp.SGD(0.25), "mse")
    >>> history = model.fit([[1.0]], [2.0], epochs=2, verbose=0, callbacks=[fastbp.callbacks.CSVLogger(file)])
    >>> print(file.read_text())
    epoch,loss,val_loss
    0,4.0,NA
    1,0.0,NA
    """

    def __init__(self, filename: Any, separator: str = ",", append: bool = False) -> None:
        if not isinstance(separator, str) or len(separator) != 1:
            raise ValueError(f"separator must be one character, got {separator!r}")
        self.filename, self.separator, self.append = Path(filename), separator, boolean("append", append)
        self._path = self.filename
        self._columns: list[str] | None = None

    def on_train_begin(self, logs: Any = None) -> None:
        """Begin the file."""
        self._path, self._columns = self.filename.absolute(), None  # absolute: a fit may change folders
        self._path.open("a" if self.append else "w").close()

    def get_state(self) -> dict[str, Any]:
        """What it remembers, for a backup: all that the file has."""
        with self._path.open(newline="") as file:
            return {"columns": self._columns, "text": file.read()}

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Go on from there."""
        self._columns = state["columns"]
        with self._path.open("w", newline="") as file:
            file.write(state["text"])

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Write a row. The file is closed between epochs, so that whatever ends the fit, it is whole."""
        logs = logs or {}
        with self._path.open("a", newline="") as file:
            writer = csv.writer(file, delimiter=self.separator)
            if self._columns is None:
                self._columns = _columns(logs)
                if file.tell() == 0:
                    writer.writerow(["epoch", *self._columns])
            writer.writerow([epoch, *(_entry(logs.get(name, "NA")) for name in self._columns)])


def _columns(logs: Mapping[str, Any]) -> list[str]:
    names = sorted(logs)
    if not any(name.startswith("val_") for name in names):
        names += [f"val_{name}" for name in names]
    return names


def _entry(value: Any) -> Any:
    """A value as it is written; of several, a list in brackets and quotes."""
    if isinstance(value, str) or not isinstance(value, Iterable) or (isinstance(value, np.ndarray) and value.ndim == 0):
        return value
    return f'"[{", ".join(map(str, value))}]"'
