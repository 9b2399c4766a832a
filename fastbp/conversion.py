"""Data from the user as a plain array of numbers, or an error that says what it is and what to do about it."""

import numbers
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

import numpy as np

from .notices import warn_of_large_integers

REAL = numbers.Real | Decimal | np.bool_

# What to do about an array that holds no real numbers, by the kind of its dtype.
HINTS = {
    "c": "take the real part, and make the imaginary one a column of its own",
    "M": "make numbers of dates, such as the seconds since the first: (x - x.min()) / np.timedelta64(1, 's')",
    "m": "make numbers of times, such as seconds: x / np.timedelta64(1, 's')",
}


def describe(value: Any) -> str:
    """What kind of thing a value is, without its contents."""
    shape = getattr(value, "shape", None)
    return "None" if value is None else type(value).__name__ + (f" of shape {tuple(shape)}" if shape is not None else "")


def as_numbers(argument: str, value: Any) -> np.ndarray:
    """``value`` as a plain array of numbers; not copied if it is one already."""
    array = _as_array(argument, value)
    if array.dtype == object:
        array = _objects_as_numbers(argument, value, array)
    if array.dtype.kind not in "fiub" or _has_times(value):
        raise _dtype_error(argument, value, array)
    if isinstance(value, np.ma.MaskedArray) and np.ma.is_masked(value):
        raise ValueError(f"{argument} must have no masked elements, got {np.ma.count_masked(value)}: fill them first")
    return array


def contiguous(argument: str, array: np.ndarray, dtype: Any) -> np.ndarray:
    """The array C-contiguous, aligned and of the dtype.

    Numbers too large for it become infinite and those too small zero, whatever NumPy's warnings are set to.
    """
    warn_of_large_integers(argument, array, dtype)
    with np.errstate(all="ignore"):
        return np.require(array, dtype, ["C", "A"])


def _as_array(argument: str, value: Any) -> np.ndarray:
    try:
        return np.asarray(value)
    except Exception as error:  # __array__ may raise anything: a tensor that requires its gradient, or is on a GPU
        lengths = _lengths(value)
        if len(set(lengths)) > 1:
            at = next(i for i, length in enumerate(lengths) if length != lengths[0])
            reason = f"row {at} has length {lengths[at]}, row 0 has {lengths[0]}"
        else:
            reason = str(error)
        kind = TypeError if isinstance(error, TypeError) else ValueError
        raise kind(f"{argument} must be an array of numbers, got {describe(value)}: {reason}") from None


def _lengths(value: Any) -> list[int]:
    """The lengths of a list's rows; a single number has length 0."""
    return [len(row) if hasattr(row, "__len__") else 0 for row in value] if isinstance(value, list | tuple) else []


def _objects_as_numbers(argument: str, value: Any, array: np.ndarray) -> np.ndarray:
    """The array in float64 if each element is a real number: a Python number, a Fraction, a Decimal, a nullable one."""
    if array.ndim == 0 and not isinstance(array[()], REAL):
        raise _object_error(argument, value)
    if _has_columns_of_numbers(value):
        nullable: np.ndarray = value.to_numpy("float64", na_value=np.nan)
        return nullable
    wrong = {kind for kind in set(map(type, array.flat)) if not issubclass(kind, REAL)}
    if wrong:
        at, element = next((i, element) for i, element in enumerate(array.flat) if type(element) in wrong)
        where = _place(value, tuple(map(int, np.unravel_index(at, array.shape))))
        raise TypeError(f"{argument} must hold real numbers, got {_shown(element)}{where}: {_element_hint(element)}")
    try:
        return array.astype(np.float64)
    except (OverflowError, ValueError) as error:  # an integer of hundreds of digits, a signalling NaN
        raise ValueError(f"{argument} must hold real numbers that fit float64, got {describe(value)}: {error}") from None


def _has_columns_of_numbers(value: Any) -> bool:
    """Whether it is a DataFrame or Series of numbers that NumPy makes objects of: several dtypes, or nullable ones."""
    dtypes = getattr(value, "dtypes", ())
    kinds = [getattr(dtype, "kind", "") for dtype in (dtypes if hasattr(dtypes, "__iter__") else [dtypes])]
    return bool(kinds) and hasattr(value, "to_numpy") and set(kinds) <= set("fiub")


# ------------------------------------------------------------------------------------------------------------ errors


def _object_error(argument: str, value: Any) -> TypeError:
    """The error for what NumPy treats as a single object."""
    hint = ""
    if isinstance(value, Mapping):
        hint = ": make its values columns, such as np.column_stack(list(x.values()))"
    elif hasattr(value, "toarray"):
        hint = ": x.toarray() makes an array of a sparse matrix"
    elif hasattr(value, "collect"):
        hint = ": x.collect() reads it"
    elif isinstance(value, set | frozenset):
        hint = ": it has no order, as sorted(x) has"
    elif isinstance(value, Iterable):
        hint = ": list(x) makes a list of it"
    return TypeError(f"{argument} must be an array of numbers, got {describe(value)}{hint}")


def _dtype_error(argument: str, value: Any, array: np.ndarray) -> TypeError:
    """The error for an array of another kind of dtype, such as text, complex numbers or dates."""
    column = _non_numeric_column(value)
    what = f"{argument} must hold real numbers, got {describe(value)}{column or f' of dtype {array.dtype}'}"
    if array.dtype.kind in "UST" and array.size:
        text = next((text for text in array.flat if not _is_number(text)), array.flat[0])
        return TypeError(f"{what}: {_element_hint(text)}")
    kind = "M" if _has_times(value) else array.dtype.kind
    return TypeError(f"{what}: {HINTS.get(kind, 'convert it to real numbers beforehand')}")


def _has_times(value: Any) -> bool:
    """Whether it is a DataFrame of polars with dates or times, of which NumPy makes large integers without a word."""
    return hasattr(value, "columns") and any(
        hasattr(dtype, "is_temporal") and dtype.is_temporal() for dtype in getattr(value, "dtypes", ())
    )


def _non_numeric_column(value: Any) -> str:
    """A phrase that names the first column of a DataFrame that holds no numbers."""
    if hasattr(value, "columns") and hasattr(value, "dtypes"):
        for name, dtype in zip(value.columns, value.dtypes, strict=False):
            is_number = dtype.is_numeric() if hasattr(dtype, "is_numeric") else getattr(dtype, "kind", "") in set("fiub")
            if not is_number and str(dtype) != "Boolean":  # of polars, whose dtypes have no kind
                return f" with column {name!r} of dtype {dtype}"
    return ""


def _place(value: Any, position: tuple[int, ...]) -> str:
    """Where an element is: rows by number, columns by name where they have one."""
    if len(position) > 2:
        return f" at {position}"
    names = getattr(value, "columns", None)
    column = [f"column {position[1] if names is None else names[position[1]]!r}"] if len(position) == 2 else []
    return ", ".join([f" at row {position[0]}", *column]) if position else ""


def _shown(element: Any) -> str:
    return repr(element) if isinstance(element, str | bytes | None | complex) else describe(element)


def _element_hint(element: Any) -> str:
    if _is_number(element):
        return "numbers written as text become numbers by np.asarray(x, float)"
    if isinstance(element, str | bytes):
        return "encode text and categories as numbers beforehand"
    missing = element is None or type(element).__name__ in ("NAType", "NaTType")
    return f"{'fill in what is missing' if missing else 'convert it to a real number'} beforehand"


def _is_number(text: Any) -> bool:
    """Whether a text reads as a number (NaN is none)."""
    try:
        return isinstance(text, str | bytes) and float(text) == float(text)
    except ValueError:
        return False
