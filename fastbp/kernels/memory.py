"""Single numbers and rows of numbers at plain addresses: how the kernels' control code reads and writes memory."""

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from .simd import FLOATS, I64, Simd, define


def _accessors(llvm_type, numba_type, bytes_):
    """``read(address, index)`` and ``write(address, index, value)`` for one element type."""

    def element(b, address, index):
        position = b.add(address, b.mul(index, ir.Constant(I64, bytes_)))
        return b.inttoptr(position, llvm_type.as_pointer())

    @intrinsic
    def read(typingctx, address, index):
        def codegen(context, b, sig, args):
            return b.load(element(b, *args), align=bytes_)

        return numba_type(types.int64, types.int64), codegen

    @intrinsic
    def write(typingctx, address, index, value):
        def codegen(context, b, sig, args):
            address, index, value = args
            b.store(value, element(b, address, index), align=bytes_)
            return context.get_dummy_value()

        return types.void(types.int64, types.int64, numba_type), codegen

    return read, write


@intrinsic
def double_bits(typingctx, value):
    """A float64 as the integer with the same bits: how it travels among addresses."""

    def codegen(context, b, sig, args):
        return b.bitcast(args[0], I64)

    return types.int64(types.float64), codegen


@intrinsic
def set_zero(typingctx, address, size):
    """Zeros in ``size`` bytes, a multiple of the vector width."""

    def body(b, address, size):
        s = Simd(b, "float32")
        with s.loop(size, step=s.lanes * s.itemsize) as i:
            s.store(s.constant(0.0), b.add(address, i))

    def codegen(context, b, sig, args):
        b.call(define(b.module, "set_zero", [I64, I64], body), args)
        return context.get_dummy_value()

    return types.void(types.int64, types.int64), codegen


@intrinsic
def add_doubles(typingctx, address, count):
    """The sum of ``count`` float64, in an order that depends on ``count`` alone."""

    def body(b, address, count):
        s = Simd(b, "float64")
        total = s.variable(s.constant(0.0))
        with s.loop(count, step=s.lanes) as i:
            mask = s.first_lanes(b.sub(count, i))
            total.set(total.get() + s.load_masked(s.offset(address, i), mask))
        return s.lane(s.sum(total.get()))

    def codegen(context, b, sig, args):
        function = define(b.module, "add_doubles", [I64, I64], body, returns=ir.DoubleType())
        return b.call(function, args)

    return types.float64(types.int64, types.int64), codegen


read_int, write_int = _accessors(I64, types.int64, 8)
read_double, write_double = _accessors(ir.DoubleType(), types.float64, 8)


def make_accessors(dtype):
    """``read(address, index)`` and ``write(address, index, value)`` for the model's element type."""
    return _accessors(FLOATS[dtype], getattr(types, dtype), 4 if dtype == "float32" else 8)


def make_copy_rows(dtype):
    """The intrinsic ``copy_rows(source, source_row, order, target, target_row, rows, columns)``.

    Row r of the target is row order[r] of the source, or row r when ``order`` is 0. Only ``columns`` elements are read
    and written of each row.
    """

    def body(b, source, source_row, order, target, target_row, rows, columns):
        s = Simd(b, dtype)
        whole = b.and_(columns, s.index(-s.lanes))
        rest = b.sub(columns, whole)
        mask = s.first_lanes(rest)
        with s.loop(rows) as r:
            in_order = b.icmp_signed("!=", order, s.index(0))
            with b.if_else(in_order) as (then, otherwise):
                with then:
                    place = b.load(b.inttoptr(b.add(order, b.mul(r, s.index(8))), I64.as_pointer()))
                    gathered = b.block
                with otherwise:
                    plain = b.block
            which = b.phi(I64)
            which.add_incoming(place, gathered)
            which.add_incoming(r, plain)
            start = b.add(source, b.mul(which, source_row))
            end = b.add(target, b.mul(r, target_row))
            with s.loop(whole, step=s.lanes) as j:
                s.store(s.load(s.offset(start, j)), s.offset(end, j))
            with b.if_then(b.icmp_signed(">", rest, s.index(0))):
                s.store_masked(s.load_masked(s.offset(start, whole), mask), s.offset(end, whole), mask)

    @intrinsic
    def copy_rows(typingctx, source, source_row, order, target, target_row, rows, columns):
        def codegen(context, b, sig, args):
            b.call(define(b.module, f"copy_rows_{dtype}", [I64] * 7, body), args)
            return context.get_dummy_value()

        return types.void(*[types.int64] * 7), codegen

    return copy_rows


def make_add_groups(dtype):
    """The intrinsic ``add_groups(source, group, groups, target, vectors)``: the sum of arrays ``group`` bytes apart.

    They are added first to last, so the order never depends on who computed them. Overwrites target.
    """

    def body(b, source, group, groups, target, vectors):
        s = Simd(b, dtype)
        with s.loop(vectors) as i:
            start = b.add(source, b.mul(i, s.index(s.lanes * s.itemsize)))
            total = s.variable(s.load(start))
            with s.loop(groups, start=1) as g:
                total.set(total.get() + s.load(b.add(start, b.mul(g, group))))
            s.store(total.get(), b.add(target, b.mul(i, s.index(s.lanes * s.itemsize))))

    @intrinsic
    def add_groups(typingctx, source, group, groups, target, vectors):
        def codegen(context, b, sig, args):
            b.call(define(b.module, f"add_groups_{dtype}", [I64] * 5, body), args)
            return context.get_dummy_value()

        return types.void(*[types.int64] * 5), codegen

    return add_groups
