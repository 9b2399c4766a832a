"""Complex numbers in formulas, as pairs of nodes: for ``wofz((x + 1j * gamma) / (sigma * sqrt(2))).real`` and its kin."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from .errors import missing_attribute, trace_error
from .functions import apply, as_node, tape_of

_HINT = (
    "Of complex numbers formulas know + - * / and whole powers, abs, angle, conj, exp, real, imag, sum, mean and wofz; "
    "fastbp.voigt_profile(x, sigma, gamma) is the Voigt profile."
)
_HALF_ROOT = math.sqrt(0.5)


class ComplexNode:
    """A complex number or vector of a formula.

    Attributes
    ----------
    real, imag : Node
    """

    __slots__ = ("imag", "real")
    __array_priority__ = 200
    __hash__ = object.__hash__

    def __init__(self, real: Any, imag: Any) -> None:
        self.real, self.imag = real, imag

    @property
    def tape(self) -> Any:
        return tape_of([self.real, self.imag])

    def __repr__(self) -> str:
        return "<complex node>"

    def conjugate(self) -> ComplexNode:
        """With the other sign of the imaginary part."""
        return ComplexNode(self.real, -self.imag)

    conj = conjugate

    def sum(self, *args: Any, **named: Any) -> ComplexNode:
        """The sum, with NumPy's arguments."""
        return ComplexNode(self.real.sum(*args, **named), self.imag.sum(*args, **named))

    def mean(self, *args: Any, **named: Any) -> ComplexNode:
        """The mean, with NumPy's arguments."""
        return ComplexNode(self.real.mean(*args, **named), self.imag.mean(*args, **named))

    def __neg__(self) -> ComplexNode:
        return ComplexNode(-self.real, -self.imag)

    def __pos__(self) -> ComplexNode:
        return self

    def __abs__(self) -> Any:
        return apply("hypot", self.real, self.imag)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(f"a node has no {name}")
        raise missing_attribute(f"A complex number of a formula has no {name}.", _HINT)

    def _refuse(self, *_: Any) -> Any:
        raise trace_error("A formula cannot do this with a complex number.", _HINT)

    __bool__ = __float__ = __int__ = __complex__ = __array__ = __len__ = __iter__ = __getitem__ = _refuse
    __lt__ = __le__ = __gt__ = __ge__ = __eq__ = __ne__ = _refuse
    __mod__ = __rmod__ = __floordiv__ = __rfloordiv__ = _refuse

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        if method != "__call__" or options:
            self._refuse()
        return apply_complex_ufunc(ufunc, inputs)

    def __array_function__(self, function: Any, types: Any, args: Any, options: Any) -> Any:
        name = function.__name__
        if function.__module__ != "numpy" or name not in _FUNCTIONS:
            raise trace_error(f"A formula has no {name} of complex numbers.", _HINT)
        return _FUNCTIONS[name](*args, **options)


def _is_complex(value: Any) -> bool:
    return isinstance(value, ComplexNode | complex | np.complexfloating) or (
        isinstance(value, np.ndarray) and value.dtype.kind == "c"
    )


def any_complex(*values: Any) -> bool:
    """Whether one of them is a complex number or an array of such."""
    return any(map(_is_complex, values))


def _parts(tape: Any, value: Any) -> ComplexNode:
    """A number, array or node as a complex one."""
    if isinstance(value, ComplexNode):
        return value
    if _is_complex(value):
        return ComplexNode(as_node(tape, np.real(value)), as_node(tape, np.imag(value)))
    return ComplexNode(as_node(tape, value), tape.constant(0.0))


def _is_zero(x: Any) -> bool:
    return getattr(x, "op", None) == "constant" and x.attr == 0.0


def _product(x: Any, y: Any) -> Any:
    """x y, where 0 is that of a number which has only one part."""
    return x if _is_zero(x) else y if _is_zero(y) else x * y


def _multiply(x: ComplexNode, y: ComplexNode) -> ComplexNode:
    real = _product(x.real, y.real) - _product(x.imag, y.imag)
    return ComplexNode(real, _product(x.real, y.imag) + _product(x.imag, y.real))


def _divide(x: ComplexNode, y: ComplexNode) -> ComplexNode:
    if _is_zero(y.imag):
        return ComplexNode(x.real / y.real, x.imag if _is_zero(x.imag) else x.imag / y.real)
    size = _product(y.real, y.real) + y.imag * y.imag
    above = _multiply(x, y.conjugate())
    return ComplexNode(above.real / size, above.imag / size)


def _power(x: ComplexNode, y: ComplexNode) -> ComplexNode:
    exponent = y.real.attr if getattr(y.real, "op", None) == "constant" and _is_zero(y.imag) else 0.5
    if not float(exponent).is_integer() or abs(exponent) > 16:
        raise trace_error("A formula raises complex numbers to whole powers up to 16 only.", _HINT)
    result = ComplexNode(x.tape.constant(1.0), x.tape.constant(0.0))
    for _ in range(int(abs(exponent))):
        result = _multiply(result, x)
    return _divide(ComplexNode(x.tape.constant(1.0), x.tape.constant(0.0)), result) if exponent < 0 else result


_BINARY: dict[str, Callable[[ComplexNode, ComplexNode], ComplexNode]] = {
    "add": lambda x, y: ComplexNode(x.real + y.real, x.imag + y.imag),
    "sub": lambda x, y: ComplexNode(x.real - y.real, x.imag - y.imag),
    "mul": _multiply,
    "div": _divide,
    "pow": _power,
}


def combine(op: str, x: Any, y: Any) -> Any:
    """Python's operator ``op`` where one operand is complex; NotImplemented if none is, or there is no such operator."""
    tape = x.tape if hasattr(x, "tape") else y.tape
    if op not in _BINARY or not any_complex(x, y):
        return NotImplemented
    return _BINARY[op](_parts(tape, x), _parts(tape, y))


def _operator(op: str, swap: bool = False) -> Callable[[ComplexNode, Any], Any]:
    def compute(self: ComplexNode, other: Any) -> Any:
        return combine(op, other, self) if swap else combine(op, self, other)

    return compute


for _name, _op in {"add": "add", "sub": "sub", "mul": "mul", "truediv": "div", "pow": "pow"}.items():
    setattr(ComplexNode, f"__{_name}__", _operator(_op))
    setattr(ComplexNode, f"__r{_name}__", _operator(_op, swap=True))


def angle(z: ComplexNode, deg: bool = False) -> Any:
    """The angle from -pi to pi, or in degrees."""
    found = apply("arctan2", z.imag, z.real)
    return found * (180.0 / math.pi) if deg else found


def _exp(z: ComplexNode) -> ComplexNode:
    size = apply("exp", z.real)
    return ComplexNode(size * apply("cos", z.imag), size * apply("sin", z.imag))


def wofz(z: ComplexNode) -> ComplexNode:
    """Faddeeva's function, from V(x, sigma, gamma) = w((x + i gamma) / (sigma sqrt(2))) / (sigma sqrt(2 pi))."""
    real, imag = (apply(name, z.real, _HALF_ROOT, z.imag) for name in ("voigt_profile", "voigt_imag_0"))
    return ComplexNode(real * math.sqrt(math.pi), imag * math.sqrt(math.pi))


_UFUNCS: dict[str, Callable[..., Any]] = {
    **{name: _BINARY[op] for name, op in {"add": "add", "subtract": "sub", "multiply": "mul", "divide": "div"}.items()},
    "power": _power,
    "negative": lambda z: -z,
    "positive": lambda z: z,
    "absolute": abs,
    "conjugate": ComplexNode.conjugate,
    "square": lambda z: _multiply(z, z),
    "reciprocal": lambda z: 1.0 / z,
    "exp": _exp,
    "wofz": wofz,
}
_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "real": lambda val: val.real,
    "imag": lambda val: val.imag,
    "angle": angle,
    "sum": lambda a, *args, **named: a.sum(*args, **named),
    "mean": lambda a, *args, **named: a.mean(*args, **named),
}


def apply_complex_ufunc(ufunc: Any, inputs: Any) -> Any:
    """A ufunc with a complex number among its inputs, which may be nodes or not."""
    name = ufunc.__name__
    known = any(getattr(sys.modules.get(module), name, None) is ufunc for module in ("numpy", "scipy.special"))
    if not known or name not in _UFUNCS:
        raise trace_error(f"A formula has no {name} of complex numbers.", _HINT)
    tape = next(value.tape for value in inputs if hasattr(value, "tape"))
    return _UFUNCS[name](*(_parts(tape, value) for value in inputs))
