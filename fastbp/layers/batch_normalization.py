"""Batch normalization as a layer."""

from typing import Any, Unpack

from .. import constraints, initializers, regularizers
from ..arguments import boolean, integer, number
from ..constraints import Constraint
from ..initializers import Initializer
from ..regularizers import Regularizer
from .base import Layer, Weight
from .settings import Common
from .stages import Stage, batch_norm
from .variable import Variable


class BatchNormalization(Layer):
    """``gamma * (x - mean) / sqrt(variance + epsilon) + beta`` for each unit (Ioffe & Szegedy 2015, arXiv:1502.03167).

    While the model learns, mean and variance are those of the batch, and moving ones follow them. For ``predict`` and
    ``evaluate`` the moving ones are used; with ``training=True`` those of all rows given, and the moving ones stay.

    Parameters
    ----------
    axis : int
        -1: a sample's units, the only axis there is.
    momentum : float
        From 0 to 1: how much is left of the moving mean and variance after a step, the rest being that of the batch.
    epsilon : float
        At least 0.
    center, scale : bool
        Whether there is a beta, and a gamma.
    beta_initializer, gamma_initializer, moving_mean_initializer, moving_variance_initializer : str or callable
        See ``fastbp.initializers``.
    beta_regularizer, gamma_regularizer : str or Regularizer, optional
        See ``fastbp.regularizers``.
    beta_constraint, gamma_constraint : str or Constraint, optional
        See ``fastbp.constraints``.
    renorm, synchronized : bool
        Of Keras, False here; ``renorm_clipping`` and ``renorm_momentum`` go with ``renorm``.
    **settings
        ``name`` and the others of every ``Layer``.

    Notes
    -----
    The variance is that of the batch itself, its squared deviations over the number of rows, for the moving one too. The
    weights of samples do not count in it. A layer that is not ``trainable`` uses the moving statistics while the model
    learns, and leaves them as they are.

    A batch is kept in memory as a whole, with all layers' outputs.

    Examples
    --------
    >>> import fastbp
    >>> layer = fastbp.layers.BatchNormalization()
    >>> model = fastbp.Sequential([fastbp.Input((2,)), fastbp.Dense(3, use_bias=False), layer, fastbp.layers.ReLU()])
    >>> [weight.name for weight in layer.weights]
    ['gamma', 'beta', 'moving_mean', 'moving_variance']
    """

    kind = "batch_normalization"
    differs_in_training = True
    axis: int
    momentum: float
    epsilon: float
    center: bool
    scale: bool
    beta_initializer: Initializer
    gamma_initializer: Initializer
    moving_mean_initializer: Initializer
    moving_variance_initializer: Initializer
    beta_regularizer: Regularizer | None
    gamma_regularizer: Regularizer | None
    beta_constraint: Constraint | None
    gamma_constraint: Constraint | None

    def __init__(
        self,
        axis: int = -1,
        momentum: float = 0.99,
        epsilon: float = 0.001,
        center: bool = True,
        scale: bool = True,
        beta_initializer: str | Initializer = "zeros",
        gamma_initializer: str | Initializer = "ones",
        moving_mean_initializer: str | Initializer = "zeros",
        moving_variance_initializer: str | Initializer = "ones",
        beta_regularizer: str | Regularizer | None = None,
        gamma_regularizer: str | Regularizer | None = None,
        beta_constraint: str | Constraint | None = None,
        gamma_constraint: str | Constraint | None = None,
        renorm: bool = False,
        renorm_clipping: Any = None,
        renorm_momentum: float = 0.99,
        synchronized: bool = False,
        **settings: Unpack[Common],
    ) -> None:
        super().__init__(**settings)
        if integer("axis", axis, -1) not in (-1, 1):
            raise ValueError(f"axis must be -1, the units of a sample (1 is the same), got {axis!r}")
        for argument, value in {"renorm": renorm, "synchronized": synchronized}.items():
            if boolean(argument, value):
                raise ValueError(f"{argument} must be False, got True: a batch is normalized by its own statistics alone")
        initial = {
            "beta_initializer": beta_initializer,
            "gamma_initializer": gamma_initializer,
            "moving_mean_initializer": moving_mean_initializer,
            "moving_variance_initializer": moving_variance_initializer,
        }
        self._set(
            axis=int(axis),
            momentum=number("momentum", momentum, 0, 1),
            epsilon=number("epsilon", epsilon, 0),
            center=boolean("center", center),
            scale=boolean("scale", scale),
            **{argument: initializers.get(value, argument) for argument, value in initial.items()},
            beta_regularizer=regularizers.get(beta_regularizer, "beta_regularizer"),
            gamma_regularizer=regularizers.get(gamma_regularizer, "gamma_regularizer"),
            beta_constraint=constraints.get(beta_constraint, "beta_constraint", axes=1),
            gamma_constraint=constraints.get(gamma_constraint, "gamma_constraint", axes=1),
            renorm=False,
            renorm_clipping=renorm_clipping,
            renorm_momentum=renorm_momentum,
            synchronized=False,
        )

    def weight_specs(self, input_units: int) -> tuple[Weight, ...]:
        """Gamma, beta, the moving mean and the moving variance."""
        shape = (input_units,)
        rules = self.gamma_regularizer, self.gamma_constraint
        gamma = (Weight("gamma", shape, self.gamma_initializer, True, *rules),) if self.scale else ()
        rules = self.beta_regularizer, self.beta_constraint
        beta = (Weight("beta", shape, self.beta_initializer, True, *rules),) if self.center else ()
        moving = (
            Weight("moving_mean", shape, self.moving_mean_initializer, trainable=False),
            Weight("moving_variance", shape, self.moving_variance_initializer, trainable=False),
        )
        return *gamma, *beta, *moving

    def stages(self, input_units: int) -> tuple[Stage, ...]:
        """The layer as the kernels compute it."""
        return (batch_norm(input_units, self.center, self.scale, self.epsilon, self.momentum),)

    @property
    def gamma(self) -> Variable | None:
        """The scale, of shape (units,); None for a layer without one."""
        return self._weight("gamma") if self.scale else None

    @property
    def beta(self) -> Variable | None:
        """The offset, of shape (units,); None for a layer without one."""
        return self._weight("beta") if self.center else None

    @property
    def moving_mean(self) -> Variable:
        """The mean that predictions use, of shape (units,)."""
        return self._weight("moving_mean")

    @property
    def moving_variance(self) -> Variable:
        """The variance that predictions use, of shape (units,)."""
        return self._weight("moving_variance")
