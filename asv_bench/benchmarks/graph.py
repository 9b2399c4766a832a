"""Formulas: derivatives over data, fits beside scipy's, and losses as formulas."""

import numpy as np
import scipy.optimize

from .common import own, step_seconds, unit
from .finder import public as fastbp

TAKES_FORMULAS = hasattr(fastbp, "fit_formula")  # which came with losses and activations as formulas
TRUTH = [2.0, 0.7, 1.5, 3.0, 0.4, 0.2]


def formula(x, a, b, c, d, e, f):
    """Two terms of six parameters, that fastbp traces and NumPy computes."""
    return a * np.exp(-b * x) + c * np.sin(d * x + e) + f


def squared_error(k, x, y):
    return fastbp.sum((formula(x, k[0], k[1], k[2], k[3], k[4], k[5]) - y) ** 2)


def mean_squared_error(k, x, y):
    return fastbp.mean((formula(x, *k) - y) ** 2)


def stable_log_cosh(y_true, y_pred):
    size = np.abs(y_pred - y_true)
    return size + fastbp.softplus(-2 * size) - np.log(2)


LOG_COSH = {
    "built-in": "log_cosh",
    "stable": stable_log_cosh,
    "plain": lambda y_true, y_pred: np.log(np.cosh(y_pred - y_true)),
}


def plain_gradient(k, x, y):
    """The same by hand in NumPy: the value and its gradient."""
    a, b, c, d, e, f = k
    decay, angle = np.exp(-b * x), d * x + e
    wave, slope = np.sin(angle), c * np.cos(angle)
    error = a * decay + c * wave + f - y
    columns = decay, -a * x * decay, wave, slope * x, slope, np.ones_like(x)
    return error @ error, np.array([2 * (error @ column) for column in columns])


def points(n, dtype="float64"):
    random = np.random.default_rng(0)
    x = random.uniform(0, 4, n)
    return x.astype(dtype), (formula(x, *TRUTH) + 0.01 * random.normal(size=n)).astype(dtype)


class Gradient:
    """The value and gradient of a sum of squares over the data."""

    params = ([1_000, 100_000], ["float32", "float64"], [1, 2], ["fastbp", "numpy"])
    param_names = ["points", "dtype", "threads", "side"]

    def setup(self, n, dtype, threads, side):
        if side == "numpy" and threads > 1:
            raise NotImplementedError  # asv's word for: there is no such case
        fastbp.set_num_threads(threads)
        self.k, (self.x, self.y) = np.array(TRUTH, dtype), points(n, dtype)
        self.run = fastbp.value_and_grad(squared_error) if side == "fastbp" else plain_gradient
        value, gradient = self.run(self.k, self.x, self.y)
        near, plain = plain_gradient(self.k.astype(float), self.x.astype(float), self.y.astype(float))
        np.testing.assert_allclose(value, near, rtol=1e-3)
        np.testing.assert_allclose(gradient, plain, rtol=1e-3, atol=2e-3 * np.sqrt(n))

    def time_value_and_gradient(self, n, dtype, threads, side):
        self.run(self.k, self.x, self.y)


# By the transform, what it is given.
DERIVATIVES = {"grad": mean_squared_error, "jacobian": lambda k, x, y: formula(x, *k), "hessian": mean_squared_error}


class Derivative:
    """Derivatives by six parameters: of the mean over the data (grad, hessian), and of each value (jacobian)."""

    params = ([*DERIVATIVES], [1_000, 100_000], ["float32", "float64"])
    param_names = ["derivative", "points", "dtype"]

    def setup(self, name, n, dtype):
        fastbp.set_num_threads(1)
        self.run = getattr(fastbp, name)(DERIVATIVES[name])
        self.k, (self.x, self.y) = np.array(TRUTH, dtype), points(n, dtype)
        self.time_derivative(name, n, dtype)

    def time_derivative(self, name, n, dtype):
        self.run(self.k, self.x, self.y)


def cross_entropy(w, x, classes):
    scores = x @ w
    scores = scores - np.max(scores, axis=1, keepdims=True)
    return fastbp.mean(np.log(np.sum(np.exp(scores), axis=1)) - np.sum(classes * scores, axis=1))


class SoftmaxRegression:
    """The value and gradient of a formula of matrices: five columns of data, three classes."""

    params = ([1_000, 100_000], ["float32", "float64"])
    param_names = ["points", "dtype"]

    def setup(self, n, dtype):
        fastbp.set_num_threads(1)
        random = np.random.default_rng(0)
        self.x, self.w = random.normal(size=(n, 5)).astype(dtype), random.normal(size=(5, 3)).astype(dtype)
        self.classes = np.eye(3, dtype=dtype)[random.integers(0, 3, n)]
        self.run = fastbp.value_and_grad(cross_entropy)
        self.time_value_and_gradient(n, dtype)

    def time_value_and_gradient(self, n, dtype):
        self.run(self.w, self.x, self.classes)


class CurveFit:
    params = ([100, 100_000], ["fastbp", "scipy"])
    param_names = ["points", "side"]

    def setup(self, n, side):
        self.fit = fastbp.curve_fit if side == "fastbp" else scipy.optimize.curve_fit
        self.x, self.y = points(n)
        self.time_curve_fit(n, side)

    def time_curve_fit(self, n, side):
        self.fit(formula, self.x, self.y, p0=[1.5, 1.0, 1.0, 2.9, 0.5, 0.0])


class FitCurve:
    """A fit with names, and the intervals of all its parameters by profile."""

    params = ([100, 100_000], ["fit", "fit and intervals"])
    param_names = ["points", "what"]

    def setup(self, n, what):
        fastbp.fit_curve  # noqa: B018 (it is skipped where there is none)
        self.x, self.y = points(n)
        self.time_fit(n, what)

    def time_fit(self, n, what):
        fit = fastbp.fit_curve(formula, self.x, self.y, dict(zip("abcdef", [1.5, 1.0, 1.0, 2.9, 0.5, 0.0], strict=True)))
        if what != "fit":
            fit.conf_interval()


class CurveFitMany:
    """Decays of 100 points and three parameters, all in one call."""

    params = ([1_000, 10_000], [1, 2])
    param_names = ["curves", "threads"]

    def setup(self, curves, threads):
        fastbp.curve_fit_many  # noqa: B018 (it is skipped where there is none)
        fastbp.set_num_threads(threads)
        random = np.random.default_rng(0)
        self.x = np.linspace(0, 5, 100)
        scale, rate, offset = (random.uniform(*ends, (curves, 1)) for ends in ((1, 3), (0.5, 2), (0, 0.5)))
        self.y = scale * np.exp(-rate * self.x) + offset + 0.05 * random.normal(size=(curves, 100))
        self.time_fit(curves, threads)

    def time_fit(self, curves, threads):
        fastbp.curve_fit_many(lambda x, a, b, c: a * np.exp(-b * x) + c, self.x, self.y, [1, 1, 0])


class FitFormula:
    """An epoch of gradient descent on a formula of six parameters."""

    params = ([32, 1_000], ["float32", "float64"])
    param_names = ["batch", "dtype"]

    def setup(self, batch, dtype):
        self.data = points(100_000, dtype)
        self.time_epoch(batch, dtype)

    def time_epoch(self, batch, dtype):
        fastbp.fit_formula(mean_squared_error, self.data, TRUTH, epochs=1, batch_size=batch, seed=0)


class CustomLoss:
    """A step of rl with log-cosh: the built-in one, the same as a stable formula, and as one writes it down."""

    params = ["built-in", "stable", "plain"]
    param_names = ["loss"]
    skip_params = [] if TAKES_FORMULAS else [("stable",), ("plain",)]

    def setup(self, loss):
        self.peer = own("rl")
        self.peer.model.compile(fastbp.Adam(1e-3), LOG_COSH[loss])
        self.peer.run(1)

    @unit("us/step")
    def track_step(self, loss):
        return 1e6 * step_seconds(self.peer)


class CustomActivation:
    """An epoch of rl with tanh: the built-in one, and one written down as a formula."""

    params = ["built-in", "formula"]
    param_names = ["activation"]
    skip_params = [] if TAKES_FORMULAS else [("formula",)]

    def setup(self, activation):
        function = "tanh" if activation == "built-in" else lambda z: fastbp.tanh(z)
        peer = own("rl")
        sizes = peer.w.sizes
        layers = [fastbp.Dense(units, function) for units in sizes[1:-1]]
        self.model = fastbp.Sequential([fastbp.Input((sizes[0],)), *layers, fastbp.Dense(sizes[-1])], seed=0)
        self.model.compile(fastbp.Adam(1e-3), "mse")
        self.x, self.y, self.batch = peer.x, peer.y, peer.w.batch
        self.time_epoch(activation)

    def time_epoch(self, activation):
        self.model.fit(self.x, self.y, self.batch, 1, 0, threads=1)


class FirstCall:
    """Compilation of a small graph, in a new interpreter, with the kernels on disk and the graph not."""

    number, repeat, rounds, timeout = 1, 3, 1, 300

    def setup(self):
        fastbp.grad  # noqa: B018 (it is skipped where there is none)
        exec(_LOAD, {})

    def timeraw_first_gradient(self):
        # The formula is another one each time, so that no compiled graph on disk fits it.
        return "fastbp.grad(f)(1.5)", f"{_LOAD}\nf = eval(f'lambda x: np.exp({{time.time()!r}} * -x) + x**3', {{'np': np}})"


_LOAD = """
import time
import numpy as np
import fastbp
fastbp.grad(lambda x: np.sin(x) * x)(0.5)
"""
