"""Activations as layers of their own names: ReLU, LeakyReLU, ELU, Softmax, and PReLU, which learns."""

from typing import Unpack

from .. import activations, constraints, initializers, regularizers
from ..constraints import Constraint
from ..initializers import Initializer
from ..regularizers import Regularizer
from .activation import Activated
from .base import Layer, Weight
from .settings import Common
from .stages import Stage, prelu
from .variable import Variable


class ReLU(Activated):
    """``x`` above ``threshold``, but at most ``max_value``; below it ``negative_slope * (x - threshold)``.

    Parameters
    ----------
    max_value : float or None
        None is unlimited.
    negative_slope, threshold : float
        At least 0.
    **settings
        ``name`` and the others of every ``Layer``.

    Examples
    --------
    >>> import fastbp
    >>> model = fastbp.Sequential([fastbp.Input((1,)), fastbp.Dense(1), fastbp.layers.ReLU(max_value=6)])
    >>> model.set_weights([[[1.0]], [0.0]])
    >>> model.predict([[-1.0], [1.0], [10.0]])
    array([[0.],
           [1.],
           [6.]], dtype=float32)
    """

    kind = "re_lu"
    max_value: float | None
    negative_slope: float
    threshold: float

    def __init__(
        self,
        max_value: float | None = None,
        negative_slope: float = 0.0,
        threshold: float = 0.0,
        **settings: Unpack[Common],
    ) -> None:
        super().__init__(**settings)
        activation = activations.relu(negative_slope=negative_slope, max_value=max_value, threshold=threshold)
        self._set(**dict(activation.settings), activation=activation)


class LeakyReLU(Activated):
    """``x`` where it is positive, else ``negative_slope * x``.

    Parameters
    ----------
    negative_slope : float
        At least 0. The default is that of Keras's layer; its activation of the name leaky_relu has 0.2.
    **settings
        ``name`` and the others of every ``Layer``.
    alpha : float, optional
        Keras 2's name of ``negative_slope``.

    Examples
    --------
    >>> import fastbp
    >>> fastbp.layers.LeakyReLU().negative_slope
    0.3
    """

    kind = "leaky_re_lu"
    negative_slope: float

    def __init__(self, negative_slope: float = 0.3, *, alpha: float | None = None, **settings: Unpack[Common]) -> None:
        super().__init__(**settings)
        activation = activations.leaky_relu(negative_slope=negative_slope if alpha is None else alpha)
        self._set(**dict(activation.settings), activation=activation)


class ELU(Activated):
    """``x`` where it is positive, else ``alpha * (exp(x) - 1)``.

    Parameters
    ----------
    alpha : float
        At least 0.
    **settings
        ``name`` and the others of every ``Layer``.

    Examples
    --------
    >>> import fastbp
    >>> fastbp.layers.ELU(0.5).alpha
    0.5
    """

    kind = "elu"
    alpha: float

    def __init__(self, alpha: float = 1.0, **settings: Unpack[Common]) -> None:
        super().__init__(**settings)
        activation = activations.elu(alpha=alpha)
        self._set(**dict(activation.settings), activation=activation)


class Softmax(Activated):
    """Probabilities in proportion to ``exp(x)``.

    Parameters
    ----------
    axis : int
        -1: a sample's units, the only axis there is.
    **settings
        ``name`` and the others of every ``Layer``.

    Examples
    --------
    >>> import fastbp
    >>> model = fastbp.Sequential([fastbp.Input((2,)), fastbp.Dense(3), fastbp.layers.Softmax()])
    >>> bool(abs(model.predict([[1.0, 2.0]]).sum() - 1) < 1e-6)
    True
    """

    kind = "softmax"
    axis: int

    def __init__(self, axis: int = -1, **settings: Unpack[Common]) -> None:
        super().__init__(**settings)
        activation = activations.softmax(axis=axis)
        self._set(**dict(activation.settings), activation=activation)


class PReLU(Layer):
    """``x`` where it is positive, else ``alpha * x`` with an alpha for each unit, which is learnt (He et al. 2015,
    arXiv:1502.01852).

    Parameters
    ----------
    alpha_initializer : str or callable
        See ``fastbp.initializers``. Zeros make it begin as a relu.
    alpha_regularizer : str or Regularizer, optional
        See ``fastbp.regularizers``.
    alpha_constraint : str or Constraint, optional
        See ``fastbp.constraints``.
    shared_axes : None
        Each unit has a slope of its own.
    **settings
        ``name`` and the others of every ``Layer``.

    Examples
    --------
    >>> import fastbp
    >>> model = fastbp.Sequential([fastbp.Input((2,)), fastbp.Dense(3), fastbp.layers.PReLU()])
    >>> [w.shape for w in model.get_weights()]
    [(2, 3), (3,), (3,)]
    """

    kind = "p_re_lu"
    alpha_initializer: Initializer
    alpha_regularizer: Regularizer | None
    alpha_constraint: Constraint | None

    def __init__(
        self,
        alpha_initializer: str | Initializer = "zeros",
        alpha_regularizer: str | Regularizer | None = None,
        alpha_constraint: str | Constraint | None = None,
        shared_axes: None = None,
        **settings: Unpack[Common],
    ) -> None:
        super().__init__(**settings)
        if shared_axes is not None:
            raise ValueError(f"shared_axes must be None: each unit has a slope of its own, got {shared_axes!r}")
        self._set(
            alpha_initializer=initializers.get(alpha_initializer, "alpha_initializer"),
            shared_axes=None,
            alpha_regularizer=regularizers.get(alpha_regularizer, "alpha_regularizer"),
            alpha_constraint=constraints.get(alpha_constraint, "alpha_constraint", axes=1),
        )

    @property
    def alpha(self) -> Variable:
        """The slopes, of shape (units,)."""
        return self._weight("alpha")

    def weight_specs(self, input_units: int) -> tuple[Weight, ...]:
        """Alpha."""
        rules = self.alpha_regularizer, self.alpha_constraint
        return (Weight("alpha", (input_units,), self.alpha_initializer, True, *rules),)

    def stages(self, input_units: int) -> tuple[Stage, ...]:
        """The layer as the kernels compute it."""
        return (prelu(input_units),)

    @property
    def output_activation(self) -> str | None:
        """A name: it is no activation of the given name, for it has weights."""
        return "prelu"
