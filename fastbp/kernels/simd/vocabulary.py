"""A small vocabulary of vector operations, written out as LLVM instructions.

A kernel's inner loops are Python functions that run once, at compile time, over ``Vector`` values: each operator
appends an instruction to the machine code being built. The same text therefore serves float32 and float64 and any
vector width, and what it says is what the processor does: no auto-vectoriser has to find it.

    def relu(s, z):                       # s: the Simd at hand, z: a Vector
        return s.maximum(z, s.constant(0.0))

Addresses are plain 64-bit integers in bytes, as kernels receive them.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from llvmlite import ir

from .element_types import FLOATS, I32, I64
from .lanes import Lanes
from .machine import machine
from .vector import Value, Variable, Vector


class Simd(Lanes):
    """Vector instructions of one element type, appended to one function under construction."""

    # -- arithmetic

    def _unary(self, name: str, x: Vector) -> Vector:
        function = self.intrinsic(f"llvm.{name}.{self.suffix}", self.vector, [self.vector])
        return Vector(self, self.b.call(function, [x.value]))

    def fma(self, x: Any, y: Any, z: Any) -> Vector:
        """x * y + z, rounded once where the CPU has it (elsewhere a multiplication and an addition)."""
        vectors = [v if isinstance(v, Vector) else self.constant(v) for v in (x, y, z)]
        if not machine().fma:
            return vectors[0] * vectors[1] + vectors[2]
        function = self.intrinsic(f"llvm.fma.{self.suffix}", self.vector, [self.vector] * 3)
        return Vector(self, self.b.call(function, [vector.value for vector in vectors]))

    def polynomial(self, x: Vector, coefficients: Sequence[float]) -> Vector:
        """Horner's scheme; coefficients from the highest power down to the constant."""
        result = self.constant(coefficients[0])
        for c in coefficients[1:]:
            result = self.fma(result, x, self.constant(c))
        return result

    def sqrt(self, x: Vector) -> Vector:
        return self._unary("sqrt", x)

    def abs(self, x: Vector) -> Vector:
        return self._unary("fabs", x)

    def round(self, x: Vector) -> Vector:
        """To the nearest whole number, halves to even."""
        return self._unary("rint", x)

    def floor(self, x: Vector) -> Vector:
        return self._unary("floor", x)

    def copysign(self, magnitude: Vector, sign: Vector) -> Vector:
        function = self.intrinsic(f"llvm.copysign.{self.suffix}", self.vector, [self.vector] * 2)
        return Vector(self, self.b.call(function, [magnitude.value, sign.value]))

    def select(self, mask: Vector, x: Any, y: Any) -> Vector:
        """x where the mask is set, else y."""
        x = x if isinstance(x, Vector) else self.like(y, x)
        y = self.like(x, y)
        return Vector(self, self.b.select(mask.value, x.value, y.value))

    def minimum(self, x: Any, y: Any) -> Vector:
        """The smaller one; y where either is NaN (one instruction on x86)."""
        y = self.like(x, y)
        return self.select(x < y, x, y)

    def maximum(self, x: Any, y: Any) -> Vector:
        """The larger one; y where either is NaN (one instruction on x86)."""
        y = self.like(x, y)
        return self.select(x > y, x, y)

    def shuffle(self, x: Vector, y: Vector, lanes: Sequence[int]) -> Vector:
        """Lanes picked from x (0 .. lanes-1) and y (lanes .. 2 lanes-1)."""
        mask = ir.Constant(ir.VectorType(I32, len(lanes)), list(lanes))
        return Vector(self, self.b.shuffle_vector(x.value, y.value, mask))

    def reduce(self, x: Vector, combine: Callable[[Vector, Vector], Vector]) -> Vector:
        """Combine all lanes into every lane, in a fixed tree: combine(Vector, Vector) -> Vector."""
        half = self.lanes // 2
        while half:
            x = combine(x, self.shuffle(x, x, [i ^ half for i in range(self.lanes)]))
            half //= 2
        return x

    def sum(self, x: Vector) -> Vector:
        """The sum of all lanes, in every lane; the order is fixed."""
        return self.reduce(x, lambda a, b: a + b)

    def lane(self, x: Vector, index: int = 0) -> Value:
        """One lane as a scalar SSA value."""
        return self.b.extract_element(x.value, ir.Constant(I32, index))

    def doubles(self) -> "Simd":
        """The words for vectors of as many float64."""
        return Simd(self.b, "float64", self.lanes)

    def widen(self, x: Vector) -> Vector:
        """A vector as one of as many float64."""
        wide = self.doubles()
        return wide.wrap(x.value if self.dtype == "float64" else self.b.fpext(x.value, wide.vector))

    def narrow(self, x: Vector) -> Vector:
        """A vector of ``doubles`` as one of the element type."""
        return self.wrap(x.value if self.dtype == "float64" else self.b.fptrunc(x.value, self.vector))

    def as_double(self, scalar: Value) -> Value:
        """A scalar of the element type as a float64."""
        return scalar if self.dtype == "float64" else self.b.fpext(scalar, FLOATS["float64"])

    def from_double(self, scalar: Value) -> Value:
        """A float64 as a scalar of the element type."""
        return scalar if self.dtype == "float64" else self.b.fptrunc(scalar, self.element)

    def any(self, mask: Vector) -> Value:
        """Whether any lane of a mask is set: a scalar boolean."""
        kind = ir.IntType(self.lanes)
        return self.b.icmp_unsigned("!=", self.b.bitcast(mask.value, kind), ir.Constant(kind, 0))

    def keep(self, mask: Vector | None, x: Vector, otherwise: Any = 0.0) -> Vector:
        """x where the mask is set; all of x where there is no mask."""
        return x if mask is None else self.select(mask, x, otherwise)

    # -- control

    def variable(self, value: Any) -> Variable:
        return Variable(self, value)

    @contextmanager
    def loop(self, stop: Value, start: Value = 0, step: Value = 1) -> Iterator[Value]:
        """``for i in range(start, stop, step)`` over 64-bit integers; yields i."""
        b = self.b
        start, step = (v if isinstance(v, ir.Value) else ir.Constant(I64, v) for v in (start, step))
        entry = b.block
        body, done = b.append_basic_block("loop"), b.append_basic_block("done")
        b.cbranch(b.icmp_signed("<", start, stop), body, done)
        b.position_at_end(body)
        i = b.phi(I64)
        i.add_incoming(start, entry)
        yield i
        following = b.add(i, step)
        i.add_incoming(following, b.block)
        b.cbranch(b.icmp_signed("<", following, stop), body, done)
        b.position_at_end(done)

    def repeat_while(self, body: Callable[[], Value]) -> None:
        """Run ``body`` again as long as it gives true, a scalar boolean."""
        b = self.b
        again, done = b.append_basic_block("again"), b.append_basic_block("done")
        b.branch(again)
        b.position_at_end(again)
        b.cbranch(body(), again, done)
        b.position_at_end(done)

    def over_row(self, count: Value, body: Callable[[Value, Vector | None], None]) -> None:
        """Call ``body(first, mask)`` for the vectors that hold ``count`` elements: whole ones (mask None), then the rest."""
        b = self.b
        whole = b.and_(count, self.index(-self.lanes))
        with self.loop(whole, step=self.lanes) as first:
            body(first, None)
        rest = b.sub(count, whole)
        with b.if_then(b.icmp_signed(">", rest, self.index(0))):
            body(whole, self.first_lanes(rest))
