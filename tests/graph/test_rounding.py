"""Division with remainder and rounding, as Python writes them and NumPy has them, derivatives at their steps included."""

import math

import numpy as np
import pytest

import fastbp as bp
from fastbp.graph.codegen.program import Program

NUMBERS = [
    0.0,
    -0.0,
    1.0,
    -1.0,
    0.5,
    2.5,
    -3.5,
    7.0,
    -0.1,
    1e-300,
    5e-324,
    1e300,
    -1.7e308,
    2.0**60,
    1e17,
    np.inf,
    -np.inf,
    np.nan,
]


@pytest.mark.parametrize("name", ["remainder", "fmod", "floor_divide", "copysign", "heaviside", "arctan2"])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_compiled_division_is_exact(name, dtype):
    """For quotients of any size, signed zeros, infinities and NaN."""
    ufunc = getattr(np, name)
    with np.errstate(all="ignore"):
        x, y = (v.ravel().astype(dtype) for v in np.meshgrid(NUMBERS, NUMBERS))
        expected = ufunc(x, y)
        graph = bp.trace(lambda x, y: ufunc(x, y), x, y)
    found = Program(graph.inputs, graph.outputs, dtype)((x, y))[0]
    nan = np.isnan(expected)
    np.testing.assert_array_equal(np.isnan(found), nan)
    if name == "floor_divide" and dtype == "float32":  # NumPy's quotient is rounded twice there
        np.testing.assert_allclose(found[~nan], expected[~nan], rtol=2e-7)
    elif name == "arctan2":
        np.testing.assert_allclose(found[~nan], expected[~nan], rtol=2 * np.finfo(dtype).eps)
    else:
        np.testing.assert_array_equal(found[~nan], expected[~nan])
    np.testing.assert_array_equal(np.signbit(found[~nan]), np.signbit(expected[~nan]))


def test_pythons_operators():
    x = np.array([7.3, -7.3, 0.0, 2.5])

    def formula(p, x):
        whole, rest = divmod(x, p)
        return x % p + 3 * (p % x) + x // p + 5 * (p // (x + 9.0)) + whole * rest + divmod(11.0, p)[1] + (x % -2.0)

    with np.errstate(all="ignore"):
        expected = formula(2.2, x)
    np.testing.assert_allclose(bp.trace(formula, 2.2, x).forward(2.2, x), expected, rtol=1e-14)


def test_rounding_of_single_numbers():
    def formula(p):
        return round(p) + 10 * math.floor(p) + 100 * math.ceil(p) + 1000 * math.trunc(p) + round(p, 1) + p.round(2)

    for p in (2.5, -1.25, 0.149):
        assert bp.trace(formula, p).forward(p) == pytest.approx(formula(np.float64(p)), rel=1e-15)


def test_a_rounded_number_counts_passes_of_a_loop():
    def formula(p):
        total = 0.0 * p
        for i in range(math.floor(p)):
            total = total + p * i
        return total

    slope = bp.grad(formula)
    assert [slope(v) for v in (3.5, 3.9, 5.0, 0.5)] == [3.0, 3.0, 10.0, 0.0]


@pytest.mark.parametrize(
    ("f", "slopes"),
    [
        (np.floor, 0.0),
        (np.ceil, 0.0),
        (np.trunc, 0.0),
        (np.rint, 0.0),
        (np.round, 0.0),
        (lambda x: x // 2.0, 0.0),
        (lambda x: x % 2.0, 1.0),
        (lambda x: np.fmod(x, 2.0), 1.0),
        (lambda x: np.heaviside(x, 0.5), 0.0),
        (lambda x: x - np.floor(x), 1.0),
        (lambda x: np.copysign(x, -1.0), [0.0, -1.0, 1.0, -1.0, -1.0]),
        (lambda x: np.copysign(3.0, x), 0.0),
    ],
)
def test_derivatives_at_steps(f, slopes):
    """As JAX has them."""
    x = np.array([0.0, 2.0, -2.0, 0.5, 4.0])
    np.testing.assert_array_equal(bp.grad(lambda x: bp.sum(f(x)))(x), np.broadcast_to(slopes, x.shape))


def test_derivatives_of_a_remainder():
    by_y = bp.grad(lambda y, x: bp.sum(x % y))
    assert by_y(2.0, np.array([7.0, -7.0, 1.0])) == -(3.0 - 4.0 + 0.0)
    assert bp.grad(lambda y, x: bp.sum(np.fmod(x, y)))(2.0, np.array([7.0, -7.0, 1.0])) == -(3.0 - 3.0 + 0.0)
    assert bp.grad(bp.arctan2, argnums=(0, 1))(1e200, 1e200) == pytest.approx((0.5e-200, -0.5e-200))


def test_two_results():
    x = np.array([1.75, -1.75, 0.0, -0.0, np.inf, -np.inf, np.nan])
    for i in range(2):
        with np.errstate(invalid="ignore"):
            np.testing.assert_array_equal(bp.trace(lambda x, i=i: np.modf(x)[i], x).forward(x), np.modf(x)[i])
            found = bp.trace(lambda x, i=i: np.divmod(x, 0.5)[i], x).forward(x)
            np.testing.assert_array_equal(found, np.divmod(x, 0.5)[i])


@pytest.mark.parametrize(
    ("formula", "hint"),
    [
        (lambda x: round(x), r"np\.round"),
        (lambda x: math.floor(x), r"np\.floor"),
        (lambda x: np.round(x, 0.5), "whole number"),
    ],
)
def test_what_is_refused(formula, hint):
    with pytest.raises(bp.TraceError, match=f"test_rounding.*\n.*\n.*{hint}"):
        bp.trace(formula, np.ones(3))
