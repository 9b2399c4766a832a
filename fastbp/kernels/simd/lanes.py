"""Vectors of one element type: how they are laid out, constants, conversions, and the way to memory and back."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from llvmlite import ir

from .element_types import FLOATS, I32, I64, VOID, element_type, itemsize
from .llvm_function import declare
from .machine import machine
from .vector import Value, Vector


class Lanes:
    """What vector instructions of one element type begin with.

    Parameters
    ----------
    builder : llvmlite.ir.IRBuilder
        Where instructions go.
    dtype : "float32" or "float64"
        The element type.
    lanes : int, optional
        Elements of one vector; the machine's full width when not given.
    """

    def __init__(self, builder: ir.IRBuilder, dtype: Any, lanes: int | None = None) -> None:
        self.b, self.dtype = builder, element_type(dtype)
        self.itemsize = itemsize(dtype)
        self.lanes = lanes or machine().lanes(dtype)
        self.element = FLOATS[self.dtype]
        self.integer = ir.IntType(8 * self.itemsize)
        self.vector = ir.VectorType(self.element, self.lanes)
        self.int_vector = ir.VectorType(self.integer, self.lanes)
        self.suffix = f"v{self.lanes}f{8 * self.itemsize}"

    # -- constants and conversions

    def constant(self, value: float) -> Vector:
        """The same float in every lane."""
        value = float(value)
        if self.dtype == "float32":  # LLVM wants the nearest float32, spelled as a double
            with np.errstate(over="ignore"):
                value = float(np.float32(value))
        return Vector(self, ir.Constant(self.vector, [value] * self.lanes))

    def int_constant(self, value: int) -> Vector:
        """The same integer (as wide as an element) in every lane."""
        bits = 8 * self.itemsize
        value = (int(value) + (1 << (bits - 1))) % (1 << bits) - (1 << (bits - 1))
        return Vector(self, ir.Constant(self.int_vector, [value] * self.lanes))

    def like(self, vector: Vector, value: Any) -> Vector:
        """``value`` as a Vector of the same type as ``vector``; Python numbers are spread over the lanes."""
        if isinstance(value, Vector):
            return value
        return self.constant(value) if vector.is_float else self.int_constant(value)

    def wrap(self, value: Value) -> Vector:
        """An SSA value of vector type as a Vector."""
        return Vector(self, value)

    def broadcast(self, scalar: Value) -> Vector:
        """A scalar SSA value (float or integer element) in every lane."""
        kind = ir.VectorType(scalar.type, self.lanes)
        undefined = ir.Constant(kind, ir.Undefined)
        first = self.b.insert_element(undefined, scalar, ir.Constant(I32, 0))
        mask = ir.Constant(ir.VectorType(I32, self.lanes), [0] * self.lanes)
        return Vector(self, self.b.shuffle_vector(first, undefined, mask))

    def iota(self) -> Vector:
        """0, 1, 2, ... as integers."""
        return Vector(self, ir.Constant(self.int_vector, list(range(self.lanes))))

    def bits_of(self, x: Vector) -> Vector:
        """The bit pattern of floats, as integers."""
        return Vector(self, self.b.bitcast(x.value, self.int_vector))

    def from_bits(self, x: Vector) -> Vector:
        """Floats from their bit pattern."""
        return Vector(self, self.b.bitcast(x.value, self.vector))

    def to_int(self, x: Vector) -> Vector:
        """Floats to integers, towards zero. Values outside the integers' range are undefined: clamp first."""
        return Vector(self, self.b.fptosi(x.value, self.int_vector))

    def to_float(self, x: Vector) -> Vector:
        return Vector(self, self.b.sitofp(x.value, self.vector))

    # -- memory

    def index(self, value: int) -> Value:
        return ir.Constant(I64, value)

    def offset(self, address: Value, elements: Value) -> Value:
        """``address`` moved on by a number of elements (an int, or an SSA value)."""
        if isinstance(elements, int):
            return self.b.add(address, self.index(elements * self.itemsize)) if elements else address
        return self.b.add(address, self.b.mul(elements, self.index(self.itemsize)))

    def pointer(self, address: Value, kind: ir.Type) -> Value:
        return self.b.inttoptr(address, kind.as_pointer())

    def load(self, address: Value) -> Vector:
        """A vector from any address (no alignment is asked for)."""
        value = self.b.load(self.pointer(address, self.vector))
        value.align = self.itemsize
        return Vector(self, value)

    def store(self, x: Vector, address: Value) -> None:
        self.b.store(x.value, self.pointer(address, x.value.type)).align = self.itemsize

    def load_scalar(self, address: Value) -> Value:
        value = self.b.load(self.pointer(address, self.element))
        value.align = self.itemsize
        return value

    def store_scalar(self, value: Value, address: Value) -> None:
        self.b.store(value, self.pointer(address, self.element)).align = self.itemsize

    def load_spread(self, address: Value) -> Vector:
        """One element, in every lane."""
        return self.broadcast(self.load_scalar(address))

    def load_address(self, table: Value, place: int) -> Value:
        """The 64-bit integer at a place (an int) of a table."""
        return self.b.load(self.pointer(self.b.add(table, self.index(8 * place)), I64))

    def first_lanes(self, count: Value) -> Vector:
        """The mask of lanes below ``count``, a 64-bit integer SSA value (any size; negative is none)."""
        kind = ir.VectorType(I64, self.lanes)
        lanes = ir.Constant(kind, list(range(self.lanes)))
        return Vector(self, self.b.icmp_signed("<", lanes, self.broadcast(count).value))

    def load_masked(self, address: Value, mask: Vector) -> Vector:
        """A vector whose lanes outside ``mask`` are 0 and whose memory there is not touched."""
        pointer = self.pointer(address, self.vector)
        call = self.intrinsic(
            f"llvm.masked.load.{self.suffix}.p0", self.vector, [pointer.type, I32, mask.value.type, self.vector]
        )
        zero = self.constant(0.0).value
        return Vector(self, self.b.call(call, [pointer, ir.Constant(I32, self.itemsize), mask.value, zero]))

    def prefetch(self, address: Value, write: int = 0, near: int = 3) -> None:
        """Ask for the cache line at an address, which need not be valid. ``near``: 3 for the nearest cache, 2 for the next."""
        pointer = ir.IntType(8).as_pointer()
        hint = self.intrinsic("llvm.prefetch.p0", VOID, [pointer, I32, I32, I32])
        self.b.call(hint, [self.b.inttoptr(address, pointer), I32(write), I32(near), I32(1)])

    def store_masked(self, x: Vector, address: Value, mask: Vector) -> None:
        pointer = self.pointer(address, self.vector)
        call = self.intrinsic(f"llvm.masked.store.{self.suffix}.p0", VOID, [self.vector, pointer.type, I32, mask.value.type])
        self.b.call(call, [x.value, pointer, ir.Constant(I32, self.itemsize), mask.value])

    def load_some(self, address: Value, mask: Vector | None) -> Vector:
        """A vector, or its lanes within the mask where there is one."""
        return self.load(address) if mask is None else self.load_masked(address, mask)

    # -- instructions by name

    def intrinsic(self, name: str, returns: ir.Type, arguments: Sequence[ir.Type]) -> ir.Function:
        return declare(self.b.module, name, arguments, returns)
