"""One SSA value of vector type, with Python's operators, and a place for one that a loop changes."""

from llvmlite import ir


class Vector:
    """One SSA value of vector type: floats, integers, or a mask of booleans. Operators append instructions."""

    __slots__ = ("s", "value")

    def __init__(self, s, value):
        self.s, self.value = s, value

    @property
    def is_float(self):
        return isinstance(self.value.type.element, (ir.FloatType, ir.DoubleType))

    def _with(self, other, float_op, int_op):
        op = float_op if self.is_float else int_op
        return Vector(self.s, getattr(self.s.b, op)(self.value, self.s.like(self, other).value))

    def __add__(self, other):
        return self._with(other, "fadd", "add")

    def __sub__(self, other):
        return self._with(other, "fsub", "sub")

    def __mul__(self, other):
        return self._with(other, "fmul", "mul")

    def __truediv__(self, other):
        return self._with(other, "fdiv", "sdiv")

    def __radd__(self, other):
        return self.s.like(self, other) + self

    def __rsub__(self, other):
        return self.s.like(self, other) - self

    def __rmul__(self, other):
        return self.s.like(self, other) * self

    def __rtruediv__(self, other):
        return self.s.like(self, other) / self

    def __neg__(self):
        b = self.s.b
        return Vector(self.s, b.fneg(self.value) if self.is_float else b.neg(self.value))

    def __and__(self, other):
        return Vector(self.s, self.s.b.and_(self.value, self.s.like(self, other).value))

    def __or__(self, other):
        return Vector(self.s, self.s.b.or_(self.value, self.s.like(self, other).value))

    def __xor__(self, other):
        return Vector(self.s, self.s.b.xor(self.value, self.s.like(self, other).value))

    def __invert__(self):
        return Vector(self.s, self.s.b.not_(self.value))

    def __lshift__(self, count):
        return Vector(self.s, self.s.b.shl(self.value, self.s.like(self, count).value))

    def __rshift__(self, count):
        """Arithmetic shift: the sign is kept."""
        return Vector(self.s, self.s.b.ashr(self.value, self.s.like(self, count).value))

    def logical_shift_right(self, count):
        return Vector(self.s, self.s.b.lshr(self.value, self.s.like(self, count).value))

    def _compare(self, op, other):
        """A mask. Comparisons with NaN are false, except ``!=``."""
        other, b = self.s.like(self, other).value, self.s.b
        if not self.is_float:
            return Vector(self.s, b.icmp_signed(op, self.value, other))
        compare = b.fcmp_unordered if op == "!=" else b.fcmp_ordered
        return Vector(self.s, compare(op, self.value, other))

    def __lt__(self, other):
        return self._compare("<", other)

    def __le__(self, other):
        return self._compare("<=", other)

    def __gt__(self, other):
        return self._compare(">", other)

    def __ge__(self, other):
        return self._compare(">=", other)

    def equals(self, other):
        return self._compare("==", other)

    def differs(self, other):
        return self._compare("!=", other)


class Variable:
    """A vector (or scalar) that a loop changes. LLVM turns it into a register."""

    def __init__(self, s, value):
        self.s, self._wrap = s, isinstance(value, Vector)
        raw = value.value if self._wrap else value
        with s.b.goto_entry_block():
            self._slot = s.b.alloca(raw.type)
        self.set(value)

    def get(self):
        value = self.s.b.load(self._slot)
        return Vector(self.s, value) if self._wrap else value

    def set(self, value):
        self.s.b.store(value.value if isinstance(value, Vector) else value, self._slot)
