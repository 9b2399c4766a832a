"""A loss given as a formula."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from ..arguments import check_signature, function_name
from ..kernels import codes
from ..serialization import serialize
from .base import MEAN, Domain, Loss

if TYPE_CHECKING:
    from ..graph.codegen.bound import BoundFunction
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
        of which the loss is the mean, or that mean itself. It may use whatever treats each sample alike: operators,
        fastbp's functions or NumPy's, columns such as ``y_pred[:, 0]``, sums and means with ``axis=-1``. Numbers and arrays
        from outside the formula are constants, read at the first use after ``compile``.
    name : str, optional
        The function's if not given.
    reduction : str
        See ``Loss``.

    Raises
    ------
    TraceError
        At the first use with data, if the formula cannot be compiled.

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

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """The value of each sample."""
        return self.function(y_true, y_pred)

    def serialized(self) -> Any:
        """The object that has the method ``call``, or the name of the function."""
        return serialize(getattr(self.function, "__self__", self.function))

    def bind(self, targets: int, units: int, dtype: str) -> "BoundFunction":
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
