"""Names of data columns: those of a DataFrame must stay the same, in the same order."""

from collections.abc import Sequence
from typing import Any

import numpy as np

Names = tuple[str, ...] | None
MAX_LISTED = 8  # names in an error


def column_names(x: Any) -> Names:
    """The names of a DataFrame's columns; None for data whose columns have none, or that are not all strings.

    Examples
    --------
    >>> column_names([[1.0, 2.0]]) is None
    True
    """
    if isinstance(x, np.ndarray) or hasattr(x, "collect"):  # a table yet to be read would be read for its names
        return None
    columns = getattr(x, "columns", None)
    if columns is None or not hasattr(columns, "__iter__"):
        return None
    names = tuple(columns)
    return names if names and all(isinstance(name, str) for name in names) else None


def check_columns(argument: str, x: Any, expected: Names) -> None:
    """Make sure that columns with names are those of the data the model learnt from, in their order."""
    names = None if expected is None else column_names(x)
    if expected is None or names is None or names == expected:
        return
    unseen = [name for name in names if name not in expected]
    missing = [name for name in expected if name not in names]
    found = [f"unseen in fit: {_listed(unseen)}"] if unseen else []
    found += [f"seen in fit, yet missing here: {_listed(missing)}"] if missing else []
    found = found or [f"in another order: {_listed(names)}"]
    raise ValueError(
        f"{argument} must have the columns that the model was fitted with, in the same order: {_listed(expected)}, "
        f"got columns {'; '.join(found)}"
    )


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(map(repr, names[:MAX_LISTED]))
    return shown + (f", ... ({len(names)} in all)" if len(names) > MAX_LISTED else "")
