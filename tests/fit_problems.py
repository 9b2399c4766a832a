"""Non-linear least squares: classic models with known optima, easy and hard, for the tests of curve_fit."""

from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import mpmath
import numpy as np

# A model is written once, for NumPy's functions (which fastbp traces) and for mpmath's.
MP = SimpleNamespace(exp=mpmath.exp, log=mpmath.log, sin=mpmath.sin, cos=mpmath.cos, sqrt=mpmath.sqrt, arctan=mpmath.atan)


@dataclass(frozen=True)
class Problem:
    """A model, where it is measured, its parameters, how noisy, and where fits start."""

    name: str
    model: Callable[[Any], Callable[..., Any]]
    x: np.ndarray
    truth: tuple[float, ...]
    noise: float
    starts: tuple[tuple[float, ...], ...]

    @property
    def f(self):
        return self.model(np)

    def data(self):
        rng = np.random.default_rng(len(self.name))
        return self.f(self.x, *self.truth) + self.noise * rng.standard_normal(len(self.x))

    def optimum(self):
        """The least squares to 20 digits: Gauss and Newton's method from the true parameters, in 50 digits."""
        f, x, y = self.model(MP), [mpmath.mpf(v) for v in self.x], [mpmath.mpf(v) for v in self.data()]
        with mpmath.workdps(50):
            p = [mpmath.mpf(v) for v in self.truth]
            for _ in range(200):
                steps = [abs(v) * mpmath.mpf("1e-16") for v in p]
                columns = []
                for i, h in enumerate(steps):
                    up, down = p[:i] + [p[i] + h] + p[i + 1 :], p[:i] + [p[i] - h] + p[i + 1 :]
                    columns.append([(f(t, *up) - f(t, *down)) / (2 * h) for t in x])
                J = mpmath.matrix(columns).T
                r = mpmath.matrix([v - f(t, *p) for t, v in zip(x, y, strict=True)])
                d = mpmath.lu_solve(J.T * J, J.T * r)
                p = [a + b for a, b in zip(p, d, strict=True)]
                if max(abs(b / a) for a, b in zip(p, d, strict=True)) < mpmath.mpf("1e-20"):
                    return np.array([float(v) for v in p])
        raise AssertionError(f"{self.name}: no optimum near the true parameters")


def _problem(name, model, x, truth, noise, *starts):
    return Problem(name, model, np.asarray(x, float), truth, noise, starts)


EASY = [
    _problem(
        "exponential decay",
        lambda m: lambda x, a, b, c: a * m.exp(-b * x) + c,
        np.linspace(0, 4, 50),
        (2.5, 1.3, 0.5),
        0.05,
        (1, 1, 1),
    ),
    _problem(
        "Gaussian peak",
        lambda m: lambda x, a, b, c: a * m.exp(-((x - b) ** 2) / (2 * c**2)),
        np.linspace(-5, 5, 60),
        (3.0, 0.7, 1.2),
        0.05,
        (1, 0, 1),
    ),
    _problem(
        "logistic growth",
        lambda m: lambda x, a, b, c: a / (1 + m.exp(-b * (x - c))),
        np.linspace(0, 10, 40),
        (8.0, 1.1, 5.0),
        0.1,
        (5, 1, 4),
    ),
    _problem(
        "Michaelis and Menten", lambda m: lambda x, v, k: v * x / (k + x), np.geomspace(0.05, 5, 20), (3.2, 0.6), 0.03, (1, 1)
    ),
    _problem(
        "damped sine",
        lambda m: lambda x, a, b, c, d: a * m.exp(-b * x) * m.sin(c * x + d),
        np.linspace(0, 10, 80),
        (2.0, 0.3, 3.0, 0.4),
        0.05,
        (1, 0.2, 2.9, 0),
    ),
    _problem(
        "two exponentials",
        lambda m: lambda x, a, b, c, d: a * m.exp(-b * x) + c * m.exp(-d * x),
        np.linspace(0, 6, 60),
        (3.0, 0.5, 2.0, 3.0),
        0.01,
        (2, 0.3, 3, 5),
    ),
    _problem("power law", lambda m: lambda x, a, b: a * x**b, np.linspace(1, 10, 30), (0.8, 1.7), 0.1, (1, 1)),
    _problem(
        "Lorentzian peak",
        lambda m: lambda x, a, b, c: a * c**2 / ((x - b) ** 2 + c**2),
        np.linspace(-4, 6, 60),
        (5.0, 1.0, 0.8),
        0.1,
        (3, 0.5, 1),
    ),
    _problem(
        "Gompertz growth",
        lambda m: lambda x, a, b, c: a * m.exp(-b * m.exp(-c * x)),
        np.linspace(0, 8, 40),
        (6.0, 4.0, 0.9),
        0.05,
        (5, 3, 1),
    ),
    _problem(
        "Hill curve",
        lambda m: lambda x, a, k, n: a * x**n / (k**n + x**n),
        np.geomspace(0.1, 20, 40),
        (2.0, 1.5, 2.4),
        0.02,
        (1, 1, 1),
    ),
    _problem(
        "polynomial",
        lambda m: lambda x, a, b, c, d: a + x * (b + x * (c + x * d)),
        np.linspace(-2, 2, 30),
        (1, -2, 0.5, 3),
        0.2,
        (1,) * 4,
    ),
]

HARD = [
    _problem(
        "slow saturation",
        lambda m: lambda x, a, b: a * (1 - m.exp(-b * x)),
        np.linspace(80, 760, 14),
        (240.0, 5.5e-4),
        0.1,
        (2400, 5.5e-5),
        (24, 5.5e-3),
        (500, 1e-4),
    ),
    _problem(
        "fast saturation",
        lambda m: lambda x, a, b: a * (1 - m.exp(-b * x)),
        np.linspace(1e-5, 5e-3, 40),
        (1e5, 1e3),
        200,
        (1e4, 1e4),
        (1e6, 1e2),
    ),
    _problem(
        "decay over a line",
        lambda m: lambda x, a, b, c: m.exp(-a * x) / (b + c * x),
        np.linspace(0.5, 6, 60),
        (0.19, 6.1e-3, 1.05e-2),
        1.0,
        (1.9, 6e-4, 1e-3),
        (0.02, 0.06, 0.1),
    ),
    _problem(
        "three exponentials",
        lambda m: lambda x, a, b, c, d, e, g: a * m.exp(-b * x) + c * m.exp(-d * x) + e * m.exp(-g * x),
        np.linspace(0, 1.15, 24),
        (0.095, 1.0, 0.86, 3.0, 1.56, 5.0),
        1e-7,
        (1.2, 0.3, 5.6, 5.5, 6.5, 7.6),
    ),
    _problem(
        "steep power", lambda m: lambda x, a, b: a * x**b, np.linspace(1.3, 1.7, 6), (0.77, 3.9), 0.01, (7.7, 39), (0.077, 0.39)
    ),
    _problem(
        "rational of two squares",
        lambda m: lambda x, a, b, c, d, e: (a + b * x + c * x**2) / (1 + d * x + e * x**2),
        np.linspace(10, 370, 60),
        (1.7, -0.14, 2.6e-3, -1.7e-3, 2.2e-5),
        0.15,
        (2, -0.1, 3e-3, -1e-3, 1e-5),
    ),
    _problem(
        "rational of two cubes",
        lambda m: lambda x, a, b, c, d, e, g, h: (a + b * x + c * x**2 + d * x**3) / (1 + e * x + g * x**2 + h * x**3),
        np.linspace(14, 850, 80),
        (1.1, -0.12, 4.1e-3, -1.4e-6, -5.8e-3, 2.4e-4, -1.2e-7),
        0.08,
        (10, -1, 0.05, -1e-5, -0.05, 1e-3, -1e-6),
    ),
    _problem(
        "two slow exponentials",
        lambda m: lambda x, a, b, c, d, e: a + b * m.exp(-x * d) + c * m.exp(-x * e),
        np.arange(33) * 10,
        (0.375, 1.94, -1.46, 0.0129, 0.0221),
        1e-3,
        (50, 150, -100, 1, 2),
        (0.5, 1.5, -1, 0.01, 0.02),
    ),
    _problem(
        "enzyme kinetics",
        lambda m: lambda x, a, b, c, d: a * (x**2 + x * b) / (x**2 + x * c + d),
        [4, 2, 1, 0.5, 0.25, 0.17, 0.125, 0.1, 0.083, 0.071, 0.0625],
        (0.193, 0.191, 0.123, 0.136),
        2e-3,
        (25, 39, 41.5, 39),
        (0.25, 0.39, 0.415, 0.39),
    ),
    _problem(
        "thermistor",
        lambda m: lambda x, a, b, c: a * m.exp(b / (x + c)),
        np.arange(50, 126, 5),
        (5.6e-3, 6180.0, 345.0),
        2.5,
        (2, 4e5, 2.5e4),
        (0.02, 4000, 250),
    ),
    _problem(
        "oxygen demand",
        lambda m: lambda x, a, b: a * (1 - m.exp(-b * x)),
        [1, 2, 3, 5, 7, 10],
        (214.0, 0.55),
        5,
        (1, 1),
        (2140, 0.055),
        (21, 5.5),
    ),
    _problem(
        "four-parameter growth",
        lambda m: lambda x, a, b, c, d: a / (1 + m.exp(b - c * x)) ** (1 / d),
        np.arange(1, 16),
        (700.0, 5.3, 0.76, 1.3),
        5,
        (100, 10, 1, 1),
    ),
    _problem(
        "narrow peak",
        lambda m: lambda x, a, b, c: a / b * m.exp(-(((x - c) / b) ** 2) / 2),
        np.linspace(400, 500, 41),
        (1.55, 4.1, 451.5),
        5e-3,
        (1, 10, 500),
    ),
    _problem(
        "shifted power",
        lambda m: lambda x, a, b, c: a * (b + x) ** (-1 / c),
        np.linspace(7.4, 81, 60),
        (-2520.0, 46.7, 0.93),
        2e-3,
        (-2000, 50, 0.8),
    ),
    _problem(
        "line and arctangent",
        lambda m: lambda x, a, b, c, d: a - b * x - m.arctan(c / (x - d)) / np.pi,
        -np.geomspace(460, 4900, 25),
        (0.2, -6.2e-6, 1200.0, -180.0),
        2e-3,
        (0.1, -1e-5, 1000, -100),
    ),
    _problem(
        "Arrhenius",
        lambda m: lambda x, a, b: a * m.exp(-b / x),
        np.linspace(300, 600, 30),
        (1e5, 3000.0),
        1,
        (1e4, 300),
        (1e4, 3000),
    ),
]
