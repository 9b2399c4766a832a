"""The data of many curves as the compiled fits read them: rows one after the other, and where each curve begins."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np


class Source(NamedTuple):
    """One variable's values: those of all curves one after the other, or the rows that all curves share."""

    values: np.ndarray
    is_shared: bool


class CurveData(NamedTuple):
    """Data of many curves, without the rows that hold NaN."""

    x: list[Source]
    variables: int  # 0: f takes x as one array, else so many
    y: Source
    weights: Source | None
    starts: np.ndarray
    rows: np.ndarray
    equal: bool  # whether f may see all curves as having ``max_rows`` rows
    max_rows: int


def curve_data(xs: Any, ys: Any, sigma: Any) -> CurveData:
    """Check and arrange the data.

    Parameters
    ----------
    xs : (n,) shared by all; (m, n), one for each curve; (m or 1, k, n), of several variables; or a list like ys
    ys : (m, n), or a list of m arrays of any lengths
    sigma : None, a number, (n,), (m, n), or a list like ys
    """
    ragged = isinstance(ys, list | tuple) and len({np.size(y) for y in ys}) > 1
    if ragged:
        return _of_lists(xs, ys, sigma)
    y = _floats("ys", ys)
    if y.ndim != 2 or y.size == 0:
        raise ValueError(f"ys must be an array of shape (curves, rows) with at least one value, got shape {y.shape}")
    x, s = _floats("xs", xs), None if sigma is None else _floats("sigma", sigma)
    m, n = y.shape
    allowed = f"({n},), ({m}, {n}), (1, k, {n}) or ({m}, k, {n})"
    if x.shape[-1:] != (n,) or not (x.ndim == 1 or (x.ndim == 2 and len(x) == m) or (x.ndim == 3 and len(x) in (1, m))):
        raise ValueError(f"xs must have shape {allowed} for ys of shape {y.shape}, got {x.shape}")
    if s is not None and s.shape not in ((), (n,), (m, n)):
        raise ValueError(f"sigma must be a number or have shape ({n},) or ({m}, {n}), got {s.shape}")
    _check_sigma(s)
    variables = [x] if x.ndim < 3 else [x[0, j] if len(x) == 1 else x[:, j] for j in range(x.shape[1])]
    weights = None if s is None else 1.0 / np.broadcast_to(s, (m, n) if s.ndim == 2 else (n,))
    bad = np.isnan(y)
    for values in (*variables, *([] if weights is None else [weights])):
        bad = bad | np.isnan(values)
    if bad.any():
        keep, rows = ~bad, n - bad.sum(axis=1)
        sources = [Source(np.broadcast_to(v, (m, n))[keep], False) for v in variables]
        starts = np.concatenate([[0], np.cumsum(rows)[:-1]])
        own = None if weights is None else Source(np.broadcast_to(weights, (m, n))[keep], False)
        return CurveData(sources, 0 if x.ndim < 3 else len(sources), Source(y[keep], False), own, starts, rows, False, n)
    sources = [_source(v) for v in variables]
    own = None if weights is None else _source(weights)
    return CurveData(sources, 0 if x.ndim < 3 else len(sources), _source(y), own, n * np.arange(m), np.full(m, n), True, n)


def _of_lists(xs: Any, ys: Any, sigma: Any) -> CurveData:
    """Of curves with different numbers of rows."""
    curves = [_floats(f"ys[{i}]", y) for i, y in enumerate(ys)]
    sizes = [y.size for y in curves]
    x = _list_like("xs", xs, sizes)
    s = (
        None
        if sigma is None
        else _list_like("sigma", [np.full(n, sigma) for n in sizes] if np.ndim(sigma) == 0 else sigma, sizes)
    )
    widths = {a.shape[0] if a.ndim == 2 else 0 for a in x}
    if len(widths) > 1 or any(a.ndim != 1 for a in curves):
        raise ValueError("ys must be arrays of one dimension, and xs all of shape (rows,) or all of shape (k, rows)")
    (width,) = widths
    variables = [np.concatenate([a[j] if width else a for a in x]) for j in range(max(width, 1))]
    y = np.concatenate(curves)
    weights = None if s is None else 1.0 / np.concatenate(s)
    if weights is not None:
        _check_sigma(np.concatenate(s or []))
    bad = np.isnan(y)
    for values in (*variables, *([] if weights is None else [weights])):
        bad = bad | np.isnan(values)
    which = np.repeat(np.arange(len(sizes)), sizes)
    rows = np.bincount(which[~bad], minlength=len(sizes))
    starts = np.concatenate([[0], np.cumsum(rows)[:-1]])
    sources = [Source(v[~bad], False) for v in variables]
    own = None if weights is None else Source(weights[~bad], False)
    return CurveData(sources, width, Source(y[~bad], False), own, starts, rows, False, max(*sizes, 1))


def _list_like(name: str, values: Any, sizes: list[int]) -> list[np.ndarray]:
    if not isinstance(values, list | tuple) or len(values) != len(sizes):
        raise ValueError(f"{name} must be a list of {len(sizes)} arrays, as ys is")
    arrays = [_floats(f"{name}[{i}]", a) for i, a in enumerate(values)]
    for i, (array, size) in enumerate(zip(arrays, sizes, strict=True)):
        if array.shape[-1:] != (size,) or array.ndim > 2:
            raise ValueError(f"{name}[{i}] must have {size} values, as ys[{i}] has, got shape {array.shape}")
    return arrays


def _floats(name: str, values: Any) -> np.ndarray:
    try:
        array = np.asarray(values)
    except ValueError as error:
        raise ValueError(f"{name} must be an array, or a list of arrays as ys is: {error}") from None
    if array.dtype.kind not in "biuf":
        raise TypeError(f"{name} must hold real numbers, got {array.dtype}")
    return array.astype(np.float64, copy=False)


def _check_sigma(sigma: np.ndarray | None) -> None:
    if sigma is not None and not (sigma[~np.isnan(sigma)] > 0).all():
        raise ValueError("sigma must be above 0 everywhere")


def _source(values: np.ndarray) -> Source:
    return Source(np.ascontiguousarray(values), values.ndim == 1)
