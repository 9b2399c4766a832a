"""A loss given as a formula."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from ..arguments import check_signature, function_name
from ..kernels import codes
from ..serialization import serialize
from .base import MEAN, Domain, Loss

if TYPE_CHECKING:
    from ..graph.codegen.bound import BoundLoss
    from ..graph.codegen.row_graphs import LossGraph


@dataclass(frozen=True, eq=False)
class Custom(Loss):
    """A custom formula, differentiated and compiled like the losses here.

    Passing the function itself to ``model.compile(loss=f)`` does the same.

    Parameters
    ----------
    function : callable
        ``f(y_true, y_pred)``, with arrays of shape (samples, columns of the targets) and (samples, units); targets of shape
        (samples,) are (samples, 1). It returns an array of one value for each sample (or for each output of each sample),
        of which the loss is the mean, or a single number, which is the loss. It may use whatever treats each sample alike:
        operators, fastbp's functions or NumPy's, columns such as ``y_pred[:, 0]``, sums and means with ``axis=-1``, and sums
        and means over the batch, with ``axis=0`` or without an axis. Numbers and arrays from outside the formula are
        constants, read at the first use after ``compile``.
    name : str, optional
        The function's if not given.
    reduction : str
        See ``Loss``.

    Raises
    ------
    TraceError
        At the first use with data, if the formula cannot be compiled.

    Notes
    -----
    A mean over everything may be all that a formula returns, or sums and multiples of such: that is a loss as any other. If
    it computes further with sums or means over the batch, as a root mean square, R2, a correlation or a ratio of means does,
    its value belongs to the batch as a whole. The derivative then goes through these sums and means too, and each step goes
    over the batch once more for each of them that is nested in another.

    - The loss of an epoch, of ``evaluate`` and of validation data is then, as in Keras, the mean of that of the batches,
      each counted as often as it has rows: it depends on ``batch_size``, and on the order of the samples. A last batch of
      few rows counts as it is; where one row has no value (the correlation has none), choose batches that go into the data.
    - ``sample_weight`` and ``class_weight`` are refused: no rule says what they mean for a correlation. Weights can be a
      column of the targets and a part of the formula, ``y_true[:, 1]``.
    - Samples are not compared with each other in pairs: ``y_pred[:, None] - y_pred[None, :]`` is refused.

    Examples
    --------
    >>> import fastbp
    >>> def pinball(y_true, y_pred, level=0.9):
    ...     error = y_true - y_pred
    ...     return fastbp.maximum(level * error, (level - 1) * error)
    >>> model = fastbp.Sequential([fastbp.Input((1,)), fastbp.Dense(1, kernel_initializer="ones")])
    >>> model.compile("sgd", pinball)
    >>> model.evaluate([[1.0], [2.0]], [3.0, 1.0], verbose=0)
    0.949...

    >>> def rmse(y_true, y_pred):
    ...     return fastbp.sqrt(fastbp.mean((y_true - y_pred) ** 2))
    >>> model.compile("sgd", rmse)
    >>> model.evaluate([[1.0], [2.0]], [4.0, 6.0], verbose=0)
    3.535...
    """

    function: Callable[..., Any]
    name: str = ""
    reduction: str | None = MEAN
    code: ClassVar[int] = codes.CUSTOM_LOSS
    per_output: ClassVar[bool] = False  # where a formula gives a value for each output, its graph takes their mean
    any_width: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if not callable(self.function):
            raise TypeError(f"function must be a function of (y_true, y_pred), got {self.function!r}")
        check_signature("loss", self.function, ["y_true", "y_pred"])
        if not self.name:
            object.__setattr__(self, "name", function_name(self.function))
        super().__post_init__()

    def graph(self, targets: int, units: int) -> "LossGraph":
        """The formula's graph for these numbers of columns: traced once, so later changes around it have no effect."""
        from ..graph.codegen.row_graphs import loss_graph  # the graph is imported only where there are formulas

        return loss_graph(self, targets, units)

    @property
    def is_of_batch(self) -> bool:
        """Whether its value belongs to a batch as a whole, as far as it has been traced."""
        from ..graph.codegen.row_graphs import known_graphs

        return any(graph.is_of_batch for graph in known_graphs(self))

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """The value of each sample."""
        return self.function(y_true, y_pred)

    def serialized(self) -> Any:
        """The object that has the method ``call``, or the name of the function."""
        return serialize(getattr(self.function, "__self__", self.function))

    def bind(self, targets: int, units: int, dtype: str) -> "BoundLoss":
        """Its machine code for these numbers of target and output columns."""
        from ..graph.codegen.bound import bind_loss

        return bind_loss(self.graph(targets, units), dtype)


class _Formula(Custom):
    """A formula of fastbp's: the method ``call`` of a loss, which knows what its targets are like."""

    any_width: ClassVar[bool] = False

    @property
    def _loss(self) -> Loss:
        loss: Loss = self.function.__self__  # type: ignore[attr-defined]
        return loss

    @property
    def domain(self) -> Domain | None:
        return self._loss.domain

    @property
    def needs_positive(self) -> bool:
        return self._loss.needs_positive

    def target_columns(self, outputs: int) -> int:
        return self._loss.target_columns(outputs)


def custom_loss(identifier: Any) -> Custom | None:
    """The loss that a function, or a class or object with a method ``call``, stands for; None for anything else."""
    if isinstance(identifier, Custom):  # a new one, which will be traced again
        return type(identifier)(identifier.function, identifier.name, identifier.reduction)
    if hasattr(identifier, "code"):  # the kernels know it
        return None
    if isinstance(identifier, type):
        return custom_loss(identifier()) if hasattr(identifier, "call") else None
    function, name = getattr(identifier, "call", identifier), getattr(identifier, "name", "")
    if not callable(function):
        return None
    if getattr(function, "__func__", None) is Loss.call:
        raise TypeError(f"loss must have a method call(self, y_true, y_pred), got {identifier!r} without one")
    if not isinstance(name, str) or not name:
        name = function_name(identifier)
    kind = _Formula if type(identifier).__module__.startswith(__package__) else Custom
    return kind(function, name, getattr(identifier, "reduction", MEAN))
