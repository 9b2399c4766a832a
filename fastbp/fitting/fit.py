"""What fit_curve returns: parameters by name, how well they are known, and how well the formula describes the data."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from .differences import make_problem
from .fit_report import as_html, as_text
from .intervals import Intervals, Profile, conf_interval
from .normal_equations import robust_cost
from .parameters import Parameters

_LEAST = 1e-250  # of a sum of squares over the values, as in lmfit: the criteria take its logarithm
_STEP = np.finfo(float).eps ** (1 / 3)  # of central differences


class Fit:
    """A formula fitted to data. ``print(fit)`` shows the report; so does a notebook.

    The statistics have lmfit's names and definitions.

    Attributes
    ----------
    params : dict of floats
        All parameters by name.
    stderr : dict of floats
        Their standard errors: 0 where a parameter is fixed, infinite where the data do not determine it.
    free : list of str
        The parameters that were fitted; ``popt`` and ``pcov`` have these in their order.
    popt, pcov : array
        As ``curve_fit`` returns them.
    chisqr, redchi : float
        Chi-square, which is what was minimized: the sum of squared residuals over sigma, or what a robust loss makes of them;
        and chi-square over ``nfree``.
    aic, bic : float
        The information criteria n log(chisqr / n) + 2 k, or log(n) k, of k parameters and n values.
    rsquared : float
        1 minus the sum of squared residuals over that of the data's deviations from their mean, both unweighted.
    ndata, nvarys, nfree : int
        Values, parameters that were fitted, and their difference.
    best_fit, residual : array
        The formula at x; and it minus y, over sigma.

    Examples
    --------
    >>> import fastbp, numpy as np
    >>> x = np.linspace(0, 1, 20)
    >>> y = 2 * x + 1 + 0.1 * np.random.default_rng(0).normal(size=20)
    >>> fit = fastbp.fit_curve(lambda x, slope, offset: slope * x + offset, x, y)
    >>> print(str(fit).splitlines()[0])
    Fit of <lambda>(x, slope, offset) to 20 values
    >>> value, deviation = fit.predict(np.array([2.0]), return_std=True)
    """

    def __init__(
        self,
        parameters: Parameters,
        popt: np.ndarray,
        pcov: np.ndarray,
        problem: Any,
        quick: Any,
        y: np.ndarray,
        x: Any,
        sigma: np.ndarray | None,
        absolute_sigma: bool,
        robust: dict[str, Any],
    ) -> None:
        self.parameters, self.popt, self.pcov, self.free = parameters, popt, pcov, parameters.free
        self._quick, self.x, self.y, self.sigma = quick, x, y, sigma  # quick: has the same sums of squares as the problem
        self._absolute, self.loss = absolute_sigma, robust
        self.params: dict[str, float] = {name: float(value) for name, value in parameters.values(popt.tolist()).items()}
        self.ndata, self.nvarys = len(y), len(popt)
        self.nfree = self.ndata - self.nvarys
        self.residual = problem.residuals(popt)
        self.chisqr = robust_cost(self.residual, **robust)
        self.redchi = self.chisqr / max(1, self.nfree)
        doubt = self.ndata * np.log(max(self.chisqr, _LEAST * self.ndata) / self.ndata)
        self.aic, self.bic = float(doubt + 2 * self.nvarys), float(doubt + np.log(self.ndata) * self.nvarys)
        self.best_fit = self.predict()
        with np.errstate(all="ignore"):
            self.rsquared = float(1 - np.sum((self.best_fit - y) ** 2) / np.sum((y - y.mean()) ** 2))

    # -- how well the parameters are known

    @cached_property
    def covariance(self) -> np.ndarray:
        """Of all parameters, in the order of the formula's arguments: tied ones vary with those that they follow."""
        if self.free == list(self.params):
            return np.asarray(self.pcov)
        if not np.isfinite(self.pcov).all():
            return np.where(self._slopes() @ self._slopes().T != 0, np.inf, 0.0)
        slopes = self._slopes()
        found: np.ndarray = slopes @ self.pcov @ slopes.T
        return found

    def _slopes(self) -> np.ndarray:
        """The derivatives of all parameters with respect to the free ones, by central differences."""
        columns = []
        for i, value in enumerate(self.popt):
            step = _STEP * (abs(value) or 1.0)
            ahead, behind = self.popt.tolist(), self.popt.tolist()
            ahead[i], behind[i] = value + step, value - step
            ends = [np.array(list(self.parameters.values(p).values()), float) for p in (ahead, behind)]
            columns.append((ends[0] - ends[1]) / (ahead[i] - behind[i]))
        found = np.array(columns).T
        for i, name in enumerate(self.params):
            if name in self.free:
                found[i] = np.arange(len(self.popt)) == self.free.index(name)
        return found

    @cached_property
    def stderr(self) -> dict[str, float]:
        """The standard errors by name."""
        with np.errstate(all="ignore"):
            variances = np.diagonal(self.covariance)
        found = {name: float(np.sqrt(v)) if v >= 0 else np.inf for name, v in zip(self.params, variances, strict=True)}
        return {name: 0.0 if name in self.parameters.fixed else error for name, error in found.items()}

    @cached_property
    def correlations(self) -> dict[tuple[str, str], float]:
        """Of each pair of free parameters, the largest first."""
        with np.errstate(all="ignore"):
            deviations = np.sqrt(np.diagonal(self.pcov))
            table = self.pcov / np.outer(deviations, deviations)
        pairs = [((a, self.free[j]), float(table[i, j])) for i, a in enumerate(self.free) for j in range(i + 1, len(self.free))]
        return dict(sorted(pairs, key=lambda pair: -abs(pair[1])))

    def conf_interval(self, names: str | Iterable[str] | None = None, sigmas: Sequence[float] = (1, 2, 3)) -> Intervals:
        """Confidence intervals by profile: a parameter is moved and held until all others, fitted anew, do too badly.

        How badly, an F test says of the sums of squares (with ``absolute_sigma`` the chi-square distribution of their
        difference). Unlike standard errors the intervals need not be symmetric. The same as ``lmfit.conf_interval``.

        Parameters
        ----------
        names : str or sequence of str, optional
            Free parameters; all if not given.
        sigmas : sequence of float
            Below 1: probabilities. From 1 on: numbers of standard deviations of a normal distribution.

        Returns
        -------
        Intervals
            A dict with pairs (probability, value) for each name; ``print`` shows a table. A value is infinite where the sum
            of squares never rises so much, or not before a bound.

        Examples
        --------
        >>> import fastbp, numpy as np
        >>> x = np.linspace(0, 1, 30)
        >>> y = 2 * x + 0.3 + 0.1 * np.random.default_rng(0).normal(size=30)
        >>> found = fastbp.fit_curve(lambda x, a, b: a * x + b, x, y).conf_interval("a", [0.95])
        >>> [round(p, 2) for p, _ in found["a"]]
        [0.95, 0.0, 0.95]
        """
        from scipy import stats

        which = self.free if names is None else [names] if isinstance(names, str) else list(names)
        unfit = [name for name in which if name not in self.free]
        if unfit:
            raise ValueError(f"names must be of free parameters ({', '.join(self.free)}), got {unfit[0]!r}")
        if np.ndim(sigmas) != 1 or not all(s > 0 for s in sigmas):
            raise ValueError(f"sigmas must be a sequence of numbers above 0, got {sigmas!r}")
        if self.nfree < 1:
            raise ValueError("conf_interval needs more values than parameters")

        def rise(probability: float) -> float:
            if self._absolute:
                return float(stats.chi2.ppf(probability, 1))
            return self.chisqr * float(stats.f.ppf(probability, 1, self.nfree)) / self.nfree

        errors = np.sqrt(np.diagonal(self.pcov))
        low, high = self.parameters.low, self.parameters.high
        profile = Profile(self._quick, self.popt, self.chisqr, errors, low, high, self.loss)
        return conf_interval(profile, self.free, which, sigmas, rise)

    # -- the formula

    def predict(self, x: Any = None, return_std: bool = False) -> Any:
        """The fitted formula.

        Parameters
        ----------
        x : array, optional
            Where; the data's x if not given.
        return_std : bool
            Also return the standard deviation that the formula's value has since the parameters are not known exactly.

        Examples
        --------
        >>> import fastbp, numpy as np
        >>> fit = fastbp.fit_curve(lambda x, a: a * x, np.arange(4.0), [0, 2, 4, 6.0])
        >>> fit.predict(np.array([10.0])).round(6)
        array([20.])
        """
        x = self.x if x is None else np.atleast_1d(np.asarray(x, float)) if isinstance(self.x, np.ndarray) else x
        model = self.parameters.model()
        with np.errstate(all="ignore"):
            shape = self.y.shape if x is self.x else np.shape(model(x, *self.popt)) or np.shape(x)[-1:]
        found = make_problem(model, x, np.zeros(shape), self.popt, None, None)
        values = found.residuals(self.popt)
        if not return_std:
            return values
        slopes = found.jacobian(self.popt)
        with np.errstate(invalid="ignore"):
            return values, np.sqrt(np.maximum(np.einsum("ij,jk,ik->i", slopes, self.pcov, slopes), 0.0))

    def plot(self, path: Any = None, sigmas: float = 1.0) -> list[Any]:
        """Draw the data, the formula with a band of so many standard deviations, and the residuals beneath.

        Parameters
        ----------
        path : str or path, optional
            Where to save the picture, in a format of matplotlib's (.png, .svg, .pdf).
        sigmas : float
            Half the width of the band.

        Returns
        -------
        list of matplotlib Axes
            Of the fit and of the residuals.

        Raises
        ------
        ImportError
            If matplotlib is not installed (``pip install fastbp[plot]``).

        Examples
        --------
        >>> import fastbp, numpy as np
        >>> fit = fastbp.fit_curve(lambda x, a: a * x, np.arange(4.0), [0.1, 2, 4, 6.0])
        >>> above, below = fit.plot()
        """
        from .fit_picture import draw

        return draw(self, path, sigmas)

    def __str__(self) -> str:
        return as_text(self)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return as_html(self)
