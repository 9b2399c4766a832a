"""Layers that disturb their input at random while a network learns, so that it comes not to rely on any one number.

They do so in training, and where ``training=True`` asks for it; otherwise they leave their input as it is, at no cost. The same
seed of the model gives the same noise, whatever the number of threads; a layer with a ``seed`` has a noise of its own.
"""

import math
from typing import ClassVar, Unpack

from ..arguments import integer, number
from ..kernels.codes import SELU_ALPHA, SELU_SCALE
from ..kernels.fields import ALPHA_DROPOUT, DROPOUT, GAUSSIAN_DROPOUT, GAUSSIAN_NOISE
from .base import Layer
from .settings import Common
from .stages import Stage


class Noise(Layer):
    """What layers that are random have in common."""

    keeps_axes = True
    differs_in_training = True
    stage_kind: ClassVar[int]
    seed: int | None

    def _set_seed(self, seed: int | None) -> None:
        self._set(seed=None if seed is None else integer("seed", seed, 0))

    def _refuse_shape(self, noise_shape: None) -> None:
        if noise_shape is not None:
            raise ValueError(f"noise_shape must be None: each number has a chance of its own, got {noise_shape!r}")
        self._set(noise_shape=None)

    def stage_settings(self) -> tuple[float, ...]:
        """What its kernels read; none if it never changes its input."""
        raise NotImplementedError

    def stages(self, input_units: int) -> tuple[Stage, ...]:
        """The layer as the kernels compute it."""
        settings = self.stage_settings()
        return (Stage(self.stage_kind, input_units, input_units, settings=settings, seed=self.seed),) if settings else ()


class Dropout(Noise):
    """Each number is 0 with probability ``rate``, else multiplied by ``1 / (1 - rate)``, so that the mean stays
    (Srivastava et al. 2014, https://jmlr.org/papers/v15/srivastava14a.html).

    Parameters
    ----------
    rate : float
        In [0, 1).
    noise_shape : None
        Each number has a chance of its own.
    seed : int, optional
        Fixes the noise of this layer, whatever the model's seed.
    **settings
        ``name`` and the others of every ``Layer``.

    Examples
    --------
    >>> import fastbp
    >>> layer = fastbp.layers.Dropout(0.5, seed=4)
    >>> layer([[1.0, 2.0, 3.0, 4.0]], training=True)
    array([[0., 4., 0., 8.]], dtype=float32)
    >>> layer([[1.0, 2.0, 3.0, 4.0]])
    array([[1., 2., 3., 4.]], dtype=float32)
    """

    kind = "dropout"
    stage_kind = DROPOUT
    rate: float

    def __init__(self, rate: float, noise_shape: None = None, seed: int | None = None, **settings: Unpack[Common]) -> None:
        super().__init__(**settings)
        self._set(rate=number("rate", rate, 0, 1, below=True))
        self._set_seed(seed)
        self._refuse_shape(noise_shape)

    def stage_settings(self) -> tuple[float, ...]:
        """The rate, and the factor of what is kept."""
        return (self.rate, 1 / (1 - self.rate)) if self.rate else ()


class GaussianNoise(Noise):
    """``x`` plus a random number from a normal distribution of mean 0.

    Parameters
    ----------
    stddev : float
        The standard deviation, at least 0.
    seed : int, optional
        Fixes the noise of this layer, whatever the model's seed.
    **settings
        ``name`` and the others of every ``Layer``.

    Examples
    --------
    >>> import numpy as np
    >>> import fastbp
    >>> noisy = fastbp.layers.GaussianNoise(0.1, seed=0)(np.ones((1000, 4)), training=True)
    >>> bool(abs(noisy.std() - 0.1) < 0.01)
    True
    """

    kind = "gaussian_noise"
    stage_kind = GAUSSIAN_NOISE
    stddev: float

    def __init__(self, stddev: float, seed: int | None = None, **settings: Unpack[Common]) -> None:
        super().__init__(**settings)
        self._set(stddev=number("stddev", stddev, 0))
        self._set_seed(seed)

    def stage_settings(self) -> tuple[float, ...]:
        """The standard deviation."""
        return (self.stddev,) if self.stddev else ()


class GaussianDropout(Noise):
    """``x`` times a random number from a normal distribution of mean 1 and the standard deviation of ``Dropout``'s factor,
    ``sqrt(rate / (1 - rate))`` (Srivastava et al. 2014, section 10).

    Parameters
    ----------
    rate : float
        In [0, 1).
    seed : int, optional
        Fixes the noise of this layer, whatever the model's seed.
    **settings
        ``name`` and the others of every ``Layer``.

    Examples
    --------
    >>> import numpy as np
    >>> import fastbp
    >>> noisy = fastbp.layers.GaussianDropout(0.5, seed=0)(np.ones((1000, 4)), training=True)
    >>> bool(abs(noisy.std() - 1) < 0.1)
    True
    """

    kind = "gaussian_dropout"
    stage_kind = GAUSSIAN_DROPOUT
    rate: float

    def __init__(self, rate: float, seed: int | None = None, **settings: Unpack[Common]) -> None:
        super().__init__(**settings)
        self._set(rate=number("rate", rate, 0, 1, below=True))
        self._set_seed(seed)

    def stage_settings(self) -> tuple[float, ...]:
        """The standard deviation."""
        return (math.sqrt(self.rate / (1 - self.rate)),) if self.rate else ()


class AlphaDropout(Noise):
    """Dropout for ``selu``: each number becomes selu's limit for negative inputs with probability ``rate``, and a linear
    function of the result brings mean and variance back to 0 and 1 (Klambauer et al. 2017, arXiv:1706.02515).

    Parameters
    ----------
    rate : float
        In [0, 1).
    noise_shape : None
        Each number has a chance of its own.
    seed : int, optional
        Fixes the noise of this layer, whatever the model's seed.
    **settings
        ``name`` and the others of every ``Layer``.

    Examples
    --------
    >>> import numpy as np
    >>> import fastbp
    >>> x = np.random.default_rng(0).normal(size=(1000, 4))
    >>> noisy = fastbp.layers.AlphaDropout(0.2, seed=0)(x, training=True)
    >>> bool(abs(noisy.mean()) < 0.1), bool(abs(noisy.std() - 1) < 0.1)
    (True, True)
    """

    kind = "alpha_dropout"
    stage_kind = ALPHA_DROPOUT
    rate: float

    def __init__(self, rate: float, noise_shape: None = None, seed: int | None = None, **settings: Unpack[Common]) -> None:
        super().__init__(**settings)
        self._set(rate=number("rate", rate, 0, 1, below=True))
        self._set_seed(seed)
        self._refuse_shape(noise_shape)

    def stage_settings(self) -> tuple[float, ...]:
        """The rate, and the linear function."""
        if not self.rate:
            return ()
        limit = -SELU_ALPHA * SELU_SCALE
        scale = ((1 - self.rate) * (1 + self.rate * limit**2)) ** -0.5
        return self.rate, scale, -scale * limit * self.rate
