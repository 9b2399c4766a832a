"""Layers that normalize each sample by itself: LayerNormalization, RMSNormalization, UnitNormalization."""

import math
from collections.abc import Sequence
from typing import Any, Unpack

from .. import constraints, initializers, regularizers
from ..arguments import boolean, number
from ..constraints import Constraint
from ..initializers import Initializer
from ..kernels import fields as at
from ..regularizers import Regularizer
from .base import Layer, Weight
from .settings import Common
from .stages import Stage, row_norm
from .variable import Variable

MAX_UNIT_FACTOR = 1e12  # of UnitNormalization: what is shorter than its inverse does not become 1 long


def row_axis(axis: int | Sequence[int]) -> int | list[int]:
    """The axis of a layer that normalizes rows: -1 or 1, perhaps in a list."""
    given = axis if isinstance(axis, list | tuple) else [axis]
    if len(given) != 1 or isinstance(given[0], bool) or given[0] not in (-1, 1):
        raise ValueError(f"axis must be -1, a sample's units, got {axis!r}: samples of several axes need a Flatten before")
    found = int(given[0])
    return [found] if isinstance(axis, list | tuple) else found


class LayerNormalization(Layer):
    """Each sample about its own mean, over its own standard deviation: ``(x - mean) / sqrt(variance + epsilon) * gamma + beta``
    with a gamma and a beta for each unit, which are learnt (Ba et al. 2016, arXiv:1607.06450).

    An ``Activation`` after it costs no more than one within a ``Dense``.

    Parameters
    ----------
    axis : int
        -1: a sample's units, the only axis there is.
    epsilon : float
        At least 0; added to the variance.
    center, scale : bool
        Whether there is a beta, and a gamma.
    beta_initializer, gamma_initializer : str or callable
        See ``fastbp.initializers``.
    beta_regularizer, gamma_regularizer : str or Regularizer, optional
        See ``fastbp.regularizers``.
    beta_constraint, gamma_constraint : str or Constraint, optional
        See ``fastbp.constraints``.
    **settings
        ``name`` and the others of every ``Layer``.

    Examples
    --------
    >>> import fastbp
    >>> fastbp.layers.LayerNormalization(epsilon=0)([[1.0, 3.0], [10.0, 40.0]])
    array([[-1.,  1.],
           [-1.,  1.]], dtype=float32)
    """

    kind = "layer_normalization"
    axis: int | list[int]
    epsilon: float
    center: bool
    scale: bool
    beta_initializer: Initializer
    gamma_initializer: Initializer
    beta_regularizer: Regularizer | None
    gamma_regularizer: Regularizer | None
    beta_constraint: Constraint | None
    gamma_constraint: Constraint | None

    def __init__(
        self,
        axis: int | Sequence[int] = -1,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: str | Initializer = "zeros",
        gamma_initializer: str | Initializer = "ones",
        beta_regularizer: str | Regularizer | None = None,
        gamma_regularizer: str | Regularizer | None = None,
        beta_constraint: str | Constraint | None = None,
        gamma_constraint: str | Constraint | None = None,
        *,
        rms_scaling: bool = False,
        **settings: Unpack[Common],
    ) -> None:
        super().__init__(**settings)
        if rms_scaling:
            raise ValueError(f"rms_scaling must be False, got {rms_scaling!r}: use RMSNormalization")
        self._set(
            axis=row_axis(axis),
            epsilon=number("epsilon", epsilon, 0),
            center=boolean("center", center),
            scale=boolean("scale", scale),
            beta_initializer=initializers.get(beta_initializer, "beta_initializer"),
            gamma_initializer=initializers.get(gamma_initializer, "gamma_initializer"),
            beta_regularizer=regularizers.get(beta_regularizer, "beta_regularizer"),
            gamma_regularizer=regularizers.get(gamma_regularizer, "gamma_regularizer"),
            beta_constraint=constraints.get(beta_constraint, "beta_constraint", axes=1),
            gamma_constraint=constraints.get(gamma_constraint, "gamma_constraint", axes=1),
        )

    def weight_specs(self, input_units: int) -> tuple[Weight, ...]:
        """Gamma and beta, those that there are."""
        rules = self.gamma_regularizer, self.gamma_constraint
        gamma = [Weight("gamma", (input_units,), self.gamma_initializer, True, *rules)] if self.scale else []
        rules = self.beta_regularizer, self.beta_constraint
        beta = [Weight("beta", (input_units,), self.beta_initializer, True, *rules)] if self.center else []
        return (*gamma, *beta)

    def stages(self, input_units: int) -> tuple[Stage, ...]:
        """The layer as the kernels compute it."""
        return (row_norm(at.LAYER_NORM, input_units, self.epsilon, inverse_root(self.epsilon), self.scale, self.center),)

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal layer, as values that JSON can hold."""
        return {**super().get_config(), "rms_scaling": False}

    @property
    def gamma(self) -> Variable | None:
        """The scales, of shape (units,); None for a layer without."""
        return self._weight("gamma") if self.scale else None

    @property
    def beta(self) -> Variable | None:
        """The offsets, of shape (units,); None for a layer without."""
        return self._weight("beta") if self.center else None


class RMSNormalization(Layer):
    """Each sample over its own root mean square: ``x / sqrt(mean(x^2) + epsilon) * scale`` with a scale for each unit, which
    is learnt (Zhang and Sennrich 2019, arXiv:1910.07467).

    Parameters
    ----------
    axis : int
        -1: a sample's units, the only axis there is.
    epsilon : float
        At least 0.
    **settings
        ``name`` and the others of every ``Layer``.

    Examples
    --------
    >>> import fastbp
    >>> fastbp.layers.RMSNormalization(epsilon=0)([[7.0, 1.0]])
    array([[1.4, 0.2]], dtype=float32)
    """

    kind = "rms_normalization"
    axis: int | list[int]
    epsilon: float

    def __init__(self, axis: int | Sequence[int] = -1, epsilon: float = 1e-6, **settings: Unpack[Common]) -> None:
        super().__init__(**settings)
        self._set(axis=row_axis(axis), epsilon=number("epsilon", epsilon, 0))

    def weight_specs(self, input_units: int) -> tuple[Weight, ...]:
        """Scale."""
        return (Weight("scale", (input_units,), initializers.get("ones")),)

    def stages(self, input_units: int) -> tuple[Stage, ...]:
        """The layer as the kernels compute it."""
        return (row_norm(at.RMS_NORM, input_units, self.epsilon, inverse_root(self.epsilon), gamma=True, beta=False),)

    @property
    def scale(self) -> Variable:
        """The scales, of shape (units,)."""
        return self._weight("scale")


class UnitNormalization(Layer):
    """Each sample over its own length, so that the sum of its squares is 1; zeros stay zeros.

    Parameters
    ----------
    axis : int
        -1: a sample's units, the only axis there is.
    **settings
        ``name`` and the others of every ``Layer``.

    Examples
    --------
    >>> import fastbp
    >>> fastbp.layers.UnitNormalization()([[3.0, 4.0], [0.0, 0.0]])
    array([[0.6, 0.8],
           [0. , 0. ]], dtype=float32)
    """

    kind = "unit_normalization"
    axis: int | list[int]

    def __init__(self, axis: int | Sequence[int] = -1, **settings: Unpack[Common]) -> None:
        super().__init__(**settings)
        self._set(axis=row_axis(axis))

    def stages(self, input_units: int) -> tuple[Stage, ...]:
        """The layer as the kernels compute it."""
        return (row_norm(at.UNIT_NORM, input_units, 0.0, MAX_UNIT_FACTOR, gamma=False, beta=False),)


def inverse_root(epsilon: float) -> float:
    """The factor of a row without any deviation."""
    return 1 / math.sqrt(epsilon) if epsilon else math.inf
