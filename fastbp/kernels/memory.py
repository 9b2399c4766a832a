"""Single numbers and rows of numbers at plain addresses: how the kernels' control code reads and writes memory."""

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from .simd.element_types import FLOATS, I64, NUMBA_FLOATS, itemsize
from .simd.library import VectorFunction
from .simd.vocabulary import Simd


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


read_int, write_int = _accessors(I64, types.int64, 8)
read_double, write_double = _accessors(ir.DoubleType(), types.float64, 8)


def make_accessors(dtype):
    """``read(address, index)`` and ``write(address, index, value)`` for the model's element type."""
    return _accessors(FLOATS[dtype], NUMBA_FLOATS[dtype], itemsize(dtype))


def _copy_rows(s, source, source_row, order, target, target_row, rows, columns, padded=False):
    """Row r of the target becomes row order[r] of the source, or row r where ``order`` is 0.

    Only ``columns`` elements of each row are read, and written too unless the target's rows are padded to whole vectors.
    """
    b = s.b
    whole = b.and_(columns, s.index(-s.lanes))
    rest = b.sub(columns, whole)
    mask = s.first_lanes(rest)
    with s.loop(rows) as r:
        start = b.add(source, b.mul(sample_of(s, order, r), source_row))
        end = b.add(target, b.mul(r, target_row))
        if padded:
            last = b.sub(rows, s.index(1))
            following = b.select(b.icmp_signed("<", r, last), b.add(r, s.index(1)), last)
            following = b.add(source, b.mul(sample_of(s, order, following), source_row))
        with s.loop(whole, step=s.lanes) as j:
            if padded:  # rows that were shuffled lie anywhere: ask for the next one on the way
                s.prefetch(s.offset(following, j))
            s.store(s.load(s.offset(start, j)), s.offset(end, j))
        with b.if_then(b.icmp_signed(">", rest, s.index(0))):
            values = s.load_masked(s.offset(start, whole), mask)
            if padded:  # masked stores are slow on some processors
                s.store(values, s.offset(end, whole))
            else:
                s.store_masked(values, s.offset(end, whole), mask)


def _gather_rows(s, *arguments):
    _copy_rows(s, *arguments, padded=True)


def sample_of(s, order, r):
    """order[r], or r where ``order`` is 0."""
    b = s.b
    with b.if_else(b.icmp_signed("!=", order, s.index(0))) as (ordered, plain):
        with ordered:
            place = b.load(b.inttoptr(b.add(order, b.mul(r, s.index(8))), I64.as_pointer()))
            from_order = b.block
        with plain:
            from_plain = b.block
    which = b.phi(I64)
    which.add_incoming(place, from_order)
    which.add_incoming(r, from_plain)
    return which


def _prefetch_rows(s, source, source_row, order, rows, size):
    """Ask for ``size`` bytes of each of the rows that order[0], order[1], ... name: all at once they cost one wait."""
    b = s.b
    with s.loop(rows) as r:
        start = b.add(source, b.mul(sample_of(s, order, r), source_row))
        last = b.add(start, b.sub(size, s.index(1)))
        with s.loop(size, step=64) as shift:
            s.prefetch(b.add(start, shift))
        s.prefetch(last)  # a row need not begin where a line does


def _add_groups(s, source, group, groups, target, vectors):
    """The sum of arrays ``group`` bytes apart, first to last: the order never depends on who computed them."""
    b = s.b
    with s.loop(vectors) as i:
        shift = b.mul(i, s.index(s.lanes * s.itemsize))
        start = b.add(source, shift)
        total = s.variable(s.load(start))
        with s.loop(groups, start=1) as g:
            total.set(total.get() + s.load(b.add(start, b.mul(g, group))))
        s.store(total.get(), b.add(target, shift))


def _set_zero(s, address, size):
    with s.loop(size, step=s.lanes * s.itemsize) as i:
        s.store(s.constant(0.0), s.b.add(address, i))


def _add_doubles(s, address, count):
    """The sum of ``count`` float64, in an order that depends on ``count`` only."""
    b, s = s.b, Simd(s.b, "float64")
    total = s.variable(s.constant(0.0))
    with s.loop(count, step=s.lanes) as i:
        mask = s.first_lanes(b.sub(count, i))
        total.set(total.get() + s.load_masked(s.offset(address, i), mask))
    return s.lane(s.sum(total.get()))


def _prefetch(s, address, step, count):
    """Ask for ``count`` cache lines, ``step`` bytes apart, that will soon be read and written."""
    with s.loop(count) as i:
        s.prefetch(s.b.add(address, s.b.mul(i, step)), write=1)


copy_rows = VectorFunction("copy_rows", 7, _copy_rows)
gather_rows = VectorFunction("gather_rows", 7, _gather_rows)
prefetch_rows = VectorFunction("prefetch_rows", 5, _prefetch_rows)
add_groups = VectorFunction("add_groups", 5, _add_groups)
set_zero = VectorFunction("set_zero", 2, _set_zero)  # a multiple of the vector width, in bytes
prefetch = VectorFunction("prefetch", 3, _prefetch)
add_doubles = VectorFunction("add_doubles", 2, _add_doubles, returns="double")
