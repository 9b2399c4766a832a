"""Callbacks: what is called while a model learns, measures or predicts."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from .base import Callback
from .callback_list import CallbackList
from .history import History
from .progress_bars import ProgbarLogger, TqdmCallback

if TYPE_CHECKING:  # the others are imported with their first use
    from .absent import OrbaxCheckpoint, RemoteMonitor, TensorBoard
    from .averaging import StochasticWeightAveraging, SwapEMAWeights
    from .backup import BackupAndRestore
    from .checkpoint import ModelCheckpoint
    from .csv_logger import CSVLogger
    from .gradient_monitor import GradientMonitor
    from .lambda_callback import LambdaCallback
    from .learning_rate import LearningRateScheduler, ReduceLROnPlateau
    from .signals import InterruptOnSignal
    from .stopping import EarlyStopping, TerminateOnNaN, TimeBudget

__all__ = [
    "BackupAndRestore",
    "CSVLogger",
    "Callback",
    "CallbackList",
    "EarlyStopping",
    "GradientMonitor",
    "History",
    "InterruptOnSignal",
    "LambdaCallback",
    "LearningRateScheduler",
    "ModelCheckpoint",
    "OrbaxCheckpoint",
    "ProgbarLogger",
    "ReduceLROnPlateau",
    "RemoteMonitor",
    "StochasticWeightAveraging",
    "SwapEMAWeights",
    "TensorBoard",
    "TerminateOnNaN",
    "TimeBudget",
    "TqdmCallback",
]

_MODULES = {
    **dict.fromkeys(("OrbaxCheckpoint", "RemoteMonitor", "TensorBoard"), "absent"),
    **dict.fromkeys(("StochasticWeightAveraging", "SwapEMAWeights"), "averaging"),
    **dict.fromkeys(("LearningRateScheduler", "ReduceLROnPlateau"), "learning_rate"),
    **dict.fromkeys(("EarlyStopping", "TerminateOnNaN", "TimeBudget"), "stopping"),
    "BackupAndRestore": "backup",
    "ModelCheckpoint": "checkpoint",
    "CSVLogger": "csv_logger",
    "GradientMonitor": "gradient_monitor",
    "InterruptOnSignal": "signals",
    "LambdaCallback": "lambda_callback",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_MODULES})
