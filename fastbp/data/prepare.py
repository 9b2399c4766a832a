"""What a user passes to ``fit``, ``evaluate`` and ``predict``, told apart and checked."""

from typing import Any

import numpy as np

from ..arguments import boolean, number
from ..conversion import describe
from ..feature_names import check_columns, column_names
from .batches import Batches
from .readers import is_large_map, reader
from .rows import Rows, prepare_rows
from .source import Source
from .spec import Spec
from .streams import is_generator_function, is_torch_dataset, stream
from .targets import targets
from .weights import check_once, class_weights, require_weight, sample_weights

Data = Rows | Source | Batches


def prepare(
    x: Any,
    y: Any = None,
    sample_weight: Any = None,
    class_weight: Any = None,
    *,
    spec: Spec,
    check_finite: bool = True,
    prefix: str = "",
    batch_size: int | None = None,
) -> Data:
    """Data of any kind, checked: ``Rows`` in memory, a ``Source`` of chunks, or ``Batches``.

    Parameters
    ----------
    x, y : array-like, or x alone: what yields batches
    sample_weight : array-like (n,) or (n, 1), optional
    class_weight : dict, "balanced" or ClassWeights, optional
    spec : Spec
        Without a loss, there are no targets, and ``y`` is not looked at.
    check_finite : bool
    prefix : str
        What goes before the names of arguments in errors.
    batch_size : int, optional
        As the user gave it: batches have their size.

    Examples
    --------
    >>> import numpy as np
    >>> from fastbp.data import Spec, prepare
    >>> spec = Spec(2, 1, np.dtype("float32"))
    >>> type(prepare([[1, 2], [3, 4]], spec=spec)).__name__
    'Rows'
    >>> type(prepare((row for row in np.ones((3, 1, 2))), spec=spec)).__name__
    'Batches'
    """
    check_finite = boolean("check_finite", check_finite)
    if isinstance(x, Rows):  # prepared before, for several models
        return x
    if class_weight is not None:
        check_once(sample_weight, class_weight)
        class_weight = class_weights(class_weight, spec)
    if type(x) is np.ndarray and not is_large_map(x):
        return prepare_rows(x, y, sample_weight, class_weight, spec=spec, check_finite=check_finite, prefix=prefix)
    batches = _batches(x, y, sample_weight, spec, check_finite, prefix, batch_size)
    if batches is not None:
        return batches.weigh(class_weight)
    source = _source(x, y, sample_weight, spec, check_finite, prefix)
    if source is not None:
        return source.weigh(class_weight)
    return prepare_rows(x, y, sample_weight, class_weight, spec=spec, check_finite=check_finite, prefix=prefix)


def training_data(
    x: Any,
    y: Any = None,
    sample_weight: Any = None,
    class_weight: Any = None,
    validation_data: Any = None,
    validation_split: Any = 0.0,
    *,
    spec: Spec,
    check_finite: bool = True,
    batch_size: int | None = None,
) -> tuple[Data, Data | None]:
    """What to train on, and what to validate on if there is any. The weights of classes are for training only."""
    fraction = number("validation_split", validation_split, 0, 1, below=True)
    check_once(sample_weight, class_weight)
    weights = class_weights(class_weight, spec)
    train = prepare(x, y, sample_weight, spec=spec, check_finite=check_finite, batch_size=batch_size)
    held_out: Data | None = None
    if validation_data is not None:
        like = spec._replace(inputs=train.width, names=spec.names or train.names)
        held_out = validation(validation_data, spec=like, check_finite=check_finite)
    elif fraction:
        if isinstance(train, Batches):
            raise ValueError(
                f"validation_split must be 0 where x yields batches, got {fraction!r} for {describe(x)}: give validation_data"
            )
        train, held_out = train.split(fraction)
    train = train.weigh(weights)
    if isinstance(train, Rows) and train.sample_weight is not None:
        require_weight("sample_weight" if weights is None else "class_weight", train.sample_weight)
    return train, held_out


def validation(data: Any, *, spec: Spec, check_finite: bool = True) -> Data:
    """The data of ``validation_data``: a tuple of two or three, or what yields batches."""
    prefix = "validation_data "
    if isinstance(data, Rows):
        return data
    if isinstance(data, tuple | list) and len(data) in (2, 3):
        return prepare(*data, spec=spec, check_finite=check_finite, prefix=prefix)
    if isinstance(data, tuple | list) or (stream(data) is None and not is_torch_dataset(data)):
        raise ValueError(
            "validation_data must be a tuple (x, y) or (x, y, sample_weight), or what yields such batches, "
            f"got {describe(data)}{f' of {len(data)}' if isinstance(data, tuple | list) else ''}"
        )
    return prepare(data, spec=spec, check_finite=check_finite, prefix=prefix)


def _batches(
    x: Any, y: Any, sample_weight: Any, spec: Spec, check_finite: bool, prefix: str, batch_size: int | None
) -> Batches | None:
    """What x yields, if it yields batches."""
    if is_torch_dataset(x):
        raise TypeError(f"{prefix}x must yield batches, got {describe(x)}, which gives samples: use torch's DataLoader")
    if is_generator_function(x):
        raise TypeError(f"{prefix}x must yield batches, got the function {x.__name__}: call it, {x.__name__}()")
    found = stream(x)
    if found is None:
        return None
    for name, value, where in (
        ("y", y, "yield (x, y)"),
        ("sample_weight", sample_weight, "yield (x, y, sample_weight)"),
        ("batch_size", batch_size, "the batches have their size"),
    ):
        if value is not None:
            shown = value if name == "batch_size" else describe(value)
            raise ValueError(f"{prefix}{name} must be None where x yields batches, as {describe(x)} does, got {shown}: {where}")
    return Batches(found, spec=spec, check_finite=check_finite, prefix=prefix)


def _source(x: Any, y: Any, sample_weight: Any, spec: Spec, check_finite: bool, prefix: str) -> Source | None:
    """x as a source of chunks, if it is better not taken whole."""
    rows = reader(prefix + "x", x, spec.dtype)
    if rows is None:
        return None
    check_columns(prefix + "x", x, spec.names)
    samples = rows.shape[0]
    y_rows: Any = None
    if spec.loss is not None:
        y_rows = reader(prefix + "y", y, spec.dtype)
        y_rows = y_rows or targets(prefix + "y", y, samples, spec, check_finite, None, prefix + "x")
    weights = None
    if sample_weight is not None:
        weights = sample_weights(prefix + "sample_weight", sample_weight, samples)
        require_weight(prefix + "sample_weight", weights)
    return Source(rows, y_rows, weights, spec=spec, check_finite=check_finite, prefix=prefix, names=column_names(x))
