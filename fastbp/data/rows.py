"""Rows: samples, targets and weights in memory, as the engine takes them."""

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..feature_names import Names, column_names
from .finite import check_finite as require_finite
from .readers import is_large_map
from .samples import as_samples, check_samples, is_ready
from .spec import Spec
from .targets import targets
from .weights import ClassWeights, check_once, class_weights, require_weight, sample_weights


@dataclass(slots=True)
class Rows:
    """Samples, targets and weights that lie in memory (or in a file that is mapped into it) as the engine takes them.

    Attributes
    ----------
    x : array (n, features)
    y : array (n, columns), or int64 labels (n,), or None
    sample_weight : array (n,), or None
    names : tuple of str, or None
        Of the columns of the data that the user gave.
    is_checked : bool
        Whether all of it has been looked at for numbers that are not finite.

    Examples
    --------
    >>> import numpy as np
    >>> from fastbp.data import Rows
    >>> rows = Rows(np.zeros((4, 3), "float32"), np.ones((4, 1), "float32"))
    >>> len(rows), rows.width
    (4, 3)
    """

    x: np.ndarray
    y: np.ndarray | None = None
    sample_weight: np.ndarray | None = None
    names: Names = None
    is_checked: bool = True
    prefix: str = ""

    def __len__(self) -> int:
        return len(self.x)

    def __sizeof__(self) -> int:
        """With the arrays, by which a cluster tells where rows are better left."""
        arrays = self.x, self.y, self.sample_weight
        return object.__sizeof__(self) + sum(array.nbytes for array in arrays if array is not None)

    @property
    def width(self) -> int:
        """Features of a sample."""
        return int(self.x.shape[1])

    @property
    def target_columns(self) -> int:
        """Columns of the targets; labels have one."""
        assert self.y is not None
        return 1 if self.y.ndim == 1 else int(self.y.shape[1])

    def split(self, fraction: float) -> tuple["Rows", "Rows"]:
        """Those to train on and, from the end, the ``fraction`` to validate on. Nothing is copied."""
        at = split_at(len(self), fraction)
        return self.part(0, at), self.part(at, len(self))

    def part(self, start: int, stop: int) -> "Rows":
        """Rows start .. stop."""
        rows = slice(start, stop)
        y = None if self.y is None else self.y[rows]
        return replace(
            self, x=self.x[rows], y=y, sample_weight=None if self.sample_weight is None else self.sample_weight[rows]
        )

    def taken(self, order: np.ndarray) -> "Rows":
        """Some rows, copied."""
        y, weights = self.y, self.sample_weight
        return replace(
            self, x=self.x[order], y=None if y is None else y[order], sample_weight=None if weights is None else weights[order]
        )

    def weigh(self, class_weight: ClassWeights | None) -> "Rows":
        """The same with the weights of classes."""
        if class_weight is None:
            return self
        assert self.y is not None
        weights = class_weight.for_targets("y", self.y).of("y", self.y)
        require_weight("class_weight", weights)
        return replace(self, sample_weight=weights)

    def check_finite(self) -> None:
        """Look at numbers that were not looked at before, because they are in a large file: why a loss is not finite."""
        if not self.is_checked:
            require_finite(self.prefix + "x", self.x)
            if self.y is not None and self.y.ndim == 2:
                require_finite(self.prefix + "y", self.y)
            self.is_checked = True


def split_at(samples: int, fraction: float) -> int:
    """How many samples there are to train on where a ``fraction`` is kept to validate on."""
    at = math.floor(samples * (1 - fraction))
    if at in (0, samples):
        raise ValueError(
            f"validation_split must leave samples on both sides, got {fraction!r} for {samples} samples: "
            f"{at} to train on and {samples - at} to validate on"
        )
    return at


def prepare_rows(
    x: Any,
    y: Any = None,
    sample_weight: Any = None,
    class_weight: Any = None,
    *,
    spec: Spec,
    check_finite: bool = True,
    prefix: str = "",
    is_part: bool = False,
) -> Rows:
    """Data that is taken whole: what fits in memory, and single batches.

    Parameters
    ----------
    x, y : array-like
        ``y`` is looked at only where ``spec.loss`` says what targets look like.
    sample_weight : array-like (n,) or (n, 1), optional
    class_weight : dict, "balanced" or ClassWeights, optional
    spec : Spec
    check_finite : bool
    prefix : str
        What goes before the names of arguments in errors.
    is_part : bool
        Whether there is more of it, so that no sample need count here.

    Examples
    --------
    >>> import numpy as np
    >>> from fastbp import losses
    >>> from fastbp.data import Spec, prepare_rows
    >>> spec = Spec(1, 1, np.dtype("float32"), losses.get("mse"))
    >>> prepare_rows([1, 2], [3, 4], spec=spec).y
    array([[3.], [4.]], dtype=float32)
    """
    argument, names, array = prefix + "x", None, x
    if not is_ready(x, spec.inputs, spec.dtype):
        array, names = as_samples(argument, x, spec), column_names(x)
    check_x, check_y = check_finite and not is_large_map(x), check_finite and not is_large_map(y)
    check_samples(argument, array, check_x)
    found = None if spec.loss is None else targets(prefix + "y", y, len(array), spec, check_y, None, argument)
    rows = Rows(array, found, None, names, (check_x and check_y) or not check_finite, prefix)
    argument = prefix + "sample_weight"
    if sample_weight is not None:
        check_once(sample_weight, class_weight)
        rows.sample_weight = sample_weights(argument, sample_weight, len(rows))
    weights = class_weights(class_weight, spec)
    if weights is not None:
        assert rows.y is not None
        argument, weights = "class_weight", weights.for_targets(prefix + "y", rows.y)
        rows.sample_weight = weights.of(prefix + "y", rows.y)
    if rows.sample_weight is not None and not is_part:
        require_weight(argument, rows.sample_weight)
    return rows
