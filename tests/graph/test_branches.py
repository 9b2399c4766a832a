"""Python's if, while, for, max and min on parameters: followed by the values of each call, compiled once for each way."""

import numpy as np
import pytest

import fastbp as bp
from fastbp.graph.autodiff import compiled
from fastbp.graph.tracing import branches

X = np.linspace(0.0, 1.0, 7)


def difference(f, x, h=1e-6):
    return (f(x + h) - f(x - h)) / (2 * h)


def newton(a):
    x = a
    while abs(x * x - a) > 1e-13 * a:
        x = 0.5 * (x + a / x)
    return x


def collatz(x):
    steps = 0
    while x > 1 and steps < 20:
        x = x / 2 if steps % 2 else 3 * x - 1
        steps += 1
    return x**2


def piecewise(x):
    if x < -1:
        return -x
    elif x < 1:
        return x**3
    elif not x < 5:
        return bp.exp(-x)
    return 2 * x if x != 3 else x


FORMULAS = {
    "newton": newton,
    "collatz": collatz,
    "piecewise": piecewise,
    "max": lambda x: max(x, x**2, 0.5),
    "min": lambda x: min(x**2, 3 - x),
    "sorted": lambda x: sorted([x, x**2, 1.5])[1],
    "conditional": lambda x: x**2 if 0 < x < 2 else 3 * x,
    "or": lambda x: x**2 if x < 0 or x > 2 else x,
    "truth": lambda x: x**2 if x - 1 else 5 * x,
    "int": lambda x: x ** int(x),
    "range": lambda x: sum(x**i for i in range(int(x) + 1)),
    "assert": lambda x: [x**2, None][x > 1e6] if x > -1e6 else x,
    "numpy": lambda x: np.sin(x) if np.abs(x) > 1 else np.cos(x),
}
POINTS = (0.3, 1.7, 0.8, 2.6, 6.5, 0.3, 3.4)


@pytest.mark.parametrize("name", FORMULAS)
def test_each_way_is_differentiated(name):
    f = FORMULAS[name]
    both = bp.value_and_grad(f)
    for x in POINTS:
        value, slope = both(x)
        assert value == pytest.approx(f(x), rel=1e-14)
        assert slope == pytest.approx(difference(f, x), rel=1e-6, abs=1e-8)


def test_second_derivatives_follow_the_branches():
    def f(x):
        return x**3 if x > 1 else x**2

    for second in (bp.grad(bp.grad(f)), bp.hessian(f)):
        assert [second(x) for x in (2.0, 0.5, 3.0)] == [12.0, 2.0, 18.0]
    square = bp.grad(lambda x: bp.grad(f)(x) ** 2)
    assert [square(x) for x in (2.0, 0.5)] == [2 * 12 * 12, 2 * 1 * 2]


def test_jacobians_over_data_follow_the_branches():
    def f(p, x):
        return p[0] * x if p[0] > p[1] else p[1] * x**2 + p[0]

    found = bp.jacobian(f)
    np.testing.assert_allclose(found([2.0, 1.0], X), np.stack([X, 0 * X], axis=1))
    np.testing.assert_allclose(found([1.0, 2.0], X), np.stack([1 + 0 * X, X**2], axis=1))


def test_branches_on_numbers_of_the_data():
    """A sum or an element is a single number; it is worked out at each call."""
    f = bp.grad(lambda a, x: bp.sum(a * x) if bp.mean(x) > 1 and x[0] < 5 else bp.sum(a**2 * x))
    for x in (X, X + 3, X + 7, X):
        expected = x.sum() if x.mean() > 1 and x[0] < 5 else 2 * 3 * x.sum()
        assert f(3.0, x) == pytest.approx(expected, rel=1e-14)


def test_branches_on_arrays_around_the_formula():
    table = np.array([0.0, 1.0])
    f = bp.grad(lambda a: a**2 if table[0] < a else 5 * a)
    assert f(3.0) == 6.0
    table[0] = 4.0
    assert f(3.0) == 5.0


def test_integers_may_be_counted_with():
    def power(x, n):
        y = 1.0
        for _ in range(n):
            y = y * x
        return y

    slope = bp.grad(power)
    assert [slope(2.0, n) for n in (3, 5, 0, 1, 3)] == [12.0, 80.0, 0.0, 1.0, 12.0]
    assert bp.grad(lambda x, n: [x, x**2, x**3][n - 1])(2.0, 2) == 4.0
    with pytest.raises(bp.TraceError, match="Python number"):
        slope(2.0, 3.0)
    for n in (-2.5, -1.0, -0.5, 0.5, 1.0, 1.5):  # int cuts towards 0
        assert bp.grad(lambda x, n: x * int(n))(2.0, n) == int(n)


def test_a_way_is_traced_once(monkeypatch):
    made = []
    trace = compiled.trace_within
    monkeypatch.setattr(compiled, "trace_within", lambda *arguments: made.append(1) or trace(*arguments))
    slope = bp.grad(lambda x: x if x > 0 else -3 * x)
    assert [slope(x) for x in (1.0, -1.0, 2.0, -2.0, 3.0)] == [1.0, -3.0, 1.0, -3.0, 1.0]
    assert len(made) == 2
    assert slope(np.nan) == -3.0 and len(made) == 2  # as Python has it: no comparison with NaN holds
    other = bp.grad(lambda x: sum(x for _ in range(int(x))))
    for x in range(1, 2 * compiled.MAX_WAYS):
        assert other(x + 0.5) == x
    ((ways, _),) = other._compiled._cache.values()
    assert len(ways) == compiled.MAX_WAYS
    assert other(1.5) == 1


def test_float32_decides_in_float32():
    x = np.array([0.1, 0.2], np.float32)
    f = bp.grad(lambda p, x: bp.sum(p * x) if p[0] + p[1] > 0.3 else bp.sum(x) * 0 * p[0])
    assert f(x, x).dtype == np.float32
    for _ in range(3):
        np.testing.assert_array_equal(f(x, x), x if x[0] + x[1] > np.float32(0.3) else 0 * x)


def test_a_global_number_counts_as_before():
    scope = {"limit": 1.0}
    exec("def f(x):\n    return x**2 if x > limit else -x", scope)
    slope = bp.grad(scope["f"])
    assert slope(2.0) == 4.0
    scope["limit"] = 3.0
    assert slope(2.0) == -1.0


def test_a_loop_without_end_is_refused():
    def endless(x):
        while x > 0:
            x = x + 1
        return x

    with pytest.raises(bp.TraceError, match=rf"more than {branches.MAX_DECISIONS} decisions.*\n.*\n.*while x > 0"):
        bp.grad(endless)(1.0)
    assert bp.grad(endless)(-1.0) == 1.0


def test_an_error_of_a_branch_is_the_formulas():
    def f(x):
        if x < 0:
            raise ValueError("x must not be negative")
        return bp.sqrt(x)

    slope = bp.grad(f)
    assert slope(4.0) == 0.25
    with pytest.raises(ValueError, match="x must not be negative"):
        slope(-1.0)
    assert slope(4.0) == 0.25


def test_data_is_refused():
    f = bp.grad(lambda a, x: bp.sum(a * x if x > 0 else x))
    with pytest.raises(bp.TraceError, match=r"cannot branch on a value.*\n(.*\n)*.*fastbp.where"):
        f(1.0, X)
    with pytest.raises(bp.TraceError, match=r"cannot branch.*\n(.*\n)*.*trace, losses and fits, which see no values"):
        bp.trace(lambda x: max(x, 1.0), 2.0)
    with pytest.raises(bp.TraceError, match="cannot branch"):
        bp.grad(lambda x: np.piecewise(x, [x > 0.5], [lambda t: t if bp.sum(t) > 0 else -t, 0.0]).sum())(X)
    with pytest.raises(bp.TraceError, match="differs from example to example"):
        bp.vmap(lambda x: x if x > 0 else -x)(X)
    with pytest.raises(bp.TraceError, match="Python number"):
        bp.grad(lambda x: x * float(x))(1.0)
