"""What all losses have."""

from typing import ClassVar


class Loss:
    """What all losses have.

    A subclass with a method ``call(self, y_true, y_pred)`` is a custom loss, as in Keras; see ``Custom``.

    Attributes
    ----------
    code : int
        Which of the kernels' it is.
    code_from_logits : int or None
        The same for a function of logits, of the losses that can be one.
    output_activation : int or None
        The code of the activation that makes of logits what the loss is a function of.
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
