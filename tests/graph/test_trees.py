"""Arguments made of containers, results in the same form, and aux."""

from collections import OrderedDict, defaultdict, namedtuple
from dataclasses import dataclass, field

import numpy as np
import pytest

import fastbp as bp

X = np.linspace(-1.0, 1.0, 9)
Line = namedtuple("Line", "slope offset")


@dataclass(frozen=True)
class Curve:
    a: float
    rest: np.ndarray
    kind: str = field(default="sum", metadata={"static": True})

    def __post_init__(self):
        assert isinstance(self.a, float)  # not asked of nodes


def same(found, expected):
    """The same containers, with equal numbers in them."""
    assert type(found) is type(expected), (found, expected)
    if isinstance(expected, dict):
        assert list(found) == list(expected)
        for key in expected:
            same(found[key], expected[key])
    elif isinstance(expected, list | tuple):
        assert len(found) == len(expected)
        for f, e in zip(found, expected, strict=True):
            same(f, e)
    elif isinstance(expected, np.ndarray):
        np.testing.assert_allclose(found, expected, rtol=1e-13, atol=1e-15)
    elif expected is None or isinstance(expected, str):
        assert found == expected
    else:
        assert found == pytest.approx(expected, rel=1e-13)


# The arguments, a formula of them, and its gradient.
TREES = {
    "dict": ({"w": np.array([1.0, 2.0]), "b": 3.0}, lambda p: p["w"] @ p["w"] * p["b"], {"w": np.array([6.0, 12.0]), "b": 5.0}),
    "list": ([2.0, 3.0], lambda p: p[0] ** 2 * p[1], [12.0, 4.0]),
    "tuple": ((2.0, 3.0), lambda p: p[0] ** 2 * p[1], (12.0, 4.0)),
    "list of arrays": ([np.ones(2), 2.0], lambda p: bp.sum(p[0] ** 2) * p[1], [4 * np.ones(2), 2.0]),
    "named": (Line(2.0, 3.0), lambda p: p.slope**2 * p.offset, Line(12.0, 4.0)),
    "nested": (
        [{"a": (1.0, np.ones(3))}, None],
        lambda p: bp.sum(p[0]["a"][1]) * p[0]["a"][0],
        [{"a": (3.0, np.ones(3))}, None],
    ),
    "ordered": (OrderedDict(b=1.0, a=2.0), lambda p: p["a"] * p["b"] ** 2, OrderedDict(b=4.0, a=1.0)),
    "default": (defaultdict(list, {1: 2.0}), lambda p: p[1] ** 2, defaultdict(list, {1: 4.0})),
    "lists of lists": ([[1.0], [2.0, 3.0]], lambda p: p[0][0] * p[1][1], [[3.0], [0.0, 1.0]]),
    "a list in a dict": ({"a": [1.0, 2.0]}, lambda p: bp.sum(2 * p["a"]), {"a": [2.0, 2.0]}),
    "a field of None": (Line(2.0, None), lambda p: p.slope**2, Line(4.0, None)),
}


@pytest.mark.parametrize("name", TREES)
def test_gradients_have_the_form_of_the_argument(name):
    tree, f, expected = TREES[name]
    same(bp.grad(f)(tree), expected)
    value, slope = bp.value_and_grad(f)(tree)
    same(slope, expected)
    assert value == pytest.approx(float(f(tree)))
    same(bp.grad(lambda x, p: x * f(p), argnums=(1, 0))(2.0, tree)[1], value)
    # And inside of another formula.
    assert bp.grad(lambda x: x * bp.value_and_grad(f)(tree)[0])(3.0) == pytest.approx(value)


def test_dataclasses():
    curve = Curve(2.0, np.array([1.0, 2.0]))

    def f(c):
        assert c.kind in ("sum", "product")
        return c.a**2 * (bp.sum(c.rest) if c.kind == "sum" else c.rest[0] * c.rest[1])

    slope = bp.grad(f)
    found = slope(curve)
    assert type(found) is Curve and found.kind == "sum" and found.a == 12.0
    np.testing.assert_array_equal(found.rest, [4.0, 4.0])
    found = slope(Curve(2.0, np.array([1.0, 2.0]), "product"))
    assert found.kind == "product" and found.a == 8.0
    np.testing.assert_array_equal(found.rest, [8.0, 4.0])


def test_data_in_containers():
    def loss(p, batch):
        x, y = batch["x"], batch["y"]
        return bp.mean((p["a"] * x + p["b"] - y) ** 2)

    found = bp.grad(loss)({"a": 1.0, "b": 0.5}, {"x": X, "y": 2 * X})
    same(found, {"a": float(np.mean(2 * (0.5 - X) * X)), "b": float(np.mean(2 * (0.5 - X)))})
    pair = bp.grad(lambda p, batch: bp.mean((p * batch[0] - batch[1]) ** 2))(1.0, (X, 2 * X))
    assert pair == pytest.approx(np.mean(-2 * X * X))


def test_matrices_of_derivatives():
    hessian = bp.hessian(lambda p: p["a"] ** 2 * bp.sum(p["b"]))({"a": 2.0, "b": np.array([3.0, 4.0])})
    same(hessian["a"], {"a": 14.0, "b": np.array([4.0, 4.0])})
    same(hessian["b"], {"a": np.array([4.0, 4.0]), "b": np.zeros((2, 2))})
    jacobian = bp.jacobian(lambda p, x: p.slope * x**2 + p.offset)(Line(1.0, 2.0), X)
    same(jacobian, Line(X**2, np.ones(9)))
    by_both = bp.jacobian(lambda p: bp.stack([p[0] * p[1]["c"][0], p[1]["c"][1]]))((2.0, {"c": np.array([3.0, 4.0])}))
    same(by_both, (np.array([3.0, 0.0]), {"c": np.array([[2.0, 0.0], [0.0, 1.0]])}))


def test_aux_is_passed_on():
    def f(p, x):
        r = p["a"] * x
        return bp.sum(r**2), {"residuals": r, "largest": (p["a"] > 1, "text"), "double": [2 * p["a"], 7, None]}

    p, expected = {"a": 3.0}, {"residuals": 3 * X, "largest": (True, "text"), "double": [6.0, 7, None]}
    slope, aux = bp.grad(f, has_aux=True)(p, X)
    same(slope, {"a": 6.0 * float(np.sum(X**2))})
    same(aux, expected)
    (value, aux), slope = bp.value_and_grad(f, has_aux=True)(p, X)
    assert value == pytest.approx(9 * np.sum(X**2))
    same(aux, expected)
    assert bp.hessian(lambda x: (x**3, x), has_aux=True)(2.0) == (12.0, 2.0)
    found, aux = bp.jacobian(lambda p: (bp.stack([p[0] * p[1], p[1]]), p[0]), has_aux=True)([2.0, 3.0])
    np.testing.assert_array_equal(found, [[3.0, 2.0], [0.0, 1.0]])
    assert aux == 2.0
    assert bp.grad(lambda x: bp.grad(lambda y: (y**3, y), has_aux=True)(x)[0])(2.0) == 12.0


def test_keys_in_another_order_are_the_same_numbers():
    slope = bp.grad(lambda p: p["a"] ** 2 * p["b"])
    assert slope({"a": 2.0, "b": 3.0}) == slope({"b": 3.0, "a": 2.0}) == {"a": 12.0, "b": 4.0}


@pytest.mark.parametrize(
    ("call", "kind", "message"),
    [
        (lambda: bp.grad(lambda p: p["a"])({"a": "text"}), TypeError, r"argument p\['a'\] must be a number"),
        (lambda: bp.grad(lambda p: p["a"])({"a": None}), TypeError, "unsupported|must return"),
        (lambda: bp.grad(lambda p: 1.0)({}), ValueError, "nothing to differentiate"),
        (lambda: bp.grad(lambda p: p[0])([np.ones(2), 1.0]), bp.TraceError, "single number"),
        (lambda: bp.grad(lambda x: x, has_aux=True)(1.0), TypeError, r"must return a pair \(value, aux\)"),
    ],
)
def test_errors(call, kind, message):
    with pytest.raises(kind, match=message):
        call()
