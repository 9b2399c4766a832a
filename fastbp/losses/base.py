"""The base class of all losses."""

from typing import ClassVar


class Loss:
    """The base class of all losses.

    A subclass with a method ``call(self, y_true, y_pred)`` is a custom loss, as in Keras; see ``Custom``.

    Attributes
    ----------
    code : int
        Its code in the kernels.
    code_from_logits : int or None
        The code of the same loss as a function of logits, if there is one.
    output_activation : int or None
        The code of the activation that turns logits into the predictions that the loss takes.
    per_output : bool
        Whether the mean is over samples and outputs, rather than over samples alone.
    sparse : bool
        Whether targets are integer labels.
    any_width : bool
        Whether targets may have more or fewer columns than there are outputs.
    """

    name: str
    code: ClassVar[int]
    code_from_logits: ClassVar[int | None] = None
    output_activation: ClassVar[int | None] = None
    per_output: ClassVar[bool]
    sparse: ClassVar[bool] = False
    from_logits: ClassVar[bool] = False
    any_width: ClassVar[bool] = False

    @property
    def parameter(self) -> float:
        """The number the kernel needs besides the data."""
        return 0.0
