"""What becomes of one of many models."""

from dataclasses import dataclass
from typing import Any

from ..callbacks.history import History


@dataclass
class Member:
    """One of the models that ``fit_many`` was given, when its training has come to an end.

    Attributes
    ----------
    model : Sequential
        The model itself, as its own ``fit`` would have left it.
    history : History
        Of its epochs, as ``fit`` returns it.
    error : Exception or None
        What ended its training: ``TrainingDiverged``, whatever a callback of its raised, or a TimeoutError where the time was
        over before it began.
    seconds : float
        How long it took.

    Examples
    --------
    >>> import numpy as np
    >>> import fastbp
    >>> model = fastbp.Sequential([fastbp.Dense(1)], seed=0)
    >>> model.compile(fastbp.SGD(1e30), "mse")
    >>> x = np.ones((64, 1), "float32")
    >>> (member,) = fastbp.fit_many([model], x, 2 * x, epochs=9, verbose=0)
    >>> type(member.error).__name__, member.history.epoch
    ('TrainingDiverged', [])
    """

    model: Any
    history: History
    error: Exception | None = None
    seconds: float = 0.0
