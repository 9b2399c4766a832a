"""A formula that is called again gives what the Python function would give now, whatever changed around it since."""

import decimal
import enum
import fractions
import math

import numpy as np
import pytest

import fastbp
from all_ways import WAYS, clean_up
from ways import TRANSFORMS, X, assert_same, plain

NUMBERS = {"any": [0.7, 1.3, 0.7, -0.4, 2.0], "float": [0.7, 1.3, 0.7, -0.4, 2.0], "byte": [3, 7, 3, 200]}


@pytest.fixture(autouse=True)
def clean(monkeypatch):
    clean_up(monkeypatch)


def follows(way, transform, values, coefficient=lambda k: k, tolerance=None):
    """Go through the values with one and the same formula; each result is that of coefficient(k) x^2 + x."""

    def use(k, x):
        return plain(coefficient(k), x)

    apply, expected, own_tolerance = TRANSFORMS[transform]
    f, change = WAYS[way].make(values[0], use)
    calculate = apply(f)
    for i, value in enumerate(values):
        if i:
            change(value)
        with np.errstate(all="ignore"):
            found = calculate()
            right = expected(float(coefficient(value)))
        assert_same(found, right, tolerance or own_tolerance, f"value {i}, {value!r}")


@pytest.mark.parametrize("transform", TRANSFORMS)
@pytest.mark.parametrize("way", WAYS)
def test_every_way(way, transform):
    follows(way, transform, NUMBERS[WAYS[way].holds])


@pytest.mark.parametrize("way", WAYS)
def test_a_way_is_what_it_says(way):
    """The tests above stand on this: the plain function gives the value of the moment."""
    numbers = NUMBERS[WAYS[way].holds]
    f, change = WAYS[way].make(numbers[0], plain)
    for number in numbers:
        change(number)
        assert f(X) == pytest.approx(plain(number, X), rel=1e-15)


class Shade(enum.Enum):
    DARK = 1
    LIGHT = 2


class EqualToAll:
    """Says that it equals everything: only what is in it tells it apart."""

    def __init__(self, value):
        self.value = value

    def __eq__(self, other):
        return True

    def __hash__(self):
        return 0


class EqualToNone:
    """Refuses to be compared."""

    def __init__(self, value):
        self.value = value

    def __eq__(self, other):
        raise RuntimeError("not to be compared")

    __hash__ = object.__hash__


class Subclass(float):
    """A float that is more than its value."""

    def __new__(cls, value, more):
        self = super().__new__(cls, value)
        self.more = more
        return self


def sign(k):
    return math.copysign(1.0, k)


def by_identity(k):
    return 1.0 if k is True else 2.0 if k is False else 3.0


def by_type(k):
    return float(sum(map(ord, type(k).__name__)))


def as_it_is(k):
    return k


def of_value(k):
    return k.value


NAN, INF = float("nan"), float("inf")
MANTISSA = 2**53

# name: (values, what of a value the formula uses, relative tolerance for types of few digits)
KINDS = {
    "int": ([1, 2, -3, 0, 1], as_it_is, None),
    "float": ([0.1, np.nextafter(0.1, 1), -0.1, 1e-300, 0.1], as_it_is, None),
    "bool": ([True, False, True], as_it_is, None),
    **{name: ([getattr(np, name)(v) for v in (1, 3, 100, 3)], as_it_is, None) for name in ("int8", "int16", "int32", "int64")},
    **{name: ([getattr(np, name)(v) for v in (1, 3, 200, 3)], as_it_is, None) for name in ("uint8", "uint64")},
    "float64": ([np.float64(v) for v in (0.1, 0.7, 0.1)], as_it_is, None),
    "float32": ([np.float32(v) for v in (0.1, 0.7, 0.1)], as_it_is, 1e-6),
    "float16": ([np.float16(v) for v in (0.1, 0.7, 0.1)], as_it_is, 2e-3),
    "longdouble": ([np.longdouble(v) for v in (0.1, 0.7, 0.1)], as_it_is, None),
    "np.bool": ([np.True_, np.False_, np.True_], as_it_is, None),
    "precise float32": ([np.float32(0.1), 0.1, np.float32(0.1)], float, None),
    "decimal": ([decimal.Decimal("0.7"), decimal.Decimal("1.3"), decimal.Decimal("0.7")], float, None),
    "trailing zero": ([decimal.Decimal("1.0"), decimal.Decimal("1.00")], lambda k: len(str(k)), None),
    "fraction": ([fractions.Fraction(1, 3), fractions.Fraction(2, 3)], float, None),
    "complex": ([1 + 2j, 3 + 2j, 3 + 5j], lambda k: k.real * k.imag, None),
    "sign of zero": ([0.0, -0.0, 0.0, 0, -0.0], sign, None),
    "sign of complex zero": ([complex(0, 0.0), complex(0, -0.0)], lambda k: sign(k.imag), None),
    "sign of nan": ([NAN, -NAN, NAN], sign, None),
    "True and 1": ([1, True, 1.0, True, 1, False, 0], by_identity, None),
    "type of one": ([1, True, 1.0, np.int64(1), np.True_, np.float32(1), fractions.Fraction(1), 1], by_type, None),
    "nan": ([NAN, 1.0, NAN], as_it_is, None),
    "infinity": ([INF, 1.0, -INF, INF], as_it_is, None),
    "huge": ([10**30, 2**70, -(10**30), 10**300], as_it_is, None),
    "neighbours": ([MANTISSA, MANTISSA + 1, MANTISSA], lambda k: k % 7, None),
    "text": (["a", "ab", "a"], len, None),
    "None": ([None, 2.0, None], lambda k: 1.0 if k is None else k, None),
    "enum": ([Shade.DARK, Shade.LIGHT], of_value, None),
    "function": ([math.sin, math.cos], lambda k: k(0.5), None),
    "lambda": ([lambda: 1.0, lambda: 2.0], lambda k: k(), None),
    "class": ([int, str, float], lambda k: len(k.__name__), None),
    "equal to all": ([EqualToAll(1.0), EqualToAll(2.0)], of_value, None),
    "not to be compared": ([EqualToNone(1.0), EqualToNone(2.0)], of_value, None),
    "subclass of float": ([Subclass(1.0, 2.0), Subclass(1.0, 3.0)], lambda k: k.more, None),
    "tuple": ([(1, 2.0), (1.0, 3.0), (True, 3.0)], lambda k: by_identity(k[0]) * k[1], None),
    "tuple of zero": ([(0.0,), (-0.0,)], lambda k: sign(k[0]), None),
    "array": ([np.array([1.0, 2.0]), np.array([1.0, 3.0])], lambda k: k.sum(), None),
    "text array": ([np.array(["a"]), np.array(["abc"])], lambda k: len(k[0]), None),
}
NOT_FINITE = {"nan", "infinity", "huge"}
UNORDERED = {"set_member", "frozenset_rebound"}
UNHASHABLE = {"array", "text array"}
# Functions that are attributes of a class become methods of what they are read from.
BINDING = {
    "class_attribute_of_instance",
    "inherited_attribute",
    "attribute_hidden_by_instance",
    "attribute_of_metaclass",
    "other_base_class",
    "class_of_instance",
}


# A Series takes an array that is put into it for values of several rows.
def fits(way, kind):
    hashable = way not in UNORDERED | {"object_series"} or kind not in UNHASHABLE
    return hashable and not (way in BINDING and kind == "lambda")


FREE = [name for name, way in WAYS.items() if way.holds == "any"]


ALL_PAIRS = [(way, kind) for way in FREE for kind in KINDS if fits(way, kind)]


@pytest.mark.parametrize(("way", "kind"), ALL_PAIRS[::5])
def test_every_kind_of_value(way, kind):
    """Every way with several kinds, every kind in several ways."""
    values, coefficient, tolerance = KINDS[kind]
    follows(way, "value_and_grad", values, coefficient, tolerance)


@pytest.mark.soak
@pytest.mark.parametrize("transform", ["value_and_grad", "curve_fit"])
@pytest.mark.parametrize("way", FREE)
def test_every_way_with_every_kind_of_value(way, transform):
    for kind in KINDS:
        if fits(way, kind) and (transform != "curve_fit" or kind not in NOT_FINITE):
            values, coefficient, tolerance = KINDS[kind]
            follows(way, transform, values, coefficient, tolerance)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in NOT_FINITE])
@pytest.mark.parametrize("transform", ["grad", "over data", "jacobian", "hessian", "curve_fit", "fit_formula"])
@pytest.mark.parametrize("way", ["closure", "captured_object"])
def test_every_kind_of_value_in_other_transforms(way, transform, kind):
    values, coefficient, tolerance = KINDS[kind]
    follows(way, transform, values, coefficient, tolerance)


FORMULAS = {
    "function": [np.sin, np.cos, np.tanh],
    "lambda": [lambda x: x**2, lambda x: x**3],
    "exponent": [lambda x: x**2, lambda x: x**2.5, lambda x: x**-1],
}
SLOPES = {
    "function": [np.cos(X), -np.sin(X), 1 - np.tanh(X) ** 2],
    "lambda": [2 * X, 3 * X**2],
    "exponent": [2 * X, 2.5 * X**1.5, -1 / X**2],
}


@pytest.mark.parametrize("kind", FORMULAS)
@pytest.mark.parametrize("way", [way for way in FREE if way not in BINDING])
def test_functions_of_the_argument_around_a_formula(way, kind):
    f, change = WAYS[way].make(FORMULAS[kind][0], lambda k, x: k(x) + 0 * x)
    both = fastbp.value_and_grad(f)
    for function, slope in zip(FORMULAS[kind] * 2, SLOPES[kind] * 2, strict=True):
        change(function)
        assert_same(both(X), [function(X), slope], 1e-12)
