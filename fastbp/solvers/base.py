"""What all solvers have: they take the place of an optimizer, and take all of the data at once."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import numpy as np

from ..arguments import integer
from ..constraints import Constraint
from ..keywords import Advice
from ..optimizers.base import Optimizer
from ..optimizers.steering import Steering
from ..regularizers import Regularizer
from ..serialization import Configured

_NO_RATE = "a solver finds the length of its steps itself"
KEYWORDS = {
    "learning_rate": Advice(_NO_RATE, (None,)),
    "lr": Advice(_NO_RATE, (None,)),
    "weight_decay": Advice("give the layers a regularizer", (None, 0)),
}


_COUNTS = ("maxcor", "maxls", "max_parameters")


class NotFinite(ArithmeticError):
    """The loss at the point where a solver is to begin is NaN or infinite."""


class Objective(Protocol):
    """A loss as a function of one vector of float64.

    Attributes
    ----------
    ridge : array
        The factor of the square of each number in the loss, by L2 penalties.
    lowest : array
        The least that each number may be.
    """

    ridge: np.ndarray
    lowest: np.ndarray

    def value_and_gradient(self, point: np.ndarray) -> tuple[float, np.ndarray]:
        """The loss and its gradient."""

    def residuals(self, point: np.ndarray) -> np.ndarray:
        """Of a loss that is their mean square, but for penalties: the residuals r, in an array of any shape."""

    def pull_back(self, point: np.ndarray, values: np.ndarray) -> np.ndarray:
        """J' times a number for each residual, where J are the residuals' derivatives."""

    def square(self, point: np.ndarray) -> np.ndarray:
        """J'J, of which the lower half counts."""


Iterated = Callable[[np.ndarray, float], None]  # told of the point after each iteration and the loss there; may raise


@dataclass(frozen=True)
class Outcome:
    """How a solver has ended: with a minimum or without, and the reason in words."""

    converged: bool
    message: str


class Solver(Optimizer):
    """The base class of all solvers: what minimises a loss over all of the data, iteration after iteration.

    To ``compile`` it is an optimizer. ``fit`` takes all samples as one batch, and each iteration is an epoch: ``epochs`` is
    how many there are at most. Callbacks are called and validation data is measured after each. The loss of an epoch is that
    of the weights it leaves. The fit ends earlier where the solver has found a minimum; ``history.converged`` says so, and
    ``history.message`` why it has ended. ``train_on_batch`` and ``apply_gradients`` take single steps, and are refused.

    It computes in float64, whatever the model does; small losses want a model of ``dtype="float64"``. It needs scipy.

    Attributes
    ----------
    iterations : int
        So far.

    Examples
    --------
    >>> import fastbp
    >>> isinstance(fastbp.optimizers.get("lbfgs"), fastbp.optimizers.Solver)
    True
    """

    takes_steps: ClassVar[bool] = False
    slots: ClassVar[int] = 0  # type: ignore[misc]
    initial_state: ClassVar[float] = 0.0  # type: ignore[misc]
    hyper: ClassVar[tuple[float, ...]] = (0.0,) * 8  # type: ignore[misc]

    @property
    def code(self) -> int:
        raise TypeError(f"{type(self).__name__} takes no single steps: it works on all of the data at once, in fit")

    def check(self, parameters: int) -> None:
        """Refuse so many numbers to learn, if that are too many or none."""
        import_scipy(self)
        if not parameters:
            raise ValueError(f"the model must have weights to learn for {type(self).__name__}, got layers that are all frozen")

    def takes_constraint(self, constraint: Constraint) -> bool:
        """Whether it keeps weights to a constraint."""
        return False

    def takes_penalty(self, penalty: Regularizer, on_outputs: bool) -> bool:
        """Whether it minimises a penalty on weights or on outputs with the loss."""
        return True

    def minimize(self, objective: Objective, start: np.ndarray, iterations: int, iterated: Iterated) -> Outcome:
        """Go down from ``start``, at most so many iterations. Raises NotFinite if there is no way from there."""
        raise NotImplementedError(f"{type(self).__name__} must be one of fastbp's solvers")

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal solver.

        Examples
        --------
        >>> import fastbp
        >>> fastbp.optimizers.LBFGS(maxcor=5).get_config()["maxcor"]
        5
        """
        config = Configured.get_config(self)
        return {name: value for name, value in config.items() if name not in Steering.__dataclass_fields__}

    def __post_init__(self) -> None:
        for name, field in Steering.__dataclass_fields__.items():
            if getattr(self, name) != field.default:
                raise TypeError(f"{type(self).__name__} has no argument {name!r}: it takes no single steps")

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "learning_rate":
            raise AttributeError(f"{type(self).__name__} has no learning_rate, got {value!r}: {_NO_RATE}")
        object.__setattr__(self, name, value) if name in ("steps", "iterations") else self._set_once(name, value)

    @staticmethod
    def _checked(name: str, value: Any) -> Any:
        if name in _COUNTS:
            return integer(name, value, 1)
        return Optimizer._checked(name, value)

    def __getattr__(self, name: str) -> Any:
        if name == "learning_rate":
            raise AttributeError(f"{type(self).__name__} has no learning_rate: {_NO_RATE}")
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")


def import_scipy(solver: Solver) -> Any:
    """scipy.optimize, or the error that says how to install it."""
    try:
        from scipy import optimize
    except ImportError as error:
        raise ImportError(f"{type(solver).__name__} needs scipy, which pip install 'fastbp[fit]' installs") from error
    return optimize
