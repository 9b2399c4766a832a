"""What every optimizer can do beside its rule: clip gradients, add them up over steps, keep averages of the weights."""

from dataclasses import dataclass
from typing import Any

from ..arguments import boolean, integer, number
from ..serialization import Configured

_CLIPS = ("clipnorm", "clipvalue", "global_clipnorm")


@dataclass(kw_only=True, repr=False)
class Steering(Configured):
    """The settings that all optimizers have, and what the engine reads of them."""

    clipnorm: float | None = None
    clipvalue: float | None = None
    global_clipnorm: float | None = None
    use_ema: bool = False
    ema_momentum: float = 0.99
    ema_overwrite_frequency: int | None = None
    gradient_accumulation_steps: int | None = None

    def __post_init__(self) -> None:
        given = {name: getattr(self, name) for name in _CLIPS}
        if sum(value is not None for value in given.values()) > 1:
            told = ", ".join(f"{name}={value!r}" for name, value in given.items())
            raise ValueError(f"only one of clipnorm, clipvalue and global_clipnorm can be set, got {told}")

    @property
    def rule_slots(self) -> int:
        """Arrays of state that the rule needs."""
        raise NotImplementedError

    @property
    def norm_limit(self) -> float | None:
        """The largest norm of a variable's gradient, or of all of it; None where it is not clipped by its norm."""
        return self.clipnorm if self.global_clipnorm is None else self.global_clipnorm

    @property
    def is_steered(self) -> bool:
        """Whether more happens in a step than the rule."""
        return self.use_ema or any(getattr(self, name) is not None for name in (*_CLIPS, "gradient_accumulation_steps"))

    @property
    def accumulator_slot(self) -> int | None:
        """Which array of the state has the sum of gradients; None where each step moves the weights."""
        return None if self.gradient_accumulation_steps is None else self.rule_slots

    @property
    def average_slot(self) -> int | None:
        """Which array of the state has the weights' averages; None where there are none."""
        return self.rule_slots + (self.accumulator_slot is not None) if self.use_ema else None

    @property
    def slots(self) -> int:
        """Arrays of state: those of the rule, the sum of gradients, the averages."""
        return self.rule_slots + (self.accumulator_slot is not None) + self.use_ema

    def finalize_variable_values(self, var_list: Any) -> None:
        """Have the averages take the place of weights, if they are kept; ``fit`` does that in the end.

        Parameters
        ----------
        var_list : list of weights
            As ``model.trainable_variables``.

        Examples
        --------
        >>> import fastbp
        >>> model = fastbp.Sequential([fastbp.Dense(1, use_bias=False, kernel_initializer="zeros")])
        >>> model.compile(fastbp.SGD(0.5, use_ema=True, ema_momentum=0.5), "mse")
        >>> for _ in range(2):
        ...     _ = model.train_on_batch([[1.0]], [2.0])  # the weight becomes 2 and stays
        >>> for _ in range(2):
        ...     _ = model.train_on_batch([[1.0]], [4.0])  # becomes 4 and stays
        >>> model.optimizer.finalize_variable_values(model.trainable_variables)
        >>> model.get_weights()[0].item()
        3.5
        """
        if self.use_ema:
            for variable in var_list:
                variable.assign(variable.average)


def checked(name: str, value: Any) -> Any:
    """One of these settings as a plain float, int, bool or None."""
    if name == "use_ema":
        return boolean(name, value)
    if name == "ema_momentum":
        return number(name, value, 0, 1)
    if value is None:
        return None
    if name in _CLIPS:
        limit = number(name, value, 0)
        if limit == 0:
            raise ValueError(f"{name} must be more than 0, or None, got {value!r}")
        return limit
    return integer(name, value, 2 if name == "gradient_accumulation_steps" else 1)
