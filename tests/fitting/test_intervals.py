"""Intervals by profile beside lmfit's, and where the sum of squares is so simple that they are known.

``python tests/fitting/test_intervals.py`` prints lmfit's (``pip install lmfit``), which are kept here.
"""

import numpy as np
import pytest
from scipy import stats

import fastbp as bp

X = np.linspace(0.2, 6, 40)
SIGMAS = (1, 2, 3)


def noise(size):
    """The same on all machines, and much like noise."""
    return size * np.sqrt(2) * np.sin(1e4 * np.sin(np.arange(1, len(X) + 1)))


def decay(x, amplitude, rate, offset):
    return amplitude * np.exp(-rate * x) + offset


def saturation(x, limit, half):
    return limit * x / (half + x)


def peak(x, height, center, width):
    return height * np.exp(-(((x - center) / width) ** 2))


def two_decays(x, a1, t1, a2, t2):
    return a1 * np.exp(-x / t1) + a2 * np.exp(-x / t2)


PROBLEMS = {  # formula, true parameters and where to begin, noise
    "decay": (decay, (2.5, 0.6, 0.4), 0.12),
    "saturation": (saturation, (3.0, 4.0), 0.15),
    "peak": (peak, (1.2, 2.7, 0.9), 0.15),
    "two decays": (two_decays, (3.0, 2.0, -5.0, 0.5), 0.08),
}

# Of lmfit 1.3.4: for each parameter the ends for three, two and one sigma below, the best value, and those above.
LMFIT = {
    "decay": {
        "amplitude": (2.38321, 2.47453, 2.56019, 2.64408, 2.72997, 2.822, 2.92531),
        "rate": (0.503773, 0.558038, 0.609726, 0.661097, 0.71445, 0.772447, 0.838561),
        "offset": (0.215492, 0.285195, 0.341779, 0.390829, 0.435841, 0.479314, 0.52332),
    },
    "saturation": {
        "limit": (2.26587, 2.4678, 2.6932, 2.95781, 3.28805, 3.73308, 4.39758),
        "half": (2.38953, 2.9034, 3.49243, 4.1991, 5.09743, 6.32757, 8.19055),
    },
    "peak": {
        "height": (0.875886, 0.942357, 1.00484, 1.06597, 1.12829, 1.19455, 1.26809),
        "center": (2.58996, 2.64164, 2.68854, 2.7332, 2.7778, 2.82449, 2.87581),
        "width": (0.755227, 0.815302, 0.873661, 0.932884, 0.995836, 1.06614, 1.14898),
    },
    "two decays": {
        "a1": (2.28747, 2.53413, 2.82902, 3.21429, 3.78658, 4.84667, 8.3627),
        "t1": (1.33595, 1.55745, 1.72225, 1.86921, 2.01272, 2.16289, 2.33007),
        "a2": (-9.74629, -6.36582, -5.42036, -4.93811, -4.61193, -4.34171, -4.08498),
        "t2": (0.398982, 0.442108, 0.487853, 0.539238, 0.601361, 0.685026, 0.826464),
    },
}


def data(name):
    f, truth, size = PROBLEMS[name]
    return f(X, *truth) + noise(size)


@pytest.mark.parametrize("name", PROBLEMS)
def test_as_lmfit(name):
    """Which finds the ends to four or five digits."""
    f, start, _ = PROBLEMS[name]
    found = bp.fit_curve(f, X, data(name), start).conf_interval(sigmas=SIGMAS)
    assert list(found) == list(LMFIT[name])
    for parameter, expected in LMFIT[name].items():
        np.testing.assert_allclose([value for _, value in found[parameter]], expected, rtol=2e-4)


@pytest.mark.parametrize("absolute", [False, True])
def test_of_a_line_they_are_symmetric_and_of_students_distribution(absolute):
    """The sum of squares of a linear formula is a parabola: 1 sigma by F is t times the standard error."""
    y, s = 2 * X + 1 + noise(0.3), 0.3 + 0.05 * np.cos(X)
    fit = bp.fit_curve(lambda x, a, b: a * x + b, X, y, sigma=s, absolute_sigma=absolute)
    for name, pairs in fit.conf_interval(sigmas=[0.5, 0.95]).items():
        for (probability, value), side in zip(pairs, (-1, -1, 0, 1, 1), strict=True):
            half = (1 + probability) / 2
            factor = stats.norm.ppf(half) if absolute else stats.t.ppf(half, fit.nfree)
            assert value == pytest.approx(fit.params[name] + side * factor * fit.stderr[name], rel=1e-6)


def test_a_bound_and_a_flat_side_end_no_interval():
    """A height that may be 0 has no lower end before its bound; where nothing saturates yet the limit has no upper one."""
    y = peak(X, 0.1, 2.7, 0.9) + noise(0.2)
    pairs = bp.fit_curve(peak, X, y, (0.2, 2.7, 0.9), fixed=["center", "width"], bounds={"height": (0, None)}).conf_interval()
    assert pairs["height"][0][1] == -np.inf and np.isfinite(pairs["height"][-1][1])
    found = bp.fit_curve(saturation, X, saturation(X, 20, 40) + noise(0.2), (20, 40)).conf_interval("limit")
    assert np.isfinite(found["limit"][0][1]) and found["limit"][-1][1] == np.inf


@pytest.mark.parametrize("loss", ["soft_l1", "cauchy"])
def test_with_a_robust_loss_the_profile_is_of_what_it_makes_of_the_squares(loss):
    y = decay(X, 2.5, 0.6, 0.4) + noise(0.05)
    y[::9] += 1
    fit = bp.fit_curve(decay, X, y, (2.5, 0.6, 0.4), loss=loss, f_scale=0.1)
    ((probability, value), *_) = fit.conf_interval("rate", [0.9])["rate"]
    held = bp.fit_curve(decay, X, y, fit.params | {"rate": value}, fixed=["rate"], loss=loss, f_scale=0.1)
    assert stats.f.cdf((held.chisqr / fit.chisqr - 1) * fit.nfree, 1, fit.nfree) == pytest.approx(probability, abs=1e-5)


def _print_lmfit():
    import lmfit

    print("LMFIT = {")
    for name, (f, start, _) in PROBLEMS.items():
        model = lmfit.Model(f)
        result = model.fit(data(name), x=X, **dict(zip(model.param_names, start, strict=True)))
        ends = result.conf_interval(sigmas=SIGMAS)
        rows = [f'        "{p}": ({", ".join(f"{value:.6g}" for _, value in ends[p])}),' for p in model.param_names]
        print(f'    "{name}": {{', *rows, "    },", sep="\n")
    print("}")


if __name__ == "__main__":
    _print_lmfit()
