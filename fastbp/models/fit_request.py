"""What a fit was asked for, once all of it has been looked at."""

from collections.abc import Callable
from typing import Any, NamedTuple

from ..data import Data


class FitRequest(NamedTuple):
    """The arguments of a fit, checked. Nothing has changed yet.

    Attributes
    ----------
    train, held_out : Data
        To learn from, and to validate on or None.
    batch_size, steps
        Samples of a step; steps of an epoch, or None: as many as there are.
    held_out_size, held_out_steps
        The same of the validation.
    first, epochs : int
        The epochs to run, as a range has them.
    shuffle : bool
    validates : callable
        Whether to validate after an epoch, counted from 1.
    callbacks : list
    """

    train: Data
    held_out: Data | None
    batch_size: int
    steps: int | None
    held_out_size: int
    held_out_steps: int | None
    first: int
    epochs: int
    shuffle: bool
    validates: Callable[[int], bool]
    callbacks: list[Any]
