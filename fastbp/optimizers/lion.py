"""Steps of one size, along the signs of a momentum."""

from dataclasses import dataclass
from typing import ClassVar

from ..kernels import codes
from ..keywords import keywords
from .base import KEYWORDS, Optimizer
from .schedule import Rate


@keywords(KEYWORDS)
@dataclass(repr=False)
class Lion(Optimizer):
    """Each weight moves by the learning rate, up or down.

    ``w -= a sign(beta_1 m + (1 - beta_1) g)``, then ``m = beta_2 m + (1 - beta_2) g``. It wants a learning rate some three to
    ten times smaller than Adam's, and a weight decay larger by as much.

    Chen et al. 2023, Symbolic discovery of optimization algorithms, arXiv:2302.06675.

    Parameters
    ----------
    learning_rate, weight_decay, name, clipnorm, ...
        See ``fastbp.optimizers``.
    beta_1 : float
        More than 0 and below 1: how much of the momentum there is in a step.
    beta_2 : float
        In [0, 1): the decay rate of the momentum.

    Examples
    --------
    >>> import fastbp
    >>> fastbp.optimizers.Lion(1e-4).slots
    1
    """

    rates: ClassVar[tuple[str, ...]] = ("beta_1", "beta_2")
    learning_rate: Rate = 0.001
    beta_1: float = 0.9
    beta_2: float = 0.99
    weight_decay: float | None = None
    name: str = "lion"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.beta_1 == 0:
            raise ValueError(f"beta_1 of Lion must be more than 0, got {self.beta_1!r}: SGD needs no momentum")

    @property
    def code(self) -> int:
        return codes.LION
