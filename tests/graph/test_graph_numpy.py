"""Every name of NumPy's that a formula may use has NumPy's value, or is refused.

The tests go over the tables themselves: a name that is added to them needs a case here.
"""

import operator

import numpy as np
import pytest
from scipy import special

import fastbp as bp
from fastbp.graph.codegen.program import Program
from fastbp.graph.tracing import functions, numpy_functions
from fastbp.graph.tracing.array_functions import ARRAY_FUNCTIONS
from fastbp.graph.tracing.moving_functions import MOVING_FUNCTIONS
from fastbp.graph.tracing.nan_functions import NAN_FUNCTIONS
from fastbp.graph.tracing.node import Node
from fastbp.graph.tracing.operators import UNARY
from fastbp.graph.tracing.order_functions import ORDER_FUNCTIONS
from fastbp.graph.tracing.product_functions import PRODUCT_FUNCTIONS
from fastbp.graph.tracing.shape_functions import SHAPE_FUNCTIONS
from fastbp.graph.tracing.special.table import SPECIAL

VALUES = [0.0, -0.0, np.nan, np.inf, -np.inf, 1.0, -1.0, 0.5, 2.0, -2.0, 3.7, -0.3, 1e-8, -1e-8, 1e30, -1e30, 1e-30]
SCALARS = [(0.0, 2.0), (1.0, 1.0), (-1.5, 0.25), (np.nan, 1.0), (1.0, np.nan), (np.inf, np.inf), (-np.inf, 3.0), (1e30, -1e30)]
TOLERANCE = {"float64": 4e-15, "float32": 2e-6, "float16": 2e-3}


def pairs(dtype):
    """All pairs of the values."""
    x, y = np.meshgrid(np.array(VALUES, dtype), np.array(VALUES, dtype))
    return x.ravel(), y.ravel()


def outcome(f, *args):
    """What NumPy makes of it, or the error that it raises."""
    with np.errstate(all="ignore"):
        try:
            return np.asarray(f(*args))
        except (TypeError, ValueError, IndexError) as error:
            return error


def assert_same(found, expected, dtype, what):
    assert np.shape(found) == expected.shape, what
    kind = expected.dtype.name if expected.dtype.name in ("float16", "float32") else dtype
    with np.errstate(over="ignore"):
        expected = expected.astype(dtype).astype(float)
    np.testing.assert_allclose(np.asarray(found, float), expected, TOLERANCE[kind], err_msg=str(what))


def check(formulas, x, y, scalars=tuple(SCALARS)):
    """Formulas of two vectors and two numbers: step by step and compiled, in both types, against NumPy."""
    arguments = (x, y, np.float64(0.5), np.float64(2.0))
    good = []
    for i, f in enumerate(formulas):
        if isinstance(outcome(f, *arguments), Exception):
            with pytest.raises(bp.TraceError):
                bp.trace(f, *arguments)
        else:
            good.append((i, f))
    if not good:
        return
    graph = bp.trace(lambda *args: tuple(f(*args) for _, f in good), *arguments)
    for dtype in ("float64", "float32"):
        program = Program(graph.inputs, graph.outputs, dtype)
        kind = np.dtype(dtype).type
        for s, t in scalars:
            given = (x.astype(dtype), y.astype(dtype), kind(s), kind(t))
            expected = [outcome(f, *given) for _, f in good]
            runs = {"compiled": program(given)}
            if dtype == "float64":
                forward = graph.forward(*given)
                runs["step by step"] = forward if len(good) > 1 else [forward]
            for how, results in runs.items():
                for (i, _), found, wanted in zip(good, results, expected, strict=True):
                    assert_same(found, wanted, dtype, (how, i, s, t))


def test_the_check_finds_what_is_wrong():
    x, y = pairs("float64")
    with pytest.raises(AssertionError):
        check([lambda x, y, s, t: bp.minimum(x, y) if isinstance(x, Node) else np.fmin(x, y)], x, y)
    with pytest.raises(pytest.fail.Exception):
        check([lambda x, y, s, t: x if isinstance(x, Node) else x.sum(axis=1)], x, y)


SPECIAL_NAMES = {name for operator in SPECIAL.values() if operator.reference is None for name in operator.ufuncs}
# Of several results, or of scipy's alone: test_rounding.py, test_special_functions.py and test_complex_numbers.py.
ELSEWHERE = {"divmod", "modf", "wofz", "jv", "yn", "yv", "iv", "log_expit", "exp10", "round"}
UFUNCS = {
    name: getattr(np, name, None) or getattr(special, name) for name in set(numpy_functions._UFUNCS) - SPECIAL_NAMES - ELSEWHERE
}
PRODUCTS = {"matmul", "vecdot"}
BY_ZERO = {"reciprocal", "remainder", "fmod", "floor_divide"}  # with integers they have no NaN and infinity to give
NUMBERS_ONLY = {"bitwise_and", "bitwise_or", "bitwise_xor", "invert"}  # not for numbers, that is


@pytest.mark.parametrize("name", sorted(set(UFUNCS) - PRODUCTS))
def test_ufuncs(name):
    ufunc = UFUNCS[name]
    if ufunc.nin == 1:
        formulas = [lambda x, y, s, t: ufunc(x), lambda x, y, s, t: ufunc(s)]
    else:
        formulas = [
            lambda x, y, s, t: ufunc(x, y),
            lambda x, y, s, t: ufunc(x, t),
            lambda x, y, s, t: ufunc(s, y),
            lambda x, y, s, t: ufunc(s, t),
            lambda x, y, s, t: ufunc(x, 2.0),
            lambda x, y, s, t: ufunc(0.5, y),
            lambda x, y, s, t: ufunc(x, x),
        ]
    check(formulas, *pairs("float64"))


@pytest.mark.parametrize("name", sorted(set(UFUNCS) - PRODUCTS - BY_ZERO))
def test_ufuncs_of_conditions(name):
    ufunc = UFUNCS[name]
    many = [lambda x, y, s, t: (x > 0,), lambda x, y, s, t: (s > 0,)]
    if ufunc.nin == 2:
        many = [
            lambda x, y, s, t: (x > 0, y > 0),
            lambda x, y, s, t: (x > 0, s > 1),
            lambda x, y, s, t: (s > 0, t > 0),
            lambda x, y, s, t: (x > 0, True),
            lambda x, y, s, t: (x > 0, y),
            lambda x, y, s, t: (x, y > 0),
            lambda x, y, s, t: (x > 0, 1.0),
        ]
    formulas = [lambda *a, pick=pick: ufunc(*pick(*a)) for pick in many]
    # Whether the result is a condition shows where it is added to itself.
    twice = [lambda *a, f=f: np.add(f(*a), f(*a)) for f in formulas]
    check([*formulas, *twice], *pairs("float64"))


CONDITIONS = [
    lambda x, y, s, t: (x < y) == (x < s),
    lambda x, y, s, t: (x < y) != (s < t),
    lambda x, y, s, t: (x > 0) == 1,
    lambda x, y, s, t: (x > 0) == True,  # noqa: E712
    lambda x, y, s, t: (x > 0) == 0.5,
    lambda x, y, s, t: (x > 0) ^ (y > 0),
    lambda x, y, s, t: (x > 0) < (y > 0),
    lambda x, y, s, t: (x > 0) >= (y > 0),
    lambda x, y, s, t: ((x > 0) == (y > 0)) == (s > 0),
    lambda x, y, s, t: np.where(x > 0, y > 0, s > 0) & (x > 1),
    lambda x, y, s, t: np.where(x > 0, y > 0, 2.0),
    lambda x, y, s, t: np.where((x > 0) + (y > 0), x, y) * ((x > 0) * (y > 0)),
    lambda x, y, s, t: (x > 0) - (y > 0),
    lambda x, y, s, t: -(x > 0),
    lambda x, y, s, t: +(x > 0),
    lambda x, y, s, t: abs(x > 0) + (y > 0),
    lambda x, y, s, t: np.sum(x > 0),
    lambda x, y, s, t: (x > 0).sum() + (y > 0).mean(),
    lambda x, y, s, t: np.dot(x > 0, y > 0) + (x > 0).dot(y > 1),
    lambda x, y, s, t: (x > 0) @ (y > 0),
    lambda x, y, s, t: (x > 0)[3] + (y > 0)[5] + (x > 0)[3],
    lambda x, y, s, t: MASK + (x > 0) + MASK,
    lambda x, y, s, t: (MASK & (x > 0)) == MASK,
    lambda x, y, s, t: ~MASK[:4] ^ (x[:4] > 0),
    lambda x, y, s, t: np.stack([s > 0, t > 0]) + np.stack([t > 0, t > 0]),
    lambda x, y, s, t: np.stack([s > 0, t]) + np.stack([t > 0, t > 0]),
    lambda x, y, s, t: x > y,
    lambda x, y, s, t: s > t,
]
MASK = np.arange(len(VALUES) ** 2) % 3 > 0


@pytest.mark.parametrize("number", range(len(CONDITIONS)))
def test_conditions(number):
    check([CONDITIONS[number]], *pairs("float64"))


SHORT = np.array([1.5, -2.0, 0.25, 3.0, 3.0]), np.array([2.0, 0.5, -1.0, 4.0, 3.0])
WEIGHTS = np.array([1.0, 2.0, 0.0, 1.0, 3.0])
CHOSEN = np.array([True, False, True, True, False])

FUNCTIONS = {
    "where": [
        lambda x, y, s, t: np.where(x < y, x, y),
        lambda x, y, s, t: np.where(x, y, s),
        lambda x, y, s, t: np.where(s > t, x, y),
        lambda x, y, s, t: np.where(np.isnan(x), 0.0, 1 / x),
        lambda x, y, s, t: np.where(CHOSEN, x, [1.0, 2.0, 3.0, 4.0, 5.0]),
    ],
    "select": [
        lambda x, y, s, t: np.select([x > 1, x > 0], [x, y]),
        lambda x, y, s, t: np.select([x > 1, x < 0], [s * x, t], 7.0),
        lambda x, y, s, t: np.select([x > 1], [x > 2]) + np.select([x > 1], [x > 2]),
        lambda x, y, s, t: np.select([x > 1, x > 0], [x]),
        lambda x, y, s, t: np.select([x], [y]),
        lambda x, y, s, t: np.select([x > 0], [np.inf], x),
    ],
    "piecewise": [
        lambda x, y, s, t: np.piecewise(x, [x < 0, x > 2], [lambda x: -x, lambda x: x * x, 7.0]),
        lambda x, y, s, t: np.piecewise(x, [x < 3, x < 1], [1.0, 2.0]),
        lambda x, y, s, t: np.piecewise(x, x < 1, [lambda x, k: k * x], 3.0),
        lambda x, y, s, t: np.piecewise(x, [x < 1], [1.0, 2.0, 3.0]),
        lambda x, y, s, t: np.piecewise(s, [s < 1, s >= 1], [lambda s: s + 1, lambda s: 2 * s]),
    ],
    "sum": [
        lambda x, y, s, t: np.sum(x),
        lambda x, y, s, t: np.sum(s),
        lambda x, y, s, t: np.sum(x, axis=0) + np.sum(x, -1) + np.sum(x, (0,)),
        lambda x, y, s, t: np.sum(x, axis=()),
        lambda x, y, s, t: np.sum(x, axis=1),
        lambda x, y, s, t: np.sum(x, axis=-2),
        lambda x, y, s, t: np.sum(x, axis=(0, 1)),
        lambda x, y, s, t: np.sum(x, keepdims=True),
        lambda x, y, s, t: x - np.sum(x, keepdims=True) * y,
        lambda x, y, s, t: np.sum(x, initial=10.0),
        lambda x, y, s, t: np.sum(x, initial=s),
        lambda x, y, s, t: np.sum(x, where=x > 1),
        lambda x, y, s, t: np.sum(x, where=CHOSEN, initial=2.0),
        lambda x, y, s, t: np.add.reduce(x),
        lambda x, y, s, t: np.add.reduce(x, initial=3.0, where=x > 0),
        lambda x, y, s, t: np.add.reduce(x, axis=1),
        lambda x, y, s, t: np.add.reduce(x, None, None, None, True),
    ],
    "mean": [
        lambda x, y, s, t: np.mean(x) + np.mean(s),
        lambda x, y, s, t: np.mean(x, 0) + np.mean(x, axis=-1),
        lambda x, y, s, t: np.mean(x, axis=1),
        lambda x, y, s, t: x - np.mean(x, keepdims=True),
        lambda x, y, s, t: np.mean(x, where=x > 1) + np.mean(x, where=CHOSEN),
        lambda x, y, s, t: np.mean(x, where=[True, False]),
    ],
    "average": [
        lambda x, y, s, t: np.average(x),
        lambda x, y, s, t: np.average(x, weights=WEIGHTS),
        lambda x, y, s, t: np.average(x, weights=y * y),
        lambda x, y, s, t: np.average(x, 0, WEIGHTS),
        lambda x, y, s, t: np.average(x > 1, weights=y > 0),
        lambda x, y, s, t: np.average(x, weights=[1.0, 2.0]),
        lambda x, y, s, t: np.average(x, axis=1),
    ],
    "clip": [
        lambda x, y, s, t: np.clip(x, 0.0, 2.0),
        lambda x, y, s, t: np.clip(x, None, 2.0) + np.clip(x, 0.5, None),
        lambda x, y, s, t: np.clip(x, 2.0, 0.0),
        lambda x, y, s, t: np.clip(x, y, s) + np.clip(x, s, t),
        lambda x, y, s, t: np.clip(x, min=1.0) + np.clip(x, max=1.0),
        lambda x, y, s, t: np.clip(x, 1.0, max=2.0, min=3.0),
        lambda x, y, s, t: np.clip(x, np.nan, 2.0),
        lambda x, y, s, t: np.clip(1.0, x, 2.0),
    ],
    "dot": [
        lambda x, y, s, t: np.dot(x, y),
        lambda x, y, s, t: np.dot(s, x) + np.dot(x, 3.0),
        lambda x, y, s, t: np.dot(s, t),
        lambda x, y, s, t: np.dot(x, y[:3]),
        lambda x, y, s, t: np.dot(x[:1], y),
        lambda x, y, s, t: np.dot([1.0, 2.0, 3.0, 4.0, 5.0], y),
    ],
    "inner": [
        lambda x, y, s, t: np.inner(x, y) + np.inner(s, t),
        lambda x, y, s, t: np.inner(s, x),
        lambda x, y, s, t: np.inner(x, y[:3]),
    ],
    "vdot": [
        lambda x, y, s, t: np.vdot(x, y) + np.vdot(s, t),
        lambda x, y, s, t: np.vdot(s, x[:1]),
        lambda x, y, s, t: np.vdot(s, x),
    ],
    "stack": [
        lambda x, y, s, t: np.stack([s, t]),
        lambda x, y, s, t: np.stack([s, 2.0, t], axis=-1).sum(),
        lambda x, y, s, t: np.mean(np.stack([s, t])) * x,
        lambda x, y, s, t: np.stack([s, t], axis=1),
    ],
    "polyval": [
        lambda x, y, s, t: np.polyval([1.0, s, t], x) + np.polyval([2.0], y) + np.polyval(x[:3], y),
        lambda x, y, s, t: np.polyval([s, 1.0], t),
    ],
    "size": [lambda x, y, s, t: np.size(x) * s + np.size(s) + np.size(x, 0), lambda x, y, s, t: np.size(x, 1) * s],
    "ndim": [lambda x, y, s, t: np.ndim(x) * s + np.ndim(s)],
    "shape": [lambda x, y, s, t: np.shape(x)[0] * s + len(np.shape(s))],
    "zeros_like": [
        lambda x, y, s, t: np.zeros_like(x / 0.0) + np.zeros_like(s),
        lambda x, y, s, t: np.zeros_like(x > 0) + np.zeros_like(x > 0),
    ],
    "ones_like": [
        lambda x, y, s, t: np.ones_like(x / 0.0) + np.ones_like(s),
        lambda x, y, s, t: np.ones_like(x > 0) + np.ones_like(x > 0),
        lambda x, y, s, t: np.ones_like(x).sum(),
    ],
    "real": [lambda x, y, s, t: np.real(x) + np.real(s), lambda x, y, s, t: np.real(x > 0) + np.real(y > 0)],
    "imag": [lambda x, y, s, t: np.imag(x / 0.0) + np.imag(s), lambda x, y, s, t: np.imag(x > 0) + np.imag(y > 0)],
    "ravel": [lambda x, y, s, t: np.ravel(x), lambda x, y, s, t: np.ravel(s)],
    "round": [
        lambda x, y, s, t: np.round(x) + np.round(s) + np.round(x / 7, 2) + np.round(37 * x, -1),
        lambda x, y, s, t: np.round(y / 3, decimals=3),
        lambda x, y, s, t: np.round(y, 0.5),
    ],
    "around": [lambda x, y, s, t: np.around(x / 7, 1) + np.around(s)],
    "fix": [lambda x, y, s, t: np.fix(x) + np.fix(-3.7 * s)],
    "sinc": [lambda x, y, s, t: np.sinc(x / 3 + 0.2) + np.sinc(0.3 * s)],
    "i0": [lambda x, y, s, t: np.i0(x) + np.i0(t)],
    "interp": [
        lambda x, y, s, t: np.interp(x, [-1.0, 0.5, 2.0], [3.0, 1.0, 4.0]) + np.interp(s, WEIGHTS.cumsum(), WEIGHTS),
        lambda x, y, s, t: np.interp(x, [-1.0, 0.5], [3.0, 1.0], left=7.0, right=-1.0),
        lambda x, y, s, t: np.interp(x, [0.0, 1.0, 2.5], [3.0, 1.0, 2.0], period=3.0),
        lambda x, y, s, t: np.interp(x, [0.0, 1.0], [3.0, 1.0, 2.0]),
    ],
    "angle": [lambda x, y, s, t: np.angle(x) + np.angle(s, deg=True)],
    "squeeze": [
        lambda x, y, s, t: np.squeeze(x) + np.squeeze(s),
        lambda x, y, s, t: np.squeeze(x[:1]),
        lambda x, y, s, t: np.squeeze(x[:1], 0) + np.squeeze(x[2:3], axis=-1),
        lambda x, y, s, t: np.squeeze(x, 0),
        lambda x, y, s, t: np.squeeze(x, 1),
    ],
}
PRODUCT_FORMULAS = {
    "matmul": [
        lambda x, y, s, t: np.matmul(x, y) + x @ y + [1.0, 2.0, 3.0, 4.0, 5.0] @ y + x @ WEIGHTS + WEIGHTS @ x,
        lambda x, y, s, t: s @ x,
        lambda x, y, s, t: x @ s,
        lambda x, y, s, t: x @ 2.0,
        lambda x, y, s, t: 2.0 @ x,
        lambda x, y, s, t: np.matmul(s, t),
        lambda x, y, s, t: x @ y[:2],
        lambda x, y, s, t: x[:1] @ y,
    ],
    "vecdot": [
        lambda x, y, s, t: np.vecdot(x, y),
        lambda x, y, s, t: np.vecdot(s, x),
        lambda x, y, s, t: np.vecdot(x, y[:2]),
    ],
}
METHODS = {
    "round": [lambda x, y, s, t: (x / 7).round(2) + s.round(), lambda x, y, s, t: (3 * y).round(decimals=-1)],
    "sum": [
        lambda x, y, s, t: x.sum() + x.sum(0) + x.sum(axis=-1) + s.sum(),
        lambda x, y, s, t: x.sum(1),
        lambda x, y, s, t: x.sum(keepdims=True),
        lambda x, y, s, t: x.sum(None, None, None, True, 2.0),
        lambda x, y, s, t: x.sum(where=CHOSEN),
    ],
    "mean": [
        lambda x, y, s, t: x.mean() + x.mean(0) + s.mean(),
        lambda x, y, s, t: x.mean(1),
        lambda x, y, s, t: x * x.mean(keepdims=True),
        lambda x, y, s, t: x.mean(where=CHOSEN),
    ],
    "dot": [
        lambda x, y, s, t: x.dot(y) * s,
        lambda x, y, s, t: x.dot(s),
        lambda x, y, s, t: x.dot(y[:2]),
        lambda x, y, s, t: x.dot([1.0, 2.0, 3.0, 4.0, 5.0]),
    ],
    "ravel": [lambda x, y, s, t: x.ravel(), lambda x, y, s, t: s.ravel()],
    "squeeze": [lambda x, y, s, t: x.squeeze(), lambda x, y, s, t: x[:1].squeeze(), lambda x, y, s, t: x.squeeze(0)],
    "real": [lambda x, y, s, t: x.real + s.real],
    "conj": [lambda x, y, s, t: x.conj() + s.conj()],
    "conjugate": [lambda x, y, s, t: x.conjugate() + s.conjugate()],
    "T": [lambda x, y, s, t: x.T + s.T],
    "size": [lambda x, y, s, t: x.size * s],
    "ndim": [lambda x, y, s, t: x.ndim * s],
    "shape": [lambda x, y, s, t: x.shape[0] * s + len(s.shape)],
}
# In test_arrays.py.
ARRAY_METHODS = {
    *("all", "any", "astype", "clip", "copy", "cumprod", "cumsum", "diagonal", "flatten", "max", "min", "prod", "repeat"),
    *("reshape", "std", "swapaxes", "take", "trace", "transpose", "var"),
}
OURS = {"args", "attr", "extreme", "grad", "index", "is_logical", "name", "op", "tape", "value"}


@pytest.mark.parametrize(
    "formulas",
    [pytest.param(f, id=name) for name, f in [*FUNCTIONS.items(), *PRODUCT_FORMULAS.items(), *METHODS.items()]],
)
def test_functions_and_methods(formulas):
    check(formulas, *SHORT, SCALARS[:3])


def test_every_name_has_a_case():
    # test_arrays.py has those.
    of_arrays = {
        "max",
        "amax",
        "min",
        "amin",
        *SHAPE_FUNCTIONS,
        *MOVING_FUNCTIONS,
        *NAN_FUNCTIONS,
        *ARRAY_FUNCTIONS,
        *PRODUCT_FUNCTIONS,
        *ORDER_FUNCTIONS,
    }
    assert set(numpy_functions._FUNCTIONS) == set(FUNCTIONS) | of_arrays
    assert PRODUCTS == set(PRODUCT_FORMULAS) <= set(UFUNCS)
    assert {n for n in dir(Node) if not n.startswith("_")} == {*METHODS, *OURS, *UNARY, *ARRAY_METHODS}
    assert {n for n, f in vars(functions).items() if getattr(f, "__module__", "") == functions.__name__} == {
        *("tape_of", "as_node", "apply", "_unary", "_of_table"),
        *(name for name, operator in SPECIAL.items() if operator.public),
        *FASTBP,
    } | set(UNARY)


BINARY = {
    **{
        f"__{name}__": getattr(operator, name) for name in ("add", "sub", "mul", "truediv", "pow", "lt", "le", "gt", "ge", "eq")
    },
    "__ne__": operator.ne,
}
FOR_CONDITIONS = {f"__{name}__": getattr(operator, f"__{name}__") for name in ("and", "or", "xor")}


@pytest.mark.parametrize("name", BINARY)
def test_operators(name):
    apply = BINARY[name]
    formulas = [
        lambda x, y, s, t: apply(x, y),
        lambda x, y, s, t: apply(x, s),
        lambda x, y, s, t: apply(s, x),
        lambda x, y, s, t: apply(s, t),
        lambda x, y, s, t: apply(x, 2),
        lambda x, y, s, t: apply(2.0, x),
        lambda x, y, s, t: apply(
            x, [0.5, -1.0, 2.0, 0.0, np.nan, 1.0, np.inf, 3.0, -2.0, 0.25, -0.0, 1.0, 2.0, -np.inf, 4.0, 1.0, 1.0] * len(VALUES)
        ),
        lambda x, y, s, t: apply(np.float32(0.5), x),
        lambda x, y, s, t: apply(x, np.arange(len(VALUES) ** 2)),
        lambda x, y, s, t: apply(x[:1], y),
    ]
    check(formulas, *pairs("float64"))


@pytest.mark.parametrize("name", FOR_CONDITIONS)
def test_connectives(name):
    apply = FOR_CONDITIONS[name]
    check(
        [
            lambda x, y, s, t: apply(x > 0, y > 0),
            lambda x, y, s, t: apply(x > 0, s > 0),
            lambda x, y, s, t: apply(True, x > 0),
            lambda x, y, s, t: apply(MASK, x > 0),
            lambda x, y, s, t: apply(x > 0, y),
            lambda x, y, s, t: apply(x, y),
        ],
        *pairs("float64"),
    )


REFUSED = {
    *("__mod__", "__rmod__", "__floordiv__", "__rfloordiv__", "__divmod__", "__rdivmod__"),
    *("__bool__", "__float__", "__int__", "__index__", "__complex__", "__array__", "__setitem__"),
}
ALONE = {"__neg__": operator.neg, "__abs__": operator.abs, "__pos__": operator.pos, "__invert__": operator.invert}


@pytest.mark.parametrize("name", ALONE)
def test_operators_of_one(name):
    apply = ALONE[name]
    check([lambda x, y, s, t: apply(x), lambda x, y, s, t: apply(s), lambda x, y, s, t: apply(x > 0)], *pairs("float64"))


def test_every_operator_has_a_case():
    plumbing = {"__array_priority__", "__array_ufunc__", "__array_function__", "__module__"}
    python = {"__len__", "__iter__", "__getitem__", *dir(object)} - set(BINARY)
    found = {n for n in dir(Node) if n.startswith("__") and hasattr(np.ndarray, n)} - plumbing - python
    mirrored = {f"__r{n[2:]}" for n in [*BINARY, *FOR_CONDITIONS, "__matmul__"]}
    assert found - mirrored == {*BINARY, *FOR_CONDITIONS, *ALONE, *REFUSED, "__matmul__"} - mirrored


PLACES = [
    lambda x, y, s, t: x[0] + x[-1] * y[2],
    lambda x, y, s, t: x[1:3] * y[-2:],
    lambda x, y, s, t: x[::-1] * y,
    lambda x, y, s, t: x[::2] - y[1::2].sum(),
    lambda x, y, s, t: (x * y)[[0, 2, 2, -1]],
    lambda x, y, s, t: x[np.array([3, 1])] * y[:2],
    lambda x, y, s, t: np.exp(x[1:])[::-1][1:3],
    lambda x, y, s, t: x[...] + x[(slice(None),)],
    lambda x, y, s, t: sum(x) + len(x) * s,
    lambda x, y, s, t: x[-2:][0] * [s, t, 1.0][1],
]


@pytest.mark.parametrize("number", range(len(PLACES)))
def test_places(number):
    check([PLACES[number]], *SHORT, SCALARS[:2])


FASTBP = {
    "where": (bp.where, np.where, 3),
    "minimum": (bp.minimum, np.minimum, 2),
    "maximum": (bp.maximum, np.maximum, 2),
    "hypot": (bp.hypot, np.hypot, 2),
    "logaddexp": (bp.logaddexp, np.logaddexp, 2),
    "sum": (bp.sum, np.sum, 1),
    "mean": (bp.mean, np.mean, 1),
    "stack": (lambda x: bp.stack([bp.sum(x), 2.0]), lambda x: np.stack([np.sum(x), 2.0]), 1),
}
WITHOUT_NUMPY = {
    "sigmoid": special.expit,
    "relu": lambda x: np.maximum(x, 0),
    "softplus": lambda x: np.logaddexp(0, x),
    "erf": special.erf,
}


@pytest.mark.parametrize("name", [*UNARY, *FASTBP])
def test_functions_of_fastbp(name):
    """On nodes and on arrays."""
    function = WITHOUT_NUMPY.get(name) or getattr(np, name)
    ours, theirs, count = FASTBP.get(name, (getattr(bp, name), function, 1))
    x, y = pairs("float64")
    if name in ("sum", "mean", "stack"):
        x, y = x[np.isfinite(x) & (np.abs(x) < 1e9)][:20], y[:20]
    given = (x, y, y)[3 - count :]
    assert_same(outcome(ours, *given), outcome(theirs, *given), "float64", name)

    def formula(x, y, s, t):
        f = ours if isinstance(x, Node) else theirs
        return f(*(x, y, y)[3 - count :])

    check([formula], x, y, SCALARS[:1])


OPTIONS = [
    lambda x: np.exp(x, where=x > 0),
    lambda x: np.exp(x, out=np.zeros(5)),
    lambda x: np.exp(x, dtype=np.float32),
    lambda x: np.add(x, 1.0, casting="no"),
    lambda x: np.sum(x, dtype=np.float32),
    lambda x: np.sum(x, out=np.zeros(())),
    lambda x: np.mean(x, dtype=np.float32),
    lambda x: x.sum(dtype=int),
    lambda x: x.mean(out=np.zeros(())),
    lambda x: np.add.reduce(x, dtype=np.float32),
    lambda x: np.subtract.reduce(x),
    lambda x: np.add.reduceat(x, [0, 2]),
    lambda x: np.maximum.reduce(x, where=x > 0),
    lambda x: np.multiply.accumulate(x, dtype=np.float32),
    lambda x: np.max(x, out=np.zeros(())),
    lambda x: np.stack([x, x], axis=1).max(axis=0, out=np.zeros(2)),
    lambda x: np.quantile(x, [0.1, 0.2]),
    lambda x: np.quantile(x, 0.2, method="nearest"),
    lambda x: np.pad(x, 1, mode="mean"),
    lambda x: np.average(x, returned=True),
    lambda x: np.clip(x, 0, 1, out=np.zeros(5)),
    lambda x: np.dot(x, x, out=np.zeros(())),
    lambda x: np.vecdot(x, x, axis=0),
    lambda x: np.zeros_like(x, dtype=int),
    lambda x: np.ones_like(x, shape=(3,)),
    lambda x: np.ravel(x, order="F"),
    lambda x: np.stack([x[0], x[1]], dtype=np.float32),
    lambda x: np.where(x > 0),
    lambda x: np.piecewise(x, [x > 0], [lambda x: x - x.mean()]),
    lambda x: np.piecewise(x, [x > 0], [lambda x: x.sum()]),
    *(lambda x, f=f: f(x) for f in (np.argsort, np.nanmedian)),
    *(lambda x, f=f: f(x) for f in (np.nanargmax, np.argmax, np.unique, np.linalg.svd, np.nan_to_num)),
    lambda x: np.frompyfunc(lambda v: 2 * v, 1, 1)(x),
    lambda x: x[x > 0],
    lambda x: x[:, 0],
    lambda x: x[3:3],
    lambda x: x[x],
    lambda x: x << 1,
    lambda x: round(x),
    lambda x: f"{x[0]:.2f}",
    lambda x: [1, x],
    lambda x: [],
    lambda x: (),
    lambda x: {"a": x},
    lambda x: x + "text",
    lambda x: x * [],
]


@pytest.mark.parametrize("number", range(len(OPTIONS)))
def test_what_is_refused(number):
    with pytest.raises(bp.TraceError) as caught:
        bp.trace(OPTIONS[number], SHORT[0])
    assert len(str(caught.value).splitlines()) > 1  # there is a hint


def test_a_ufunc_of_ones_own_is_not_numpys():
    import numba

    @numba.vectorize
    def exp(x):
        return 2 * x

    with pytest.raises(bp.TraceError, match="no operator"):
        bp.trace(lambda x: exp(x), 1.0)
