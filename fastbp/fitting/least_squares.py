"""The minimisers of scipy on a compiled problem, and what the minimum says about the parameters' errors."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from typing import Any

import numpy as np

# With exact derivatives the minimum is found to the last digits: scipy's 1e-8 would stop long before on flat valleys.
_TOLERANCE = 1e-15
_MAX_EVALUATIONS = 500  # times (parameters + 1), at most
_MAX_RELATIVE_ERROR = 1e6  # a parameter whose error is so many times itself
_DEPENDENT = 1e-12  # what is left of a column, relatively, when all that the others explain is taken away: rounding errors
_SCIPY_TOLERANCE = 1e-8  # as tight as scipy's tolerances are
_LM_REACHED = (1, 2, 3, 4)
_LM_EXACT = (6, 7, 8)  # nothing smaller can be told apart: for tolerances that nobody asked for, that is success
_AT_THE_END = "The sum of squares cannot be told from its minimum."

# Parameters, their covariance for residuals of size 1, the sum of squares, and what full_output adds.
Found = tuple[np.ndarray, np.ndarray | None, float, dict[str, Any], str, int]


@np.errstate(all="ignore")
def minimize(problem: Any, start: Any, bounds: Any, method: str | None, options: dict[str, Any], rows: int) -> Found:
    """As ``method`` says. Without one: by Levenberg and Marquardt, and if that gets nowhere "trf" has a try too."""
    if method == "lm":
        return _levenberg_marquardt(problem, start, options)
    if method is not None:
        return _trust_region(problem, start, bounds, method, options, lenient=True)
    first = failure = None
    try:
        first = _levenberg_marquardt(problem, start, options)
        if _is_determined(first, rows):
            return first
    except RuntimeError as error:
        failure = error
    if set(options) <= {"ftol", "xtol", "gtol"}:
        with suppress(RuntimeError, ValueError):
            second = _trust_region(problem, start, bounds, "trf", options, lenient=False)
            if first is None or not first[2] <= second[2]:
                return second
    if first is None:
        raise failure or RuntimeError
    return first


def _is_determined(found: Found, rows: int) -> bool:
    """Whether the parameters are known at all: a fit that has lost its way often ends where nothing changes any more."""
    popt, pcov, cost, _, message, _ = found
    if pcov is None or message == _AT_THE_END:
        return False
    errors = np.sqrt(np.diag(pcov) * cost / max(rows - len(popt), 1))
    return bool((errors <= _MAX_RELATIVE_ERROR * np.abs(popt)).all())


def _levenberg_marquardt(problem: Any, start: np.ndarray, options: dict[str, Any]) -> Found:
    from scipy.optimize import leastsq

    given = dict(options)
    if "max_nfev" in given:
        given["maxfev"] = given.pop("max_nfev") or 0
    given.pop("col_deriv", None)  # of a Jacobian that is not the caller's
    settings = {"ftol": _TOLERANCE, "xtol": _TOLERANCE, "maxfev": _MAX_EVALUATIONS * (len(start) + 1), **given}
    popt, pcov, info, message, status = leastsq(
        problem.residuals, start, Dfun=problem.columns, col_deriv=True, full_output=True, **settings
    )
    exact = status in _LM_EXACT and not {"ftol", "xtol", "gtol"} & set(options)
    if exact:
        status, message = 1, _AT_THE_END
    if status not in _LM_REACHED:
        raise RuntimeError("Optimal parameters not found: " + message)
    count = len(popt)
    order = info["ipvt"].tolist()
    if min(order):  # older versions of scipy count from 1
        order = [i - 1 for i in order]
    triangle = info["fjac"][:, :count].T
    if exact:
        pcov = _inverse(np.triu(triangle), order)
    return popt, _if_determined(pcov, triangle, order), np.sum(info["fvec"] ** 2), info, message, status


def _trust_region(problem: Any, start: Any, bounds: Any, method: str, options: dict[str, Any], lenient: bool) -> Found:
    """Lenient: where our tolerances are never met, as on a minimum with an edge, scipy's do."""
    from scipy.optimize import least_squares

    given = dict(options)
    if "maxfev" in given:
        given.setdefault("max_nfev", given.pop("maxfev"))
    settings = {"ftol": _TOLERANCE, "xtol": _TOLERANCE, "gtol": _TOLERANCE, "x_scale": "jac", **given}
    settings.setdefault("max_nfev", _MAX_EVALUATIONS * (len(start) + 1))
    run = partial(least_squares, problem.residuals, jac=problem.jacobian, bounds=bounds, method=method)
    found = run(start, **settings)
    if found.status == 0 and lenient and not {"ftol", "xtol", "gtol", "max_nfev"} & set(given):
        found = run(found.x, **{**settings, "ftol": _SCIPY_TOLERANCE, "xtol": _SCIPY_TOLERANCE, "gtol": _SCIPY_TOLERANCE})
    if not found.success:
        raise RuntimeError("Optimal parameters not found: " + found.message)
    triangle, order = np.asarray(np.linalg.qr(found.jac, mode="r")), list(range(len(start)))
    pcov = _if_determined(_inverse(triangle, order), triangle, order)
    info = {"nfev": found.nfev, "fvec": found.fun}
    return found.x, pcov, 2 * found.cost, info, found.message, found.status


def _inverse(triangle: np.ndarray, order: list[int]) -> np.ndarray | None:
    """The inverse of J'J, if there is one, from R of J's columns in some order."""
    from scipy.linalg.lapack import dtrtri

    if len(triangle) < len(order):
        return None
    inverse, singular = dtrtri(triangle)
    unsorted = np.empty_like(inverse)
    unsorted[order] = inverse
    return None if singular else unsorted @ unsorted.T


def _if_determined(pcov: np.ndarray | None, triangle: np.ndarray, order: list[int]) -> np.ndarray | None:
    """The covariance; None where a column of J is made by the others, so that the data do not determine the parameters.

    The length of what the others cannot make of a column is 1 / sqrt(the parameter's variance). Beside the length of the
    whole column it does not depend on any scale.
    """
    if pcov is None:
        return None
    variances = pcov.diagonal().tolist()  # few numbers: lists are faster
    for i, column in enumerate(triangle.T.tolist()):
        if not variances[order[i]] * sum([v * v for v in column[: i + 1]]) < _DEPENDENT**-2:
            return None
    return pcov
