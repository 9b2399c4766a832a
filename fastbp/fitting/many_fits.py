"""What curve_fit_many returns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..kernels import curves as at

MESSAGES = {
    at.CONVERGED: "converged",
    at.UNDETERMINED: "converged, but the data do not determine the parameters: their covariance is infinite",
    at.OUT_OF_EVALUATIONS: "not converged after max_nfev evaluations",
    at.NOT_FINITE: "the formula or its derivatives are not finite at p0",
    at.TOO_FEW_ROWS: "fewer values than parameters",
    at.STUCK: "not converged: no step lowers the sum of squares",
    at.INTERRUPTED: "interrupted before its turn",
}


@dataclass
class ManyFits:
    """What ``curve_fit_many`` returns: an entry for each curve.

    Attributes
    ----------
    popt : array (m, k)
        The parameters; NaN where a fit has failed.
    pcov : array (m, k, k)
        Their covariances; infinite where the data do not determine them.
    chisqr : array (m,)
        The weighted sum of squared residuals (of a robust loss, what it makes of them).
    status : int array (m,)
        Above 0 where the fit has converged: see ``messages``.
    nfev : int array (m,)
        How often the formula was computed, with all derivatives.
    rows : int array (m,)
        Values without NaN.

    Examples
    --------
    >>> import fastbp, numpy as np
    >>> x = np.linspace(0, 4, 50)
    >>> fits = fastbp.curve_fit_many(lambda x, a, b: a * np.exp(-b * x), x, [2 * np.exp(-x), np.full(50, np.nan)], [1, 1])
    >>> print(fits)
    2 fits of 2 parameters: 1 converged
    1 failed: fewer values than parameters
    >>> print(fits.popt.round(6), fits.success)
    [[ 2.  1.]
     [nan nan]] [ True False]
    """

    popt: np.ndarray
    pcov: np.ndarray
    chisqr: np.ndarray
    status: np.ndarray
    nfev: np.ndarray
    rows: np.ndarray

    @property
    def perr(self) -> np.ndarray:
        """The standard errors (m, k)."""
        errors: np.ndarray = np.sqrt(np.diagonal(self.pcov, axis1=1, axis2=2))
        return errors

    @property
    def success(self) -> np.ndarray:
        """Whether each fit has converged."""
        return self.status > 0

    @property
    def redchi(self) -> np.ndarray:
        """The reduced chi-squares: chisqr by the degrees of freedom (NaN where there are none)."""
        free = self.rows - self.popt.shape[1]
        return np.where(free > 0, self.chisqr / np.maximum(free, 1), np.nan)

    @property
    def messages(self) -> list[str]:
        """What each status means."""
        return [MESSAGES[int(code)] for code in self.status]

    def __len__(self) -> int:
        return len(self.popt)

    def __str__(self) -> str:
        lines = [f"{len(self):,} fits of {self.popt.shape[1]} parameters: {np.sum(self.status == at.CONVERGED):,} converged"]
        for code, message in MESSAGES.items():
            found = np.sum(self.status == code)
            if found and code != at.CONVERGED:
                lines.append(f"{found:,} {'failed: ' if code <= 0 else ''}{message}")
        return "\n".join(lines)

    __repr__ = __str__
