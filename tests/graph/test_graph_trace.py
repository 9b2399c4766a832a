"""From a Python function to a graph: sharing, folding, dropping, reading, and what cannot be traced."""

import subprocess
import sys
from pathlib import Path

import numba
import numpy as np
import pytest

import fastbp as bp
from paths import ROOT

X = np.linspace(0.1, 0.9, 7)


def operators(graph):
    return [node.op for node in graph.nodes]


def test_equal_subexpressions_are_one_node():
    graph = bp.trace(lambda x, y: np.exp(x * y) + np.exp(y * x) * bp.exp(x * y), 1.0, 2.0)
    assert operators(graph).count("exp") == operators(graph).count("add") == 1
    assert operators(graph).count("mul") == 2


def test_constants_are_folded_and_dead_nodes_dropped():
    def formula(x):
        unused = bp.exp(x)  # noqa: F841
        return x * (bp.exp(0.0) + 2.0) + 0 * 1

    graph = bp.trace(formula, 1.0)
    assert operators(graph) == ["input", "constant", "mul"]
    assert graph.nodes[1].attr == 3.0


def test_signed_zeros_and_nan_are_constants_of_their_own():
    graph = bp.trace(lambda x: bp.stack([x * 0.0, x * -0.0, x + np.nan, x - np.nan]), 1.0)
    values = graph.forward(2.0)
    assert np.signbit(values[1]) and not np.signbit(values[0])
    assert np.isnan(values[2:]).all() and operators(graph).count("constant") == 3


def test_it_prints_as_code():
    graph = bp.trace(lambda p, x: bp.mean(bp.where(x < p[1], p[0], x**3)), np.ones(2), X)
    lines = str(graph).splitlines()
    assert lines[0] == "graph of <lambda>(p[2], x[7]):"
    assert lines[1:] == [
        "    v1 = x < p[1]",
        "    v2 = x * x",
        "    v3 = v2 * x",
        "    v4 = where(v1, p[0], v3)",
        "    v5 = sum(v4)",
        "    v6 = v5 / size(x)",
        "    return v6",
    ]


def test_loops_and_python_sum_are_unrolled():
    def polynomial(k, x):
        return sum(k[i] * x**i for i in range(len(k)))

    k = np.array([1.0, -2.0, 0.5, 3.0])
    assert bp.trace(polynomial, k, X).forward(k, X) == pytest.approx(np.polyval(k[::-1], X))
    assert bp.trace(lambda k, x: np.polyval(k, x), k, X).forward(k, X) == pytest.approx(np.polyval(k, X))


def test_numpy_and_fastbp_write_the_same_nodes():
    for name in (
        "exp",
        "log",
        "log1p",
        "expm1",
        "sqrt",
        "sin",
        "cos",
        "tan",
        "arcsin",
        "arccos",
        "arctan",
        "sinh",
        "cosh",
        "tanh",
    ):
        ours, theirs = getattr(bp, name), getattr(np, name)
        assert len(bp.trace(lambda x, f=ours, g=theirs: f(x) - g(x), 0.5).nodes) == 3
        assert ours(0.5) == theirs(0.5)


@pytest.mark.parametrize(
    "formula",
    [
        lambda x: np.where(x > 0.5, np.square(x), 1 / x),
        lambda x: np.clip(x, 0.2, 0.7) + np.maximum(x, 0.5) - np.fmin(x, 0.3),
        lambda x: np.hypot(x, 2.0) + np.log2(x) * np.log10(x) - np.exp2(x) + np.logaddexp(x, 0.4),
        lambda x: np.sum(x) + np.mean(x) + x.mean() + x.sum() + np.dot(x, x) + x @ x,
        lambda x: abs(-x) + (+x) + 2**x + x**-2 + x**0.5 + x**2.5 + x**0,
        lambda x: np.arcsinh(-x) + np.arcsinh(3 * x) + np.arccosh(1 + x) + np.arctanh(0.9 * x),
        lambda x: np.select([x > 0.7, x > 0.3], [x**2, 2 * x], 5.0) + np.select([x > 0.5], [x]),
        lambda x: np.piecewise(x, [x < 0.4, x > 0.6], [lambda x: x - 0.4, lambda x: x**2, 7.0]),
        lambda x: x[2:5] * x[1:4] + x[::-1][:3] + x[-1],
        lambda x: ((x > 0.2) & ~(x > 0.8) | (x == X[0])) * x + (x != X[0]),
        lambda x: np.ones_like(x).sum() + np.zeros_like(x) + len(x) + x.shape[0] + x.ndim,
        lambda x: X * x + np.float32(0.5) * x + np.array(2.0) * x,
    ],
)
def test_numpy_formulas_keep_their_values(formula):
    np.testing.assert_allclose(bp.trace(formula, X).forward(X), formula(X), rtol=1e-14)


@pytest.mark.parametrize(
    "choose",
    [
        lambda x: np.where(x, x * x, 3 * x),
        lambda x: np.where(np.logical_and(x, x > 0), x * x, 3 * x),
        lambda x: np.where(np.logical_not(x), x * x, 3 * x),
        lambda x: np.where(np.logical_xor(x, x < 1), x * x, 3 * x),
        lambda x: np.where(MASK, x * x, 3 * x),
        lambda x: np.where(MASK & (x > 1), x * x, 3 * x),
        lambda x: np.where((x > 1) | MASK | False, x * x, 3 * x),
        lambda x: np.where((x > 0) ^ (x > 1), x * x, 3 * x),
    ],
)
@pytest.mark.parametrize("spread", [lambda x: x, lambda x: x[::1] * np.array([1.0, 2.0, 3.0])])
def test_conditions_are_numpys(choose, spread):
    x = np.array([-1.0, 0.0, 2.0])
    value, _ = bp.value_and_grad(lambda x: bp.sum(choose(spread(x))))(x)
    assert value == np.sum(choose(spread(x)))


MASK = np.array([True, False, True])


def test_places_by_list_and_array():
    x = np.arange(5.0)
    assert bp.grad(lambda p: bp.sum(p[[0, -1, 0]] * p[np.array([1, 2, 3])]))(x).tolist() == [4.0, 0.0, 4.0, 0.0, 2.0]
    with pytest.raises(IndexError, match="index 5"):
        bp.grad(lambda p: bp.sum(p[[0, 5]]))(x)
    for key in ([0.5], []):
        with pytest.raises(bp.TraceError, match="cannot index"):
            bp.grad(lambda p, key=key: bp.sum(p[key]))(x)


def test_two_dimensional_arguments():
    data = np.arange(12.0).reshape(2, 6)
    graph = bp.trace(lambda d, a: a * d[0] + d[1, :], data, 2.0)
    assert graph.forward(data, 2.0) == pytest.approx(2 * data[0] + data[1])

    def unpacked(d, a):
        x, y = d
        return x * y + a + d[0, 1]

    assert bp.trace(unpacked, data, 2.0).forward(data, 2.0) == pytest.approx(data[0] * data[1] + 3)


def branch(x):
    return x if x > 0 else -x


BAD = {
    branch: "fastbp.where",
    (lambda x: max(x, 0.0)): "fastbp.maximum",
    (lambda x: float(x)): "fastbp.exp",
    (lambda x: __import__("math").sin(x)): "np.exp",
    (lambda x: [1, 2][x]): "Python number",
    (lambda x: x << 2): "operators|unsupported",
    (lambda x: np.spacing(x)): "np.spacing",
    (lambda x: np.linalg.svd(x)): "np.linalg.svd",
    (lambda x: np.zeros(x)): "expected a sequence of integers",
    (lambda x: x * 1j): "complex",
    (lambda x: x.tolist()): "no tolist",
    (lambda x: np.zeros(2).__setitem__(0, x * np.ones(2))): "sequence|Python number|array",
    (lambda x: numba.njit(lambda a: a * a)(x)): "py_func",
    (lambda x: None): "must return",
    (lambda x: np.argsort(x)): "np.argsort",
    (lambda x: "text"): "must return",
    (lambda x: len(x)): "length",
    (lambda x: list(x)): "go through",
    (lambda x: x[0]): "cannot index",
    (lambda x: x & 1): "for conditions",
    (lambda x: ~x): "for conditions",
    (lambda x: np.where(np.array([True, False]) & x, 1.0, 2.0)): "for conditions",
    (lambda x: bp.where(0 < x < 1, x, 0.0)): "& and",
    (lambda x: np.asarray(x) if x is None else np.add(x, 1.0, out=np.zeros(1))): "out=",
    (lambda x: np.ones((2, 2)) @ (x + np.ones(3))): "no meaning",
}


@pytest.mark.parametrize("number", range(len(BAD)))
def test_what_cannot_be_traced_says_so(number):
    formula, words = list(BAD.items())[number]
    with pytest.raises(bp.TraceError, match=words) as caught:
        bp.trace(formula, 1.0)
    assert Path(__file__).name in str(caught.value)


def test_the_users_own_errors_stay_what_they_are():
    def check(x):
        raise ValueError("k must be positive")

    with pytest.raises(ValueError, match="k must be positive"):
        bp.trace(check, 1.0)
    assert not hasattr(bp.trace(lambda x: x, 1.0).nodes[0], "tolist")


def test_a_bad_result_shows_the_formula():
    def nothing(x):
        x * 2

    with pytest.raises(bp.TraceError, match="in nothing") as caught:
        bp.trace(nothing, 1.0)
    assert "def nothing(x):" in str(caught.value)


def test_the_error_shows_the_users_line():
    with pytest.raises(bp.TraceError) as caught:
        bp.trace(branch, 1.0)
    assert "return x if x > 0 else -x" in str(caught.value) and "in branch" in str(caught.value)


def test_bad_arguments():
    with pytest.raises(TypeError, match="argument x"):
        bp.trace(lambda x: x, "one")
    with pytest.raises(ValueError, match="empty"):
        bp.trace(lambda x: x, [])
    with pytest.raises(bp.TraceError, match="3 and 4"):
        bp.trace(lambda x, y: x + y, np.ones(3), np.ones(4))
    with pytest.raises(bp.TraceError, match="in place"):

        def store(x):
            x[0] = 1.0

        bp.trace(store, X)
    with pytest.raises(TypeError, match="2 arguments"):
        bp.trace(lambda x, y: x + y, 1.0, 2.0).forward(1.0)
    with pytest.raises(ValueError, match="forward"):
        bp.trace(lambda x: x + 1, 1.0).backward()


def test_tracing_needs_neither_numba_nor_scipy():
    script = (
        "import sys, fastbp as bp; assert not {'numba', 'scipy', 'matplotlib', 'fastbp.graph'} & set(sys.modules);"
        "g = bp.trace(lambda x: bp.exp(x) * 2, 1.0); g.forward(2.0); g.backward(); str(g.draw());"
        "assert not {'numba', 'scipy', 'matplotlib'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", script], check=True, cwd=ROOT)


def chained(step, times=1500):
    def formula(x):
        for _ in range(times):
            x = step(x)
        return x

    return formula


@pytest.mark.parametrize("step", [lambda x: x * 1.0001 + 1e-4, lambda x: bp.relu(x - 1e-4)])
def test_long_chains(step):
    """No walk over a graph recurses, or grows faster than the graph."""
    f = chained(step)
    graph = bp.trace(f, 1.0)
    assert graph.forward(1.0) == pytest.approx(f(1.0), rel=1e-12)
    slope = graph.backward()[0]
    derived = bp.trace(bp.grad(f), 1.0)
    assert derived.forward(1.0) == pytest.approx(slope, rel=1e-12)
    assert len(derived.nodes) < 6 * len(graph.nodes)
    x = np.linspace(1, 2, 100)
    picked = bp.trace(lambda x: f(x)[7] + bp.sum(f(x)[3:80]), x)
    assert picked.forward(x) == pytest.approx(f(x)[7] + f(x)[3:80].sum(), rel=1e-12)


def test_elements_of_what_is_used_twice():
    """Each step uses the last one twice: 2^60 ways through it."""
    f = chained(lambda x: (x + 0.5 * x) / 1.5, 60)
    assert bp.trace(lambda x: f(x)[3], X).forward(X) == pytest.approx(X[3])
