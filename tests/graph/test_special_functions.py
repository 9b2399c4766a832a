"""Roundings, division, angles, Bessel functions and the like: values and derivatives against mpmath, names against scipy."""

import mpmath
import numpy as np
import pytest
from scipy import special

import fastbp as bp
from fastbp.graph.tracing.functions import apply
from special_cases import CASES, ENVELOPES, ONE, TWO

FLAT = {"floor", "ceil", "trunc", "rint", "floor_divide"}
LAST = {"sinc_4", "exprel_4", "erfcx_4", "i0e_4", "i0e_3", "polygamma_gap_3", "gammainc_2"}  # not differentiated again
EXACT = {*FLAT, "mod", "fmod", "copysign", "heaviside"}
TWO_ULP = {"arctan2", "cbrt"}


def reference(f, arrays, orders=None):
    with mpmath.workdps(50):
        found = []
        for v in zip(*(map(float, a) for a in arrays), strict=True):
            at = tuple(map(mpmath.mpf, v))
            if orders is None:
                found.append(float(f(*at)))
            else:
                found.append(float(mpmath.diff(f, at if len(at) > 1 else at[0], orders if len(at) > 1 else orders[0])))
        return np.array(found)


def allowed(name, arrays, expected, relative):
    envelope = ENVELOPES[name](arrays[0]) if name in ENVELOPES else np.abs(expected)
    return relative * np.maximum(np.abs(expected), envelope)


@pytest.mark.parametrize("name", CASES)
def test_values(name):
    f, arrays = CASES[name]
    for dtype in ("float64", "float32"):
        given = [a.astype(dtype) for a in arrays]
        expected = reference(f, given)
        found = apply(name, *given)
        assert found.dtype == dtype
        eps = np.finfo(dtype).eps
        relative = 0.0 if name in EXACT else 2 * eps if name in TWO_ULP else max(1e-13, 2 * eps)
        inside = np.abs(expected) < np.finfo(dtype).max
        with np.errstate(over="ignore"):
            right = expected.astype(dtype).astype(float)
        size = allowed(name, given, right, relative) + np.finfo(dtype).smallest_subnormal * (name not in EXACT)
        assert (np.abs(found - right) <= size)[inside].all(), (dtype, *given, found, right)


@pytest.mark.parametrize("name", sorted(set(CASES) - LAST))
def test_derivatives(name):
    """With respect to each argument, and the second with respect to the last one; compiled, and step by step."""
    f, arrays = CASES[name]
    arrays = [a[::4] for a in arrays]
    count = len(arrays)
    every = tuple(range(count))
    graph = bp.trace(lambda *x: bp.sum(apply(name, *x)), *arrays)
    graph.forward(*arrays)
    compiled, by_steps = bp.grad(lambda *x: bp.sum(apply(name, *x)), argnums=every)(*arrays), graph.backward()
    for i in every:
        expected = reference(f, arrays, tuple(int(k == i) for k in every))
        size = allowed(name, arrays, expected, 1e-12) + 1e-300
        for found in (compiled[i], by_steps[i]):
            assert (np.abs(found - expected) <= size).all(), (i, *arrays, found, expected)
    if name in FLAT or name.endswith("_3") or name in ("i0e_2", "gammainc_1"):
        return
    last = count - 1
    second = bp.grad(lambda *x: bp.sum(bp.grad(lambda *y: bp.sum(apply(name, *y)), argnums=last)(*x)), argnums=last)(*arrays)
    expected = reference(f, arrays, tuple(2 * int(k == last) for k in every))
    assert (np.abs(second - expected) <= 4 * allowed(name, arrays, expected, 1e-12) + 1e-300).all(), (second, expected)


ENDS = [0.0, -0.0, np.nan, np.inf, -np.inf, 1.0, -1.0, 2.0, -2.0, 0.5, -2.5, 1e-300, -1e-300, 1e30, -1e30, 8.0, 30.0, -7.0]
NAMES = sorted({*(name for name in CASES if hasattr(special, name)), "jv_2", "jv_7", "yn_3", "iv_2"} - {"sinc"})


@pytest.mark.parametrize("name", NAMES)
def test_names_of_scipy_at_the_ends(name):
    """A ufunc on a node has the ufunc's value, of numbers that are nothing of the kind too."""
    family, _, order = name.partition("_")
    ufunc = getattr(special, family)
    formula = (lambda x: ufunc(int(order), x)) if order else ufunc
    arrays = [a.ravel() for a in np.meshgrid(*[np.array(ENDS)] * (1 if order else ufunc.nin))]
    with np.errstate(all="ignore"):
        expected = formula(*arrays)
    found = bp.trace(formula if order else lambda *x: ufunc(*x), *arrays).forward(*arrays)
    oscillates = name[0] in "jy"
    for *x, a, b in zip(*arrays, found, expected, strict=True):
        if oscillates and abs(x[0]) == 1e30:
            continue  # scipy's angles have no digits there
        assert a == pytest.approx(b, rel=1e-13, abs=1e-16 if oscillates else 1e-299, nan_ok=True), (x, a, b)


@pytest.mark.parametrize("family", ["jv", "yn", "iv"])
def test_bessel_functions_of_higher_orders(family):
    """All of them, and a derivative, against mpmath."""
    x = np.concatenate([np.linspace(0.05, 70, 23), [1e-3, 3.0, 5.0, 8.0, 12.0, 200.0]])
    exact = {"jv": mpmath.besselj, "yn": mpmath.bessely, "iv": mpmath.besseli}[family]
    ufunc = getattr(special, family)
    for order in (2, 3, 4, 9, *([20, 49] if family != "iv" else [])):
        value, slope = bp.jacobian(lambda a, x: a * ufunc(order, x))(1.0, x), bp.grad(lambda x: bp.sum(ufunc(order, x)))(x)
        expected, right_slope = reference(lambda v: exact(order, v), [x]), reference(lambda v: exact(order, v), [x], (1,))
        inside = np.abs(expected) > 1e-290
        envelope = np.where(x > order, 1 / np.sqrt(x), 0) * (family != "iv")
        assert (np.abs(value - expected) <= 2e-13 * np.maximum(np.abs(expected), envelope))[inside].all(), order
        assert (np.abs(slope - right_slope) <= 2e-12 * np.maximum(np.abs(right_slope), envelope))[inside].all(), order
    np.testing.assert_allclose(bp.trace(lambda x: ufunc(-3, x), x).forward(x), -ufunc(3, x) if family != "iv" else ufunc(3, x), rtol=1e-11, atol=1e-14)


@pytest.mark.parametrize("family", ["jv", "yn", "iv"])
def test_orders_must_be_fixed_and_whole(family):
    ufunc = getattr(special, family)
    for formula in (lambda p, x: ufunc(p, x), lambda p, x: p * ufunc(0.5, x)):
        with pytest.raises(bp.TraceError, match=r"fixed whole orders only.*\n.*test_special_functions"):
            bp.trace(formula, 1.0, np.ones(3))
    with pytest.raises(bp.TraceError, match="up to order"):
        bp.trace(lambda x: ufunc(99, x), np.ones(3))


def test_log_expit_and_the_like():
    x = np.array([-800.0, -3.0, 0.0, 2.0, 40.0])
    np.testing.assert_allclose(bp.trace(special.log_expit, x).forward(x), special.log_expit(x), rtol=1e-14)
    np.testing.assert_allclose(bp.trace(special.exp10, x / 4).forward(x / 4), special.exp10(x / 4), rtol=1e-13)
    np.testing.assert_array_equal(bp.trace(special.round, x / 3).forward(x / 3), special.round(x / 3))


def test_every_case_is_one_of_the_table():
    assert len(CASES) == len(ONE) + len(TWO)
