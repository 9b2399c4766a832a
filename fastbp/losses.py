"""Losses: descriptions that the engine resolves to its integer codes.

The regression losses and the binary cross-entropy average over outputs and samples, the categorical cross-entropies
over samples (Keras's ``sum_over_batch_size``). Where the last layer is a sigmoid or softmax, its cross-entropy is
computed from the layer's logits, so that it stays finite however sure the network is.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from .arguments import boolean, function_name, function_of, lookup, number
from .kernels import codes

if TYPE_CHECKING:
    from .graph.codegen.bound import BoundFunction
    from .graph.codegen.row_graphs import LossGraph


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


@dataclass(frozen=True)
class MeanSquaredError(Loss):
    """Mean of ``(prediction - target)^2``.

    Examples
    --------
    >>> import fastbp
    >>> fastbp.losses.MeanSquaredError() == fastbp.losses.get("mse")
    True
    """

    name: str = "mean_squared_error"
    code: ClassVar[int] = codes.MSE
    per_output: ClassVar[bool] = True


@dataclass(frozen=True)
class MeanAbsoluteError(Loss):
    """Mean of ``|prediction - target|``; its derivative where they are equal is 0."""

    name: str = "mean_absolute_error"
    code: ClassVar[int] = codes.MAE
    per_output: ClassVar[bool] = True


@dataclass(frozen=True)
class Huber(Loss):
    """Mean of ``e^2 / 2`` for errors up to ``delta``, ``delta |e| - delta^2 / 2`` beyond.

    Parameters
    ----------
    delta : float
        Where the parabola goes over into straight lines; more than 0.

    Examples
    --------
    >>> import fastbp
    >>> fastbp.losses.Huber(0.5).parameter
    0.5
    """

    delta: float = 1.0
    name: str = "huber"
    code: ClassVar[int] = codes.HUBER
    per_output: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if number("delta", self.delta, 0) == 0:
            raise ValueError(f"delta must be more than 0, got {self.delta!r}")

    @property
    def parameter(self) -> float:
        return float(self.delta)


@dataclass(frozen=True)
class LogCosh(Loss):
    """Mean of ``log(cosh(prediction - target))``: a parabola for small errors, straight for large ones."""

    name: str = "log_cosh"
    code: ClassVar[int] = codes.LOG_COSH
    per_output: ClassVar[bool] = True


@dataclass(frozen=True)
class Poisson(Loss):
    """Mean of ``prediction - target * log(prediction + 1e-7)``, for counts; the prediction must be positive."""

    name: str = "poisson"
    code: ClassVar[int] = codes.POISSON
    per_output: ClassVar[bool] = True


@dataclass(frozen=True)
class _CrossEntropy(Loss):
    from_logits: bool = False  # type: ignore[misc]  # a class variable for the losses that have no logits

    def __post_init__(self) -> None:
        boolean("from_logits", self.from_logits)


@dataclass(frozen=True)
class _SmoothedCrossEntropy(_CrossEntropy):
    label_smoothing: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        number("label_smoothing", self.label_smoothing, 0, 1)

    @property
    def parameter(self) -> float:
        return float(self.label_smoothing)


@dataclass(frozen=True)
class BinaryCrossentropy(_SmoothedCrossEntropy):
    """Mean of ``-(t log p + (1 - t) log(1 - p))`` over outputs and samples, for targets in [0, 1].

    Parameters
    ----------
    from_logits : bool
        The network's output is the logit of p rather than p.
    label_smoothing : float
        In [0, 1]: targets become ``t (1 - s) + s / 2``.

    Notes
    -----
    Probabilities that do not come from a sigmoid layer are kept in [1e-7, 1 - 1e-7].

    Examples
    --------
    >>> import fastbp
    >>> fastbp.losses.BinaryCrossentropy(from_logits=True).from_logits
    True
    """

    name: str = "binary_crossentropy"
    code: ClassVar[int] = codes.BINARY_CROSSENTROPY
    code_from_logits: ClassVar[int | None] = codes.BINARY_CROSSENTROPY_LOGITS
    output_activation: ClassVar[int | None] = codes.SIGMOID
    per_output: ClassVar[bool] = True


@dataclass(frozen=True)
class CategoricalCrossentropy(_SmoothedCrossEntropy):
    """``-sum(t log p)`` over classes, mean over samples, for one-hot (or soft) targets.

    Parameters
    ----------
    from_logits : bool
        The network's outputs are logits rather than probabilities.
    label_smoothing : float
        In [0, 1]: targets become ``t (1 - s) + s / classes``.

    Notes
    -----
    Probabilities that do not come from a softmax layer are divided by their sum and kept in [1e-7, 1 - 1e-7].

    Examples
    --------
    >>> import fastbp
    >>> fastbp.losses.CategoricalCrossentropy(label_smoothing=0.1).parameter
    0.1
    """

    name: str = "categorical_crossentropy"
    code: ClassVar[int] = codes.CATEGORICAL_CROSSENTROPY
    code_from_logits: ClassVar[int | None] = codes.CATEGORICAL_CROSSENTROPY_LOGITS
    output_activation: ClassVar[int | None] = codes.SOFTMAX
    per_output: ClassVar[bool] = False


@dataclass(frozen=True)
class SparseCategoricalCrossentropy(_CrossEntropy):
    """``-log p[label]``, mean over samples, for integer labels from 0 to classes - 1.

    Parameters
    ----------
    from_logits : bool
        The network's outputs are logits rather than probabilities.

    Examples
    --------
    >>> import fastbp
    >>> fastbp.losses.SparseCategoricalCrossentropy().sparse
    True
    """

    name: str = "sparse_categorical_crossentropy"
    code: ClassVar[int] = codes.SPARSE_CROSSENTROPY
    code_from_logits: ClassVar[int | None] = codes.SPARSE_CROSSENTROPY_LOGITS
    output_activation: ClassVar[int | None] = codes.SOFTMAX
    per_output: ClassVar[bool] = False
    sparse: ClassVar[bool] = True


@dataclass(frozen=True, eq=False)
class Custom(Loss):
    """A custom formula, differentiated and compiled like the losses here.

    Handing the function itself to ``model.compile(loss=f)`` does the same.

    Parameters
    ----------
    function : callable
        ``f(y_true, y_pred)``, with arrays of shape (samples, columns of the targets) and (samples, units); targets of shape
        (samples,) are (samples, 1). It returns an array of one value for each sample (or for each output of each sample),
        of which the loss is the mean, or that mean itself. What can be computed sample by sample, it may compute: operators,
        fastbp's functions or NumPy's, columns such as ``y_pred[:, 0]``, sums and means with ``axis=-1``. Numbers and arrays
        around the formula are constants, read at the first use after ``compile``.
    name : str, optional
        The function's if not given.

    Raises
    ------
    TraceError
        When data come for the first time: if the formula does what cannot be compiled.

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
    code: ClassVar[int] = codes.CUSTOM_LOSS
    per_output: ClassVar[bool] = False  # where a formula gives a value for each output, its graph takes their mean
    any_width: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if not callable(self.function):
            raise TypeError(f"function must be a function of (y_true, y_pred), got {self.function!r}")
        function_of("loss", self.function, ["y_true", "y_pred"])
        object.__setattr__(self, "name", self.name or function_name(self.function))

    def graph(self, targets: int, units: int) -> "LossGraph":
        """The formula's graph for so many columns of targets and outputs: traced once, so that it stays what it was."""
        from .graph.codegen.row_graphs import loss_graph  # the graph is imported only where there are formulas

        return loss_graph(self, targets, units)

    def bind(self, targets: int, units: int, dtype: str) -> "BoundFunction":
        """Its machine code for so many columns of targets and outputs."""
        from .graph.codegen.bound import bind_loss

        return bind_loss(self.graph(targets, units), dtype)


def _custom(identifier: Any) -> Custom | None:
    """The loss that a function, or a class or object with a method ``call``, stands for; None for anything else."""
    if isinstance(identifier, type):
        if not hasattr(identifier, "call"):
            return None
        identifier = identifier()
    if isinstance(identifier, Custom):
        return Custom(identifier.function, identifier.name)  # a new one, which will be traced anew
    function, name = getattr(identifier, "call", identifier), getattr(identifier, "name", "")
    if not callable(function):
        return None
    if not isinstance(name, str) or not name:
        name = function_name(identifier)
    return Custom(function, name)


_CLASSES: dict[str, type[Loss]] = {
    "mean_squared_error": MeanSquaredError,
    "mse": MeanSquaredError,
    "mean_absolute_error": MeanAbsoluteError,
    "mae": MeanAbsoluteError,
    "huber": Huber,
    "huber_loss": Huber,
    "log_cosh": LogCosh,
    "logcosh": LogCosh,
    "poisson": Poisson,
    "binary_crossentropy": BinaryCrossentropy,
    "bce": BinaryCrossentropy,
    "categorical_crossentropy": CategoricalCrossentropy,
    "sparse_categorical_crossentropy": SparseCategoricalCrossentropy,
}
_CLASSES |= {c.__name__: c for c in set(_CLASSES.values())}


def get(identifier: object) -> Loss:
    """The loss that a name, a class, a ``Loss`` or a function stands for.

    Parameters
    ----------
    identifier : str, Loss, class of losses or function of (y_true, y_pred)
        For functions, and objects with a method ``call``, see ``Custom``.

    Raises
    ------
    TypeError, ValueError
        If it stands for none.

    Examples
    --------
    >>> import fastbp
    >>> fastbp.losses.get("mae").name
    'mean_absolute_error'
    """
    loss: Loss = _custom(identifier) or lookup("loss", identifier, Loss, _CLASSES, "a name, a function or an object")
    return loss
