"""Optimizers: descriptions that the engine resolves to its integer codes. The update rules are Keras's.

In the rules ``w`` is a parameter, ``g`` its gradient, ``a`` the learning rate and ``t`` the step, counted from 1. With
``weight_decay`` (a float or None) every rule first does ``w -= w * weight_decay * a`` (decoupled; biases as well).
``epsilon`` keeps a divisor from being zero; where it stands differs, so each rule says it. ``name`` is a label.

An optimizer's ``learning_rate`` may be set at any time, also on a compiled model, whose optimizer state it leaves
alone. The other settings decide what state there is, so they are final: compile the model again with a new optimizer.

>>> import fastbp
>>> optimizer = fastbp.optimizers.get("adam")
>>> optimizer.learning_rate = 1e-4
>>> optimizer
Adam(learning_rate=0.0001, beta_1=0.9, beta_2=0.999, epsilon=1e-07, amsgrad=False, weight_decay=None, name='adam')
"""

from dataclasses import dataclass
from typing import Any, ClassVar

from .validation import boolean, lookup, number

# What each setting may be: the least, the most, and whether it must stay below that.
_FROM_ZERO = (0.0, float("inf"), False)
_RANGES = {
    "momentum": (0.0, 1.0, False),
    "rho": (0.0, 1.0, True),
    "beta_1": (0.0, 1.0, True),
    "beta_2": (0.0, 1.0, True),
}


def _checked(name: str, value: Any) -> Any:
    """A setting as a plain float, bool, str or None."""
    if name in ("nesterov", "centered", "amsgrad"):
        return boolean(name, value)
    if name == "name":
        if not isinstance(value, str):
            raise TypeError(f"name must be a string, got {value!r}")
        return value
    if name == "weight_decay" and value is None:
        return None
    low, high, below = _RANGES.get(name, _FROM_ZERO)
    return number(name, value, low, high, below)


class Optimizer:
    """What all optimizers have.

    ``code`` is the kernels' name, ``slots`` the number of state arrays, ``initial_state`` the start of the first one,
    and ``hyper`` the numbers that the kernel reads: learning rate, weight decay, the two of ``rates``, epsilon.
    """

    __dataclass_fields__: ClassVar[dict[str, Any]]
    rates: ClassVar[tuple[str, ...]]
    learning_rate: float

    def _kind(self) -> tuple[int, int]:
        """``code`` and ``slots``."""
        raise NotImplementedError

    code = property(lambda self: self._kind()[0])
    slots = property(lambda self: self._kind()[1])
    initial_state = property(lambda self: vars(self).get("initial_accumulator_value", 0.0))

    @property
    def hyper(self) -> tuple[float, ...]:
        names = "learning_rate", "weight_decay", *self.rates, "epsilon"
        return (*(vars(self).get(name) or 0.0 for name in names), 0.0, 0.0, 0.0)

    def __setattr__(self, name: str, value: Any) -> None:
        known = type(self).__dataclass_fields__
        if name not in known:
            raise AttributeError(f"{type(self).__name__} has no setting {name!r}, only {', '.join(known)}")
        if name in vars(self) and name != "learning_rate":
            raise AttributeError(
                f"{name} of {type(self).__name__} is final, since it decides what state there is: "
                "compile the model again with a new optimizer (learning_rate may be set at any time)"
            )
        object.__setattr__(self, name, _checked(name, value))


@dataclass
class SGD(Optimizer):
    """Gradient descent, with momentum where asked for.

    Without momentum ``w -= a g``. With it ``v = momentum v - a g``, then ``w += v``, or Nesterov's
    ``w += momentum v - a g``, which has no effect without momentum.

    Sutskever et al. 2013, On the importance of initialization and momentum in deep learning.

    Parameters
    ----------
    learning_rate, weight_decay, name
        As above.
    momentum : float
        In [0, 1].
    nesterov : bool
        Look ahead along the momentum.

    Examples
    --------
    >>> import fastbp
    >>> fastbp.SGD(0.1, momentum=0.9).slots
    1
    """

    rates: ClassVar[tuple[str, ...]] = ("momentum", "")
    learning_rate: float = 0.01
    momentum: float = 0.0
    nesterov: bool = False
    weight_decay: float | None = None
    name: str = "sgd"

    def _kind(self) -> tuple[int, int]:
        return (2 + self.nesterov, 1) if self.momentum else (1, 0)


@dataclass
class RMSprop(Optimizer):
    """Each gradient divided by the root of its recent mean square.

    ``v = rho v + (1 - rho) g^2``, then ``w -= a g / sqrt(v + epsilon)``: epsilon inside the root. ``centered`` keeps
    ``c = rho c + (1 - rho) g`` too and divides by ``sqrt(v - c^2 + epsilon)``. With momentum
    ``m = momentum m + a g / sqrt(...)``, then ``w -= m``.

    Tieleman and Hinton 2012, Neural networks for machine learning, lecture 6.5; centered: Graves 2013, arXiv:1308.0850.

    Parameters
    ----------
    learning_rate, epsilon, weight_decay, name
        As above.
    rho : float
        In [0, 1): how slowly the mean forgets.
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
    learning_rate: float = 0.001
    rho: float = 0.9
    momentum: float = 0.0
    epsilon: float = 1e-7
    centered: bool = False
    weight_decay: float | None = None
    name: str = "rmsprop"

    def _kind(self) -> tuple[int, int]:
        return 4 + (self.momentum != 0) + 2 * self.centered, 1 + (self.momentum != 0) + self.centered


@dataclass
class Adagrad(Optimizer):
    """Each gradient divided by the root of the sum of all its squares.

    ``s += g^2``, then ``w -= a g / sqrt(s + epsilon)``: epsilon inside the root.

    Duchi et al. 2011, Adaptive subgradient methods for online learning and stochastic optimization.

    Parameters
    ----------
    learning_rate, epsilon, weight_decay, name
        As above.
    initial_accumulator_value : float
        What s starts at.

    Examples
    --------
    >>> import fastbp
    >>> fastbp.Adagrad(0.5).initial_state
    0.1
    """

    rates: ClassVar[tuple[str, ...]] = ("", "")
    learning_rate: float = 0.001
    initial_accumulator_value: float = 0.1
    epsilon: float = 1e-7
    weight_decay: float | None = None
    name: str = "adagrad"

    def _kind(self) -> tuple[int, int]:
        return 8, 1


@dataclass
class Adam(Optimizer):
    """Adaptive moments.

    ``m = beta_1 m + (1 - beta_1) g``, ``v = beta_2 v + (1 - beta_2) g^2``, then
    ``w -= a sqrt(1 - beta_2^t) / (1 - beta_1^t) m / (sqrt(v) + epsilon)``: epsilon outside the root and beside the v
    that is not corrected for its start (the paper's "epsilon hat", as Keras has it; PyTorch adds it to the corrected
    root). With ``amsgrad`` the largest v so far takes v's place.

    Kingma and Ba 2015, arXiv:1412.6980; amsgrad: Reddi et al. 2018, On the convergence of Adam and beyond.

    Parameters
    ----------
    learning_rate, epsilon, weight_decay, name
        As above.
    beta_1, beta_2 : float
        In [0, 1): how slowly the two means forget.
    amsgrad : bool

    Examples
    --------
    >>> import fastbp
    >>> fastbp.Adam(1e-3).slots
    2
    """

    rates: ClassVar[tuple[str, ...]] = ("beta_1", "beta_2")
    learning_rate: float = 0.001
    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-7
    amsgrad: bool = False
    weight_decay: float | None = None
    name: str = "adam"

    def _kind(self) -> tuple[int, int]:
        return 9 + self.amsgrad, 2 + self.amsgrad


@dataclass
class AdamW(Adam):
    """Adam with weight decay from the start: ``w -= w * weight_decay * a``, then Adam's step (epsilon as there).

    Loshchilov and Hutter 2019, arXiv:1711.05101.

    Parameters
    ----------
    learning_rate, beta_1, beta_2, epsilon, amsgrad, weight_decay, name
        As Adam's.

    Examples
    --------
    >>> import fastbp
    >>> fastbp.AdamW().weight_decay
    0.004
    """

    weight_decay: float | None = 0.004
    name: str = "adamw"


@dataclass
class Nadam(Optimizer):
    """Adam with Nesterov's look ahead.

    With ``u_t = beta_1 (1 - 0.96^t / 2)`` and ``U_t`` their product up to t:
    ``M = u_(t+1) m / (1 - U_(t+1)) + (1 - u_t) g / (1 - U_t)``, ``V = v / (1 - beta_2^t)`` with Adam's m and v, then
    ``w -= a M / (sqrt(V) + epsilon)``: epsilon outside the root, beside the corrected V.

    Dozat 2016, Incorporating Nesterov momentum into Adam.

    Parameters
    ----------
    learning_rate, epsilon, weight_decay, name
        As above.
    beta_1, beta_2 : float
        In [0, 1): how slowly the two means forget.

    Examples
    --------
    >>> import fastbp
    >>> fastbp.Nadam().slots
    2
    """

    rates: ClassVar[tuple[str, ...]] = ("beta_1", "beta_2")
    learning_rate: float = 0.001
    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-7
    weight_decay: float | None = None
    name: str = "nadam"

    def _kind(self) -> tuple[int, int]:
        return 11, 2


_CLASSES: dict[str, type[Optimizer]] = {c.__name__.lower(): c for c in (SGD, RMSprop, Adagrad, Adam, AdamW, Nadam)}


def get(identifier: object) -> Optimizer:
    """The optimizer that a name, a class or an ``Optimizer`` stands for.

    Parameters
    ----------
    identifier : str, Optimizer or class of optimizers

    Examples
    --------
    >>> import fastbp
    >>> fastbp.optimizers.get("sgd").learning_rate
    0.01
    """
    optimizer: Optimizer = lookup("optimizer", identifier, Optimizer, _CLASSES)
    return optimizer
