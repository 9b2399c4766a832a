"""vmap against a loop in Python over the examples, and against NumPy."""

import numpy as np
import pytest

import fastbp as bp

RNG = np.random.default_rng(6)
X, W = RNG.normal(size=(11, 3)), RNG.normal(size=3)
Y = RNG.normal(size=11)


def loss(w, x, y):
    return (bp.tanh(w @ x) - y) ** 2


def test_numbers_and_vectors():
    np.testing.assert_array_equal(bp.vmap(lambda y: y**2 + 1)(Y), Y**2 + 1)
    np.testing.assert_allclose(bp.vmap(loss, (None, 0, 0))(W, X, Y), (np.tanh(X @ W) - Y) ** 2, rtol=1e-13)
    np.testing.assert_allclose(bp.vmap(loss, [None, 1, 0])(W, X.T, Y), (np.tanh(X @ W) - Y) ** 2, rtol=1e-13)
    np.testing.assert_allclose(bp.vmap(loss, (None, -1, -1))(W, X.T, Y), (np.tanh(X @ W) - Y) ** 2, rtol=1e-13)
    many = RNG.normal(size=50_000)  # in several threads
    np.testing.assert_allclose(bp.vmap(lambda y: bp.exp(y) * 2)(many), np.exp(many) * 2, rtol=1e-15)


def test_where_examples_go():
    f = lambda y: bp.stack([y, 2 * y])  # noqa: E731
    np.testing.assert_array_equal(bp.vmap(f)(Y), np.stack([Y, 2 * Y], axis=1))
    np.testing.assert_array_equal(bp.vmap(f, out_axes=1)(Y), np.stack([Y, 2 * Y]))
    np.testing.assert_array_equal(bp.vmap(f, out_axes=-1)(Y), np.stack([Y, 2 * Y]))
    found = bp.vmap(lambda y: ({"a": y > 0, "b": 3.0}, f(y), bp.stack([y, 1.0])), out_axes=(0, 1, 0))(Y)
    np.testing.assert_array_equal(found[0]["a"], Y > 0)
    np.testing.assert_array_equal(found[0]["b"], np.full(11, 3.0))
    np.testing.assert_array_equal(found[1], np.stack([Y, 2 * Y]))
    np.testing.assert_array_equal(found[2], np.stack([Y, np.ones(11)], axis=1))
    both = bp.vmap(lambda y, c: (y, 2 * c), in_axes=(0, None), out_axes=(0, None))(Y, 4.0)
    assert both[1] == 8.0


def test_derivatives_of_each_example():
    slopes = bp.vmap(bp.grad(loss), in_axes=(None, 0, 0))(W, X, Y)
    assert slopes.shape == (11, 3)
    for i in range(11):
        np.testing.assert_allclose(slopes[i], bp.grad(loss)(W, X[i], Y[i]), rtol=1e-13)
    value, tangent = bp.vmap(lambda x: bp.jvp(bp.sin, (x,), (2.0,)))(Y)
    np.testing.assert_allclose(tangent, 2 * np.cos(Y), rtol=1e-14)
    by_x = bp.vmap(lambda x: bp.hvp(lambda z: bp.sum(z**3), (x,), (bp.stack([1.0, 0.0, 2.0]),)))(X)
    np.testing.assert_allclose(by_x, 6 * X * [1, 0, 2], rtol=1e-14)


@pytest.mark.parametrize("examples", [1, 11])
def test_matrices(examples):
    """Arrays of several dimensions as examples, as results, and as derivatives of each example."""
    a, b = RNG.normal(size=(examples, 3, 2)), RNG.normal(size=(2, examples))
    product = lambda a, b: a @ b  # noqa: E731
    np.testing.assert_allclose(bp.vmap(product, (0, 1))(a, b), np.einsum("nij,jn->ni", a, b), rtol=1e-13)
    gram = np.einsum("nij,nkj->nik", a, a)
    for axis in (0, 1, 2, -1):
        np.testing.assert_allclose(bp.vmap(lambda a: a @ a.T, out_axes=axis)(a), np.moveaxis(gram, 0, axis), rtol=1e-13)
    np.testing.assert_allclose(bp.vmap(lambda m: m @ m.T, in_axes=2)(np.moveaxis(a, 0, 2)), gram, rtol=1e-13)
    largest = bp.vmap(bp.grad(lambda a: np.max(a, axis=1).sum()))(a)
    np.testing.assert_array_equal(largest, a == a.max(axis=2, keepdims=True))
    second = bp.vmap(bp.hessian(lambda v: np.sum(v) ** 3), in_axes=1)(b)
    np.testing.assert_allclose(second, np.broadcast_to(6 * b.sum(0)[:, None, None], (examples, 2, 2)), rtol=1e-12)
    slopes = bp.vmap(bp.jacobian(lambda v: np.outer(v, v)), in_axes=1)(b)
    eye = np.eye(2)
    by_hand = np.einsum("ik,jn->nijk", eye, b) + np.einsum("jk,in->nijk", eye, b)
    np.testing.assert_allclose(slopes, by_hand, rtol=1e-13)


def test_inside_of_a_formula():
    a, v = RNG.normal(size=(11, 3)), RNG.normal(size=3)
    rows = lambda a, v: bp.vmap(lambda row, v: row * v + np.max(row), (0, None))(a, v)  # noqa: E731
    np.testing.assert_allclose(bp.jvp(rows, (a, v), (a, v))[0], a * v + a.max(1, keepdims=True), rtol=1e-13)
    turned = bp.jvp(lambda a: bp.vmap(lambda column: column[:2] * 2.0, 1, 1)(a), (a,), (a,))[0]
    np.testing.assert_array_equal(turned, 2 * a[:2])
    same = bp.jvp(lambda a: bp.vmap(lambda row: (row.sum(), 3.0))(a)[1] * a[:, 0], (a,), (a,))[0]
    np.testing.assert_array_equal(same, 3 * a[:, 0])
    curvature = bp.grad(lambda v: np.sum(bp.hessian(lambda z: np.sum(z**4))(v)))(v)
    np.testing.assert_allclose(curvature, 24 * v, rtol=1e-13)
    slopes = bp.grad(lambda v, a: np.sum(bp.jacobian(lambda z: a @ z**2)(v) ** 2))(v, a)
    np.testing.assert_allclose(slopes, 8 * v * np.sum(a**2, 0), rtol=1e-12)


def test_derivatives_of_a_batch():
    by_w = bp.grad(lambda w, x, y: bp.mean(bp.vmap(lambda xi, yi: (w * xi - yi) ** 2)(x, y)))(0.5, X[:, 0], Y)
    assert by_w == pytest.approx(np.mean(2 * (0.5 * X[:, 0] - Y) * X[:, 0]), rel=1e-13)
    np.testing.assert_allclose(bp.jvp(bp.vmap(lambda x: x**2), (Y,), (Y,))[1], 2 * Y * Y)


@pytest.mark.parametrize("examples", [1, 3, 11])
def test_vectors_that_all_examples_have(examples):
    """Also where there are as many values as examples."""
    table = np.array([1.0, 2.0, 3.0])
    a = Y[:examples]
    mean = lambda a, t: bp.mean((a * t - 1) ** 2)  # noqa: E731
    expected = [np.mean((v * table - 1) ** 2) for v in a]
    np.testing.assert_allclose(bp.vmap(mean, (0, None))(a, table), expected, rtol=1e-13)
    np.testing.assert_allclose(bp.vmap(lambda a: mean(a, table))(a), expected, rtol=1e-13)
    np.testing.assert_allclose(bp.vmap(lambda a, t: a * t, (0, None))(a, table), a[:, None] * table)
    slopes = bp.vmap(bp.grad(mean, argnums=1), (0, None))(a, table)
    np.testing.assert_allclose(slopes, [2 / 3 * (v * table - 1) * v for v in a], rtol=1e-12, atol=1e-14)
    whole = bp.vmap(lambda a, t: a * bp.sum(t**2), (0, None))(a, np.arange(2000.0))  # what is not mixed may be long
    np.testing.assert_allclose(whole, a * np.sum(np.arange(2000.0) ** 2))


def test_containers_and_names():
    params = {"w": X, "b": Y}
    found = bp.vmap(lambda p, c: bp.sum(p["w"]) * c + p["b"], in_axes=({"w": 0, "b": 0}, None))(params, 2.0)
    np.testing.assert_allclose(found, 2 * X.sum(1) + Y, rtol=1e-13)
    found = bp.vmap(lambda p: bp.sum(p["w"]) + p["b"], in_axes=({"w": 1, "b": None},))({"w": X.T, "b": 1.0})
    np.testing.assert_allclose(found, X.sum(1) + 1, rtol=1e-13)
    np.testing.assert_array_equal(bp.vmap(lambda x, k: x * k)(Y, k=2 * Y), 2 * Y * Y)
    np.testing.assert_array_equal(bp.vmap(lambda b, x: bp.where(b, x, 0.0))(Y > 0, Y), np.where(Y > 0, Y, 0.0))


def test_types_and_branches():
    assert bp.vmap(lambda x: x**2)(Y.astype(np.float32)).dtype == np.float32
    f = bp.vmap(lambda x, s: x if s > 0 else -x, (0, None))  # on what all examples have
    for s in (1.0, -1.0, 2.0):
        np.testing.assert_array_equal(f(Y, s), np.sign(s) * Y)
    with pytest.raises(bp.TraceError, match=r"differs from example to example"):
        bp.vmap(lambda x: max(x, 0.0))(Y)
    scope = {"k": 2.0}
    exec("def g(x):\n    return k * x", scope)
    g = bp.vmap(scope["g"])
    np.testing.assert_array_equal(g(Y), 2 * Y)
    scope["k"] = 3.0
    np.testing.assert_array_equal(g(Y), 3 * Y)


@pytest.mark.parametrize(
    ("call", "kind", "message"),
    [
        (lambda: bp.vmap(3), TypeError, "f must be a function"),
        (lambda: bp.vmap(abs, in_axes="x"), TypeError, "in_axes must be"),
        (lambda: bp.vmap(abs, in_axes=(0, 0))(Y), ValueError, "one item for each of the 1 arguments, got 2"),
        (lambda: bp.vmap(abs, in_axes=None)(1.0), ValueError, "at least one argument with an axis"),
        (lambda: bp.vmap(abs)(1.0), ValueError, r"must have an axis 0 of examples, got shape \(\)"),
        (lambda: bp.vmap(abs, in_axes=2)(X), ValueError, "must have an axis 2"),
        (lambda: bp.vmap(lambda x, y: x * y)(Y, Y[1:]), ValueError, "as many examples each, got 10, 11"),
        (lambda: bp.vmap(abs, in_axes=({"a": 0},))({"b": Y}), ValueError, "must have the form"),
        (lambda: bp.vmap(lambda x: x, out_axes=None)(Y), ValueError, "out_axes must be an integer"),
        (lambda: bp.vmap(lambda x: x, out_axes=1)(Y), ValueError, "out_axes must be an axis"),
        (lambda: bp.vmap(lambda x: x, out_axes=(0, 0))(Y), ValueError, "out_axes must"),
        (lambda: bp.vmap(lambda a, t: bp.sum(a * t), (0, None))(Y, np.ones(2000)), bp.TraceError, "combine examples with 2000"),
    ],
)
def test_errors(call, kind, message):
    with pytest.raises(kind, match=message):
        call()
