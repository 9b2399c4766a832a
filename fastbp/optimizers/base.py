"""The base class of all optimizers, and the checks of their settings."""

import math
from dataclasses import fields
from typing import Any, ClassVar

import numpy as np

from ..arguments import boolean, number
from ..kernels.codes import UPDATE_RULES
from ..keywords import ANY, Advice
from ..serialization import is_config, serialize
from .schedule import LearningRateSchedule, Rate
from .steering import Steering, checked
from .weight_decay import Exclusion, exclusion

_DECAY = (
    "use learning_rate=fastbp.optimizers.schedules.InverseTimeDecay(0.01, decay_steps=1, decay_rate=1e-6), or another schedule"
)
KEYWORDS = {
    "lr": Advice("use learning_rate"),
    "decay": Advice(_DECAY, (None, 0)),
    "loss_scale_factor": Advice("it is for float16, and fastbp computes in float32 or float64", (None, 1)),
    "jit_compile": Advice("", ANY),
}

CHECKED_AT_ONCE, MAX_CHECKED = 1 << 16, 1_000_000  # steps whose rates are looked at before a fit

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
    if name in Steering.__dataclass_fields__:
        return checked(name, value)
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


class Optimizer(Steering):
    """The base class of all optimizers.

    ``code`` stands for the update rule, ``slots`` is the number of state arrays, ``initial_state`` fills the first one,
    and ``hyper`` are the numbers that the kernel reads: learning rate, weight decay, the two of ``rates``, epsilon.

    Attributes
    ----------
    learning_rate : float
        Where it was given as a schedule, the rate of the next step.
    schedule : LearningRateSchedule or None
    steps : int
        The batches so far. Whoever trains sets it.
    iterations : int
        The same, or with ``gradient_accumulation_steps`` how often the weights have moved.

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
    excluded: Exclusion | None = None
    steps: int = 0

    @property
    def code(self) -> int:
        raise NotImplementedError(f"{type(self).__name__} must be one of fastbp's optimizers: update rules are compiled")

    @property
    def rule_slots(self) -> int:
        return UPDATE_RULES[self.code].slots

    def end_at(self, steps: int) -> None:
        """Take note of the steps that have been taken. That the next one has no rate shows where it is to be taken."""
        try:
            self.steps = steps
        except Exception:  # whatever a user's schedule raises
            object.__setattr__(self, "learning_rate", math.nan)

    def check_schedule(self, first: int, count: int) -> None:
        """Raise the error for a learning rate that is none, among those of ``count`` steps to come, or of the first million."""
        for start in range(first, first + min(count, MAX_CHECKED), CHECKED_AT_ONCE):
            self.learning_rates(start, min(CHECKED_AT_ONCE, first + count - start))

    @property
    def iterations(self) -> int:
        return self.steps // (self.gradient_accumulation_steps or 1)

    @iterations.setter
    def iterations(self, value: int) -> None:
        self.steps = value * (self.gradient_accumulation_steps or 1)

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
        >>> config = fastbp.SGD(0.1, momentum=0.9, clipnorm=1.0).get_config()
        >>> config["momentum"], config["clipnorm"], config["use_ema"]
        (0.9, 1.0, False)
        """
        return super().get_config() | {"learning_rate": serialize(self.schedule or self.learning_rate)}

    def exclude_from_weight_decay(self, var_list: Any = None, var_names: Any = None) -> None:
        """Have weight decay leave some weights alone. Only before training; a later call replaces an earlier one.

        Parameters
        ----------
        var_list : list of weights, optional
            As ``[layer.kernel]``.
        var_names : list of str, optional
            Weights whose name has one of these in it: ``["bias"]`` for all biases. They are regular expressions.

        Examples
        --------
        >>> import fastbp
        >>> model = fastbp.Sequential([fastbp.Dense(1, kernel_initializer="ones", bias_initializer="ones")])
        >>> model.compile(fastbp.SGD(0.5, weight_decay=1.0), "mse")
        >>> model.optimizer.exclude_from_weight_decay(var_names=["bias"])
        >>> loss = model.train_on_batch([[1.0]], [2.0])  # which is what the model says: nothing but decay
        >>> [w.item() for w in model.get_weights()]
        [0.5, 1.0]
        """
        if self.steps:
            raise ValueError(
                f"exclude_from_weight_decay must be called before training, got it after {self.steps} steps: compile the model "
                "again with a new optimizer"
            )
        object.__setattr__(self, "excluded", exclusion(var_list, var_names))

    def __repr__(self) -> str:
        shared, changed = Steering.__dataclass_fields__, {}
        for field in fields(self):
            if field.name not in shared or getattr(self, field.name) != field.default:
                changed[field.name] = getattr(self, field.name)
        told = ", ".join(f"{name}={changed[name]!r}" for name in sorted(changed, key=shared.__contains__))
        return f"{type(self).__name__}({told})"

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "learning_rate":
            self._set_learning_rate(value)
        elif name in ("steps", "iterations"):
            object.__setattr__(self, name, value)
            self._follow_schedule()
        else:
            self._set_once(name, value)

    def _set_learning_rate(self, value: Any) -> None:
        if is_config(value) or callable(value):
            from .schedules import as_schedule  # imported only where there are schedules

            value = as_schedule(value) or value
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
            object.__setattr__(self, "learning_rate", float(self.schedule.rates(self.steps, 1)[0]))

    def __getattr__(self, name: str) -> Any:
        """Called for what is not found: names that optimizers of Keras have or had say what to use."""
        instead = f": {KEYWORDS[name].instead}" if name in KEYWORDS else ""
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}{instead}")

    @staticmethod
    def _checked(name: str, value: Any) -> Any:
        return _checked(name, value)

    def _set_once(self, name: str, value: Any) -> None:
        known = type(self).__dataclass_fields__
        if name not in known:
            instead = KEYWORDS[name].instead if name in KEYWORDS else f"it has {', '.join(known)}"
            raise AttributeError(f"{type(self).__name__} has no setting {name!r}: {instead}")
        if name in vars(self):
            raise AttributeError(
                f"{name} of {type(self).__name__} is final, since it decides what state there is: "
                "compile the model again with a new optimizer (learning_rate may be set at any time)"
            )
        if name == "name" and value is None:
            value = known[name].default
        object.__setattr__(self, name, self._checked(name, value))
