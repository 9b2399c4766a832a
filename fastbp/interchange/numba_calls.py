"""A network within code that Numba compiles: the type, how it is called, and how a call finds buffers of its own.

A network is the address of a record (below). Compiled code holds that address only where the network is a global name of it;
then Numba keeps that caller in memory alone. As an argument it comes with each call, and the caller may be kept on disk.
"""

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils, errors
from numba.core.datamodel.models import PrimitiveModel
from numba.core.datamodel.registry import register_default
from numba.core.imputils import lower_constant
from numba.core.typing.templates import signature
from numba.extending import NativeValue, intrinsic, overload, typeof_impl, unbox

from ..kernels import fields as at
from ..kernels.memory import make_accessors, read_int, write_int
from ..kernels.simd.element_types import I64, VOID
from ..kernels.simd.jit import inner
from ..kernels.simd.sources import KERNELS, Sources

# -- The record: 64-bit integers. CONTEXTS of CONTEXT_FIELDS integers each, with one plan and its buffers, follow from FIRST on.
KERNEL, CONTEXTS, INPUTS, OUTPUTS, WEIGHTS, POSITIONS, ROWS, INPUT_GRADIENT_ROW, FIRST = 0, 1, 2, 3, 4, 5, 6, 7, 16
BUSY, PLAN, INPUT_GRADIENT, GRADIENT, CONTEXT_FIELDS = 0, 1, 2, 3, 16  # cache lines of its own: BUSY is fought for

# What compiled callers rest on: code that was cached with other sources is of another type, and so compiled anew.
_STAMP = Sources("interchange", beside=KERNELS).stamp


class Network(types.Callable):
    """The type of a network, whatever its layers."""

    def __init__(self, dtype, differentiates):
        self.number, self.differentiates = types.float32 if dtype == "float32" else types.float64, differentiates
        super().__init__(f"fastbp.Network({dtype}, {differentiates}, {_STAMP[:16]})")

    @property
    def key(self):
        return self.name

    def _dispatcher(self, count):
        chosen = _CALLS.get((self.differentiates, count))
        if chosen is None:
            wanted = "f(x, direction)" if self.differentiates else "f(x) or f(x, out)"
            raise errors.TypingError(f"a network is called as {wanted}, got {count} arguments")
        return chosen

    def get_call_type(self, context, args, kws):
        if kws:
            raise errors.TypingError(f"a network takes arguments by their position alone, got {', '.join(dict(kws))}")
        dispatcher = self._dispatcher(len(args))
        for name, given in zip(("x", "direction" if self.differentiates else "out"), args, strict=False):
            given = types.unliteral(given)
            if not (isinstance(given, types.Array) and given.ndim in (1, 2) and isinstance(given.dtype, _REAL)):
                raise errors.TypingError(f"{name} must be an array of numbers of one or two axes, got {given}")
            if given.ndim != args[0].ndim:
                raise errors.TypingError(f"{name} must have as many axes as x, {args[0].ndim}, got {given.ndim}")
            if name == "out" and (given.dtype != self.number or given.layout != "C" or not given.mutable):
                raise errors.TypingError(f"out must be an array of {self.number} in C order that may be written, got {given}")
        args = tuple(map(types.unliteral, args))
        found = types.Dispatcher(dispatcher).get_call_type(context, (self, *args), {})
        return signature(found.return_type, *found.args[1:], recvr=self)

    def get_call_signatures(self):
        return [], True

    def get_impl_key(self, sig):
        sig = sig.as_function()
        return self._dispatcher(len(sig.args) - 1).get_overload(sig.args)


_REAL = (types.Float, types.Integer, types.Boolean)


@register_default(Network)
class _NetworkModel(PrimitiveModel):
    def __init__(self, manager, kind):
        super().__init__(manager, kind, I64)


@unbox(Network)
def _unbox(kind, network, c):
    address = c.pyapi.object_getattr_string(network, "address")
    value = c.pyapi.long_as_longlong(address)
    c.pyapi.decref(address)
    return NativeValue(value, is_error=cgutils.is_not_null(c.builder, c.pyapi.err_occurred()))


_held: list = []  # networks that are constants of compiled code, which nobody tells when it goes


@lower_constant(Network)
def _constant(context, builder, kind, network):
    _held.append(network)
    return builder.ptrtoint(context.add_dynamic_addr(builder, network.address, info="a fastbp network"), I64)


def register(cls):
    """Have objects of a class be networks for Numba: they have ``address``, ``dtype`` and ``differentiates``."""
    typeof_impl.register(cls)(lambda network, c: Network(network.dtype, network.differentiates))


# -- what a call is made of


@intrinsic
def _record(typingctx, network):
    """The address of a network's record."""
    return types.int64(network), lambda context, b, sig, args: args[0]


@intrinsic
def _take(typingctx, address):
    """Whether the flag at ``address`` was 0, and so is this thread's now."""

    def codegen(context, b, sig, args):
        flag = b.inttoptr(args[0], I64.as_pointer())
        found = b.cmpxchg(flag, ir.Constant(I64, 0), ir.Constant(I64, 1), "acquire", "monotonic")
        return b.extract_value(found, 1)

    return types.boolean(types.int64), codegen


@intrinsic
def _give_back(typingctx, address):
    def codegen(context, b, sig, args):
        b.store_atomic(ir.Constant(I64, 0), b.inttoptr(args[0], I64.as_pointer()), "release", 8)
        return context.get_dummy_value()

    return types.void(types.int64), codegen


@intrinsic
def _stack_place(typingctx):
    """An address on this thread's stack, which no other thread has."""

    def codegen(context, b, sig, args):
        return b.ptrtoint(cgutils.alloca_once(b, I64), I64)

    return types.int64(), codegen


@intrinsic
def _call(typingctx, function, first, second):
    """The function at an address, of two 64-bit integers."""

    def codegen(context, b, sig, args):
        kind = ir.FunctionType(VOID, [I64, I64]).as_pointer()
        b.call(b.inttoptr(args[0], kind), args[1:])
        return context.get_dummy_value()

    return types.void(types.int64, types.int64, types.int64), codegen


@inner("network")
def _take_context(record):
    """A context that no other thread works with, waited for if all are taken."""
    contexts = read_int(record, CONTEXTS)
    i = (_stack_place() >> 12) % contexts  # threads begin at different ones
    while True:
        context = record + 8 * (FIRST + i * CONTEXT_FIELDS)
        if _take(context):
            return context
        i = (i + 1) % contexts


def _plain(network, x):
    """``x`` in C order and of the network's type."""


@overload(_plain, inline="never")
def _overload_plain(network, x):
    if x.dtype == network.number and x.layout == "C":
        return lambda network, x: x
    number = np.float32 if network.number == types.float32 else np.float64
    return lambda network, x: np.ascontiguousarray(x).astype(number)  # the latter alone would keep Fortran's order


def _empty(network, shape):
    """An array of the network's type."""


@overload(_empty, inline="never")
def _overload_empty(network, shape):
    number = np.float32 if network.number == types.float32 else np.float64
    return lambda network, shape: np.empty(shape, number)


@inner("network")
def _sizes(record, x):
    """How many numbers a sample has that goes in, and that comes out, where x holds samples for the network."""
    inputs = read_int(record, INPUTS)
    if x.shape[-1] != inputs:
        raise ValueError("x must have as many numbers in a sample as the network has inputs")
    return inputs, read_int(record, OUTPUTS)


@inner("network")
def _predict_into(network, x, out):
    """Rows of x through the network."""
    record = _record(network)
    inputs, outputs = _sizes(record, x)
    if out.shape[-1] != outputs or out.size // outputs != x.size // inputs:
        raise ValueError("out must have the shape of the outputs for x")
    if x.size:
        x = _plain(network, x)
        context = _take_context(record)
        plan = read_int(context, PLAN)
        _bind(plan, x.reshape(-1, inputs), out.reshape(-1, outputs))
        _call(read_int(record, KERNEL), plan, 0)
        _give_back(context)
    return out


@inner("network")
def _predict(network, x):
    """The output for a sample, or for each of some."""
    return _predict_into(network, x, _empty(network, x.shape[:-1] + (read_int(_record(network), OUTPUTS),)))


@inner("network")
def _bind(plan, x, out):
    """Have a plan take rows from an array (rows, inputs) to another one."""
    write_int(plan, at.SAMPLES, len(x))
    write_int(plan, at.X, x.ctypes.data)
    write_int(plan, at.X_ROW, x.shape[1] * x.itemsize)
    write_int(plan, at.OUT, out.ctypes.data)
    write_int(plan, at.OUT_ROW, out.shape[1] * out.itemsize)


@inner("network")
def _differentiate_rows(network, record, x, direction, y, by_input, by_weights):
    """Some rows, forward and back; what is found for the weights is added to what is there."""
    context = _take_context(record)
    plan = read_int(context, PLAN)
    _bind(plan, x, y)
    write_int(plan, at.Y, direction.ctypes.data)
    write_int(plan, at.Y_ROW, direction.shape[1] * direction.itemsize)
    _call(read_int(record, KERNEL), plan, 0)
    for i in range(len(x)):
        _copy_numbers(network, read_int(context, INPUT_GRADIENT) + i * read_int(record, INPUT_GRADIENT_ROW), by_input[i])
    _add_numbers(network, read_int(context, GRADIENT), read_int(record, POSITIONS), by_weights)
    _give_back(context)


def _copy_numbers(network, source, target):
    """Fill an array from memory."""


@overload(_copy_numbers, inline="never")
def _overload_copy(network, source, target):
    read, _ = make_accessors(str(network.number))

    def copy(network, source, target):
        for i in range(len(target)):
            target[i] = read(source, i)

    return copy


def _add_numbers(network, source, positions, target):
    """Add to an array what lies at some positions."""


@overload(_add_numbers, inline="never")
def _overload_add(network, source, positions, target):
    read, _ = make_accessors(str(network.number))

    def add(network, source, positions, target):
        for i in range(len(target)):
            target[i] += read(source, read_int(positions, i))

    return add


@inner("network")
def _differentiate(network, x, direction):
    """(outputs, gradient with respect to x, gradient with respect to the weights) of sum(direction * outputs)."""
    record = _record(network)
    inputs, outputs = _sizes(record, x)
    if direction.shape[:-1] != x.shape[:-1] or direction.shape[-1] != outputs:
        raise ValueError("direction must have the shape of the outputs for x")
    x, direction = _plain(network, x), _plain(network, direction)
    y, by_input = _empty(network, direction.shape), _empty(network, x.shape)
    by_weights = _empty(network, read_int(record, WEIGHTS))
    by_weights[:] = 0
    samples, directions = x.reshape(-1, inputs), direction.reshape(-1, outputs)
    found, gradients, size = y.reshape(-1, outputs), by_input.reshape(-1, inputs), read_int(record, ROWS)
    for i in range(0, len(samples), size):
        rows = slice(i, i + size)
        _differentiate_rows(network, record, samples[rows], directions[rows], found[rows], gradients[rows], by_weights)
    return y, by_input, by_weights


# (with the gradient, arguments): what is called
_CALLS = {(False, 1): _predict, (False, 2): _predict_into, (True, 2): _differentiate}
