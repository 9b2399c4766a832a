"""What an optimizer has the update do beside its rule, as plans say it: clipping, gradients added up, averages of weights."""

from collections.abc import Iterator

import numpy as np

from ..kernels import fields as at
from ..optimizers import Optimizer
from .buffers import float_bits
from .memory import address, aligned_zeros
from .parameters import Parameters
from .plan import Plan
from .tasks import variable_starts


class Steering:
    """That of one network by one optimizer.

    Parameters
    ----------
    optimizer : Optimizer
    parameters : Parameters

    Attributes
    ----------
    decays : tuple of bool or None
        For each array of the weights, in ``get_weights`` order, whether it decays; None: all do.
    """

    def __init__(self, optimizer: Optimizer, parameters: Parameters) -> None:
        self._optimizer, self._parameters = optimizer, parameters
        self.decays: tuple[bool, ...] | None = None
        self._is_steered, waits = optimizer.is_steered, optimizer.norm_limit is not None
        starts = variable_starts(parameters.shapes, parameters.dtype) if waits else [0]
        self._starts, self._squares = np.array(starts, np.int64), aligned_zeros("squares", starts[-1], np.float64)
        self._gradient = aligned_zeros("stored gradient", parameters.size if waits else 0, parameters.dtype)

    @property
    def is_steered(self) -> bool:
        """Whether there is anything."""
        return self._is_steered or self.decays is not None

    @property
    def memory(self) -> int:
        """Bytes of its buffers."""
        return self._gradient.nbytes + self._squares.nbytes

    def bind(self, plan: Plan) -> None:
        """Write the plan's fields."""
        optimizer = self._optimizer
        plan[at.STEERED] = self.is_steered
        if not self.is_steered:
            return
        plan[at.CLIP_VALUE], plan[at.CLIP_NORM] = _limit(optimizer.clipvalue), _limit(optimizer.norm_limit)
        plan[at.IS_GLOBAL_NORM] = optimizer.global_clipnorm is not None
        plan[at.SQUARES], plan[at.VARIABLES] = address(self._squares), len(self._starts) - 1
        plan[at.VARIABLE_STARTS] = address(self._starts)
        plan[at.STORED] = address(self._gradient) - address(self._parameters.weights) if self._gradient.size else 0
        plan[at.ACCUMULATION] = optimizer.gradient_accumulation_steps or 1
        plan[at.ACCUMULATOR] = self._offset(optimizer.accumulator_slot)
        plan[at.AVERAGE] = self._offset(optimizer.average_slot)
        plan[at.AVERAGE_MOMENTUM] = float_bits(optimizer.ema_momentum)
        plan[at.AVERAGE_FREQUENCY] = optimizer.ema_overwrite_frequency or 0
        spared = dict(zip(self._places(), self._spared(), strict=True))
        for row in plan.table:
            flags = spared.get(int(row[at.WEIGHTS]), ())
            row[at.UNDECAYED] = sum(spares << k for k, spares in enumerate(flags))

    def _offset(self, slot: int | None) -> int:
        """Bytes from a parameter to a slot of its state; 0 for none."""
        return 0 if slot is None else self._parameters.state_offset + slot * self._parameters.weights.nbytes

    def _places(self) -> Iterator[int]:
        """Where the weights of each layer that has any are: a plan may leave out others."""
        start, item = address(self._parameters.weights), self._parameters.dtype.itemsize
        return (start + shape.offset * item for shape in self._parameters.shapes if shape.weighted)

    def _spared(self) -> Iterator[tuple[bool, ...]]:
        """Of these layers' variables, which do not decay."""
        flags = iter(self.decays or ())
        for shape in self._parameters.shapes:
            if shape.weighted:
                yield tuple(not next(flags, True) for _ in range(shape.arrays))[: shape.variables]


def _limit(value: float | None) -> int:
    return 0 if value is None else float_bits(value)
