"""Numbers, texts, lists, dicts and arrays as what JSON can hold and arrays by name, and back."""

from typing import Any

import numpy as np

KINDS = "biuf"  # of NumPy's dtypes
MAX_DEPTH = 20


def is_storable(value: Any, depth: int = 0) -> bool:
    """Whether a value is made of what can be stored."""
    if value is None or type(value) in (bool, int, float, str):
        return True
    if isinstance(value, np.generic | np.ndarray):
        return value.dtype.kind in KINDS and value.dtype.itemsize <= 8
    if depth > MAX_DEPTH:
        return False
    if type(value) in (list, tuple):
        return all(is_storable(item, depth + 1) for item in value)
    return type(value) is dict and all(is_storable(part, depth + 1) for item in value.items() for part in item)


def packed(value: Any, arrays: dict[str, np.ndarray], prefix: str) -> Any:
    """A value as JSON can hold it; its arrays are put among ``arrays`` under names that begin with ``prefix``."""
    if value is None or type(value) in (bool, int, float, str):
        return value
    if isinstance(value, np.generic | np.ndarray):
        name = f"{prefix}/{len(arrays)}"
        arrays[name] = np.asarray(value)
        return {"array": name} if isinstance(value, np.ndarray) else {"number": name}
    if type(value) is dict:
        return {"dict": [[packed(part, arrays, prefix) for part in item] for item in value.items()]}
    items = [packed(item, arrays, prefix) for item in value]
    return items if type(value) is list else {"tuple": items}


def unpacked(value: Any, arrays: dict[str, np.ndarray]) -> Any:
    """The value that ``packed`` has written down."""
    if isinstance(value, list):
        return [unpacked(item, arrays) for item in value]
    if not isinstance(value, dict):
        return value
    ((kind, content),) = value.items()
    if kind in ("array", "number"):
        array = arrays[content]
        return array.copy() if kind == "array" else array[()]
    if kind == "tuple":
        return tuple(unpacked(item, arrays) for item in content)
    if kind != "dict":
        raise ValueError(f"a value must be an array, a number, a tuple or a dict, got {kind!r}")
    return {unpacked(name, arrays): unpacked(item, arrays) for name, item in content}
