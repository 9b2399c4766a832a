"""The base class of all schedules, and the checks of their settings."""

from collections.abc import Callable
from typing import Any, ClassVar, TypeVar

import numpy as np

from ..arguments import number
from ..serialization import Configured

Rate = Any  # given as a number or a schedule, read as a float
Call = TypeVar("Call", bound=Callable[..., Any])


def of_arrays(call: Call) -> Call:
    """Mark a schedule's ``__call__`` as one that gives for many steps what it gives for each: nobody has to try it."""
    call.of_arrays = True  # type: ignore[attr-defined]
    return call


class LearningRateSchedule(Configured):
    """The base class of all schedules.

    A subclass has a method ``__call__(self, step)``. It is given many steps at once where it can take them.

    Examples
    --------
    >>> import fastbp
    >>> class Halving(fastbp.optimizers.schedules.LearningRateSchedule):
    ...     def __call__(self, step):
    ...         return 0.1 / 2**step
    >>> Halving().rates(0, 3)
    array([0.1  , 0.05 , 0.025])
    """

    of_rate: ClassVar[Callable[[Any], Any]]  # the schedule that a rate stands for, or None: set by schedules/__init__.py

    def __call__(self, step: Any) -> Any:
        raise NotImplementedError(f"{type(self).__name__} must define __call__(self, step)")

    def rates(self, first: int, count: int) -> np.ndarray:
        """The learning rates of ``count`` steps from number ``first`` on."""
        steps = np.arange(first, first + count)
        rates = self.of(steps)
        if not (rates.min(initial=0.0) >= 0.0 and rates.max(initial=0.0) < np.inf):  # so for NaN too
            place = int(np.argmin(np.isfinite(rates) & (rates >= 0.0)))
            raise ValueError(f"learning_rate must be at least 0 and finite, got {rates[place]} at step {steps[place]}")
        return rates

    def of(self, steps: np.ndarray) -> np.ndarray:
        """The learning rates of many steps, whatever they are."""
        if getattr(type(self).__call__, "of_arrays", False):
            return np.asarray(self(steps), dtype=float)
        rates = self._at_once(steps)
        return np.array([float(self(step)) for step in steps]) if rates is None else rates

    def _at_once(self, steps: np.ndarray) -> np.ndarray | None:
        """All of them by one call, if that gives what calls for single steps give (it is tried for a few)."""
        few = np.unique([0, len(steps) // 3, len(steps) - 1]) if len(steps) else np.array([], int)
        try:
            with np.errstate(all="ignore"):
                rates = np.asarray(self(steps), dtype=float)
                same = rates.shape == steps.shape and all(rates[i] == float(self(steps[i])) for i in few)
        except (TypeError, ValueError):  # it branches on the step, or computes with functions of math
            return None
        return rates if same else None


def as_steps(step: Any) -> np.ndarray:
    """A step, or many, as numbers."""
    return np.asarray(step, dtype=float)


def check_positive(name: str, value: Any) -> None:
    """Raise an error unless a setting is more than 0."""
    if number(name, value, 0) == 0:
        raise ValueError(f"{name} must be more than 0, got {value!r}")
