"""curve_fit: scipy's, with exact derivatives from one compiled pass over the data."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

# With exact derivatives the minimum is found to the last digits: scipy's 1e-8 would stop long before on flat valleys.
_TIGHT = 1e-15
_EVALUATIONS = 500  # times (parameters + 1), at most
_LM_REACHED = (1, 2, 3, 4)
_LM_EXACT = (6, 7, 8)  # nothing smaller can be told apart: for tolerances that nobody asked for, that is success


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
        ``f(x, a, b, ...)``, of NumPy's functions or fastbp's. One that cannot be traced is fitted by scipy alone, with
        finite differences, and a warning says so.
    xdata : array
        The independent variable, or several as an array of shape (k, M), of which f takes the rows.
    ydata : array
        M values.
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
        "lm" without bounds, else "trf".
    jac : callable or str, optional
        As in scipy; given, nothing is traced.
    full_output : bool
        Also return infodict, mesg and ier.
    nan_policy : "raise", "omit" or None
        What to do about NaN in the data, with ``check_finite=False``.
    **kwargs
        For scipy.optimize.leastsq or least_squares. Tolerances (ftol, xtol, gtol) that are not given are as tight as float64
        allows, and more steps are allowed than by scipy; with bounds the variables are scaled by the Jacobian.

    Returns
    -------
    popt, pcov
        The parameters, and their covariance; then what ``full_output`` adds.

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
    from scipy import optimize

    from .graph.residuals import ReducedResiduals, Residuals, can_reduce, programs

    rest = {"check_finite": check_finite, "jac": jac, "nan_policy": nan_policy, "full_output": full_output, **kwargs}
    whole = {"p0": p0, "sigma": sigma, "absolute_sigma": absolute_sigma, "bounds": bounds, "method": method, **rest}
    if jac is not None or (np.ndim(ydata) != 1) or not callable(f) or "args" in kwargs:
        return optimize.curve_fit(f, xdata, ydata, **whole)
    start, low, high = _start(f, p0, bounds, optimize)
    bounded = bool(np.any((low > -np.inf) | (high < np.inf)))
    method = method or ("trf" if bounded else "lm")
    if method == "lm" and bounded:
        raise ValueError("Method 'lm' only works for unconstrained problems. Use 'trf' or 'dogbox' instead.")
    try:
        x, y, sigma = _data(xdata, ydata, sigma, check_finite, nan_policy)
    except TypeError:
        return optimize.curve_fit(f, xdata, ydata, **whole)
    weights, transform = _weights(sigma, y)
    if method == "lm" and len(start) > len(y) != 1:
        raise TypeError(f"The number of func parameters={len(start)} must not exceed the number of data points={len(y)}")
    reduced = transform is None and kwargs.get("loss", "linear") == "linear" and can_reduce(len(y), len(start))
    try:
        compiled = programs(f, x, len(start), weights is not None, reduced)
    except Exception as error:
        warnings.warn(
            f"curve_fit could not trace the formula and leaves it to scipy's finite differences, which are slower and less "
            f"exact. The reason:\n{error}",
            RuntimeWarning,
            stacklevel=2,
        )
        return optimize.curve_fit(f, xdata, ydata, **whole)
    data = [*(x if x.ndim == 2 else [x]), y, *([] if weights is None else [weights])]
    problem = (ReducedResiduals if reduced else Residuals)(compiled, data, len(start), transform)
    fit = _levenberg_marquardt if method == "lm" else _trust_region
    popt, pcov, cost, info, message, status = fit(problem, start, (low, high), method, dict(kwargs), optimize)
    if full_output:
        info["fvec"] = problem.full_residuals(popt)
    pcov = _scaled(pcov, cost, len(y), len(popt), absolute_sigma, optimize)
    return (popt, pcov, info, message, status) if full_output else (popt, pcov)


def _start(f: Any, p0: Any, bounds: Any, optimize: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The first parameters and the bounds, as scipy chooses them."""
    import inspect

    if p0 is None:
        kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
        count = sum(p.kind in kinds for p in inspect.signature(f).parameters.values()) - 1
        if count < 1:
            raise ValueError("Unable to determine number of fit parameters.")
    else:
        p0 = np.atleast_1d(np.asarray(p0, float)).ravel()
        count = p0.size
    low, high = (bounds.lb, bounds.ub) if isinstance(bounds, optimize.Bounds) else bounds
    try:
        low, high = (np.broadcast_to(np.asarray(b, float), (count,)) for b in (low, high))
    except ValueError:
        raise ValueError(f"bounds must be numbers or have {count} values, one for each parameter") from None
    if p0 is None:
        p0 = np.ones(count)
        finite_low, finite_high = np.isfinite(low), np.isfinite(high)
        both = finite_low & finite_high
        p0[both] = 0.5 * (low[both] + high[both])
        p0[finite_low & ~finite_high] = low[finite_low & ~finite_high] + 1
        p0[finite_high & ~finite_low] = high[finite_high & ~finite_low] - 1
    return p0, low, high


def _data(xdata: Any, ydata: Any, sigma: Any, check_finite: bool | None, nan_policy: str | None) -> tuple[Any, Any, Any]:
    """The data as float64, checked; a TypeError where x is nothing that a graph knows."""
    checked = nan_policy is None if check_finite is None else check_finite
    convert = np.asarray_chkfinite if checked else np.asarray
    y = convert(ydata, float)
    if y.size == 0:
        raise ValueError("`ydata` must not be empty!")
    if not isinstance(xdata, list | tuple | np.ndarray) and not hasattr(xdata, "__array__"):
        raise TypeError("x is no array")
    x = convert(xdata, float)
    if x.ndim not in (1, 2) or x.shape[-1] != len(y):
        raise TypeError("x has no row for each y")
    sigma = None if sigma is None else np.asarray(sigma, float)
    if not checked and nan_policy is not None:
        if nan_policy == "propagate":
            raise ValueError("`nan_policy='propagate'` is not supported by this function.")
        if nan_policy not in ("raise", "omit"):
            raise ValueError("nan_policy must be one of {None, 'raise', 'omit'}")
        bad = np.isnan(y) | np.isnan(x).any(axis=tuple(range(x.ndim - 1)))
        if bad.any() and nan_policy == "raise":
            raise ValueError("The input contains nan values")
        x, y = np.ascontiguousarray(x[..., ~bad]), y[~bad]
        if sigma is not None and sigma.ndim:
            sigma = sigma[~bad] if sigma.ndim == 1 else sigma[~bad][:, ~bad]
    return x, y, sigma


def _weights(sigma: np.ndarray | None, y: np.ndarray) -> tuple[np.ndarray | None, Any]:
    """What residuals are multiplied with, and what is done to them for a whole covariance matrix."""
    if sigma is None:
        return None, None
    if sigma.size == 1 or sigma.shape == y.shape:
        return np.broadcast_to(1.0 / sigma.reshape(-1), y.shape).copy(), None
    if sigma.shape != (y.size, y.size):
        raise ValueError("`sigma` has incorrect shape.")
    from scipy import linalg

    try:
        factor = linalg.cholesky(sigma, lower=True)
    except linalg.LinAlgError as error:
        raise ValueError("`sigma` must be positive definite.") from error
    return None, lambda values: linalg.solve_triangular(factor, values, lower=True)


def _levenberg_marquardt(problem: Any, start: Any, _: Any, method: str, options: dict[str, Any], optimize: Any) -> Any:
    own = not {"ftol", "xtol", "gtol"} & set(options)
    if "max_nfev" in options:
        options["maxfev"] = options.pop("max_nfev")
    settings = {"ftol": _TIGHT, "xtol": _TIGHT, "maxfev": _EVALUATIONS * (len(start) + 1), **options}
    popt, pcov, info, message, status = optimize.leastsq(
        problem.residuals, start, Dfun=problem.columns, col_deriv=True, full_output=True, **settings
    )
    if own and status in _LM_EXACT:
        status, message = 1, "The sum of squares cannot be told from its minimum."
    if status not in _LM_REACHED:
        raise RuntimeError("Optimal parameters not found: " + message)
    return popt, pcov, np.sum(info["fvec"] ** 2), info, message, status


def _trust_region(problem: Any, start: Any, bounds: Any, method: str, options: dict[str, Any], optimize: Any) -> Any:
    from scipy.linalg import svd

    if "maxfev" in options:
        options.setdefault("max_nfev", options.pop("maxfev"))
    settings = {"ftol": _TIGHT, "xtol": _TIGHT, "gtol": _TIGHT, "x_scale": "jac", **options}
    settings.setdefault("max_nfev", _EVALUATIONS * (len(start) + 1))
    found = optimize.least_squares(problem.residuals, start, jac=problem.jacobian, bounds=bounds, method=method, **settings)
    if not found.success:
        raise RuntimeError("Optimal parameters not found: " + found.message)
    _, s, vt = svd(found.jac, full_matrices=False)
    s = s[s > np.finfo(float).eps * max(found.jac.shape) * s[0]]
    vt = vt[: s.size]
    info = {"nfev": found.nfev, "fvec": found.fun}
    return found.x, vt.T / s**2 @ vt, 2 * found.cost, info, found.message, found.status


def _scaled(pcov: Any, cost: float, rows: int, count: int, absolute_sigma: bool, optimize: Any) -> np.ndarray:
    """The covariance by the errors that were given, or by those that the residuals show."""
    if pcov is not None and not np.isnan(pcov).any():
        if absolute_sigma:
            return pcov
        if rows > count:
            return pcov * (cost / (rows - count))
    warnings.warn("Covariance of the parameters could not be estimated", optimize.OptimizeWarning, stacklevel=3)
    return np.full((count, count), np.inf)
