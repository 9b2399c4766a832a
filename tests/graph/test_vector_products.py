"""jvp, vjp and hvp against the matrices that they do without, and against closed forms."""

import numpy as np
import pytest

import fastbp as bp

RNG = np.random.default_rng(5)
A, B = RNG.normal(size=4), RNG.normal(size=4)
X = np.linspace(-1.0, 1.0, 9)


def rosenbrock(x):
    return bp.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


def several(p):
    return bp.stack([bp.sin(p[0]) * p[1], p[2] ** 3, p[0] / p[3], bp.sum(p**2), 3.0 * p[1]])


def rows(p, x):
    return p["a"] * bp.exp(p["b"][0] * x) + p["b"][1]


def test_jvp_is_the_jacobian_times_a_vector():
    p = A + 3
    value, tangent = bp.jvp(several, (p,), (B,))
    np.testing.assert_allclose(value, [np.sin(p[0]) * p[1], p[2] ** 3, p[0] / p[3], p @ p, 3 * p[1]], rtol=1e-14)
    np.testing.assert_allclose(tangent, bp.jacobian(several)(p) @ B, rtol=1e-13)


def test_vjp_is_a_vector_times_the_jacobian():
    p, seed = A + 3, RNG.normal(size=5)
    value, pull = bp.vjp(several, p)
    np.testing.assert_array_equal(value, bp.jvp(several, (p,), (B,))[0])
    (found,) = pull(seed)
    np.testing.assert_allclose(found, seed @ bp.jacobian(several)(p), rtol=1e-12)
    p[:] = 0.0  # it has what it was given
    np.testing.assert_array_equal(pull(seed)[0], found)


@pytest.mark.parametrize("long", [False, True])
def test_both_modes_agree_over_data(long):
    """<u, J v> = <J' u, v>."""
    x = np.linspace(-1, 1, 40_000 if long else 9)
    p, v = {"a": 1.5, "b": [0.5, -1.0]}, {"b": [2.0, 0.25], "a": -1.0}
    dx, u = np.cos(3 * x), np.sin(5 * x)
    value, tangent = bp.jvp(rows, (p, x), (v, dx))
    e = np.exp(0.5 * x)
    np.testing.assert_allclose(tangent, -e + 1.5 * e * (2.0 * x + 0.5 * dx) + 0.25, rtol=1e-12, atol=1e-13)
    again, pull = bp.vjp(rows, p, x)
    np.testing.assert_array_equal(value, again)
    by_p, by_x = pull(u)
    assert list(by_p) == ["a", "b"] and type(by_p["b"]) is list
    inner = by_p["a"] * v["a"] + np.dot(by_p["b"], v["b"]) + by_x @ dx
    assert inner == pytest.approx(u @ tangent, rel=1e-11)


def test_results_of_any_form():
    def f(x, y):
        return {"sum": x + bp.sum(y), "pair": (x * y, [x > 1, 2.0])}

    value, tangent = bp.jvp(f, (2.0, np.array([1.0, 3.0])), (0.5, np.array([1.0, 0.0])))
    assert value["sum"] == 6.0 and value["pair"][1] == [True, 2.0]
    assert tangent["sum"] == 1.5 and tangent["pair"][1] == [0.0, 0.0]
    np.testing.assert_array_equal(tangent["pair"][0], [2.5, 1.5])
    _, pull = bp.vjp(f, 2.0, np.array([1.0, 3.0]))
    by_x, by_y = pull({"sum": 1.0, "pair": (np.array([1.0, 10.0]), [0.0, 0.0])})
    assert by_x == 1 + 1 + 30
    np.testing.assert_array_equal(by_y, [3.0, 21.0])
    value, tangent, aux = bp.jvp(lambda x: (x**2, {"x": x}), (3.0,), (1.0,), has_aux=True)
    assert (value, tangent, aux) == (9.0, 6.0, {"x": 3.0})
    value, pull, aux = bp.vjp(lambda x: (x**2, {"x": x}), 3.0, has_aux=True)
    assert (value, pull(1.0), aux) == (9.0, (6.0,), {"x": 3.0})


def test_constant_tangents_fill_the_rows():
    value, tangent = bp.jvp(lambda a, x: a + x, (1.0, X), (2.0, 0 * X))
    assert tangent.shape == (9,) and (tangent == 2.0).all()
    value, tangent = bp.jvp(lambda a, x: x, (1.0, X), (2.0, 0 * X))
    np.testing.assert_array_equal(tangent, 0 * X)


@pytest.mark.parametrize("size", [2, 40, 1000])
def test_hvp_is_the_hessian_times_a_vector(size):
    x, v = RNG.normal(size=size), RNG.normal(size=size)
    found = bp.hvp(rosenbrock, (x,), (v,))
    expected = np.zeros(size)  # by the tridiagonal Hessian
    expected[:-1] += (1200 * x[:-1] ** 2 - 400 * x[1:] + 2) * v[:-1] - 400 * x[:-1] * v[1:]
    expected[1:] += 200 * v[1:] - 400 * x[:-1] * v[:-1]
    np.testing.assert_allclose(found, expected, rtol=1e-11, atol=1e-9)
    if size < 64:
        np.testing.assert_allclose(found, bp.hessian(rosenbrock)(x) @ v, rtol=1e-11, atol=1e-9)


def test_hvp_of_several_arguments_and_containers():
    def f(p, q):
        return p["a"] ** 2 * bp.sum(p["b"]) * q

    p, v = {"a": 2.0, "b": (3.0, 4.0)}, {"a": 1.0, "b": (0.0, 2.0)}
    by_p, by_q = bp.hvp(f, (p, 5.0), (v, 0.5))
    assert by_p["a"] == pytest.approx(2 * 7 * 5 * 1 + 2 * 2 * 5 * 2 + 2 * 2 * 7 * 0.5)
    assert by_p["b"] == pytest.approx((2 * 2 * 5 * 1 + 4 * 0.5, 2 * 2 * 5 * 1 + 4 * 0.5))
    assert by_q == pytest.approx(2 * 2 * 7 * 1 + 4 * 2)
    loss = lambda w, x, y: bp.mean((w[0] * bp.tanh(w[1] * x) - y) ** 2)  # noqa: E731
    w, y = np.array([0.7, -1.2]), np.sin(X)
    by_w = bp.hvp(loss, (w, X, y), (np.array([1.0, 2.0]), 0 * X, 0 * X))[0]
    np.testing.assert_allclose(by_w, bp.hessian(loss)(w, X, y) @ [1.0, 2.0], rtol=1e-12)


def test_inside_of_formulas():
    cube = lambda x: x**3  # noqa: E731
    assert bp.grad(lambda x: bp.jvp(cube, (x,), (1.0,))[1])(2.0) == 12.0
    assert bp.grad(lambda x: bp.vjp(cube, x)[1](1.0)[0])(2.0) == 12.0
    assert bp.jvp(bp.grad(cube), (2.0,), (1.0,)) == (12.0, 12.0)
    assert bp.grad(lambda x: bp.hvp(cube, (x,), (1.0,)))(2.0) == 6.0
    found = bp.grad(lambda p: bp.sum(bp.jvp(lambda q: q**3, (p,), (bp.stack([1.0, 2.0]),))[1]))(np.array([2.0, 3.0]))
    np.testing.assert_array_equal(found, [12.0, 36.0])


def test_branches_and_types():
    f = lambda x: x**2 if x > 0 else -x  # noqa: E731
    assert [bp.jvp(f, (x,), (2.0,)) for x in (3.0, -3.0)] == [(9.0, 12.0), (3.0, -2.0)]
    assert [bp.vjp(f, x)[1](2.0) for x in (3.0, -3.0)] == [(12.0,), (-2.0,)]
    assert [bp.hvp(f, (x,), (2.0,)) for x in (3.0, -3.0)] == [4.0, 0.0]
    x = X.astype(np.float32)
    value, tangent = bp.jvp(lambda x: x**2, (x,), (np.ones(9),))
    assert value.dtype == tangent.dtype == np.float32
    assert bp.vjp(lambda x: x**2, x)[1](np.ones(9))[0].dtype == np.float32


def test_changed_numbers_are_seen():
    scope = {"k": 2.0}
    exec("def f(x):\n    return k * x", scope)
    assert bp.jvp(scope["f"], (3.0,), (1.0,)) == (6.0, 2.0)
    scope["k"] = 5.0
    assert bp.jvp(scope["f"], (3.0,), (1.0,)) == (15.0, 5.0)


@pytest.mark.parametrize(
    ("call", "kind", "message"),
    [
        (lambda: bp.jvp(abs, 1.0, 1.0), TypeError, "primals must be a tuple or list"),
        (lambda: bp.jvp(abs, (1.0,), 1.0), TypeError, "tangents must be a tuple or list"),
        (lambda: bp.hvp(abs, (1.0,), (1.0, 2.0)), TypeError, "as many, at least one, got 1 and 2"),
        (lambda: bp.jvp(abs, (1.0,), (np.ones(2),)), ValueError, r"tangents\[0\] must have shape \(\), got \(2,\)"),
        (lambda: bp.jvp(abs, ({"a": 1.0},), ({"b": 1.0},)), TypeError, r"tangents\[0\] must have the keys \['a'\]"),
        (lambda: bp.jvp(abs, ((1.0, X),), ([1.0],)), TypeError, r"tangents\[0\] must"),
        (lambda: bp.vjp(abs), ValueError, "at least one argument"),
        (lambda: bp.vjp(abs, 1.0)[1](np.ones(2)), ValueError, "the vector must have the shape of the value"),
        (lambda: bp.vjp(lambda x: (x, x), 1.0)[1](1.0), TypeError, "the vector must be a tuple"),
        (lambda: bp.hvp(lambda x: x**2, (X,), (X,)), bp.TraceError, "single number"),
        (lambda: bp.jvp(3, (1.0,), (1.0,)), TypeError, "f must be a function"),
        (lambda: bp.jvp(lambda x: "text", (1.0,), (1.0,)), bp.TraceError, "must return numbers or nodes"),
        (lambda: bp.jvp(lambda x: x, (1.0,), (1.0,), has_aux=True), TypeError, "must return a pair"),
    ],
)
def test_errors(call, kind, message):
    with pytest.raises(kind, match=message):
        call()
