"""The shapes of lines, steps and distributions that spectra are fitted with, twice: as formulas for NumPy's functions, and in
mpmath's numbers from other definitions (densities, complex functions, exponents instead of roots).

Names and arguments are those of lmfit.lineshapes: ``amplitude`` is the area beneath a peak, ``sigma`` its width.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import mpmath as mp
import numpy as np
from scipy import special

ROOT_2PI = np.sqrt(2 * np.pi)


@dataclass(frozen=True)
class Shape:
    """A formula f(x, *p), what it is to be, where it is compared, and lmfit's function of the name with these options."""

    f: Callable[..., Any]
    exact: Callable[..., Any]
    p: tuple[float, ...]
    x: np.ndarray
    lmfit: str
    options: dict[str, str] = field(default_factory=dict)


# -- peaks


def gaussian(x, amplitude, center, sigma):
    return amplitude / (ROOT_2PI * sigma) * np.exp(-0.5 * ((x - center) / sigma) ** 2)


def gaussian2d(x, amplitude, centerx, centery, sigmax, sigmay):
    return amplitude * gaussian(x[0], 1.0, centerx, sigmax) * gaussian(x[1], 1.0, centery, sigmay)


def lorentzian(x, amplitude, center, sigma):
    return amplitude * sigma / (np.pi * ((x - center) ** 2 + sigma**2))


def split_lorentzian(x, amplitude, center, sigma, sigma_r):
    width = np.where(x < center, sigma, sigma_r)
    return 2 * amplitude / (np.pi * (sigma + sigma_r) * (1 + ((x - center) / width) ** 2))


def voigt(x, amplitude, center, sigma, gamma):
    return amplitude * special.voigt_profile(x - center, sigma, gamma)


def pvoigt(x, amplitude, center, sigma, fraction):
    narrow = sigma / np.sqrt(2 * np.log(2))
    return (1 - fraction) * gaussian(x, amplitude, center, narrow) + fraction * lorentzian(x, amplitude, center, sigma)


def moffat(x, amplitude, center, sigma, beta):
    return amplitude * (1 + ((x - center) / sigma) ** 2) ** -beta


def log_gamma_real(a, b):
    """The real part of log gamma(a + i b): by Stirling's series twelve units to the right, where it has 15 digits."""
    passed = 1.0
    for k in range(12):
        passed = passed * ((a + k) ** 2 + b**2)
    a = a + 12
    square = a * a + b * b
    real, imag = a / square, -b / square  # of 1 / z
    series, power_real, power_imag = 0.0, real, imag
    for factor in (1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188, -691 / 360360):
        series = series + factor * power_real
        for _ in range(2):
            power_real, power_imag = power_real * real - power_imag * imag, power_real * imag + power_imag * real
    logs = 0.5 * ((a - 0.5) * np.log(square) - np.log(passed) + np.log(2 * np.pi))
    return logs - b * np.arctan(b / a) - a + series


def pearson4(x, amplitude, center, sigma, expon, skew):
    arg = (x - center) / sigma
    log_beta = special.gammaln(expon - 0.5) + special.gammaln(0.5) - special.gammaln(expon)
    log_scale = 2 * (log_gamma_real(expon, 0.5 * skew) - special.gammaln(expon)) - log_beta
    return amplitude / sigma * np.exp(log_scale - expon * np.log1p(arg**2) - skew * np.arctan(arg))


def pearson7(x, amplitude, center, sigma, expon):
    scale = np.exp(special.gammaln(expon) - special.gammaln(expon - 0.5)) / np.sqrt(np.pi)
    return amplitude / sigma * scale * (1 + ((x - center) / sigma) ** 2) ** -expon


def breit_wigner(x, amplitude, center, sigma, q):
    half = sigma / 2
    return amplitude * (q * half + x - center) ** 2 / (half**2 + (x - center) ** 2)


def damped_oscillator(x, amplitude, center, sigma):
    ratio = x / np.abs(center)
    return amplitude / np.hypot(1 - ratio**2, 2 * sigma * ratio)


def dho(x, amplitude, center, sigma, gamma):
    """The difference of both Lorentzians over a Bose factor, which are 0 together at x = 0."""
    is_zero = x == 0
    apart = np.where(is_zero, 1.0, x)
    ratio = np.where(is_zero, gamma, -apart / np.expm1(-apart / gamma))
    both = ((x - center) ** 2 + sigma**2) * ((x + center) ** 2 + sigma**2)
    return amplitude * sigma / np.pi * 4 * center * ratio / both


def lognormal(x, amplitude, center, sigma):
    return gaussian(np.log(x), amplitude, center, sigma) / x


def students_t(x, amplitude, center, sigma):
    half = (sigma + 1) / 2
    scale = special.gamma(half) / (special.gamma(sigma / 2) * np.sqrt(np.pi * sigma))
    return amplitude * scale * (1 + (x - center) ** 2 / sigma) ** -half


def expgaussian(x, amplitude, center, sigma, gamma):
    late = gamma * sigma**2 + center - x
    return 0.5 * amplitude * gamma * np.exp(gamma * (late - gamma * sigma**2 / 2)) * special.erfc(late / (np.sqrt(2) * sigma))


def doniach(x, amplitude, center, sigma, gamma):
    arg, left = (x - center) / sigma, 1 - gamma
    return amplitude * np.cos(np.pi * gamma / 2 + left * np.arctan(arg)) / (sigma * np.sqrt(1 + arg**2)) ** left


def skewed_gaussian(x, amplitude, center, sigma, gamma):
    return 2 * special.ndtr(gamma * (x - center) / sigma) * gaussian(x, amplitude, center, sigma)


def skewed_voigt(x, amplitude, center, sigma, gamma, skew):
    return 2 * special.ndtr(skew * (x - center) / sigma) * voigt(x, amplitude, center, sigma, gamma)


# -- steps


def step_linear(x, amplitude, center, sigma):
    return amplitude * np.clip((x - center) / sigma + 0.5, 0.0, 1.0)


def step_arctan(x, amplitude, center, sigma):
    return amplitude * (0.5 + np.arctan((x - center) / sigma) / np.pi)


def step_erf(x, amplitude, center, sigma):
    return amplitude * 0.5 * special.erfc((center - x) / sigma)


def step_logistic(x, amplitude, center, sigma):
    return amplitude * special.expit((x - center) / sigma)


def rectangle_linear(x, amplitude, center1, sigma1, center2, sigma2):
    up, down = np.clip((x - center1) / sigma1, -1, 1), np.clip((center2 - x) / sigma2, -1, 1)
    return amplitude * (up + down) / 2


def rectangle_arctan(x, amplitude, center1, sigma1, center2, sigma2):
    return amplitude * (np.arctan((x - center1) / sigma1) + np.arctan((center2 - x) / sigma2)) / np.pi


def rectangle_erf(x, amplitude, center1, sigma1, center2, sigma2):
    return amplitude * (special.erf((x - center1) / sigma1) + special.erf((center2 - x) / sigma2)) / 2


def rectangle_logistic(x, amplitude, center1, sigma1, center2, sigma2):
    return amplitude * (special.expit((x - center1) / sigma1) - special.expit((x - center2) / sigma2))


# -- others


def bose(x, amplitude, center, kt):
    return amplitude / np.expm1((x - center) / kt)


def fermi(x, amplitude, center, kt):
    return amplitude * special.expit((center - x) / kt)


def thermal_bose(x, amplitude, center, kt):
    return 1 / (amplitude * np.exp((x - center) / kt) - 1)


def thermal_maxwell(x, amplitude, center, kt):
    return np.exp((center - x) / kt) / amplitude


def thermal_fermi(x, amplitude, center, kt):
    return 1 / (amplitude * np.exp((x - center) / kt) + 1)


def exponential(x, amplitude, decay):
    return amplitude * np.exp(-x / decay)


def powerlaw(x, amplitude, exponent):
    return amplitude * x**exponent


def linear(x, slope, intercept):
    return slope * x + intercept


def parabolic(x, a, b, c):
    return (a * x + b) * x + c


def sine(x, amplitude, frequency, shift):
    return amplitude * np.sin(frequency * x + shift)


def expsine(x, amplitude, frequency, shift, decay):
    return sine(x, amplitude, frequency, shift) * np.exp(-decay * x)


# -- the same in mpmath's numbers


def _faddeeva(z):
    return mp.exp(-z * z) * mp.erfc(-mp.j * z)


def _voigt(x, a, c, s, g):
    return a * mp.re(_faddeeva((x - c + mp.j * g) / (s * mp.sqrt(2)))) / (s * mp.sqrt(2 * mp.pi))


def _normal(x, a, c, s):
    return a * mp.npdf(x, c, s)


def _cauchy(x, a, c, s):
    return a / mp.pi * mp.im(1 / (c - x - mp.j * s))


def _pearson4(x, a, c, s, m, v):
    scale = abs(mp.gamma(m + mp.j * v / 2) / mp.gamma(m)) ** 2 / (s * mp.beta(m - mp.mpf(1) / 2, mp.mpf(1) / 2))
    u = (x - c) / s
    return a * scale * (1 + u * u) ** -m * mp.exp(-v * mp.atan(u))


def _dho(x, a, c, s, g):
    if x == 0:
        return a * s / mp.pi * 4 * g * c / (c**2 + s**2) ** 2
    lines = 1 / ((x - c) ** 2 + s**2) - 1 / ((x + c) ** 2 + s**2)
    return a * s / mp.pi * lines / (1 - mp.exp(-x / g))


def _doniach(x, a, c, s, g):
    return a * mp.re(mp.exp(mp.j * mp.pi * g / 2) * (s - mp.j * (x - c)) ** (g - 1))


def _ramp(u):
    return min(max(u, mp.mpf(0)), mp.mpf(1))


def _logistic(u):
    return (1 + mp.tanh(u / 2)) / 2


def _atan_step(u):
    return mp.mpf(1) / 2 + mp.atan(u) / mp.pi


def _erf_step(u):
    return mp.ncdf(u * mp.sqrt(2))


def _step(shape):
    return lambda x, a, c, s: a * shape((x - c) / s)


def _rectangle(shape):
    return lambda x, a, c, s, d, t: a * (shape((x - c) / s) - shape((x - d) / t))


_NEAR = np.array([-2.9, -1.1, 0.2, 0.7, 1.3, 2.4, 5.8, 9.1])
_POSITIVE = np.array([0.15, 0.4, 0.9, 1.6, 2.5, 3.7, 5.2, 8.0])
_PLANE = np.array([[-1.0, 0.3, 0.8, 1.5, 2.0, 0.1, 1.1, 0.6], [0.2, -0.7, 1.4, 0.9, 0.1, -1.2, 0.5, 1.9]])
_STEP, _WALLS = (1.7, 0.8, 2.9), (1.7, 0.4, 2.2, 6.1, 1.7)

SHAPES = {
    "gaussian": Shape(gaussian, _normal, (2.3, 0.8, 1.7), _NEAR, "gaussian"),
    "gaussian2d": Shape(
        gaussian2d, lambda x, a, b, c, s, t: _normal(x[0], a, b, s) * mp.npdf(x[1], c, t), (2.3, 0.5, 0.4, 1.1, 0.9), _PLANE, ""
    ),
    "lorentzian": Shape(lorentzian, _cauchy, (2.3, 0.8, 1.7), _NEAR, "lorentzian"),
    "split_lorentzian": Shape(
        split_lorentzian,
        lambda x, a, c, s, r: 2 * a * (_cauchy(x, s, c, s) if x < c else _cauchy(x, r, c, r)) / (s + r),
        (2.3, 0.8, 1.7, 0.9),
        _NEAR,
        "split_lorentzian",
    ),
    "voigt": Shape(voigt, _voigt, (2.3, 0.8, 1.2, 0.7), _NEAR, "voigt"),
    "pvoigt": Shape(
        pvoigt,
        lambda x, a, c, s, f: (1 - f) * _normal(x, a, c, s / mp.sqrt(2 * mp.log(2))) + f * _cauchy(x, a, c, s),
        (2.3, 0.8, 1.7, 0.3),
        _NEAR,
        "pvoigt",
    ),
    "moffat": Shape(moffat, lambda x, a, c, s, b: a / (1 + ((x - c) / s) ** 2) ** b, (2.3, 0.8, 1.7, 1.4), _NEAR, "moffat"),
    "pearson4": Shape(pearson4, _pearson4, (2.3, 0.8, 1.7, 1.9, 0.6), _NEAR, "pearson4"),
    "pearson7": Shape(pearson7, lambda *p: _pearson4(*p, 0), (2.3, 0.8, 1.7, 1.9), _NEAR, "pearson7"),
    "breit_wigner": Shape(
        breit_wigner,
        lambda x, a, c, s, q: a * (q + 2 * (x - c) / s) ** 2 / (1 + (2 * (x - c) / s) ** 2),
        (2.3, 0.8, 1.7, 1.2),
        _NEAR,
        "breit_wigner",
    ),
    "damped_oscillator": Shape(
        damped_oscillator,
        lambda x, a, c, s: a / abs(1 - (x / c) ** 2 + 2 * mp.j * s * x / c),
        (2.3, 1.9, 0.2),
        _NEAR,
        "damped_oscillator",
    ),
    "dho": Shape(dho, _dho, (2.3, 1.9, 0.8, 1.3), np.append(_NEAR, 0.0), "dho"),
    "lognormal": Shape(lognormal, lambda x, a, c, s: _normal(mp.log(x), a, c, s) / x, (2.3, 0.8, 0.7), _POSITIVE, "lognormal"),
    "students_t": Shape(
        students_t,
        lambda x, a, c, s: a * (1 + (x - c) ** 2 / s) ** (-(s + 1) / 2) / mp.sqrt(s) / mp.beta(s / 2, mp.mpf(1) / 2),
        (2.3, 0.8, 1.7),
        _NEAR,
        "students_t",
    ),
    "expgaussian": Shape(
        expgaussian,
        lambda x, a, c, s, g: a * g * mp.exp(g * (c - x) + (g * s) ** 2 / 2) * mp.ncdf((x - c) / s - g * s),
        (2.3, 0.8, 1.2, 0.7),
        _NEAR,
        "expgaussian",
    ),
    "doniach": Shape(doniach, _doniach, (2.3, 0.8, 1.7, 0.2), _NEAR, "doniach"),
    "skewed_gaussian": Shape(
        skewed_gaussian,
        lambda x, a, c, s, g: _normal(x, a, c, s) * (1 + mp.erf(g * (x - c) / (s * mp.sqrt(2)))),
        (2.3, 0.8, 1.7, 1.1),
        _NEAR,
        "skewed_gaussian",
    ),
    "skewed_voigt": Shape(
        skewed_voigt,
        lambda x, a, c, s, g, k: _voigt(x, a, c, s, g) * (1 + mp.erf(k * (x - c) / (s * mp.sqrt(2)))),
        (2.3, 0.8, 1.2, 0.7, 1.1),
        _NEAR,
        "skewed_voigt",
    ),
    "logistic": Shape(step_logistic, _step(_logistic), (2.3, 0.8, 1.7), _NEAR, "logistic"),
    "step, linear": Shape(
        step_linear, _step(lambda u: _ramp(u + mp.mpf(1) / 2)), (1.7, 0.8, 4.9), _NEAR, "step", {"form": "linear"}
    ),
    "step, arctan": Shape(step_arctan, _step(_atan_step), _STEP, _NEAR, "step", {"form": "arctan"}),
    "step, erf": Shape(step_erf, _step(_erf_step), _STEP, _NEAR, "step", {"form": "erf"}),
    "step, logistic": Shape(step_logistic, _step(_logistic), _STEP, _NEAR, "step", {"form": "logistic"}),
    "rectangle, linear": Shape(
        rectangle_linear,
        _rectangle(lambda u: _ramp((u + 1) / 2)),
        (1.7, 0.4, 1.2, 6.1, 1.7),
        np.append(_NEAR, [4.1, 7.2]),
        "rectangle",
        {"form": "linear"},
    ),
    "rectangle, arctan": Shape(rectangle_arctan, _rectangle(_atan_step), _WALLS, _NEAR, "rectangle", {"form": "arctan"}),
    "rectangle, erf": Shape(rectangle_erf, _rectangle(_erf_step), _WALLS, _NEAR, "rectangle", {"form": "erf"}),
    "rectangle, logistic": Shape(rectangle_logistic, _rectangle(_logistic), _WALLS, _NEAR, "rectangle", {"form": "logistic"}),
    "bose": Shape(bose, lambda x, a, c, t: a * (mp.coth((x - c) / (2 * t)) - 1) / 2, (2.3, -0.4, 1.7), _POSITIVE, "bose"),
    "fermi": Shape(fermi, lambda x, a, c, t: a * _logistic((c - x) / t), (2.3, 0.8, 1.7), _POSITIVE, "fermi"),
    "thermal, bose": Shape(
        thermal_bose,
        lambda x, a, c, t: mp.polylog(0, mp.exp((c - x) / t) / a),
        (2.3, 0.0, 1.7),
        _POSITIVE,
        "thermal_distribution",
        {"form": "bose"},
    ),
    "thermal, maxwell": Shape(
        thermal_maxwell,
        lambda x, a, c, t: mp.exp((c - x) / t - mp.log(a)),
        (2.3, 0.8, 1.7),
        _POSITIVE,
        "thermal_distribution",
        {"form": "maxwell"},
    ),
    "thermal, fermi": Shape(
        thermal_fermi,
        lambda x, a, c, t: _logistic((c - x) / t - mp.log(a)),
        (2.3, 0.8, 1.7),
        _POSITIVE,
        "thermal_distribution",
        {"form": "fermi"},
    ),
    "exponential": Shape(exponential, lambda x, a, d: a * mp.e ** (-x / d), (2.3, 1.7), _NEAR, "exponential"),
    "powerlaw": Shape(powerlaw, lambda x, a, n: a * mp.exp(n * mp.log(x)), (2.3, 0.7), _POSITIVE, "powerlaw"),
    "linear": Shape(linear, lambda x, a, b: a * x + b, (2.3, 0.7), _NEAR, "linear"),
    "parabolic": Shape(parabolic, lambda x, a, b, c: a * x**2 + b * x + c, (0.3, 0.7, -1.1), _NEAR, "parabolic"),
    "sine": Shape(sine, lambda x, a, f, s: a * mp.im(mp.expj(x * f + s)), (2.3, 0.7, 0.4), _NEAR, "sine"),
    "expsine": Shape(
        expsine, lambda x, a, f, s, d: a * mp.im(mp.exp(mp.mpc(-d * x, x * f + s))), (2.3, 0.7, 0.4, 0.1), _NEAR, "expsine"
    ),
}
