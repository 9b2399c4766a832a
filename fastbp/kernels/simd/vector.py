"""One SSA value of vector type, with Python's operators, and a place for one that a loop changes."""

from typing import Any, TypeAlias

from llvmlite import ir

Value: TypeAlias = Any  # an SSA value of llvmlite, which has no types


class Vector:
    """One SSA value of vector type: floats, integers, or a mask of booleans. Operators append instructions."""

    __slots__ = ("s", "value")

    def __init__(self, s: Any, value: Value) -> None:
        self.s, self.value = s, value

    @property
    def is_float(self) -> bool:
        return isinstance(self.value.type.element, (ir.FloatType, ir.DoubleType))

    def _like(self, other: Any) -> "Vector":
        """``other`` as a Vector of the same type."""
        vector: Vector = self.s.like(self, other)
        return vector

    def _with(self, other: Any, float_op: str, int_op: str) -> "Vector":
        op = float_op if self.is_float else int_op
        return Vector(self.s, getattr(self.s.b, op)(self.value, self._like(other).value))

    def __add__(self, other: Any) -> "Vector":
        return self._with(other, "fadd", "add")

    def __sub__(self, other: Any) -> "Vector":
        return self._with(other, "fsub", "sub")

    def __mul__(self, other: Any) -> "Vector":
        return self._with(other, "fmul", "mul")

    def __truediv__(self, other: Any) -> "Vector":
        return self._with(other, "fdiv", "sdiv")

    def __radd__(self, other: Any) -> "Vector":
        return self._like(other) + self

    def __rsub__(self, other: Any) -> "Vector":
        return self._like(other) - self

    def __rmul__(self, other: Any) -> "Vector":
        return self._like(other) * self

    def __rtruediv__(self, other: Any) -> "Vector":
        return self._like(other) / self

    def __neg__(self) -> "Vector":
        b = self.s.b
        return Vector(self.s, b.fneg(self.value) if self.is_float else b.neg(self.value))

    def __and__(self, other: Any) -> "Vector":
        return Vector(self.s, self.s.b.and_(self.value, self._like(other).value))

    def __or__(self, other: Any) -> "Vector":
        return Vector(self.s, self.s.b.or_(self.value, self._like(other).value))

    def __xor__(self, other: Any) -> "Vector":
        return Vector(self.s, self.s.b.xor(self.value, self._like(other).value))

    def __invert__(self) -> "Vector":
        return Vector(self.s, self.s.b.not_(self.value))

    def __lshift__(self, count: Any) -> "Vector":
        return Vector(self.s, self.s.b.shl(self.value, self._like(count).value))

    def __rshift__(self, count: Any) -> "Vector":
        """Arithmetic shift: the sign is kept."""
        return Vector(self.s, self.s.b.ashr(self.value, self._like(count).value))

    def logical_shift_right(self, count: Any) -> "Vector":
        return Vector(self.s, self.s.b.lshr(self.value, self._like(count).value))

    def _compare(self, op: str, other: Any) -> "Vector":
        """A mask. Comparisons with NaN are false, except ``!=``."""
        other, b = self._like(other).value, self.s.b
        if not self.is_float:
            return Vector(self.s, b.icmp_signed(op, self.value, other))
        compare = b.fcmp_unordered if op == "!=" else b.fcmp_ordered
        return Vector(self.s, compare(op, self.value, other))

    def __lt__(self, other: Any) -> "Vector":
        return self._compare("<", other)

    def __le__(self, other: Any) -> "Vector":
        return self._compare("<=", other)

    def __gt__(self, other: Any) -> "Vector":
        return self._compare(">", other)

    def __ge__(self, other: Any) -> "Vector":
        return self._compare(">=", other)

    def equals(self, other: Any) -> "Vector":
        return self._compare("==", other)

    def differs(self, other: Any) -> "Vector":
        return self._compare("!=", other)


class Variable:
    """A vector (or scalar) that a loop changes. LLVM turns it into a register."""

    def __init__(self, s: Any, value: Value) -> None:
        self.s, self._wrap = s, isinstance(value, Vector)
        raw = value.value if self._wrap else value
        with s.b.goto_entry_block():
            self._slot = s.b.alloca(raw.type)
        self.set(value)

    def get(self) -> Any:
        value = self.s.b.load(self._slot)
        return Vector(self.s, value) if self._wrap else value

    def set(self, value: Any) -> None:
        self.s.b.store(value.value if isinstance(value, Vector) else value, self._slot)
