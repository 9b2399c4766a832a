"""Gradient descent, with or without momentum."""

from dataclasses import dataclass
from typing import ClassVar

from ..kernels import codes
from ..keywords import keywords
from .base import KEYWORDS, Optimizer
from .schedule import Rate


@keywords(KEYWORDS)
@dataclass(repr=False)
class SGD(Optimizer):
    """Gradient descent, with or without momentum.

    Without momentum ``w -= a g``. With it ``v = momentum v - a g``, then ``w += v``, or Nesterov's
    ``w += momentum v - a g``, which has no effect without momentum.

    Sutskever et al. 2013, On the importance of initialization and momentum in deep learning.

    Parameters
    ----------
    learning_rate, weight_decay, name, clipnorm, ...
        See ``fastbp.optimizers``.
    momentum : float
        In [0, 1].
    nesterov : bool
        Use Nesterov momentum.

    Examples
    --------
    >>> import fastbp
    >>> fastbp.SGD(0.1, momentum=0.9).slots
    1
    """

    rates: ClassVar[tuple[str, ...]] = ("momentum", "")
    learning_rate: Rate = 0.01
    momentum: float = 0.0
    nesterov: bool = False
    weight_decay: float | None = None
    name: str = "sgd"

    @property
    def code(self) -> int:
        if not self.momentum:
            return codes.SGD
        return codes.NESTEROV if self.nesterov else codes.MOMENTUM
