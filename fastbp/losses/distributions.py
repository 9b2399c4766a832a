"""Losses that learn a distribution: quantiles, a mean with its variance, a mean of what is never negative."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..arguments import boolean, number
from ..keywords import keywords
from . import distribution_functions as functions
from .base import KEYWORDS, MEAN, Domain, Loss


class _Several(Loss):
    """A loss of several outputs for each target."""

    @property
    def _each(self) -> tuple[int, str]:
        """How many outputs there are for each target, and which."""
        raise NotImplementedError

    def target_columns(self, outputs: int) -> int:
        each, which = self._each
        if outputs % each:
            raise ValueError(f"loss {self.name!r} needs a last layer of {each} units for each target, {which}, got {outputs}")
        return outputs // each


@keywords(KEYWORDS)
@dataclass(frozen=True)
class Quantile(_Several):
    """The pinball loss: the network learns the number below which a given share of the targets lies, or several such.

    The mean of ``max(q e, (q - 1) e)`` for ``e = target - prediction``; scikit-learn's ``mean_pinball_loss``. Koenker and
    Bassett 1978, Regression quantiles, Econometrica 46.

    Parameters
    ----------
    quantile : float or list of float
        Between 0 and 1; 0.5 is the median. With several, the network has an output for each: those of the first column of
        the targets, then those of the next.
    reduction, name
        See ``Loss``.

    Examples
    --------
    >>> import fastbp
    >>> model = fastbp.Sequential([fastbp.Dense(3)])
    >>> model.compile("adam", fastbp.losses.Quantile([0.1, 0.5, 0.9]))
    >>> history = model.fit([[0.0], [1.0]], [1.0, 2.0], verbose=0)
    >>> model.predict([[0.0]]).shape
    (1, 3)
    """

    quantile: float | Sequence[float] = 0.5
    reduction: str | None = MEAN
    name: str = "quantile"

    def __post_init__(self) -> None:
        super().__post_init__()
        given: Any = self.quantile
        several = isinstance(given, Sequence | np.ndarray) and not isinstance(given, str)
        levels = tuple(number("quantile", level, 0, 1) for level in (given if several else (given,)))
        if not levels or {0, 1} & {*levels}:
            raise ValueError(f"quantile must be one or several numbers between 0 and 1, got {given!r}")
        object.__setattr__(self, "quantile", levels if several else levels[0])

    @property
    def _each(self) -> tuple[int, str]:
        count = len(self.quantile) if isinstance(self.quantile, tuple) else 1
        return count, "one for each quantile"

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """The value of each sample."""
        return functions.quantile(y_true, y_pred, self.quantile)


@keywords(KEYWORDS)
@dataclass(frozen=True)
class GaussianNLL(_Several):
    """Minus the logarithm of a normal density: the network learns a mean, and how far the targets are spread about it.

    The mean of ``(v + (target - m)^2 exp(-v)) / 2``, where m is the mean and v the logarithm of the variance: PyTorch's
    ``GaussianNLLLoss`` of the variance ``exp(v)``. Nix and Weigend 1994, Estimating the mean and variance of the target
    probability distribution, ICNN.

    Parameters
    ----------
    full : bool
        Add the constant ``log(2 pi) / 2``.
    eps : float
        More than 0: smaller variances count as that.
    reduction, name
        See ``Loss``.

    Notes
    -----
    The network has two outputs for each target, first all means, then all logarithms of variances: for k targets
    ``mean, log_variance = np.split(model.predict(x), 2, axis=1)`` and a last layer ``Dense(2 * k)`` without activation.

    Examples
    --------
    >>> import fastbp
    >>> model = fastbp.Sequential([fastbp.Input((1,)), fastbp.Dense(2, kernel_initializer="zeros")])
    >>> model.compile("adam", "gaussian_nll")
    >>> model.evaluate([[0.0], [1.0]], [1.0, 2.0], verbose=0)
    1.25
    """

    full: bool = False
    eps: float = 1e-6
    reduction: str | None = MEAN
    name: str = "gaussian_nll"

    def __post_init__(self) -> None:
        super().__post_init__()
        boolean("full", self.full)
        if number("eps", self.eps, 0) == 0:
            raise ValueError(f"eps must be more than 0, got {self.eps!r}")

    @property
    def _each(self) -> tuple[int, str]:
        return 2, "a mean and the logarithm of a variance"

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """The value of each sample."""
        return functions.gaussian_nll(y_true, y_pred, self.full, self.eps)


class _Deviance(Loss):
    """A deviance of Tweedie's, of some power, for predictions of means or of their logarithms."""

    log_input: bool
    power: float = 2.0

    def __post_init__(self) -> None:
        super().__post_init__()
        boolean("log_input", self.log_input)

    @property
    def domain(self) -> Domain | None:
        return Domain(0.0, is_open=self.power >= 2) if self.power >= 1 else None

    @property
    def needs_positive(self) -> bool:
        return self.power != 0 and not self.log_input


@keywords(KEYWORDS)
@dataclass(frozen=True)
class Tweedie(_Deviance):
    """The deviance of a Tweedie distribution, for sums such as claims or rain: often 0, else positive and skewed.

    It is scikit-learn's ``mean_tweedie_deviance``, ``2 (t^(2-p) / ((1-p) (2-p)) - t m^(1-p) / (1-p) + m^(2-p) / (2-p))`` for
    targets t, predicted means m and a variance of ``m^p``, and its limits for the powers 0 (the squared error), 1 (counts)
    and 2 (``Gamma``). Jørgensen 1987, Exponential dispersion models, JRSS B 49.

    Parameters
    ----------
    power : float
        At most 0, or at least 1. Targets are at least 0 from 1 on, and more than 0 from 2 on.
    log_input : bool
        The network's outputs are logarithms of means (the log link) rather than means, and any numbers will do.
    reduction, name
        See ``Loss``.

    Notes
    -----
    Means must be positive: a last layer with "exponential" or "softplus" gives such. Below 1e-7 they count as that, unless the
    power is 0.

    Examples
    --------
    >>> import fastbp
    >>> last = fastbp.Dense(1, "exponential", kernel_initializer="zeros")
    >>> model = fastbp.Sequential([fastbp.Input((1,)), last])
    >>> model.compile("adam", fastbp.losses.Tweedie(power=1.5))
    >>> model.evaluate([[0.0], [0.0]], [0.0, 4.0], verbose=0)
    4.0
    """

    power: float = 1.5
    log_input: bool = False
    reduction: str | None = MEAN
    name: str = "tweedie"

    def __post_init__(self) -> None:
        super().__post_init__()
        if 0 < number("power", self.power) < 1:
            raise ValueError(f"power must be at most 0 or at least 1, got {self.power!r}")

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """The value of each sample."""
        return functions.tweedie(y_true, y_pred, self.power, self.log_input)


@keywords(KEYWORDS)
@dataclass(frozen=True)
class Gamma(_Deviance):
    """The deviance of a gamma distribution, for positive numbers that spread in proportion to their mean, as costs and times.

    The mean of ``2 (log(m / t) + t / m - 1)`` for targets t and predicted means m: scikit-learn's ``mean_gamma_deviance``,
    and twice the negative log-likelihood but for a constant.

    Parameters
    ----------
    log_input : bool
        The network's outputs are logarithms of means (the log link) rather than means, and any numbers will do.
    reduction, name
        See ``Loss``.

    Notes
    -----
    Targets are more than 0. Means must be positive: a last layer with "exponential" or "softplus" gives such. Below 1e-7 they
    count as that.

    Examples
    --------
    >>> import fastbp
    >>> model = fastbp.Sequential([fastbp.Input((1,)), fastbp.Dense(1, kernel_initializer="zeros")])
    >>> model.compile("adam", fastbp.losses.Gamma(log_input=True))
    >>> model.evaluate([[0.0]], [1.0], verbose=0)
    0.0
    """

    log_input: bool = False
    reduction: str | None = MEAN
    name: str = "gamma"

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """The value of each sample."""
        return functions.gamma(y_true, y_pred, self.log_input)
