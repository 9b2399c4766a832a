"""The work of one member: what its ``fit`` is called with, in a form that can be sent to another process."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..data import Rows
from ..engine.entrants import Samples
from ..layers.stages import Stage
from .networks import Network

Form = Rows | tuple[Any, ...]  # data as a model takes it; or as the user gave it, where it is better not in memory


@dataclass
class Job:
    """The work of one member.

    Attributes
    ----------
    index : int
        Which of the models it is.
    model : Sequential
    form : int or None
        Which form of the shared data it takes; None: it has ``data`` of its own.
    epochs : int
    batch_size : int or None
    rows : int64 array, or None
        The rows of its data that it learns from; None: all.
    data : Rows or tuple, or None
        As a model takes it, or (x, y) or (x, y, sample_weight).
    sample_weight : array, or None
        In the place of the shared one.
    validation : float, int64 array, tuple, or None
        The part of its rows to validate on, from their end; rows of its data; or other data.
    validation_form : int or None
        Which form of the shared data to validate on.
    callbacks : list of Callback
        Its own.
    settings : dict
        Further arguments of ``fit``.
    flop, step_flop : float
        Estimates of its work, and of that of one step.
    network : Network or None
    samples : tuple (Samples, Samples or None), or None
        What it learns from and validates on as kernels take it. Neither goes to other processes, which find out again.
    """

    index: int
    model: Any
    form: int | None = None
    epochs: int = 1
    batch_size: int | None = None
    rows: np.ndarray | None = None
    data: Form | None = None
    sample_weight: np.ndarray | None = None
    validation: Any = None
    validation_form: int | None = None
    callbacks: list[Any] = field(default_factory=list)
    settings: dict[str, Any] = field(default_factory=dict)
    flop: float = 0.0
    step_flop: float = 0.0
    network: Network | None = field(default=None, repr=False, compare=False)
    samples: tuple[Samples, Samples | None] | None = field(default=None, repr=False, compare=False)

    @property
    def stages(self) -> tuple[Stage, ...]:
        """Those of its network."""
        return () if self.network is None else self.network.stages

    @property
    def validates(self) -> bool:
        """Whether there is data to validate on."""
        return self.validation is not None or self.validation_form is not None

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "network": None, "samples": None}

    def arguments(self, forms: Sequence[Form]) -> dict[str, Any]:
        """Those of its model's ``fit``, given the forms of the shared data."""
        whole = self.whole(forms)
        arguments: dict[str, Any] = {**self.settings, "epochs": self.epochs, "batch_size": self.batch_size}
        arguments |= _named(whole if self.rows is None else taken(whole, self.rows))
        if self.callbacks:
            arguments["callbacks"] = self.callbacks
        if self.validation_form is not None:
            held_out = forms[self.validation_form]
            arguments["validation_data"] = held_out
        elif isinstance(self.validation, float):
            arguments["validation_split"] = self.validation
        elif isinstance(self.validation, np.ndarray):
            arguments["validation_data"] = taken(whole, self.validation)
        elif self.validation is not None:
            arguments["validation_data"] = self.validation
        return arguments

    def width(self, forms: Sequence[Form]) -> int:
        """Features of a sample."""
        if self.model._input_units is not None:
            return int(self.model._input_units)
        whole = self.whole(forms)
        return whole.width if isinstance(whole, Rows) else int(np.shape(whole[0])[1])

    def whole(self, forms: Sequence[Form]) -> Form:
        """All of its data, with the weights of the samples."""
        whole: Form = forms[self.form] if self.form is not None else () if self.data is None else self.data
        if self.sample_weight is None:
            return whole
        if isinstance(whole, Rows):
            return Rows(whole.x, whole.y, self.sample_weight, whole.names, whole.is_checked)
        return (*whole[:2], self.sample_weight)


def taken(data: Form, rows: np.ndarray) -> Form:
    """Some rows of data, copied."""
    return data.taken(rows) if isinstance(data, Rows) else tuple(None if part is None else part[rows] for part in data)


def _named(data: Form) -> dict[str, Any]:
    if isinstance(data, Rows):
        return {"x": data}
    return dict(zip(("x", "y", "sample_weight"), data, strict=False))
