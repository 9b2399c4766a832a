"""grad, value_and_grad, jacobian, hessian: shapes, JAX's calls, closed forms and errors."""

import math

import numpy as np
import pytest

import fastbp as bp

X = np.linspace(0.0, 2.0, 11)


def rosenbrock(p):
    return bp.sum(100 * (p[1:] - p[:-1] ** 2) ** 2 + (1 - p[:-1]) ** 2)


def test_rosenbrock_against_scipy():
    from scipy.optimize import rosen, rosen_der, rosen_hess

    p = np.array([1.2, 0.4, -0.3, 2.0])
    value, slope = bp.value_and_grad(rosenbrock)(p)
    assert value == pytest.approx(rosen(p), rel=1e-14)
    np.testing.assert_allclose(slope, rosen_der(p), rtol=1e-13)
    np.testing.assert_allclose(bp.hessian(rosenbrock)(p), rosen_hess(p), rtol=1e-13)


def test_results_have_the_shapes_of_their_arguments():
    def f(a, b, x):
        return bp.mean(a * x + b[0] * x**2 + b[1])

    assert isinstance(bp.grad(f)(1.0, [1.0, 2.0], X), float)
    by_a, by_b = bp.grad(f, argnums=(0, 1))(1.0, [1.0, 2.0], X)
    assert by_a == pytest.approx(1.0) and by_b == pytest.approx([np.mean(X**2), 1.0])
    assert bp.grad(f, argnums=2)(1.0, [1.0, 2.0], X).shape == X.shape
    value, (slope,) = bp.value_and_grad(f, argnums=[0])(1.0, [1.0, 2.0], X)
    assert slope == by_a and isinstance(value, float)
    assert bp.grad(f, argnums=-2)(1.0, [1.0, 2.0], X) == pytest.approx(by_b)


def test_settings_are_passed_on():
    def f(x, power=2, *, scale=1.0):
        return scale * x**power

    assert bp.grad(f)(3.0) == 6.0
    assert bp.grad(f)(3.0, power=3) == 27.0
    assert bp.grad(f)(3.0, scale=2.0) == 12.0


def test_jacobian_of_rows_and_of_stacks():
    p = np.array([1.0, 0.5, 2.0])
    found = bp.jacobian(lambda p, x: p[0] * bp.exp(-p[1] * x) + p[2])(p, X)
    e = np.exp(-0.5 * X)
    np.testing.assert_allclose(found, np.stack([e, -X * e, np.ones_like(X)], axis=1), rtol=1e-14)
    wide = bp.jacobian(lambda p: bp.stack([p[0] * p[1], bp.sin(p[2])]))(p)
    np.testing.assert_allclose(wide, [[0.5, 1, 0], [0, 0, np.cos(2.0)]], rtol=1e-14)
    tall = bp.jacobian(lambda p: bp.stack([p[0], p[1] ** 2, p[0] * p[1], bp.exp(p[0])]))(p[:2])
    np.testing.assert_allclose(tall, [[1, 0], [0, 1], [0.5, 1], [np.e, 0]], rtol=1e-14)
    assert bp.jacobian(lambda a, x: a * x)(2.0, X) == pytest.approx(X)
    assert bp.jacobian(lambda p: p[0] * p[1])(p[:2]).tolist() == [0.5, 1.0]
    by_a, by_p = bp.jacobian(lambda a, p, x: a * p[0] * x + p[1], argnums=(0, 1))(2.0, p[:2], X)
    assert by_a.shape == (11,) and by_p.shape == (11, 2)
    np.testing.assert_allclose(bp.jacobian(lambda p: bp.stack([c**2 for c in p]))(p), np.diag(2 * p))
    np.testing.assert_allclose(bp.jacobian(lambda p: p**2)(p), np.diag(2 * p))


def test_hessian_blocks():
    def f(a, p):
        return a**2 * p[0] + bp.sin(p[1]) * a

    (aa, ap), (pa, pp) = bp.hessian(f, argnums=(0, 1))(3.0, [1.0, 2.0])
    assert aa == 2.0
    np.testing.assert_allclose(ap, [6.0, np.cos(2.0)])
    np.testing.assert_allclose(pa, ap)
    np.testing.assert_allclose(pp, [[0, 0], [0, -3 * np.sin(2.0)]])
    assert bp.hessian(lambda x: x**3)(2.0) == 12.0


def test_hessian_of_a_mean_over_data():
    def loss(p, x):
        return bp.mean((p[0] * bp.exp(p[1] * x) - 1) ** 2)

    p = np.array([0.8, 0.3])
    e = np.exp(p[1] * X)
    r = p[0] * e - 1
    mixed = np.mean(2 * (e * p[0] * X * e + r * X * e))
    expected = [[np.mean(2 * e * e), mixed], [mixed, np.mean(2 * ((p[0] * X * e) ** 2 + r * p[0] * X**2 * e))]]
    np.testing.assert_allclose(bp.hessian(loss)(p, X), expected, rtol=1e-13)


def test_float32_stays_float32():
    x = X.astype("float32")
    assert bp.grad(lambda p, x: bp.mean(p * x**2), argnums=1)(2.0, x).dtype == np.float32
    assert bp.grad(lambda p, x: bp.mean(p * x**2), argnums=1)(2.0, X).dtype == np.float64


def test_two_dimensional_data():
    data = np.stack([X, X**2, X**3])
    slope = bp.grad(lambda p, d: bp.mean((sum(k * row for k, row in zip(p, d, strict=True)) - 1) ** 2))(np.ones(3), data)
    np.testing.assert_allclose(slope, 2 * data @ (data.sum(0) - 1) / len(X), rtol=1e-13)


def test_errors():
    with pytest.raises(bp.TraceError, match="single number"):
        bp.grad(lambda p, x: p * x)(1.0, X)
    with pytest.raises(bp.TraceError, match="tuple"):
        bp.grad(lambda p: (p, p))(1.0)
    with pytest.raises(ValueError, match="argnums"):
        bp.grad(lambda p: p, argnums=1)(1.0)
    for argnums in ("x", 1.0, True, [0, "y"], None):
        with pytest.raises(TypeError, match="argnums must be an integer or a sequence of integers"):
            bp.grad(lambda p: p, argnums=argnums)
    with pytest.raises(TypeError, match="argument 1 must be a number or an array"):
        bp.grad(lambda a, x: a)(1.0, [[1.0], [2.0, 3.0]])
    assert bp.grad(lambda p, q: p * q, argnums=np.int64(1))(3.0, 4.0) == 3.0
    assert bp.grad(lambda d: bp.sum(d[0]))(np.ones((2, 3))).tolist() == [[1.0] * 3, [0.0] * 3]
    with pytest.raises(TypeError, match="must be a function"):
        bp.grad(3.0)
    with pytest.raises(bp.TraceError, match="too large"):
        bp.hessian(lambda p: bp.sum(p**2))(np.ones(100))
    with pytest.raises(TypeError, match="number or an array"):
        bp.grad(lambda p: p)("x")


def test_the_derivative_is_named_after_its_function():
    assert bp.value_and_grad(rosenbrock).__name__ == "value_and_gradient_rosenbrock"


# ------------------------------------------------------------------------------------------------- arguments by name


def test_arrays_given_by_name_are_data_and_settings_are_part_of_the_formula():
    def model(w, x, *, weights=None, power=2, mode="sum"):
        terms = (w * x) ** power if weights is None else weights * (w * x) ** power
        return bp.sum(terms) if mode == "sum" else bp.mean(terms)

    x, by = np.array([1.0, 2.0, 3.0]), bp.grad(model)
    for scale in (1.0, 0.5):
        weights = scale * np.array([1.0, 0.0, 2.0])
        assert by(1.5, x, weights=weights) == pytest.approx(np.sum(weights * 2 * 1.5 * x**2))
    weights[:] = 7.0  # in place
    assert by(1.5, x, weights=weights) == pytest.approx(np.sum(7.0 * 2 * 1.5 * x**2))
    assert by(1.5, x) == pytest.approx(np.sum(2 * 1.5 * x**2))
    assert by(1.5, x, power=3) == pytest.approx(np.sum(3 * 1.5**2 * x**3))
    assert by(1.5, x, power=3.0, mode="mean") == pytest.approx(np.mean(3 * 1.5**2 * x**3))
    assert by(1.5, x, mode="mean") == pytest.approx(np.mean(2 * 1.5 * x**2))


def test_settings_that_are_equal_but_not_the_same_are_told_apart():
    by = bp.grad(lambda x, k=1: (2.0 if k is True else 3.0) * x * math.copysign(1, k))
    assert [by(1.0, k=k) for k in (True, 1, 1.0, 0.0, -0.0, np.float64(-1))] == [2.0, 3.0, 3.0, 3.0, -3.0, -3.0]


def test_a_setting_that_can_be_changed_is_read_each_time():
    scale = [2.0]
    by = bp.grad(lambda x, scale: scale[0] * x)
    assert by(1.0, scale=scale) == 2.0
    scale[0] = 5.0
    assert by(1.0, scale=scale) == 5.0
