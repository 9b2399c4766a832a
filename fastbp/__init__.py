"""fastbp trains dense neural networks on a CPU, fast, with the names of Keras."""

from . import activations, initializers, layers, losses, metrics, optimizers
from .history import History
from .layers import Dense, Input
from .model import Sequential
from .optimizers import SGD, Adagrad, Adam, AdamW, Nadam, RMSprop
from .threads import get_num_threads, set_num_threads
from .trainable import TrainingDiverged

__version__ = "0.1.0"

__all__ = [
    "SGD",
    "Adagrad",
    "Adam",
    "AdamW",
    "Dense",
    "History",
    "Input",
    "Nadam",
    "RMSprop",
    "Sequential",
    "TrainingDiverged",
    "activations",
    "get_num_threads",
    "initializers",
    "layers",
    "losses",
    "metrics",
    "optimizers",
    "set_num_threads",
    "warmup",
]


def warmup() -> None:
    """Compile everything now, rather than when the first model needs it. ``python -m fastbp warmup`` does the same.

    What is compiled is kept on disk, so that later processes only load it.

    Examples
    --------
    >>> import fastbp
    >>> fastbp.warmup()
    """
    from .engine import warmup as compile_all

    compile_all()
