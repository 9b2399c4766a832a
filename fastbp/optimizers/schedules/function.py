"""A schedule that is a function of the step."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ...arguments import check_signature
from ...serialization import custom_objects
from ..schedule import LearningRateSchedule


@dataclass(frozen=True)
class StepFunction(LearningRateSchedule):
    """A function of the step, counted from 0. An optimizer makes it where a function is its ``learning_rate``.

    Parameters
    ----------
    function : callable
        It is given many steps at once where it can take them, so it must depend on nothing but the step. To be written down
        by ``get_config`` it needs a name that is among the custom objects when it is read.

    Examples
    --------
    >>> import fastbp
    >>> adam = fastbp.Adam(learning_rate=lambda step: 0.1 / (1 + step))
    >>> adam.learning_rate, adam.learning_rates(0, 4)[-1].item()
    (0.1, 0.025)
    """

    function: Callable[[Any], Any]

    def __post_init__(self) -> None:
        if isinstance(self.function, str) and self.function in custom_objects:
            object.__setattr__(self, "function", custom_objects[self.function])
        if not callable(self.function):
            raise TypeError(f"function must be a function of the step, or the name of a custom object, got {self.function!r}")
        check_signature("learning_rate", self.function, ["step"])

    def __call__(self, step: Any) -> Any:
        return self.function(step)
