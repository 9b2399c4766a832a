"""Numbers brought to another range."""

from typing import Any, Unpack

from .. import activations
from ..arguments import number
from .base import Layer
from .settings import Common
from .stages import Stage, activate


class Rescaling(Layer):
    """``x * scale + offset``, as for pixels: ``Rescaling(1 / 255)``.

    Parameters
    ----------
    scale, offset : float
    **settings
        ``name`` and the others of every ``Layer``.

    Examples
    --------
    >>> import fastbp
    >>> model = fastbp.Sequential([fastbp.layers.Rescaling(1 / 255), fastbp.Dense(1, kernel_initializer="ones")])
    >>> model([[51.0, 102.0]])
    array([[0.6]], dtype=float32)
    """

    kind = "rescaling"
    keeps_axes = True
    scale: float
    offset: float

    def __init__(self, scale: float, offset: float = 0.0, **settings: Unpack[Common]) -> None:
        super().__init__(**settings)
        self._set(scale=number("scale", scale), offset=number("offset", offset))

    def stages(self, input_units: int) -> tuple[Stage, ...]:
        """A formula of each number."""
        return (activate(input_units, activations.custom(Line(self.scale, self.offset), "rescaling")),)


class Line:
    """``z * scale + offset``, which pickle can take, as it cannot take a lambda."""

    def __init__(self, scale: float, offset: float) -> None:
        self.scale, self.offset = scale, offset

    def __call__(self, z: Any) -> Any:
        return z * self.scale + self.offset
