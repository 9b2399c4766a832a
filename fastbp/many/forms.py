"""The data that members share, in the forms that their models take it: each is made once."""

from typing import Any

from ..conversion import describe
from ..data import Batches, Rows, Spec, prepare, validation
from .job import Form


class Forms:
    """Data in the forms that models take it: each is made once."""

    def __init__(self, x: Any, y: Any, sample_weight: Any, class_weight: Any, check_finite: bool) -> None:
        self.made: list[Form] = []
        self._data, self._check_finite = (x, y, sample_weight), check_finite
        if sample_weight is not None and class_weight is not None:
            raise ValueError("class_weight must be None where there is a sample_weight, got both")
        self._known: dict[Any, int] = {}

    def form_for(self, model: Any, held_out: tuple[Any, ...] | None = None) -> int:
        """Which of ``made`` a model takes, of the data, or of some to validate on."""
        spec = model._spec()
        known = spec if spec.flattens else spec._replace(inputs=None)  # else it only says what width is wrong
        key = (id(held_out), *known[:3], *known[4:], _targets(spec))
        if key not in self._known:
            self._known[key] = self._make(known, held_out)
        found = self.made[self._known[key]]
        width = found.width if isinstance(found, Rows) else int(found[0].shape[1])
        if spec.inputs not in (None, width):
            self._make(spec, held_out)  # which raises the error
        return self._known[key]

    def _make(self, spec: Spec, held_out: tuple[Any, ...] | None) -> int:
        data = self._data if held_out is None else held_out
        if held_out is None:
            found = prepare(*data, spec=spec, check_finite=self._check_finite)
        else:
            found = validation(held_out, spec=spec, check_finite=self._check_finite)
        if isinstance(found, Batches):
            raise TypeError(f"x must be data that can be gone through any number of times, got {describe(data[0])}")
        self.made.append(found if isinstance(found, Rows) else tuple(data))
        return len(self.made) - 1


def _targets(spec: Spec) -> tuple[Any, ...]:
    """What data must look like for a loss; other losses may want the same."""
    loss = spec.loss
    assert loss is not None
    return loss.target_columns(spec.outputs), loss.sparse, loss.any_width, loss.domain
