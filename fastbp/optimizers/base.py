"""The base class of all optimizers, and the checks of their settings."""

from typing import Any, ClassVar

from ..arguments import boolean, number
from ..kernels.codes import UPDATE_RULES

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


class Optimizer:
    """The base class of all optimizers.

    ``code`` stands for the update rule, ``slots`` is its number of state arrays, ``initial_state`` fills the first one,
    and ``hyper`` are the numbers that the kernel reads: learning rate, weight decay, the two of ``rates``, epsilon.
    """

    __dataclass_fields__: ClassVar[dict[str, Any]]
    rates: ClassVar[tuple[str, ...]]
    learning_rate: float

    @property
    def code(self) -> int:
        raise NotImplementedError

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

    def __setattr__(self, name: str, value: Any) -> None:
        known = type(self).__dataclass_fields__
        if name not in known:
            raise AttributeError(f"{type(self).__name__} has no setting {name!r}, only {', '.join(known)}")
        if name in vars(self) and name != "learning_rate":
            raise AttributeError(
                f"{name} of {type(self).__name__} is final, since it decides what state there is: "
                "compile the model again with a new optimizer (learning_rate may be set at any time)"
            )
        object.__setattr__(self, name, _checked(name, value))
