"""Vector math: errors in units in the last place, monotone where the function is, right at the ends of the numbers."""

import re

import mpmath
import numpy as np
import pytest
from scipy import special

from fastbp.graph.tracing import operators
from fastbp.kernels.math import functions as vmath
from fastbp.kernels.simd.machine import machine
from vectors import over_arrays

DTYPES = ["float32", "float64"]
mpmath.mp.prec = 160


def sigmoid(x):
    power = np.exp(-np.abs(x))
    return np.where(x < 0, power, 1) / (1 + power)


def sigmoid_derivative(x):
    power = np.exp(-np.abs(x))
    return power / (1 + power) ** 2


def softplus(x):
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


def silu(x):
    return np.maximum(x, -2000) * sigmoid(x)


def gelu(x):
    return np.maximum(x, -2000) * special.ndtr(x)


def gelu_tanh(x):
    kind = x.dtype.type
    slope = 2 * np.sqrt(2 / (4 * np.arctan(kind(1))))
    x = np.maximum(x, -2000)
    return x * sigmoid(slope * (x + kind("0.044715") * x**3))


def exact_gelu_tanh(x):
    inner = 2 * mpmath.sqrt(2 / mpmath.pi) * (x + mpmath.mpf("0.044715") * x**3)
    return x / (1 + mpmath.exp(-inner))


# name: in NumPy, in mpmath, where most of the life is
FUNCTIONS = {
    "exp": (np.exp, mpmath.exp, (-110, 90)),
    "exp2": (np.exp2, lambda x: mpmath.mpf(2) ** x, (-150, 128)),
    "expm1": (np.expm1, mpmath.expm1, (-20, 20)),
    "log": (np.log, mpmath.log, (0, 3)),
    "log2": (np.log2, lambda x: mpmath.log(x) / mpmath.log(2), (0, 3)),
    "log10": (np.log10, mpmath.log10, (0, 3)),
    "log1p": (np.log1p, mpmath.log1p, (-1, 3)),
    "sinh": (np.sinh, mpmath.sinh, (-20, 20)),
    "cosh": (np.cosh, mpmath.cosh, (-20, 20)),
    "tanh": (np.tanh, mpmath.tanh, (-10, 10)),
    "arcsinh": (np.arcsinh, mpmath.asinh, (-5, 5)),
    "arccosh": (np.arccosh, mpmath.acosh, (1, 5)),
    "arctanh": (np.arctanh, mpmath.atanh, (-1, 1)),
    "sin": (np.sin, mpmath.sin, (-100, 100)),
    "cos": (np.cos, mpmath.cos, (-100, 100)),
    "tan": (np.tan, mpmath.tan, (-100, 100)),
    "arcsin": (np.arcsin, mpmath.asin, (-1, 1)),
    "arccos": (np.arccos, mpmath.acos, (-1, 1)),
    "arctan": (np.arctan, mpmath.atan, (-5, 5)),
    "sigmoid": (sigmoid, lambda x: 1 / (1 + mpmath.exp(-x)), (-40, 40)),
    "sigmoid_derivative": (sigmoid_derivative, lambda x: 1 / (2 + mpmath.exp(x) + mpmath.exp(-x)), (-40, 40)),
    "one_minus_square": (lambda x: (1 - x) * (1 + x), lambda x: 1 - x * x, (-2, 2)),
    "softplus": (softplus, lambda x: mpmath.log1p(mpmath.exp(x)), (-40, 40)),
    "silu": (silu, lambda x: x / (1 + mpmath.exp(-x)), (-40, 40)),
    "erf": (special.erf, mpmath.erf, (-5, 5)),
    "gelu": (gelu, lambda x: x * mpmath.erfc(-x / mpmath.sqrt(2)) / 2, (-15, 15)),
    "gelu_tanh": (gelu_tanh, exact_gelu_tanh, (-12, 12)),
}
NAMES = list(FUNCTIONS)
NO_LONG_DOUBLE = {"erf", "gelu"}  # scipy computes these in float64

# Units in the last place. Circular functions: for arguments of any size.
ONE = {"exp2", "log2", "log10", *(["one_minus_square"] if machine().fma else [])}  # else a product of two rounded factors
TWO = {
    "one_minus_square",
    "arcsinh",
    "arccosh",
    "arctanh",
    "exp",
    "expm1",
    "log",
    "log1p",
    "cosh",
    "sin",
    "cos",
    "tan",
    "arcsin",
    "arccos",
    "arctan",
    "erf",
}


def bound(name):
    return 1.0 if name in ONE else 2.0 if name in TWO else 5.0


def ulps(value, reference):
    """How far each value is from the reference, in units in the last place of the reference in the value's type."""
    with np.errstate(all="ignore"):
        nearest = reference.astype(value.dtype)
        same = (value == nearest) | (np.isnan(value) & np.isnan(nearest))
        unit = np.spacing(np.abs(nearest)).astype(reference.dtype)
        error = np.abs(value.astype(reference.dtype) - reference) / unit
        # An infinity stands for anything beyond the largest number.
        error = np.where(np.isnan(error), np.inf, error)
        return np.where(same & ~(error < np.inf), 0.0, error).astype(float)


def worst(name, x, wide):
    """The largest error over x, the function in NumPy being computed in the type ``wide``; and where it is."""
    with np.errstate(all="ignore"):
        reference = FUNCTIONS[name][0](x.astype(wide))
    error = ulps(over_arrays(name, x.dtype.name)(x), reference)
    place = int(np.argmax(error))
    return error[place], x[place]


def patterns(first, step):
    """Every step-th float32 there is: subnormals, infinities and NaN among them."""
    return np.arange(first, 2**32, step, dtype=np.int64).astype(np.uint32).view(np.float32)


def uniform(name, count, dtype):
    return np.random.default_rng(len(name)).uniform(*FUNCTIONS[name][2], count).astype(dtype)


def of_all_sizes(count):
    """float64 numbers with random bits."""
    bits = np.random.default_rng(count).integers(0, 2**64, count, dtype=np.uint64)
    return bits.view(np.float64)


def test_the_measure_of_errors():
    one = np.ones(1, np.float32)
    assert ulps(np.nextafter(one, np.float32(2)), one.astype(float)) == 1
    assert ulps(one, one.astype(float) + 1e-8) == pytest.approx(1e-8 * 2**23)
    assert ulps(np.array([np.nan, np.inf, 1.0, np.inf], "f4"), np.array([1.0, np.nan, np.nan, 1.0])).tolist() == [np.inf] * 4
    assert ulps(np.array([np.nan, np.inf], "f4"), np.array([np.nan, 1e300])).tolist() == [0, 0]


@pytest.mark.parametrize("name", NAMES)
def test_float32(name):
    for x in (patterns(1234, 4099), uniform(name, 1_000_000, "float32")):
        error, where = worst(name, x, "float64")
        assert error <= bound(name), where


@pytest.mark.soak
@pytest.mark.parametrize("name", NAMES)
def test_every_float32(name):
    for first in range(256):
        error, where = worst(name, patterns(first, 256), "float64")
        assert error <= bound(name), where


@pytest.mark.skipif(np.finfo(np.longdouble).nmant < 63, reason="no float of more digits than float64 to compare with")
@pytest.mark.parametrize("name", [n for n in NAMES if n not in NO_LONG_DOUBLE])
def test_float64(name):
    for x in (of_all_sizes(200_000), uniform(name, 200_000, "float64")):
        error, where = worst(name, x, "longdouble")
        assert error <= bound(name), where


@pytest.mark.parametrize("name", NAMES)
def test_float64_against_mpmath(name):
    narrow = uniform(name, 800, "float64")
    x = np.concatenate([narrow, narrow * 1e-3, narrow * 1e-12])
    value = over_arrays(name, "float64")(x)
    for v, at in zip(value, x, strict=True):
        exact = FUNCTIONS[name][1](mpmath.mpf(at))
        if isinstance(exact, mpmath.mpc):
            assert np.isnan(v)
            continue
        assert abs(mpmath.mpf(v) - exact) <= bound(name) * np.spacing(abs(float(exact))), at


@pytest.mark.parametrize("name", ["sin", "cos", "tan"])
@pytest.mark.parametrize("dtype", DTYPES)
def test_angles_near_the_axes_and_huge_ones(name, dtype):
    rng = np.random.default_rng(5)
    quarters = rng.integers(1, 2_000_000, 500)
    largest = 300 if dtype == "float64" else 38
    # The float64 closest to a multiple of pi / 2 among all (Kahan): 2^-61 away.
    hardest = [6381956970095103.0 * 2.0**797] if dtype == "float64" else [2.0**127]
    huge, seams = 10.0 ** rng.uniform(0, largest, 500), [5999.9, 6000.1, 1.59e6, 1.61e6]
    x = np.concatenate([quarters * (np.pi / 2), huge, hardest, seams])
    x = np.concatenate([x, -x]).astype(dtype)
    value = over_arrays(name, dtype)(x)
    with mpmath.workprec(1300):
        for v, at in zip(value, x, strict=True):
            exact = FUNCTIONS[name][1](mpmath.mpf(float(at)))
            assert abs(mpmath.mpf(float(v)) - exact) <= 2 * float(np.spacing(abs(np.dtype(dtype).type(exact)))), at


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("dtype", DTYPES)
def test_special_values(name, dtype):
    small = np.finfo(dtype).smallest_subnormal
    x = np.array([0.0, -0.0, np.inf, -np.inf, np.nan, small, -small, 100 * small], dtype)
    with np.errstate(all="ignore"):
        wide = "float64" if dtype == "float32" or name in NO_LONG_DOUBLE else "longdouble"
        expected = FUNCTIONS[name][0](x.astype(wide)).astype(dtype)
    value = over_arrays(name, dtype)(x)
    np.testing.assert_array_equal(value[:5], expected[:5])
    assert np.signbit(value[:2]).tolist() == np.signbit(expected[:2]).tolist() or np.isnan(expected[:2]).all()
    np.testing.assert_array_max_ulp(value[5:], expected[5:], 1)


def neighbours(places, dtype, count):
    """The floats around each of these places, in order."""
    bits = np.abs(np.asarray(places, dtype)).view("int32" if dtype == "float32" else "int64")
    around = np.unique(bits[:, None] + np.arange(-count, count)).astype(bits.dtype)
    positive = around[around >= 0].view(dtype)
    return np.concatenate([-positive[::-1], positive])


@pytest.mark.parametrize("name", ["exp", "expm1", "tanh", "sigmoid", "softplus", "erf"])
@pytest.mark.parametrize("dtype", DTYPES)
def test_monotone(name, dtype):
    """Where the pieces of these functions meet, and everywhere else in a sweep."""
    halves = np.arange(1, 300) * (np.log(2) / 2)
    ends = [0.25, 0.5, 1, 2, 4, 6, 9.02, 15, 17, 19.07, 20, 37, 40, 87, 89, 104, 120, 708, 710, 746, 760]
    seams = neighbours(np.concatenate([halves, np.sqrt(halves), ends]), dtype, 300)
    sweep = np.sort(np.random.default_rng(0).uniform(-50, 50, 500_000).astype(dtype))
    for x in (seams, sweep):
        assert np.all(np.diff(x) >= 0)
        value = over_arrays(name, dtype)(x)
        with np.errstate(invalid="ignore"):  # of infinities
            # Without a fused multiply-add erf may fall by one unit in the last place just below 1.
            allowed = np.spacing(np.abs(value[1:])) if name == "erf" and not machine().fma else 0
            falls = np.flatnonzero(~(value[1:] >= value[:-1] - allowed))
        assert falls.size == 0, x[falls[:5]]


@pytest.mark.soak
@pytest.mark.parametrize("name", ["exp", "expm1", "tanh", "sigmoid", "softplus", "erf"])
def test_monotone_over_every_float32(name):
    function = over_arrays(name, "float32")
    highest = int(np.float32(np.inf).view(np.int32))
    for sign in (1, -1):
        last = None
        for first in range(0, highest + 1, 1 << 22):
            x = sign * np.arange(first, min(first + (1 << 22), highest + 1), dtype=np.int32).view(np.float32)
            value = function(x)
            if last is not None:
                value = np.concatenate([[last], value])
            last = value[-1]
            assert np.all(value[1:] >= value[:-1] if sign > 0 else value[1:] <= value[:-1])


def inner_slope(x):
    return 2 * np.sqrt(2 / np.pi) * (x + 3 * 0.044715 * x**3)


# name: the terms whose sum is the derivative
SLOPES = {
    "softplus": lambda x: [sigmoid(x)],
    "silu": lambda x: [sigmoid(x), x * sigmoid_derivative(x)],
    "gelu": lambda x: [special.ndtr(x), x * np.exp(-(x**2) / 2) / np.sqrt(2 * np.pi)],
    "gelu_tanh": lambda x: [
        sigmoid(2 * np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)),
        inner_slope(x) * sigmoid_derivative(2 * np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)),
    ],
}


@pytest.mark.parametrize("name", SLOPES)
@pytest.mark.parametrize("dtype", DTYPES)
def test_pairs(name, dtype):
    """The value as without the derivative, and the derivative, to a few roundings of its terms."""
    x = np.linspace(-12, 12, 300_001).astype(dtype)
    value, slope = over_arrays(f"{name}_pair", dtype, results=2)(x)
    alone = over_arrays(name, dtype)(x)
    np.testing.assert_array_max_ulp(value, alone, 4)
    terms = SLOPES[name](x.astype(float))
    scale = sum(map(np.abs, terms))
    # The reference itself is a float64: its exponentials magnify the rounding of their arguments.
    allowed = 8 if dtype == "float32" else 8 + 2 * x**2
    assert np.all(np.abs(slope - sum(terms)) <= allowed * np.finfo(dtype).eps * scale + np.finfo(dtype).tiny)


@pytest.mark.parametrize("name", SLOPES)
def test_pairs_at_the_ends(name):
    for dtype in DTYPES:
        x = np.array([-np.inf, np.inf, -1e30, 1e30, np.nan], dtype)
        value, slope = over_arrays(f"{name}_pair", dtype, results=2)(x)
        np.testing.assert_array_equal(value, over_arrays(name, dtype)(x))
        assert slope.tolist()[:4] == [0, 1, 0, 1]
        assert np.isnan(slope[4])


def powers(dtype):
    rng = np.random.default_rng(7)
    reach, n = (38, 100_000) if dtype == "float32" else (300, 100_000)
    yield rng.uniform(0, 10, n), rng.uniform(-30, 30, n)
    yield 10.0 ** rng.uniform(-reach, reach, n), rng.uniform(-1, 1, n)
    yield 1 + rng.uniform(-1e-3, 1e-3, n), rng.uniform(-1e4, 1e4, n) * (1 if dtype == "float32" else 10)
    yield -rng.uniform(0, 10, n), rng.integers(-30, 30, n)
    yield rng.uniform(0, 2, n) * np.finfo(dtype).tiny, rng.normal(size=n)


@pytest.mark.parametrize("dtype", DTYPES)
def test_powers(dtype):
    if dtype == "float64" and np.finfo(np.longdouble).nmant < 63:
        pytest.skip("no float of more digits than float64 to compare with")
    for x, y in powers(dtype):
        x, y = x.astype(dtype), y.astype(dtype)
        wide = "float64" if dtype == "float32" else "longdouble"
        with np.errstate(all="ignore"):
            reference = np.power(x.astype(wide), y.astype(wide))
        error = ulps(over_arrays("pow", dtype, 2)(x, y), reference)
        assert error.max() <= 2, (x[error.argmax()], y[error.argmax()])


def test_powers_against_mpmath():
    for x, y in powers("float64"):
        x, y = x[:300], y[:300].astype(float)
        for v, base, exponent in zip(over_arrays("pow", "float64", 2)(x, y), x, y, strict=True):
            exact = mpmath.re(mpmath.mpf(base) ** mpmath.mpf(exponent))
            if abs(exact) < np.finfo(float).max:
                assert abs(mpmath.mpf(v) - exact) <= 2 * np.spacing(abs(float(exact))), (base, exponent)


@pytest.mark.parametrize("dtype", DTYPES)
def test_special_powers(dtype):
    """All that C99 says, as NumPy has it."""
    numbers = [0.0, 1.0, 2.0, 3.0, 0.5, 1.5, 2.0**52 + 1, 2.0**53, 1e30, 1e-30, 1e-45, np.inf]
    numbers = np.array([*numbers, *(-v for v in numbers), np.nan], dtype)
    x, y = (v.ravel() for v in np.meshgrid(numbers, numbers))
    with np.errstate(all="ignore"):
        expected = np.power(x.astype(float), y.astype(float)).astype(dtype)
    value = over_arrays("pow", dtype, 2)(x, y)
    np.testing.assert_array_equal(np.isnan(value), np.isnan(expected))
    some = ~np.isnan(expected)
    np.testing.assert_array_equal(np.signbit(value[some]), np.signbit(expected[some]))
    np.testing.assert_array_equal(np.isinf(value), np.isinf(expected))
    finite = np.isfinite(expected)
    np.testing.assert_array_max_ulp(value[finite], expected[finite], 2)


PLANE = {
    "hypot": (np.hypot, lambda x, y: mpmath.sqrt(x * x + y * y), 1.1),
    "cosine_of": (operators.cosine_of, lambda x, y: x / mpmath.sqrt(x * x + y * y), 2.0),
    "logaddexp": (np.logaddexp, lambda x, y: mpmath.log(mpmath.exp(x) + mpmath.exp(y)), 2.0),
}


@pytest.mark.parametrize("name", PLANE)
@pytest.mark.parametrize("dtype", DTYPES)
def test_functions_of_two_numbers(name, dtype):
    _, exact, allowed = PLANE[name]
    rng = np.random.default_rng(3)
    ends = np.finfo(dtype)
    largest = np.log10(float(ends.max)) - 1
    for reach in (0.5, largest):
        x, y = 10.0 ** rng.uniform(-reach, reach, (2, 400)) * rng.choice([1, -1], (2, 400))
        if name == "logaddexp":  # where the terms of the result cancel no digits
            x, y = rng.uniform(1, 30, (2, 400)) * rng.choice([1, 1e-3, 20], (2, 400))
        x, y = x.astype(dtype), y.astype(dtype)
        for v, a, b in zip(over_arrays(name, dtype, 2)(x, y), x, y, strict=True):
            wanted = exact(mpmath.mpf(float(a)), mpmath.mpf(float(b)))
            unit = float(np.spacing(abs(np.dtype(dtype).type(float(wanted)))))
            assert abs(mpmath.mpf(float(v)) - wanted) <= allowed * unit, (a, b)


@pytest.mark.parametrize("name", PLANE)
@pytest.mark.parametrize("dtype", DTYPES)
def test_special_values_of_two_numbers(name, dtype):
    ends = np.finfo(dtype)
    numbers = np.array([0.0, 1.0, 2.5, np.inf, ends.max / 2, ends.tiny, ends.smallest_subnormal], dtype)
    x, y = (v.ravel() for v in np.meshgrid(*[np.concatenate([numbers, -numbers, [np.nan]]).astype(dtype)] * 2))
    with np.errstate(all="ignore"):
        expected = PLANE[name][0](x, y)
    np.testing.assert_allclose(over_arrays(name, dtype, 2)(x, y), expected, rtol=8 * ends.eps, atol=2 * ends.smallest_subnormal)


@pytest.mark.parametrize("dtype", DTYPES)
def test_powers_of_2_and_10_are_exact(dtype):
    ends = np.finfo(dtype)
    n = np.arange(ends.minexp - ends.nmant, ends.maxexp).astype(dtype)
    powers_of_2 = over_arrays("exp2", dtype)(n)
    assert (powers_of_2 == np.ldexp(np.ones_like(n), n.astype(int))).all()
    assert (over_arrays("log2", dtype)(powers_of_2) == n).all()
    n = np.arange(-int(-np.log10(ends.tiny)), int(np.log10(ends.max)) + 1)
    powers_of_10 = np.array([float(f"1e{k}") for k in n], dtype)
    assert (over_arrays("log10", dtype)(powers_of_10) == n).all()


def test_every_function_is_tested():
    tested = {*NAMES, *(f"{name}_pair" for name in SLOPES), "pow", *PLANE}
    assert set(vmath.__all__) == tested | {"clamp", "power_of_two", "tanh_start", "tanh_end"}


@pytest.mark.parametrize("dtype", DTYPES)
def test_no_call_to_the_c_library(dtype):
    for name in ("exp", "log", "log10", "arcsinh", "sin", "tan", "gelu"):
        code = over_arrays(name, dtype).library.get_asm_str()
        assert "ret" in code
        assert not re.search(r"\b_*(sin|cos|tan|exp|log|pow|fma|rint|floor)f?\b", code), name
