"""Optimizers that adapt the step of each parameter to the size of its gradients so far."""

from dataclasses import dataclass
from typing import ClassVar

from ..kernels import codes
from ..keywords import keywords
from .base import KEYWORDS, Optimizer
from .schedule import Rate


@keywords(KEYWORDS)
@dataclass(repr=False)
class RMSprop(Optimizer):
    """Each gradient divided by the root of its recent mean square.

    ``v = rho v + (1 - rho) g^2``, then ``w -= a g / sqrt(v + epsilon)``: epsilon inside the root. ``centered`` keeps
    ``c = rho c + (1 - rho) g`` too and divides by ``sqrt(v - c^2 + epsilon)``. With momentum
    ``m = momentum m + a g / sqrt(...)``, then ``w -= m``.

    Tieleman and Hinton 2012, Neural networks for machine learning, lecture 6.5; centered: Graves 2013, arXiv:1308.0850.

    Parameters
    ----------
    learning_rate, epsilon, weight_decay, name, clipnorm, ...
        See ``fastbp.optimizers``.
    rho : float
        In [0, 1): the decay rate of the mean.
    momentum : float
        In [0, 1].
    centered : bool
        Divide by the standard deviation of the gradient instead.

    Examples
    --------
    >>> import fastbp
    >>> fastbp.RMSprop(centered=True).slots
    2
    """

    rates: ClassVar[tuple[str, ...]] = ("rho", "momentum")
    learning_rate: Rate = 0.001
    rho: float = 0.9
    momentum: float = 0.0
    epsilon: float = 1e-7
    centered: bool = False
    weight_decay: float | None = None
    name: str = "rmsprop"

    @property
    def code(self) -> int:
        if self.centered:
            return codes.RMSPROP_CENTERED_MOMENTUM if self.momentum else codes.RMSPROP_CENTERED
        return codes.RMSPROP_MOMENTUM if self.momentum else codes.RMSPROP


@keywords(KEYWORDS)
@dataclass(repr=False)
class Adagrad(Optimizer):
    """Each gradient divided by the root of the sum of all its squares.

    ``s += g^2``, then ``w -= a g / sqrt(s + epsilon)``: epsilon inside the root.

    Duchi et al. 2011, Adaptive subgradient methods for online learning and stochastic optimization.

    Parameters
    ----------
    learning_rate, epsilon, weight_decay, name, clipnorm, ...
        See ``fastbp.optimizers``.
    initial_accumulator_value : float
        The initial value of s.

    Examples
    --------
    >>> import fastbp
    >>> fastbp.Adagrad(0.5).initial_state
    0.1
    """

    rates: ClassVar[tuple[str, ...]] = ("", "")
    learning_rate: Rate = 0.001
    initial_accumulator_value: float = 0.1
    epsilon: float = 1e-7
    weight_decay: float | None = None
    name: str = "adagrad"

    @property
    def code(self) -> int:
        return codes.ADAGRAD


@keywords(KEYWORDS)
@dataclass(repr=False)
class Adam(Optimizer):
    """Adaptive moments.

    ``m = beta_1 m + (1 - beta_1) g``, ``v = beta_2 v + (1 - beta_2) g^2``, then
    ``w -= a sqrt(1 - beta_2^t) / (1 - beta_1^t) m / (sqrt(v) + epsilon)``: epsilon outside the root, added to that of
    the uncorrected v (the paper's "epsilon hat", as in Keras; PyTorch adds it to the root of the corrected v). With
    ``amsgrad`` the largest v so far takes the place of v.

    Kingma and Ba 2015, arXiv:1412.6980; amsgrad: Reddi et al. 2018, On the convergence of Adam and beyond.

    Parameters
    ----------
    learning_rate, epsilon, weight_decay, name, clipnorm, ...
        See ``fastbp.optimizers``.
    beta_1, beta_2 : float
        In [0, 1): the decay rates of the two means.
    amsgrad : bool

    Examples
    --------
    >>> import fastbp
    >>> fastbp.Adam(1e-3).slots
    2
    """

    rates: ClassVar[tuple[str, ...]] = ("beta_1", "beta_2")
    learning_rate: Rate = 0.001
    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-7
    amsgrad: bool = False
    weight_decay: float | None = None
    name: str = "adam"

    @property
    def code(self) -> int:
        return codes.ADAM_AMSGRAD if self.amsgrad else codes.ADAM


@keywords(KEYWORDS)
@dataclass(repr=False)
class AdamW(Adam):
    """Adam with weight decay from the start: ``w -= w * weight_decay * a``, then Adam's step (epsilon as there).

    Loshchilov and Hutter 2019, arXiv:1711.05101.

    Parameters
    ----------
    learning_rate, beta_1, beta_2, epsilon, amsgrad, weight_decay, name, clipnorm, ...
        As Adam's.

    Examples
    --------
    >>> import fastbp
    >>> fastbp.AdamW().weight_decay
    0.004
    """

    weight_decay: float | None = 0.004
    name: str = "adamw"


@keywords(KEYWORDS)
@dataclass(repr=False)
class Nadam(Optimizer):
    """Adam with Nesterov momentum.

    With ``u_t = beta_1 (1 - 0.96^t / 2)`` and ``U_t`` their product up to t:
    ``M = u_(t+1) m / (1 - U_(t+1)) + (1 - u_t) g / (1 - U_t)``, ``V = v / (1 - beta_2^t)`` with Adam's m and v, then
    ``w -= a M / (sqrt(V) + epsilon)``: epsilon outside the root, added to that of the corrected V.

    Dozat 2016, Incorporating Nesterov momentum into Adam.

    Parameters
    ----------
    learning_rate, epsilon, weight_decay, name, clipnorm, ...
        See ``fastbp.optimizers``.
    beta_1, beta_2 : float
        In [0, 1): the decay rates of the two means.

    Examples
    --------
    >>> import fastbp
    >>> fastbp.Nadam().slots
    2
    """

    rates: ClassVar[tuple[str, ...]] = ("beta_1", "beta_2")
    learning_rate: Rate = 0.001
    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-7
    weight_decay: float | None = None
    name: str = "nadam"

    @property
    def code(self) -> int:
        return codes.NADAM


@keywords(KEYWORDS)
@dataclass(repr=False)
class Adamax(Optimizer):
    """Adam with the largest recent gradient in place of the root of the mean square.

    ``m = beta_1 m + (1 - beta_1) g``, ``u = max(beta_2 u, |g|)``, then ``w -= a / (1 - beta_1^t) m / (u + epsilon)``.

    Kingma and Ba 2015, arXiv:1412.6980, section 7.1.

    Parameters
    ----------
    learning_rate, epsilon, weight_decay, name, clipnorm, ...
        See ``fastbp.optimizers``.
    beta_1, beta_2 : float
        In [0, 1): the decay rates of the mean and of the largest gradient.

    Examples
    --------
    >>> import fastbp
    >>> fastbp.optimizers.Adamax().slots
    2
    """

    rates: ClassVar[tuple[str, ...]] = ("beta_1", "beta_2")
    learning_rate: Rate = 0.001
    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-7
    weight_decay: float | None = None
    name: str = "adamax"

    @property
    def code(self) -> int:
        return codes.ADAMAX


@keywords(KEYWORDS)
@dataclass(repr=False)
class Adadelta(Optimizer):
    """Each gradient times the quotient of the root mean squares of recent steps and recent gradients.

    ``v = rho v + (1 - rho) g^2``, ``d = sqrt(x + epsilon) / sqrt(v + epsilon) g``, ``x = rho x + (1 - rho) d^2``, then
    ``w -= a d``. The paper has no learning rate: its rule is that of ``a = 1``.

    Zeiler 2012, arXiv:1212.5701.

    Parameters
    ----------
    learning_rate, epsilon, weight_decay, name, clipnorm, ...
        See ``fastbp.optimizers``.
    rho : float
        In [0, 1): the decay rate of both means.

    Examples
    --------
    >>> import fastbp
    >>> fastbp.optimizers.Adadelta(1.0).slots
    2
    """

    rates: ClassVar[tuple[str, ...]] = ("rho", "")
    learning_rate: Rate = 0.001
    rho: float = 0.95
    epsilon: float = 1e-7
    weight_decay: float | None = None
    name: str = "adadelta"

    @property
    def code(self) -> int:
        return codes.ADADELTA
