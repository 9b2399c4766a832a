"""The base class of all optimizers, and the checks of their settings."""

from typing import Any, ClassVar

import numpy as np

from ..arguments import boolean, number
from ..kernels.codes import UPDATE_RULES
from ..keywords import ANY, Advice
from ..serialization import Configured, is_config, serialize
from .schedule import LearningRateSchedule, Rate

_LATER = "it comes in a later version"
_DECAY = (
    "use learning_rate=fastbp.optimizers.schedules.InverseTimeDecay(0.01, decay_steps=1, decay_rate=1e-6), or another schedule"
)
KEYWORDS = {
    "lr": Advice("use learning_rate"),
    "decay": Advice(_DECAY, (None, 0)),
    "clipnorm": Advice(_LATER, (None,)),
    "clipvalue": Advice(_LATER, (None,)),
    "global_clipnorm": Advice(_LATER, (None,)),
    "use_ema": Advice(_LATER, (None, False)),
    "ema_momentum": Advice("", ANY),  # which use_ema alone would give an effect
    "ema_overwrite_frequency": Advice("", ANY),
    "loss_scale_factor": Advice("it is for float16, and fastbp computes in float32 or float64", (None, 1)),
    "gradient_accumulation_steps": Advice("use a larger batch_size, which costs no more", (None, 1)),
    "jit_compile": Advice("", ANY),
}

# The range of each setting: the least, the most, and whether the most itself is excluded.
_NON_NEGATIVE = (0.0, float("inf"), False)
_RANGES = {
    "momentum": (0.0, 1.0, False),
    "rho": (0.0, 1.0, True),
    "beta_1": (0.0, 1.0, True),
    "beta_2": (0.0, 1.0, True),
}


def _checked(name: str, value: Any) -> Any:
    """A setting as a plain float, bool, str or None."""
    if name in ("nesterov", "centered", "amsgrad"):
        return boolean(name, value)
    if name == "name":
        if not isinstance(value, str):
            raise TypeError(f"name must be a string, got {value!r}")
        return value
    if name == "weight_decay" and value is None:
        return None
    low, high, below = _RANGES.get(name, _NON_NEGATIVE)
    return number(name, value, low, high, below)


class Optimizer(Configured):
    """The base class of all optimizers.

    ``code`` stands for the update rule, ``slots`` is its number of state arrays, ``initial_state`` fills the first one,
    and ``hyper`` are the numbers that the kernel reads: learning rate, weight decay, the two of ``rates``, epsilon.

    Attributes
    ----------
    learning_rate : float
        Where it was given as a schedule, the rate of the next step.
    schedule : LearningRateSchedule or None
    iterations : int
        The steps so far. Whoever trains sets it.

    Examples
    --------
    >>> import fastbp
    >>> adam = fastbp.Adam(fastbp.optimizers.schedules.ExponentialDecay(0.1, 10, 0.5))
    >>> adam.iterations = 20
    >>> adam.learning_rate, adam.learning_rates(20, 11)[-1].item()
    (0.025, 0.0125)
    """

    __dataclass_fields__: ClassVar[dict[str, Any]]
    takes_steps: ClassVar[bool] = True  # on batches; not a solver, which takes all of the data at once
    rates: ClassVar[tuple[str, ...]]
    learning_rate: Rate
    schedule: LearningRateSchedule | None = None
    iterations: int = 0

    @property
    def code(self) -> int:
        raise NotImplementedError(f"{type(self).__name__} must be one of fastbp's optimizers: update rules are compiled")

    @property
    def slots(self) -> int:
        return UPDATE_RULES[self.code].slots

    @property
    def initial_state(self) -> float:
        return float(vars(self).get("initial_accumulator_value", 0.0))

    @property
    def hyper(self) -> tuple[float, ...]:
        names = "learning_rate", "weight_decay", *self.rates, "epsilon"
        return (*(vars(self).get(name) or 0.0 for name in names), 0.0, 0.0, 0.0)

    def learning_rates(self, first_step: int, count: int) -> np.ndarray | None:
        """The learning rate of each of ``count`` steps from number ``first_step`` on; None if all have ``learning_rate``."""
        return None if self.schedule is None else self.schedule.rates(first_step, count)

    def check_loss(self, loss: Any) -> None:
        """Refuse a loss that it cannot lower."""

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal optimizer, without its state.

        Examples
        --------
        >>> import fastbp
        >>> fastbp.SGD(0.1).get_config()
        {'learning_rate': 0.1, 'momentum': 0.0, 'nesterov': False, 'weight_decay': None, 'name': 'sgd'}
        """
        return super().get_config() | {"learning_rate": serialize(self.schedule or self.learning_rate)}

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "learning_rate":
            self._set_learning_rate(value)
        elif name == "iterations":
            object.__setattr__(self, name, value)
            self._follow_schedule()
        else:
            self._set_once(name, value)

    def _set_learning_rate(self, value: Any) -> None:
        if is_config(value):
            from .schedules import deserialize  # imported only where there are schedules

            value = deserialize(value)
        if isinstance(value, LearningRateSchedule):
            object.__setattr__(self, "schedule", value)
            self._follow_schedule()
        elif self.schedule is not None:
            raise TypeError(
                f"learning_rate of this {type(self).__name__} follows a schedule, so it cannot be set to {value!r}: give it a "
                "number when it is made, or set another schedule"
            )
        else:
            object.__setattr__(self, "learning_rate", _checked("learning_rate", value))

    def _follow_schedule(self) -> None:
        if self.schedule is not None:
            object.__setattr__(self, "learning_rate", float(self.schedule.rates(self.iterations, 1)[0]))

    @staticmethod
    def _checked(name: str, value: Any) -> Any:
        return _checked(name, value)

    def _set_once(self, name: str, value: Any) -> None:
        known = type(self).__dataclass_fields__
        if name not in known:
            raise AttributeError(f"{type(self).__name__} has no setting {name!r}, only {', '.join(known)}")
        if name in vars(self):
            raise AttributeError(
                f"{name} of {type(self).__name__} is final, since it decides what state there is: "
                "compile the model again with a new optimizer (learning_rate may be set at any time)"
            )
        if name == "name" and value is None:
            value = known[name].default
        object.__setattr__(self, name, self._checked(name, value))
