"""Fit a spectrum: five Voigt peaks on a sloping background, with names, ties and bounds.

    python examples/spectrum.py [--picture spectrum.png]

Counts of photoelectrons from a metal that is partly oxidized. Each of both gives two lines, 3.67 eV apart and with areas as
4 : 3, which physics fixes and the fit is told; a broad satellite is the fifth peak. The instrument widens all lines alike.
The picture has the data, the fit and its peaks, the residuals, and for each parameter its intervals by profile.
Exits with 1 if the residuals are not noise, or a true value is far outside of its interval.
"""

import argparse
import sys
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

import fastbp as bp

SPLITTING, RATIO = 3.67, 3 / 4
PEAKS = ("metal", "metal, second line", "oxide", "oxide, second line", "satellite")

TRUTH = {
    **{"area1": 5200.0, "center1": 84.02, "gamma1": 0.28},
    **{"area3": 2600.0, "center3": 85.41, "gamma3": 0.42},
    **{"area5": 1300.0, "center5": 91.3, "gamma5": 0.9},
    **{"sigma": 0.31, "offset": 420.0, "slope": 14.0},
}
# What follows from other parameters, as functions of those that the arguments name.
TIED = {
    "area2": lambda area1: RATIO * area1,
    "center2": lambda center1: center1 + SPLITTING,
    "gamma2": lambda gamma1: gamma1,
    "area4": lambda area3: RATIO * area3,
    "center4": lambda center3: center3 + SPLITTING,
    "gamma4": lambda gamma3: gamma3,
}
# A guess by eye.
START = {
    **{"area1": 4000, "center1": 84, "area3": 2000, "center3": 85.5, "area5": 1000, "center5": 91},
    **{"gamma1": 0.3, "gamma3": 0.3, "gamma5": 1, "sigma": 0.3, "offset": 400, "slope": 0},
}
BOUNDS = {name: (0, None) for name in START if name.startswith(("area", "gamma", "sigma"))}


def peak(x, area, center, sigma, gamma):
    return area * bp.voigt_profile(x - center, sigma, gamma)


def background(x, offset, slope):
    return offset + slope * (x - 88)


def spectrum(
    x,
    area1,
    center1,
    gamma1,
    area2,
    center2,
    gamma2,
    area3,
    center3,
    gamma3,
    area4,
    center4,
    gamma4,
    area5,
    center5,
    gamma5,
    sigma,
    offset,
    slope,
):
    areas, centers = (area1, area2, area3, area4, area5), (center1, center2, center3, center4, center5)
    gammas = (gamma1, gamma2, gamma3, gamma4, gamma5)
    peaks = sum(peak(x, area, center, sigma, gamma) for area, center, gamma in zip(areas, centers, gammas, strict=True))
    return peaks + background(x, offset, slope)


def main():
    options = parse_options()
    energy = np.linspace(80, 95, 500)
    ties = {name: tie(*(TRUTH[other] for other in tie.__code__.co_varnames)) for name, tie in TIED.items()}
    counts = np.random.default_rng(0).poisson(spectrum(energy, **TRUTH, **ties)).astype(float)

    deviations = np.sqrt(counts)  # of counts, so that the errors need no other yardstick
    fit = bp.fit_curve(spectrum, energy, counts, START, deviations, absolute_sigma=True, bounds=BOUNDS, tied=TIED)
    intervals = fit.conf_interval(sigmas=(1, 2, 3))
    print(fit)
    print("Intervals by profile")
    print(intervals)
    draw(fit, intervals, options.picture)
    print(f"picture in {options.picture}")
    check(fit, intervals)


def check(fit, intervals):
    """The residuals are noise where chi-square is one for each degree of freedom, give or take; a value may be 3 sigma off."""
    if abs(fit.redchi - 1) > 4 * np.sqrt(2 / fit.nfree):
        sys.exit(f"the reduced chi-square, {fit.redchi:.3f}, should come near 1")
    for name, true in TRUTH.items():
        (_, low), *_, (_, high) = intervals[name]
        if not low <= true <= high:
            sys.exit(f"{name} should lie in {low:.5g} ... {high:.5g}, where {true:.5g} does not")


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--picture", type=Path, default=Path(__file__).with_suffix(".png"))
    options = parser.parse_args()
    if not options.picture.parent.is_dir():
        parser.error(f"--picture: there is no folder {options.picture.parent}")
    return options


def draw(fit, intervals, path):
    figure = plt.figure(figsize=(11, 6.5), layout="constrained")
    grid = figure.add_gridspec(2, 2, height_ratios=(3, 1), width_ratios=(5, 2))
    above = figure.add_subplot(grid[0, 0])
    below = figure.add_subplot(grid[1, 0], sharex=above)
    draw_fit(above, fit)
    draw_residuals(below, fit)
    draw_intervals(figure.add_subplot(grid[:, 1]), fit, intervals)
    figure.savefig(path, dpi=150)


def draw_fit(axes, fit):
    x = np.linspace(fit.x.min(), fit.x.max(), 1000)
    values, deviation = fit.predict(x, return_std=True)
    p = fit.params
    base = background(x, p["offset"], p["slope"])
    for i, name in enumerate(PEAKS, 1):
        shape = peak(x, p[f"area{i}"], p[f"center{i}"], p["sigma"], p[f"gamma{i}"])
        axes.fill_between(x, base, base + shape, alpha=0.35, label=name)
    axes.plot(x, base, color="0.4", linewidth=1, linestyle="--", label="background")
    axes.errorbar(fit.x, fit.y, fit.sigma, fmt=".", color="0.6", markersize=3, elinewidth=0.6, label="counts", zorder=0)
    axes.plot(x, values, color="black", linewidth=1.3, label="fit")
    axes.fill_between(x, values - 3 * deviation, values + 3 * deviation, color="black", alpha=0.3, label="fit ± 3 deviations")
    axes.set(title=f"Five Voigt peaks, reduced chi-square {fit.redchi:.3f}", ylabel="counts")
    axes.tick_params(labelbottom=False)
    axes.legend(fontsize=8)


def draw_residuals(axes, fit):
    axes.axhspan(-1, 1, color="tab:blue", alpha=0.15)
    axes.axhline(0, color="tab:blue", linewidth=1)
    axes.plot(fit.x, -fit.residual, ".", color="0.4", markersize=3)
    axes.set(xlabel="binding energy (eV)", ylabel="residual / deviation")


def draw_intervals(axes, fit, intervals):
    """Of each parameter the intervals of 1, 2 and 3 sigma in units of its standard error, and where the truth is."""
    for row, name in enumerate(intervals):
        ends = np.array([value - fit.params[name] for _, value in intervals[name]]) / fit.stderr[name]
        for i, width in enumerate((2, 5, 9)):
            axes.hlines(row, ends[i], ends[-1 - i], color="tab:blue", linewidth=width, alpha=(0.35, 0.5, 0.9)[i])
        axes.plot((TRUTH[name] - fit.params[name]) / fit.stderr[name], row, "k|", markersize=13)
    axes.axvline(0, color="0.5", linewidth=0.8)
    axes.set_yticks(range(len(intervals)), [f"{n} = {fit.params[n]:.4g} ± {fit.stderr[n]:.2g}" for n in intervals], fontsize=8)
    axes.yaxis.tick_right()
    axes.invert_yaxis()
    axes.set(title="Intervals by profile, true values |", xlabel="(value - best) / standard error")


if __name__ == "__main__":
    main()
