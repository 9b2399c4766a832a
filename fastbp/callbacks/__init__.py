"""Callbacks: what is called while a model learns, measures or predicts."""

from .absent import BackupAndRestore, OrbaxCheckpoint, RemoteMonitor, SwapEMAWeights, TensorBoard
from .base import Callback
from .callback_list import CallbackList
from .checkpoint import ModelCheckpoint
from .csv_logger import CSVLogger
from .history import History
from .lambda_callback import LambdaCallback
from .learning_rate import LearningRateScheduler, ReduceLROnPlateau
from .progress_bars import ProgbarLogger, TqdmCallback
from .stopping import EarlyStopping, TerminateOnNaN, TimeBudget

__all__ = [
    "BackupAndRestore",
    "CSVLogger",
    "Callback",
    "CallbackList",
    "EarlyStopping",
    "History",
    "LambdaCallback",
    "LearningRateScheduler",
    "ModelCheckpoint",
    "OrbaxCheckpoint",
    "ProgbarLogger",
    "ReduceLROnPlateau",
    "RemoteMonitor",
    "SwapEMAWeights",
    "TensorBoard",
    "TerminateOnNaN",
    "TimeBudget",
    "TqdmCallback",
]
