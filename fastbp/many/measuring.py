"""Loss and metrics of members on rows of the data that they share."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..data import Rows
from ..models.model import Model
from .job import Form, taken
from .member import Member


def measured(members: Sequence[Member], form: Form, rows: Sequence[np.ndarray]) -> dict[str, np.ndarray]:
    """Loss and metrics of each member on rows of its own; NaN for one that has failed."""
    found = [
        None if member.error is not None else evaluated(member.model, taken(form, chosen))
        for member, chosen in zip(members, rows, strict=True)
    ]
    names = next(list(logs) for logs in found if logs is not None)
    return {name: np.array([np.nan if logs is None else logs[name] for logs in found]) for name in names}


def evaluated(model: Model, form: Form) -> dict[str, float]:
    """Loss and metrics on data, as ``fit`` has them in its logs."""
    arguments: dict[str, Any] = {"x": form}
    if not isinstance(form, Rows):
        arguments = dict(zip(("x", "y", "sample_weight"), form, strict=False))
    found = model.evaluate(**arguments, verbose=0, return_dict=True)
    assert isinstance(found, dict)
    return {name: float(value) for name, value in found.items()}
