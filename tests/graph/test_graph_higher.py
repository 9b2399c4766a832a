"""First, second and third derivatives of every operator, at ties, at 0, near 0 and far out, against mpmath."""

import math

import mpmath
import numpy as np
import pytest

import fastbp as bp
from fastbp.graph.autodiff.rules import RULES
from fastbp.graph.tracing.functions import apply
from fastbp.graph.tracing.special.table import SPECIAL

SMALL = [0.0, 1e-8, -1e-8, 1e-4, -1e-3]
ALL = [*SMALL, 0.3, -0.7, 2.0, -1.9]
INSIDE = [*SMALL, 0.3, -0.7, 0.9, -0.999]
POSITIVE = [1e-8, 1e-3, 0.5, 1.0, 2.0, 40.0]

# name: in mpmath, where
ONE = {
    "neg": (lambda x: -x, ALL),
    "abs": (abs, [1e-8, -1e-8, 2.0, -3.0]),
    "sqrt": (mpmath.sqrt, POSITIVE),
    "exp": (mpmath.exp, [*ALL, 30.0, -30.0]),
    "exp2": (lambda x: mpmath.mpf(2) ** x, [*ALL, 30.0, -30.0]),
    "expm1": (mpmath.expm1, [*ALL, 30.0, -30.0]),
    "log": (mpmath.log, POSITIVE),
    "log2": (lambda x: mpmath.log(x, 2), POSITIVE),
    "log10": (mpmath.log10, POSITIVE),
    "log1p": (mpmath.log1p, [*INSIDE, 5.0]),
    "sin": (mpmath.sin, ALL),
    "cos": (mpmath.cos, ALL),
    "tan": (mpmath.tan, [*SMALL, 0.3, -1.2]),
    "arcsin": (mpmath.asin, INSIDE),
    "arccos": (mpmath.acos, INSIDE),
    "arctan": (mpmath.atan, [*ALL, 1e3]),
    "sinh": (mpmath.sinh, ALL),
    "cosh": (mpmath.cosh, ALL),
    "tanh": (mpmath.tanh, [*ALL, 5.0]),
    "arcsinh": (mpmath.asinh, [*ALL, 1e4, -1e4]),
    "arccosh": (mpmath.acosh, [1.0 + 2.0**-20, 1.25, 2.0, 1e4]),
    "arctanh": (mpmath.atanh, INSIDE),
    "sigmoid": (lambda x: 1 / (1 + mpmath.exp(-x)), [*ALL, 30.0, -30.0]),
    "sigmoid_derivative": (lambda x: 1 / (2 + mpmath.exp(-x) + mpmath.exp(x)), [*ALL, 30.0, -30.0]),
    "one_minus_square": (lambda x: 1 - x * x, [*ALL, 1.0]),
    "softplus": (lambda x: mpmath.log1p(mpmath.exp(x)), [*ALL, 30.0, -30.0]),
    "erf": (mpmath.erf, ALL),
    "relu": (lambda x: (x + abs(x)) / 2, [1e-8, -1e-8, 2.0, -3.0]),
}
# From this derivative on terms cancel away from 0; that of tanh is made from its value, which is near 1.
CANCELLING = {"tanh": 1, **dict.fromkeys(("sigmoid_derivative", "sigmoid", "softplus", "erf", "arctan", "arcsinh"), 2)}
NEAR = [(0.0, 0.0), (1.0, 1.0), (1e-8, 0.0), (0.5, 0.5 + 1e-8), (2.0, -3.0)]
OFF = [(3.0, 4.0), (1.0, 0.0), (0.0, -2.0), (1e-6, 1.0), (1.0, 1e-8), (-5.0, 5.0)]
TWO = {
    "add": (lambda x, y: x + y, NEAR),
    "sub": (lambda x, y: x - y, NEAR),
    "mul": (lambda x, y: x * y, NEAR),
    "div": (lambda x, y: x / y, [(1.0, 2.0), (0.0, 1.0), (1e-8, 3.0), (-2.0, -0.5)]),
    "pow": (lambda x, y: x**y, [(2.0, 0.0), (0.5, 1.0), (3.0, 2.0), (1.0, -1.0), (1e-3, 0.0), (2.0, 2.5), (1.0, 0.0)]),
    "logaddexp": (lambda x, y: mpmath.log(mpmath.exp(x) + mpmath.exp(y)), [*NEAR, (30.0, -5.0), (-700.0, -700.0), (7.0, 7.5)]),
    "hypot": (lambda x, y: mpmath.sqrt(x * x + y * y), OFF),
    "cosine_of": (lambda x, y: x / mpmath.sqrt(x * x + y * y), OFF),
}
# Their kinks are in autodiff/rules.py and have tests of their own.
PIECES = {"minimum", "maximum", "fmin", "fmax", "where", "sign", "lt", "le", "eq", "ne", "and", "or", "not"}


def exact(f, at, orders):
    with mpmath.workdps(150):
        at = [mpmath.mpf(v) for v in at]
        value = mpmath.diff(
            f, at[0] if len(at) == 1 else tuple(at), orders[0] if len(at) == 1 else orders, h=mpmath.mpf(10) ** -30
        )
        return float(value) if abs(value) > 1e-40 else 0.0  # what the differences leave where the derivative is 0


def nth(f, n):
    for _ in range(n):
        f = bp.grad(lambda x, f=f: bp.sum(f(x)))
    return f


def test_every_operator_has_a_case():
    assert set(RULES) == {*ONE, *TWO, *PIECES, *SPECIAL}  # which have tests in test_graph_special.py


@pytest.mark.parametrize("name", ONE)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_operators_of_one_number(name, dtype):
    f, places = ONE[name]
    x = np.array(places, dtype)
    for order in (1, 2, 3):
        expected = [exact(f, [float(v)], (order,)) for v in x]
        # Higher derivatives have zeros, where terms of size 1 cancel; but near x = 0 they have all their digits.
        eps = np.finfo(dtype).eps
        cancelling = (np.abs(x) > 0.01) & (name in CANCELLING and order >= CANCELLING[name])
        allowed = 40 * eps * np.abs(expected) + 8 * eps * cancelling + 1e-300
        slope = nth(lambda x: apply(name, x), order)
        found = slope(x)
        assert (np.abs(found - expected) <= allowed).all(), (order, x, found, expected)
        if dtype == "float64":
            graph = bp.trace(lambda x, order=order: bp.sum(nth(lambda x: apply(name, x), order - 1)(x)), x)
            graph.forward(x)
            found = np.broadcast_to(graph.backward()[0], x.shape)
            assert (np.abs(found - expected) <= allowed).all(), ("step by step", order, x, found, expected)


@pytest.mark.parametrize("name", TWO)
def test_hessians_of_operators_of_two(name):
    f, places = TWO[name]
    hessian = bp.hessian(lambda p: apply(name, p[0], p[1]))
    gradient = bp.grad(lambda p: apply(name, p[0], p[1]))
    third = bp.hessian(lambda p: bp.grad(lambda x: apply(name, x, p[1]))(p[0]))
    for at in places:
        first = [exact(f, at, (1, 0)), exact(f, at, (0, 1))]
        np.testing.assert_allclose(gradient(np.array(at)), first, rtol=1e-14, atol=1e-300)
        second = [[exact(f, at, (2, 0)), exact(f, at, (1, 1))], [exact(f, at, (1, 1)), exact(f, at, (0, 2))]]
        np.testing.assert_allclose(hessian(np.array(at)), second, rtol=1e-13, atol=1e-300, err_msg=str(at))
        more = [[exact(f, at, (3, 0)), exact(f, at, (2, 1))], [exact(f, at, (2, 1)), exact(f, at, (1, 2))]]
        size = np.abs(more).max()
        np.testing.assert_allclose(third(np.array(at)), more, rtol=1e-12, atol=4e-16 * size, err_msg=str(at))


def test_the_hessian_of_a_logistic_regression_at_its_usual_start():
    rng = np.random.default_rng(0)
    x, z = rng.normal(size=(2, 50))
    y = np.where(x + z > 0, 1.0, -1.0)
    expected = 0.25 * np.array([[x @ x, x @ z], [x @ z, z @ z]])
    for loss in (lambda p: np.logaddexp(0.0, -y * (p[0] * x + p[1] * z)), lambda p: bp.softplus(-y * (p[0] * x + p[1] * z))):
        np.testing.assert_allclose(bp.hessian(lambda p, loss=loss: bp.sum(loss(p)))([0.0, 0.0]), expected, rtol=1e-13)


@pytest.mark.parametrize(
    ("f", "at", "slopes"),
    [
        (bp.hypot, (0.0, 0.0), (0.0, 0.0)),
        (bp.hypot, (math.inf, 1.0), (1.0, 0.0)),
        (bp.hypot, (-3e200, 4e200), (-0.6, 0.8)),
        (bp.hypot, (3e-200, 4e-200), (0.6, 0.8)),
        (bp.logaddexp, (math.inf, math.inf), (0.5, 0.5)),
        (bp.logaddexp, (-math.inf, -math.inf), (0.5, 0.5)),
        (bp.logaddexp, (-math.inf, 1.0), (0.0, 1.0)),
        (bp.logaddexp, (1e308, -1e308), (1.0, 0.0)),
        (lambda x, y: bp.arcsinh(x) + bp.arccosh(y), (2.0**600, 2.0**600), (2.0**-600, 2.0**-600)),
        (lambda x, y: bp.arcsinh(x) + bp.arcsinh(y), (1e-300, -(2.0**900)), (1.0, 2.0**-900)),
        (np.fmin, (math.nan, 2.0), (0.0, 1.0)),
        (np.fmax, (2.0, math.nan), (1.0, 0.0)),
        (np.fmin, (2.0, 2.0), (0.5, 0.5)),
        (np.fmax, (3.0, 2.0), (1.0, 0.0)),
        (lambda x, y: x**y, (0.0, 0.0), (0.0, 0.0)),
    ],
)
def test_slopes_at_the_ends(f, at, slopes):
    found = bp.grad(f, argnums=(0, 1))(*at)
    assert found == pytest.approx(slopes, rel=1e-15)
    graph = bp.trace(f, *at)
    graph.forward(*at)
    assert graph.backward() == pytest.approx(slopes, rel=1e-15)
