"""Learning rates that change from step to step. A schedule is a function of the step, counted from 0; a plain function is one
too. Those that Keras has are Keras's formulas.

>>> import fastbp
>>> schedule = fastbp.optimizers.schedules.ExponentialDecay(0.1, decay_steps=100, decay_rate=0.5)
>>> schedule([0, 100, 200])
array([0.1  , 0.05 , 0.025])
>>> fastbp.Adam(learning_rate=schedule).learning_rate
0.1
"""

from collections.abc import Mapping
from typing import Any

from ...serialization import Registry, is_config
from ..schedule import LearningRateSchedule
from .cosine import CosineDecay, CosineDecayRestarts
from .decay import ExponentialDecay, InverseTimeDecay, PiecewiseConstantDecay, PolynomialDecay
from .function import StepFunction
from .warmup import OneCycle, Warmup

__all__ = [
    "CosineDecay",
    "CosineDecayRestarts",
    "ExponentialDecay",
    "InverseTimeDecay",
    "LearningRateSchedule",
    "OneCycle",
    "PiecewiseConstantDecay",
    "PolynomialDecay",
    "StepFunction",
    "Warmup",
    "deserialize",
    "serialize",
]

_registry = Registry(
    "learning_rate",
    LearningRateSchedule,
    {
        cls.__name__: cls
        for cls in (
            CosineDecay,
            CosineDecayRestarts,
            ExponentialDecay,
            InverseTimeDecay,
            OneCycle,
            PiecewiseConstantDecay,
            PolynomialDecay,
            StepFunction,
            Warmup,
        )
    },
    allowed="a number, a schedule or a function of the step",
)


def as_schedule(learning_rate: Any) -> LearningRateSchedule | None:
    """The schedule that a learning rate is, by itself, as a function or written down; None for what else it may be."""
    if is_config(learning_rate):
        return deserialize(learning_rate)
    if isinstance(learning_rate, LearningRateSchedule):
        return learning_rate
    return StepFunction(learning_rate) if callable(learning_rate) and not isinstance(learning_rate, type) else None


LearningRateSchedule.of_rate = staticmethod(as_schedule)


def serialize(learning_rate_schedule: Any) -> Any:
    """A schedule as a dict of its class and settings.

    Examples
    --------
    >>> from fastbp.optimizers import schedules
    >>> schedules.serialize(schedules.PolynomialDecay(0.1, 100))["class_name"]
    'PolynomialDecay'
    """
    return _registry.serialize(learning_rate_schedule)


def deserialize(config: Any, custom_objects: Mapping[str, Any] | None = None) -> LearningRateSchedule:
    """The schedule that ``serialize`` wrote down.

    Examples
    --------
    >>> from fastbp.optimizers import schedules
    >>> schedules.deserialize(schedules.serialize(schedules.CosineDecay(0.1, 100))).decay_steps
    100
    """
    return _registry.deserialize(config, custom_objects)
