"""A fit as a picture: data, formula, band, residuals."""

from __future__ import annotations

from typing import Any

import numpy as np

_POINTS = 400  # of the formula's curve


def draw(fit: Any, path: Any, sigmas: float) -> list[Any]:
    """``Fit.plot``."""
    try:
        from matplotlib import pyplot
    except ImportError as error:
        raise ImportError("plot needs matplotlib: pip install fastbp[plot]") from error
    if not isinstance(fit.x, np.ndarray) or fit.x.ndim != 1:
        raise ValueError("plot needs an x of one dimension; predict gives the values for any")
    figure, (above, below) = pyplot.subplots(2, 1, sharex=True, figsize=(8, 6), height_ratios=(3, 1), layout="constrained")
    errors = None if fit.sigma is None or fit.sigma.ndim == 2 else np.broadcast_to(fit.sigma, fit.y.shape)
    style: dict[str, Any] = {"fmt": ".", "color": "0.55", "markersize": 4, "elinewidth": 0.8}
    above.errorbar(fit.x, fit.y, errors, label="data", **style)
    x = np.linspace(fit.x.min(), fit.x.max(), max(_POINTS, min(2 * len(fit.x), 10 * _POINTS)))
    values, deviations = fit.predict(x, return_std=True)
    above.plot(x, values, color="tab:blue", label="fit")
    if np.isfinite(deviations).all():
        label = f"±{sigmas:g} standard deviations"
        above.fill_between(
            x, values - sigmas * deviations, values + sigmas * deviations, color="tab:blue", alpha=0.25, label=label
        )
    above.legend()
    above.set_ylabel("y")
    below.axhline(0, color="tab:blue", linewidth=1)
    below.errorbar(fit.x, fit.y - fit.best_fit, errors, **style)
    below.set(xlabel="x", ylabel="y - fit")
    if path is not None:
        figure.savefig(path, dpi=150)
        pyplot.close(figure)
    return [above, below]
