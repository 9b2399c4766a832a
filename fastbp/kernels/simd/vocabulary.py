"""A small vocabulary of vector operations, written out as LLVM instructions.

A kernel's inner loops are Python functions that run once, at compile time, over ``Vector`` values: each operator
appends an instruction to the machine code being built. The same text therefore serves float32 and float64 and any
vector width, and what it says is what the processor does: no auto-vectoriser has to find it.

    def relu(s, z):                       # s: the Simd at hand, z: a Vector
        return s.maximum(z, s.constant(0.0))

Addresses are plain 64-bit integers in bytes, as kernels receive them.
"""

from contextlib import contextmanager

import numpy as np
from llvmlite import ir

from .machine import machine
from .vector import Variable, Vector

I1, I32, I64, VOID = ir.IntType(1), ir.IntType(32), ir.IntType(64), ir.VoidType()
FLOATS = {"float32": ir.FloatType(), "float64": ir.DoubleType()}


def define(module, name, arguments, body, returns=VOID):
    """The function ``name`` of ``module``; on first use ``body(builder, *arguments)`` writes its instructions.

    It stays a function of its own (never inlined), so that a kernel which uses it in many places holds it once.
    """
    if name in module.globals:
        return module.get_global(name)
    function = ir.Function(module, ir.FunctionType(returns, arguments), name)
    function.linkage = "internal"
    function.attributes.add("noinline")
    function.attributes.add("nounwind")
    builder = ir.IRBuilder(function.append_basic_block("entry"))
    result = body(builder, *function.args)
    if not builder.block.is_terminated:
        builder.ret_void() if result is None else builder.ret(result)
    return function


class Simd:
    """Vector instructions of one element type, appended to one function under construction.

    Parameters
    ----------
    builder : llvmlite.ir.IRBuilder
        Where instructions go.
    dtype : "float32" or "float64"
        The element type.
    lanes : int, optional
        Elements of one vector; the machine's full width when not given.
    """

    def __init__(self, builder, dtype, lanes=None):
        self.b, self.dtype = builder, np.dtype(dtype).name
        self.itemsize = np.dtype(dtype).itemsize
        self.lanes = lanes or machine().lanes(dtype)
        self.element = FLOATS[self.dtype]
        self.integer = ir.IntType(8 * self.itemsize)
        self.vector = ir.VectorType(self.element, self.lanes)
        self.int_vector = ir.VectorType(self.integer, self.lanes)
        self.suffix = f"v{self.lanes}f{8 * self.itemsize}"

    # -- constants and conversions

    def constant(self, value):
        """The same float in every lane."""
        value = float(value)
        if self.dtype == "float32":  # LLVM wants the nearest float32, spelled as a double
            with np.errstate(over="ignore"):
                value = float(np.float32(value))
        return Vector(self, ir.Constant(self.vector, [value] * self.lanes))

    def int_constant(self, value):
        """The same integer (as wide as an element) in every lane."""
        bits = 8 * self.itemsize
        value = (int(value) + (1 << (bits - 1))) % (1 << bits) - (1 << (bits - 1))
        return Vector(self, ir.Constant(self.int_vector, [value] * self.lanes))

    def like(self, vector, value):
        """``value`` as a Vector of the same type as ``vector``; Python numbers are spread over the lanes."""
        if isinstance(value, Vector):
            return value
        return self.constant(value) if vector.is_float else self.int_constant(value)

    def wrap(self, value):
        """An SSA value of vector type as a Vector."""
        return Vector(self, value)

    def broadcast(self, scalar):
        """A scalar SSA value (float or integer element) in every lane."""
        kind = ir.VectorType(scalar.type, self.lanes)
        undefined = ir.Constant(kind, ir.Undefined)
        first = self.b.insert_element(undefined, scalar, ir.Constant(I32, 0))
        mask = ir.Constant(ir.VectorType(I32, self.lanes), [0] * self.lanes)
        return Vector(self, self.b.shuffle_vector(first, undefined, mask))

    def iota(self):
        """0, 1, 2, ... as integers."""
        return Vector(self, ir.Constant(self.int_vector, list(range(self.lanes))))

    def bits_of(self, x):
        """The bit pattern of floats, as integers."""
        return Vector(self, self.b.bitcast(x.value, self.int_vector))

    def from_bits(self, x):
        """Floats from their bit pattern."""
        return Vector(self, self.b.bitcast(x.value, self.vector))

    def to_int(self, x):
        """Floats to integers, towards zero. Values outside the integers' range are undefined: clamp first."""
        return Vector(self, self.b.fptosi(x.value, self.int_vector))

    def to_float(self, x):
        return Vector(self, self.b.sitofp(x.value, self.vector))

    # -- memory

    def pointer(self, address, kind):
        return self.b.inttoptr(address, kind.as_pointer())

    def load(self, address):
        """A vector from any address (no alignment is asked for)."""
        value = self.b.load(self.pointer(address, self.vector))
        value.align = self.itemsize
        return Vector(self, value)

    def store(self, x, address):
        self.b.store(x.value, self.pointer(address, x.value.type)).align = self.itemsize

    def load_scalar(self, address):
        value = self.b.load(self.pointer(address, self.element))
        value.align = self.itemsize
        return value

    def store_scalar(self, value, address):
        self.b.store(value, self.pointer(address, self.element)).align = self.itemsize

    def load_spread(self, address):
        """One element, in every lane."""
        return self.broadcast(self.load_scalar(address))

    def load_address(self, table, place):
        """The 64-bit integer at a place (an int) of a table."""
        return self.b.load(self.pointer(self.b.add(table, self.index(8 * place)), I64))

    def first_lanes(self, count):
        """The mask of lanes below ``count``, a 64-bit integer SSA value (any size; negative is none)."""
        kind = ir.VectorType(I64, self.lanes)
        lanes = ir.Constant(kind, list(range(self.lanes)))
        return Vector(self, self.b.icmp_signed("<", lanes, self.broadcast(count).value))

    def load_masked(self, address, mask):
        """A vector whose lanes outside ``mask`` are 0 and whose memory there is not touched."""
        pointer = self.pointer(address, self.vector)
        call = self.intrinsic(
            f"llvm.masked.load.{self.suffix}.p0", self.vector, [pointer.type, I32, mask.value.type, self.vector]
        )
        zero = self.constant(0.0).value
        return Vector(self, self.b.call(call, [pointer, ir.Constant(I32, self.itemsize), mask.value, zero]))

    def prefetch(self, address, write=0, near=3):
        """Ask for the cache line at an address, which need not be valid. ``near``: 3 for the nearest cache, 2 for the next."""
        pointer = ir.IntType(8).as_pointer()
        hint = self.intrinsic("llvm.prefetch.p0", VOID, [pointer, I32, I32, I32])
        self.b.call(hint, [self.b.inttoptr(address, pointer), I32(write), I32(near), I32(1)])

    def store_masked(self, x, address, mask):
        pointer = self.pointer(address, self.vector)
        call = self.intrinsic(f"llvm.masked.store.{self.suffix}.p0", VOID, [self.vector, pointer.type, I32, mask.value.type])
        self.b.call(call, [x.value, pointer, ir.Constant(I32, self.itemsize), mask.value])

    # -- arithmetic

    def intrinsic(self, name, returns, arguments):
        module = self.b.module
        if name in module.globals:
            return module.get_global(name)
        return ir.Function(module, ir.FunctionType(returns, arguments), name)

    def _unary(self, name, x):
        function = self.intrinsic(f"llvm.{name}.{self.suffix}", self.vector, [self.vector])
        return Vector(self, self.b.call(function, [x.value]))

    def fma(self, x, y, z):
        """x * y + z, rounded once where the CPU has it (elsewhere a multiplication and an addition)."""
        x, y, z = (v if isinstance(v, Vector) else self.constant(v) for v in (x, y, z))
        if not machine().fma:
            return x * y + z
        function = self.intrinsic(f"llvm.fma.{self.suffix}", self.vector, [self.vector] * 3)
        return Vector(self, self.b.call(function, [x.value, y.value, z.value]))

    def polynomial(self, x, coefficients):
        """Horner's scheme; coefficients from the highest power down to the constant."""
        result = self.constant(coefficients[0])
        for c in coefficients[1:]:
            result = self.fma(result, x, self.constant(c))
        return result

    def sqrt(self, x):
        return self._unary("sqrt", x)

    def abs(self, x):
        return self._unary("fabs", x)

    def round(self, x):
        """To the nearest whole number, halves to even."""
        return self._unary("rint", x)

    def floor(self, x):
        return self._unary("floor", x)

    def copysign(self, magnitude, sign):
        function = self.intrinsic(f"llvm.copysign.{self.suffix}", self.vector, [self.vector] * 2)
        return Vector(self, self.b.call(function, [magnitude.value, sign.value]))

    def select(self, mask, x, y):
        """x where the mask is set, else y."""
        x = x if isinstance(x, Vector) else self.like(y, x)
        y = self.like(x, y)
        return Vector(self, self.b.select(mask.value, x.value, y.value))

    def minimum(self, x, y):
        """The smaller one; y where either is NaN (one instruction on x86)."""
        y = self.like(x, y)
        return self.select(x < y, x, y)

    def maximum(self, x, y):
        """The larger one; y where either is NaN (one instruction on x86)."""
        y = self.like(x, y)
        return self.select(x > y, x, y)

    def shuffle(self, x, y, lanes):
        """Lanes picked from x (0 .. lanes-1) and y (lanes .. 2 lanes-1)."""
        mask = ir.Constant(ir.VectorType(I32, len(lanes)), list(lanes))
        return Vector(self, self.b.shuffle_vector(x.value, y.value, mask))

    def reduce(self, x, combine):
        """Combine all lanes into every lane, in a fixed tree: combine(Vector, Vector) -> Vector."""
        half = self.lanes // 2
        while half:
            x = combine(x, self.shuffle(x, x, [i ^ half for i in range(self.lanes)]))
            half //= 2
        return x

    def sum(self, x):
        """The sum of all lanes, in every lane; the order is fixed."""
        return self.reduce(x, lambda a, b: a + b)

    def lane(self, x, index=0):
        """One lane as a scalar SSA value."""
        return self.b.extract_element(x.value, ir.Constant(I32, index))

    def as_double(self, scalar):
        """A scalar of the element type as a float64."""
        return scalar if self.dtype == "float64" else self.b.fpext(scalar, FLOATS["float64"])

    def any(self, mask):
        """Whether any lane of a mask is set: a scalar boolean."""
        kind = ir.IntType(self.lanes)
        return self.b.icmp_unsigned("!=", self.b.bitcast(mask.value, kind), ir.Constant(kind, 0))

    # -- control

    def variable(self, value):
        return Variable(self, value)

    @contextmanager
    def loop(self, stop, start=0, step=1):
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

    def over_row(self, count, body):
        """Call ``body(first, mask)`` for the vectors that hold ``count`` elements: whole ones (mask None), then the rest."""
        b = self.b
        whole = b.and_(count, self.index(-self.lanes))
        with self.loop(whole, step=self.lanes) as first:
            body(first, None)
        rest = b.sub(count, whole)
        with b.if_then(b.icmp_signed(">", rest, self.index(0))):
            body(whole, self.first_lanes(rest))

    def keep(self, mask, x, otherwise=0.0):
        """x where the mask is set; all of x where there is no mask."""
        return x if mask is None else self.select(mask, x, otherwise)

    def load_some(self, address, mask):
        """A vector, or its lanes within the mask where there is one."""
        return self.load(address) if mask is None else self.load_masked(address, mask)

    def index(self, value):
        return ir.Constant(I64, value)

    def offset(self, address, elements):
        """``address`` moved on by a number of elements (an int, or an SSA value)."""
        if isinstance(elements, int):
            return self.b.add(address, self.index(elements * self.itemsize)) if elements else address
        return self.b.add(address, self.b.mul(elements, self.index(self.itemsize)))
