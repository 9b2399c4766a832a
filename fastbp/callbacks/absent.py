"""Callbacks of Keras that are not there: their names can be imported, and using one says what to use instead."""

from typing import Any


class _Absent:
    instead = ""

    def __init__(self, *arguments: Any, **settings: Any) -> None:
        raise NotImplementedError(f"fastbp has no {type(self).__name__}: {self.instead}")


class TensorBoard(_Absent):
    instead = "CSVLogger writes the logs to a file, and history.plot draws them"


class RemoteMonitor(_Absent):
    instead = "LambdaCallback(on_epoch_end=...) may send the logs where you like"


class OrbaxCheckpoint(_Absent):
    instead = "ModelCheckpoint saves a model while it learns"
