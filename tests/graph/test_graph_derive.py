"""The chain rule: every operator, random formulas, nested derivatives, edges and kinks."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import fastbp as bp
from fastbp.graph.tracing.operators import UNARY

# Where each function is smooth: (from, to).
DOMAIN = {
    "sqrt": (0.05, 9.0),
    "log": (0.05, 9.0),
    "log2": (0.05, 9.0),
    "log10": (0.05, 9.0),
    "arccosh": (1.1, 9.0),
    "arctanh": (-0.9, 0.9),
    "log1p": (-0.9, 9.0),
    "arcsin": (-0.95, 0.95),
    "arccos": (-0.95, 0.95),
    "tan": (-1.4, 1.4),
}
BINARY = {
    "add": lambda x, y: x + y,
    "sub": lambda x, y: x - y,
    "mul": lambda x, y: x * y,
    "div": lambda x, y: x / y,
    "pow": lambda x, y: abs(x) ** y,
    "minimum": bp.minimum,
    "maximum": bp.maximum,
    "where": lambda x, y: bp.where(x < y, x * y, x - y),
}


def central(f, x, step=1e-5):
    return (f(x + step) - f(x - step)) / (2 * step)


@pytest.mark.parametrize("name", UNARY)
def test_functions_against_central_differences(name):
    f = getattr(bp, name)
    low, high = DOMAIN.get(name, (-3.0, 3.0))
    x = np.random.default_rng(1).uniform(low, high, 200)
    x = x[np.abs(x) > 1e-3]  # the kink of abs, sign and relu has its own test
    found = bp.grad(lambda x: bp.sum(f(x)))(x)
    np.testing.assert_allclose(found, central(f, x), rtol=2e-7, atol=1e-9)
    graph = bp.trace(lambda x: bp.sum(f(x)), x)
    graph.forward(x)
    np.testing.assert_allclose(graph.backward()[0], found, rtol=1e-13)


@pytest.mark.parametrize("name", BINARY)
def test_operators_against_central_differences(name):
    f = BINARY[name]
    rng = np.random.default_rng(2)
    x, y = rng.uniform(0.1, 3, (2, 200))
    by_x, by_y = bp.grad(lambda x, y: bp.sum(f(x, y)), argnums=(0, 1))(x, y)
    np.testing.assert_allclose(by_x, central(lambda x: f(x, y), x), rtol=2e-7, atol=1e-9)
    np.testing.assert_allclose(by_y, central(lambda y: f(x, y), y), rtol=2e-7, atol=1e-9)


def test_the_slope_of_log_cosh_is_tanh():
    graph = bp.trace(bp.grad(lambda x: bp.log(bp.cosh(x))), 0.5)
    assert [node.op for node in graph.nodes] == ["input", "tanh"]
    assert bp.grad(lambda x: bp.log(bp.cosh(x)))(800.0) == 1.0
    assert [n.op for n in bp.trace(lambda x: bp.sinh(x) / bp.cosh(x), 0.5).nodes] == ["input", "tanh"]


@pytest.mark.parametrize(
    ("f", "x", "slope"),
    [
        (abs, 0.0, 0.0),
        (abs, -0.0, 0.0),
        (bp.relu, 0.0, 0.0),
        (bp.relu, -0.0, 0.0),
        (lambda x: bp.minimum(x, 1.0), 1.0, 0.5),
        (lambda x: bp.maximum(x, x * 1.0), 1.0, 1.0),
        (lambda x: bp.maximum(1.0, x), 1.0, 0.5),
        (bp.sign, 0.0, 0.0),
        (bp.sqrt, 0.0, math.inf),
        (bp.log, 0.0, math.inf),
        (lambda x: x**2, 0.0, 0.0),
        (lambda x: x**1.5, 0.0, 0.0),
        (lambda x: x**0, 0.0, 0.0),
        (lambda x: 2.0**x, 0.0, math.log(2.0)),
        (lambda x: bp.where(x > 0, bp.log(x), 0.0), -1.0, 0.0),  # what is not taken may be NaN
        (lambda x: bp.where(x > 0, x, 1 / x), 1.0, 1.0),
        (lambda x: bp.where(x > 0, bp.sqrt(x), 0.0), 0.0, 0.0),  # and its slope infinite
        (lambda x: bp.where(x > 0, x * bp.sqrt(x) + bp.log(x), 3 * x), 0.0, 3.0),
        (lambda x: bp.where(x == 0, 1.0, bp.sin(x) / x), 0.0, 0.0),
        (lambda x: bp.where(x > 0, bp.where(x < 2, bp.exp(2 * bp.log(x)), bp.sqrt(-x)), x), 0.0, 1.0),
        (bp.tanh, math.inf, 0.0),
        (bp.tanh, -math.inf, 0.0),
        (bp.sigmoid, math.inf, 0.0),
        (bp.sigmoid, -math.inf, 0.0),
        (bp.softplus, math.inf, 1.0),
        (bp.softplus, -math.inf, 0.0),
        (bp.erf, math.inf, 0.0),
        (bp.arctan, math.inf, 0.0),
        (bp.exp, -math.inf, 0.0),
        (bp.exp, math.inf, math.inf),
        (bp.relu, math.inf, 1.0),
        (bp.relu, -math.inf, 0.0),
        (abs, -math.inf, -1.0),
    ],
)
def test_edges_and_kinks(f, x, slope):
    assert bp.grad(f)(x) == slope
    graph = bp.trace(f, x)
    graph.forward(x)
    assert graph.backward() == [slope]


@pytest.mark.parametrize("name", [*UNARY])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_compiled_values_at_the_edges(name, dtype):
    x = np.array([0.0, -0.0, np.inf, -np.inf, np.nan, 1.0, -1.0, 1e-30, -1e-30, 30.0, -30.0], dtype)
    with np.errstate(all="ignore"):
        expected = UNARY[name](x.astype(float)).astype(dtype)
    found = bp.jacobian(lambda a, x: a * getattr(bp, name)(x))(1.0, x)
    np.testing.assert_allclose(found, expected, rtol=1e-13 if dtype == "float64" else 2e-6)
    if name not in ("sigmoid", "softplus", "cosh", "exp", "exp2", "cos", "arccos", "arccosh", "relu", "abs"):
        assert (np.signbit(found[:2]) == np.signbit(expected[:2])).all()


# -- random formulas, against the complex step: f'(x) = Im f(x + ih) / h, exact to rounding for analytic functions

SMOOTH = {
    "sin": (bp.sin, np.sin),
    "cos": (bp.cos, np.cos),
    "tanh": (bp.tanh, np.tanh),
    "exp": (lambda x: bp.exp(bp.sin(x)), lambda x: np.exp(np.sin(x))),
    "arctan": (lambda x: bp.arctan(bp.tanh(x)), lambda x: np.arctan(np.tanh(x))),
    "sigmoid": (bp.sigmoid, lambda x: 1 / (1 + np.exp(-x))),
    "log": (lambda x: bp.log(2 + bp.sin(x)), lambda x: np.log(2 + np.sin(x))),
    "sqrt": (lambda x: bp.sqrt(2 + bp.cos(x)), lambda x: np.sqrt(2 + np.cos(x))),
    "softplus": (bp.softplus, lambda x: np.log(1 + np.exp(x))),
    "square": (lambda x: bp.sin(x) ** 2, lambda x: np.sin(x) ** 2),
}
JOIN = {
    "add": (lambda a, b: a + b,) * 2,
    "sub": (lambda a, b: a - b,) * 2,
    "mul": (lambda a, b: bp.sin(a) * bp.tanh(b), lambda a, b: np.sin(a) * np.tanh(b)),
    "div": (lambda a, b: a / (2 + bp.sin(b)), lambda a, b: a / (2 + np.sin(b))),
}
LEAVES = st.one_of(st.sampled_from(["p0", "p1", "x"]), st.floats(-2, 2, width=16))
TREES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.tuples(st.sampled_from(sorted(SMOOTH)), inner), st.tuples(st.sampled_from(sorted(JOIN)), inner, inner)
    ),
    max_leaves=12,
)


def build(tree, which, leaves):
    if isinstance(tree, str):
        return leaves[tree]
    if isinstance(tree, float):
        return tree
    table = SMOOTH if len(tree) == 2 else JOIN
    return table[tree[0]][which](*(build(t, which, leaves) for t in tree[1:]))


@given(TREES, st.floats(-1.5, 1.5), st.floats(-1.5, 1.5))
@settings(max_examples=60)
def test_random_formulas(tree, p0, p1):
    x = np.linspace(-1.3, 1.7, 19)

    def ours(p, x):
        return bp.mean(build(tree, 0, {"p0": p[0], "p1": p[1], "x": x}) + 0 * x)

    def oracle(p0, p1):
        return np.mean(build(tree, 1, {"p0": p0, "p1": p1, "x": x}) + 0 * x)

    graph = bp.trace(ours, [p0, p1], x)
    value = graph.forward([p0, p1], x)
    step = 1e-30
    expected = [oracle(p0 + 1j * step, p1 + 0j).imag / step, oracle(p0 + 0j, p1 + 1j * step).imag / step]
    np.testing.assert_allclose(value, oracle(p0, p1), rtol=1e-11, atol=1e-13)
    np.testing.assert_allclose(graph.backward()[0], expected, rtol=1e-9, atol=1e-11)


@given(TREES, st.floats(-1.5, 1.5), st.floats(-1.5, 1.5))
@settings(max_examples=12)
def test_random_formulas_compiled(tree, p0, p1):
    x = np.linspace(-1.3, 1.7, 19)

    def ours(p, x):
        return bp.mean(build(tree, 0, {"p0": p[0], "p1": p[1], "x": x}) + 0 * x)

    graph = bp.trace(ours, [p0, p1], x)
    value = graph.forward([p0, p1], x)
    found, slope = bp.value_and_grad(ours)([p0, p1], x)
    np.testing.assert_allclose(found, value, rtol=1e-11, atol=1e-13)
    np.testing.assert_allclose(slope, graph.backward()[0], rtol=1e-9, atol=1e-11)


# -- higher derivatives


def nth(f, n):
    for _ in range(n):
        f = bp.grad(f)
    return f


@pytest.mark.parametrize("n", range(6))
def test_nested_derivatives_against_closed_forms(n):
    x = 0.7
    assert nth(bp.sin, n + 1)(x) == pytest.approx(math.sin(x + (n + 1) * math.pi / 2), rel=1e-14)
    assert nth(lambda x: bp.exp(3 * x), n + 1)(x) == pytest.approx(3 ** (n + 1) * math.exp(3 * x), rel=1e-13)
    assert nth(bp.log, n + 1)(x) == pytest.approx((-1) ** n * math.factorial(n) / x ** (n + 1), rel=1e-12)
    assert nth(lambda x: x**7, n + 1)(x) == pytest.approx(math.perm(7, n + 1) * x ** (6 - n), rel=1e-13)


def test_second_derivatives_of_tanh_and_sigmoid():
    x = 0.4
    t, s = math.tanh(x), 1 / (1 + math.exp(-x))
    assert nth(bp.tanh, 2)(x) == pytest.approx(-2 * t * (1 - t * t), rel=1e-14)
    assert nth(bp.sigmoid, 2)(x) == pytest.approx(s * (1 - s) * (1 - 2 * s), rel=1e-13)
    assert nth(bp.softplus, 3)(x) == pytest.approx(s * (1 - s) * (1 - 2 * s), rel=1e-13)


def test_a_derivative_inside_of_a_formula_sees_only_its_argument():
    # d/dt (t + x x) at t = x x is 1, although both are the same number.
    assert bp.grad(lambda x: x * bp.grad(lambda t: t + x * x)(x * x))(2.0) == 1.0
    assert bp.grad(lambda x: bp.grad(lambda y: x * y**2)(3.0))(1.0) == 6.0
    inner = bp.grad(lambda p: bp.sum(p**3))
    np.testing.assert_allclose(bp.grad(lambda p: bp.sum(inner(p) * p[0]))(np.array([1.0, 2.0])), [21.0, 12.0])


def test_hessian_vector_product():
    def f(p):
        return bp.sum(p**4) * p[0]

    p, v = np.array([1.0, 2.0, -1.0]), np.array([0.5, -1.0, 2.0])
    product = bp.grad(lambda p: bp.sum(bp.grad(f)(p) * v))(p)
    np.testing.assert_allclose(product, bp.hessian(f)(p) @ v, rtol=1e-14)
