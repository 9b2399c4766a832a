"""Roundings, division, angles, Bessel functions and the like: values and derivatives against mpmath, names against scipy."""

import mpmath
import numpy as np
import pytest
from scipy import special

import fastbp as bp
from fastbp.graph.codegen.program import Program
from fastbp.graph.tracing.functions import apply
from special_cases import CASES, ENVELOPES

EXACT = {"floor", "ceil", "trunc", "rint", "floor_divide", "mod", "fmod", "copysign", "heaviside"}
TWO_ULP = {"arctan2", "cbrt"}
GROUPS = [list(CASES)[i::6] for i in range(6)]  # of which each is one program


def allowed(name, arrays, expected, relative):
    envelope = ENVELOPES[name](np.asarray(arrays[0], float)) if name in ENVELOPES else 0.0
    return relative * np.maximum(np.abs(expected), envelope)


def computed(names, formula, dtype):
    """What a formula makes of each operator and its arrays: all of them in one program. By name, lists of arrays."""
    size = max(len(CASES[name].arrays[0]) for name in names)
    given = [np.resize(a, size).astype(dtype) for name in names for a in CASES[name].arrays]

    def every(*x):
        rest = iter(x)
        return tuple(v for name in names for v in formula(name, [next(rest) for _ in CASES[name].arrays]))

    graph = bp.trace(every, *given)
    found = iter(Program(graph.inputs, graph.outputs, dtype)(given))
    rest = iter(given)
    return {name: ([next(rest)[: len(a)] for a in CASES[name].arrays], found) for name in names}


# What is not computed in float64 whatever the type, and one that is.
NATIVE = ["floor", "ceil", "trunc", "rint", "copysign", "heaviside", "cbrt", "arctan2", "j1"]


@pytest.mark.parametrize(
    ("names", "dtype"), [*((names, "float64") for names in GROUPS), (NATIVE, "float32")], ids=lambda item: item[0]
)
def test_values(names, dtype):
    eps = np.finfo(dtype).eps
    for name, (arrays, found) in computed(names, lambda name, x: [apply(name, *x)], dtype).items():
        expected = CASES[name].reference(arrays)
        value = next(found)[: len(expected)]
        relative = 0.0 if name in EXACT else 2 * eps if name in TWO_ULP else max(1e-13, 2 * eps)
        with np.errstate(over="ignore"):
            right = expected.astype(dtype).astype(float)
        inside = np.abs(right) < np.inf
        size = allowed(name, arrays, right, relative) + np.finfo(dtype).smallest_subnormal * (name not in EXACT)
        assert (np.abs(value - right) <= size)[inside].all(), (name, *arrays, value, right)


def derivatives(name, x):
    """With respect to each argument, and the second with respect to each."""

    def first(*y):
        return bp.grad(lambda *z: bp.sum(apply(name, *z)), argnums=tuple(range(len(y))))(*y)

    return *first(*x), *(bp.grad(lambda *y, i=i: bp.sum(first(*y)[i]), argnums=i)(*x) for i in range(len(x)))


@pytest.mark.parametrize("names", [*GROUPS[::2], *(pytest.param(g, marks=pytest.mark.soak) for g in GROUPS[1::2])], ids=str)
def test_derivatives(names):
    names = [name for name in names if CASES[name].differentiable]
    for name, (arrays, found) in computed(names, derivatives, "float64").items():
        count = len(arrays)
        for order in (1, 2):
            for i in range(count):
                slope = np.resize(next(found), len(arrays[0]))
                expected = CASES[name].reference(arrays, tuple(order * int(k == i) for k in range(count)))
                size = allowed(name, arrays, expected, 1e-12) + 1e-300
                assert (np.abs(slope - expected) <= size).all(), (name, order, i, *arrays, slope, expected)


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
        if name[0] == "i" and np.isinf(x[0]) or name == "betaln" and not (np.isfinite(x).all() and min(x) > -1e20):
            continue  # scipy's is NaN where there is a limit, or infinite where there is a number
        assert a == pytest.approx(b, rel=1e-13, abs=1e-16 if oscillates else 1e-299, nan_ok=True), (x, a, b)


@pytest.mark.parametrize(("family", "order"), [("jv", 2), ("jv", 49), ("yn", 2), ("iv", 9)])
def test_bessel_functions_of_higher_orders(family, order):
    """They, and their derivatives, against mpmath; of negative orders they differ by a sign."""
    x = np.concatenate([np.linspace(0.05, 70, 11), [1e-3, 3.0, 5.0, 8.0, 12.0, 200.0]])
    exact, ufunc = {"jv": mpmath.besselj, "yn": mpmath.bessely, "iv": mpmath.besseli}[family], getattr(special, family)

    def both(x):
        return ufunc(order, x), bp.grad(lambda x: bp.sum(ufunc(-order, x)))(x)

    graph = bp.trace(both, x)
    value, slope = Program(graph.inputs, graph.outputs, "float64")([x])
    lower, right, upper = (np.array([float(exact(k, float(v))) for v in x]) for k in (order - 1, order, order + 1))
    right_slope = 0.5 * (lower + upper if family == "iv" else lower - upper)
    slope = slope * (-1.0) ** (order * (family != "iv"))
    envelope = np.where(x > order, 1 / np.sqrt(x), 0) * (family != "iv")
    inside = (np.abs(right) > 1e-290) & (np.abs(right_slope) < 1e290)
    assert (np.abs(value - right) <= 2e-13 * np.maximum(np.abs(right), envelope))[inside].all(), (value, right)
    assert (np.abs(slope - right_slope) <= 2e-12 * np.maximum(np.abs(right_slope), envelope))[inside].all()


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
