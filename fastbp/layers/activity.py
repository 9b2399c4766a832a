"""A penalty on what passes through."""

from typing import Any, Unpack

from ..regularizers import L1L2
from .base import Layer
from .settings import Common
from .stages import Stage


class ActivityRegularization(Layer):
    """The input as it is, with a penalty on it: ``l1 * sum(abs(x)) + l2 * sum(x**2)``, the mean over the samples of a batch.

    Parameters
    ----------
    l1, l2 : float
        At least 0.
    **settings
        ``name`` and the others of every ``Layer``.

    Examples
    --------
    >>> import fastbp
    >>> penalty = fastbp.layers.ActivityRegularization(l2=0.5)
    >>> model = fastbp.Sequential([penalty, fastbp.Dense(1, kernel_initializer="zeros")])
    >>> model.compile("sgd", "mse")
    >>> model.train_on_batch([[1.0], [3.0]], [0.0, 0.0])
    2.5
    """

    kind = "activity_regularization"
    keeps_axes = True
    l1: float
    l2: float

    def __init__(self, l1: float = 0.0, l2: float = 0.0, **settings: Unpack[Common]) -> None:
        penalty = L1L2(l1, l2)
        super().__init__(activity_regularizer=penalty, **settings)  # type: ignore[misc]  # one that is given is refused
        self._set(l1=penalty.l1, l2=penalty.l2)

    def stages(self, input_units: int) -> tuple[Stage, ...]:
        """None: the numbers stay where they are."""
        return ()

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal layer, as values that JSON can hold."""
        config = super().get_config()
        del config["activity_regularizer"]
        return config
