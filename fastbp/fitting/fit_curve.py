"""fit_curve: curve_fit for parameters with names, some of them held or tied, with a report of the fit."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from ..arguments import boolean, unknown
from .branching import compiled_problem
from .curve_fit import check_values, fit_data, fit_weights, scaled, scipy_optimize
from .differences import DifferenceResiduals, make_problem
from .fit import Fit
from .least_squares import minimize
from .normal_equations import check_loss
from .parameters import Parameters
from .residuals import can_reduce


def fit_curve(
    f: Callable[..., Any],
    x: Any,
    y: Any,
    p0: Any = None,
    sigma: Any = None,
    absolute_sigma: bool = False,
    bounds: Any = None,
    *,
    fixed: Any = (),
    tied: Mapping[str, Callable[..., Any]] | None = None,
    loss: str = "linear",
    f_scale: float = 1.0,
    nan_policy: str | None = None,
) -> Fit:
    """Fit a formula to data by least squares, and report on it: errors, correlations, confidence intervals, criteria.

    It finds what ``fastbp.curve_fit`` finds, for parameters that go by their names.

    Parameters
    ----------
    f : callable
        ``f(x, a, b, ...)``; the parameters have the names of its arguments. It should be one that can be traced: another is
        fitted with finite differences, and a warning says so.
    x : array (n,), or (k, n) for k variables
        The independent variable.
    y : array (n,)
        The data.
    p0 : dict of names and numbers, or sequence, optional
        Where to start. A parameter that is not there starts at its default in f's signature, else at 1 or within its bounds.
    sigma : number, array (n,) or covariance (n, n), optional
        Standard deviations of y.
    absolute_sigma : bool
        Whether sigma is meant absolutely; else only its ratios count, and the residuals show the size of the errors.
    bounds : dict of names and pairs (lower, upper), or pair as for ``curve_fit``, optional
        None in a pair stands for no bound.
    fixed : names, or dict of names and numbers
        Parameters that are held at their start, or at a number.
    tied : dict of names and functions, optional
        Parameters that follow from others, which are the arguments of the function: ``tied={"width2": lambda width1: width1}``.
    loss : {"linear", "soft_l1", "huber", "cauchy", "arctan"}
        As in ``scipy.optimize.least_squares``: all but the first let outliers count for less.
    f_scale : float
        Residuals (over sigma) that are larger than that are outliers.
    nan_policy : None or "omit"
        "omit" leaves out rows with NaN; otherwise they are an error.

    Returns
    -------
    Fit
        ``print(fit)`` shows the report.

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
    >>> def decay(x, amplitude, rate, offset=0.0):
    ...     return amplitude * np.exp(-rate * x) + offset
    >>> y = decay(x, 2.5, 1.3) + 0.01 * np.random.default_rng(0).normal(size=50)
    >>> fit = fastbp.fit_curve(decay, x, y, {"amplitude": 1, "rate": 1}, fixed=["offset"])
    >>> round(fit.params["rate"], 2), fit.stderr["rate"] < 0.02, fit.params["offset"]
    (1.3, True, 0.0)
    """
    scipy_optimize("fit_curve")
    if not callable(f):
        raise TypeError(f"f must be a function, got {f!r}")
    scale = check_loss(loss, f_scale)
    if nan_policy not in (None, "omit"):
        raise unknown("nan_policy", nan_policy, ["omit"])
    absolute = boolean("absolute_sigma", absolute_sigma)
    parameters = Parameters(f, p0, bounds, fixed, tied)
    with np.errstate(all="ignore"):
        data = fit_data(x, y, sigma, nan_policy is None, nan_policy)
        weights, transform = fit_weights(data[2], data[1])
    xs, ys, errors = data
    if ys.ndim != 1 or len(ys) < len(parameters.free):
        raise ValueError(f"y must have one dimension and at least {len(parameters.free)} values, got shape {ys.shape}")
    robust = {} if loss == "linear" else {"loss": loss, "f_scale": scale}
    model, count = parameters.model(), len(parameters.free)
    problem = quick = make_problem(model, xs, ys, parameters.start, weights, transform)
    if isinstance(problem, DifferenceResiduals):
        check_values(model, xs, ys, parameters.start)
        warnings.warn(
            f"fit_curve could not trace the formula and takes finite differences, which are slower and less "
            f"exact. The reason:\n{problem.reason}",
            RuntimeWarning,
            stacklevel=2,
        )
    elif transform is None and not robust and can_reduce(len(ys), count):
        quick = compiled_problem(model, xs, ys, parameters.start, weights, reduced=True)
    bounded = bool(np.isfinite([parameters.low, parameters.high]).any())
    method = "trf" if robust or bounded else None
    bounds = parameters.low, parameters.high
    popt, found, cost, *_ = minimize(quick, parameters.start, bounds, method, robust, len(ys))
    pcov = scaled(found, cost, len(ys), count, absolute)
    return Fit(parameters, popt, pcov, problem, quick, ys, xs, errors, absolute, robust)
