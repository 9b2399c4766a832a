"""curve_fit: scipy's, with exact derivatives from one compiled pass over the data."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable
from types import FunctionType
from typing import Any

import numpy as np

from .bounds import bounds_pair
from .least_squares import minimize

_ARRAYS = (list, tuple, np.ndarray)  # as scipy has it: f sees them as arrays of float64, and all else as it is


def curve_fit(
    f: Callable[..., Any],
    xdata: Any,
    ydata: Any,
    p0: Any = None,
    sigma: Any = None,
    absolute_sigma: bool = False,
    check_finite: bool | None = None,
    bounds: Any = (-np.inf, np.inf),
    method: str | None = None,
    jac: Any = None,
    *,
    full_output: bool = False,
    nan_policy: str | None = None,
    **kwargs: Any,
) -> Any:
    """Fit the parameters of a formula to data by least squares, as ``scipy.optimize.curve_fit`` does.

    The formula is traced (``fastbp.trace``); its residuals and their exact Jacobian run as compiled code, in several threads
    for much data. scipy minimises: Levenberg-Marquardt ("lm"), "trf" or "dogbox".

    Parameters
    ----------
    f : callable
        ``f(x, a, b, ...)``, of NumPy's functions or fastbp's. It is called once, with nodes instead of numbers, or once for
        each way through its branches: it may use Python's if, while, max and the like on its parameters. One that cannot be
        traced is fitted by scipy alone, with finite differences, and a warning says so. Where the chain rule meets 0 times
        infinity, as in ``exp(-b / x)`` at x = 0, differences take its place.
    xdata : array
        The independent variable, or several: an array of any shape or a tuple of arrays, as f takes it, such as (k, M) for k
        variables, (M, k) for ``x @ w`` and a pair of meshgrids. A pandas Series counts by
        its values. Anything else, such as a DataFrame, is handed to f as it is, which is left to scipy: for speed, pass
        ``frame.to_numpy().T``.
    ydata : array
        M values, or an array of the shape that f gives: several outputs a point.
    p0 : array, optional
        Where to start; ones (or a point within the bounds) if not given.
    sigma : array, optional
        Standard deviations of ydata, or its covariance matrix.
    absolute_sigma : bool
        Whether sigma is meant absolutely; else only its ratios count.
    check_finite : bool, optional
        Raise an error for infinities and NaN in the data (default).
    bounds : pair of arrays, or scipy.optimize.Bounds
        Lower and upper bounds.
    method : "lm", "trf" or "dogbox", optional
        "trf" with bounds, else "lm"; where that finds no minimum, or one that does not determine the parameters, the better
        one of "lm" and "trf".
    jac : callable or str, optional
        As in scipy; given, scipy does it all.
    full_output : bool
        Also return infodict, mesg and ier. Much data then takes longer, since all residuals are kept for it.
    nan_policy : "raise", "omit" or None
        What to do about NaN in the data, with ``check_finite=False``.
    **kwargs
        For scipy.optimize.leastsq or least_squares. Tolerances (ftol, xtol, gtol) that are not given are as tight as float64
        allows, and more steps are allowed than by scipy; with bounds the variables are scaled by the Jacobian.

    Returns
    -------
    popt, pcov
        The parameters, and their covariance; then what ``full_output`` adds. Where the data do not determine the parameters
        the covariance is infinite and a warning says so, whatever the method is.

    Raises
    ------
    ValueError, TypeError
        For arguments that do not fit.
    RuntimeError
        If no minimum is found.

    Examples
    --------
    >>> import fastbp, numpy as np
    >>> x = np.linspace(0, 4, 50)
    >>> popt, pcov = fastbp.curve_fit(lambda x, a, b: a * np.exp(-b * x), x, 2.5 * np.exp(-1.3 * x))
    >>> print(popt.round(6))
    [2.5 1.3]
    """
    from ..graph.tracing.errors import TraceError
    from .branching import compiled_problem
    from .residuals import can_reduce

    optimize = scipy_optimize("curve_fit")
    rest = {"check_finite": check_finite, "jac": jac, "nan_policy": nan_policy, "full_output": full_output, **kwargs}
    whole = {"p0": p0, "sigma": sigma, "absolute_sigma": absolute_sigma, "bounds": bounds, "method": method, **rest}
    if not callable(f):
        raise TypeError(f"f must be a function, got {f!r}")
    if jac is not None or "args" in kwargs:
        return optimize.curve_fit(f, xdata, ydata, **whole)
    start, low, high = start_and_bounds(f, p0, bounds)
    bounded = bool(np.any((low > -np.inf) | (high < np.inf)))
    if method is None and bounded:
        method = "trf"
    if method == "lm" and bounded:
        raise ValueError("Method 'lm' only works for unconstrained problems. Use 'trf' or 'dogbox' instead.")
    with np.errstate(all="ignore"):
        x, y, sigma = fit_data(xdata, ydata, sigma, check_finite, nan_policy)
        weights, transform = fit_weights(sigma, y)
    shape = y.shape
    if method in (None, "lm") and len(start) > y.size != 1:
        raise TypeError(f"The number of func parameters={len(start)} must not exceed the number of data points={y.size}")
    plain = transform is None and kwargs.get("loss", "linear") == "linear" and not full_output and "callback" not in kwargs
    reduced = plain and can_reduce(y.size, len(start))
    problem, reason = None, ""
    try:
        problem = compiled_problem(f, x, y, start, weights, transform, reduced)
    except Exception as error:
        reason = str(error)
    if problem is not None:
        try:
            popt, found, cost, info, message, status = minimize(problem, start, (low, high), method, kwargs, y.size)
        except TraceError as error:  # along a way that it has come to later
            reason = str(error)
        else:
            pcov = scaled(found, cost, y.size, len(popt), absolute_sigma)
            if np.isinf(pcov).all():
                warnings.warn("Covariance of the parameters could not be estimated", optimize.OptimizeWarning, stacklevel=2)
            return (popt, pcov, info, message, status) if full_output else (popt, pcov)
    check_values(f, x if isinstance(xdata, _ARRAYS) else xdata, y, start)
    warnings.warn(
        f"curve_fit could not trace the formula and leaves it to scipy's finite differences, which are slower and less "
        f"exact. The reason:\n{reason}",
        RuntimeWarning,
        stacklevel=2,
    )
    if len(shape) > 1:  # of which scipy knows nothing
        whole |= {"p0": start, "sigma": None if sigma is None else np.ravel(sigma) if sigma.shape == shape else sigma}
        return optimize.curve_fit(lambda x, *p: np.ravel(f(x, *p)), xdata, y.ravel(), **whole)
    return optimize.curve_fit(f, xdata, ydata, **whole)


def check_values(f: Any, x: Any, y: np.ndarray, start: np.ndarray) -> None:
    """What is wrong with numbers too needs no other explanation."""
    found = f(x, *start)
    if np.shape(np.subtract(found, y)) != y.shape and y.size > 1:  # one y is for many x
        raise ValueError(f"f must give one value for each of the {y.size} values in ydata, got shape {np.shape(found)}")


def scipy_optimize(who: str) -> Any:
    """scipy.optimize, or an error that names what installs it."""
    try:
        from scipy import optimize
    except ImportError as error:
        raise ImportError(f"{who} needs scipy, which pip install 'fastbp[fit]' installs") from error
    return optimize


def start_and_bounds(f: Any, p0: Any, bounds: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The first parameters and the bounds, as scipy chooses them."""
    if p0 is None:
        count = _positional(f) - 1
        if count < 1:
            raise ValueError("Unable to determine number of fit parameters.")
    else:
        p0 = np.atleast_1d(np.asarray(p0, float)).ravel()
        count = p0.size
    try:
        low, high = (np.full(count, b, float) for b in bounds_pair(bounds))
    except (TypeError, ValueError):
        raise ValueError(f"bounds must be two numbers or arrays of {count} values, the parameters, got {bounds!r}") from None
    if p0 is None:
        p0 = start_within(low, high)
    return p0, low, high


def start_within(low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Where to start for want of anything better: ones, or a point within the bounds."""
    p0 = np.ones(len(low))
    finite_low, finite_high = np.isfinite(low), np.isfinite(high)
    both = finite_low & finite_high
    p0[both] = 0.5 * (low[both] + high[both])
    p0[finite_low & ~finite_high] = low[finite_low & ~finite_high] + 1
    p0[finite_high & ~finite_low] = high[finite_high & ~finite_low] - 1
    return p0


def _positional(f: Any) -> int:
    """How many positional arguments f takes by name."""
    if type(f) is FunctionType and not vars(f):  # what inspect finds, but at once
        return f.__code__.co_argcount
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return sum(p.kind in kinds for p in inspect.signature(f).parameters.values())


def fit_data(xdata: Any, ydata: Any, sigma: Any, check_finite: bool | None, nan_policy: str | None) -> tuple[Any, Any, Any]:
    """The data as float64, checked. An x that is neither an array nor a sequence of numbers is left as it is."""
    checked = nan_policy is None if check_finite is None else check_finite
    convert = np.asarray_chkfinite if checked else np.asarray
    y = convert(ydata, float)
    if y.size == 0:
        raise ValueError("`ydata` must not be empty!")
    x = xdata
    if isinstance(xdata, _ARRAYS) or (np.ndim(xdata) == 1 and np.asarray(xdata).dtype.kind in "biuf"):
        x = convert(xdata, float)
    sigma = None if sigma is None else np.asarray(sigma, float)
    if not checked and nan_policy is not None:
        if nan_policy == "propagate":
            raise ValueError("`nan_policy='propagate'` is not supported by this function.")
        if nan_policy not in ("raise", "omit"):
            raise ValueError("nan_policy must be one of {None, 'raise', 'omit'}")
        bad = np.isnan(y)
        axis = _axis_of_points(x, y)
        if axis is not None:
            bad = bad | np.isnan(np.moveaxis(x, axis, -1)).any(axis=tuple(range(x.ndim - 1)))
        if bad.any() and nan_policy == "raise":
            raise ValueError("The input contains nan values")
        if not bad.any():
            return x, y, sigma
        if axis is None:
            raise ValueError(f"nan_policy='omit' needs a value of x for each of y, got shapes {np.shape(x)} and {y.shape}")
        x, y = np.compress(~bad, x, axis), y[~bad]
        if sigma is not None and sigma.ndim:
            sigma = sigma[~bad] if sigma.ndim == 1 else sigma[np.ix_(~bad, ~bad)]
    return x, y, sigma


def _axis_of_points(x: Any, y: np.ndarray) -> int | None:
    """The axis of x that goes with the values of y: as scipy has it the last, else the first."""
    if not isinstance(x, np.ndarray) or not x.ndim or y.ndim != 1:
        return None
    return next((axis for axis in (-1, 0) if x.shape[axis] == len(y)), None)


def fit_weights(sigma: np.ndarray | None, y: np.ndarray) -> tuple[np.ndarray | None, Any]:
    """What residuals are multiplied with, and what is done to them for a whole covariance matrix."""
    if sigma is None:
        return None, None
    if sigma.size == 1 or sigma.shape == y.shape:
        return np.broadcast_to(1.0 / sigma.reshape(-1), (y.size,)).copy(), None
    if sigma.shape != (y.size, y.size):
        raise ValueError("`sigma` has incorrect shape.")
    from scipy import linalg

    try:
        factor = linalg.cholesky(sigma, lower=True)
    except linalg.LinAlgError as error:
        raise ValueError("`sigma` must be positive definite.") from error
    return None, lambda values: linalg.solve_triangular(factor, values, lower=True)


def scaled(pcov: np.ndarray | None, cost: float, rows: int, count: int, absolute_sigma: bool) -> np.ndarray:
    """The covariance by the errors that were given, or by those that the residuals show; infinite where there is none."""
    if pcov is not None and np.isfinite(cost):
        if absolute_sigma:
            return pcov
        if rows > count:
            with np.errstate(all="ignore"):
                return pcov * (cost / (rows - count))
    return np.full((count, count), np.inf)
