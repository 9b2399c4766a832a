"""What threads share inside a kernel: a barrier, and flags that stop a run.

Workers are plain Python threads inside ``nogil`` code. They wait for each other at a barrier of atomics that spins briefly
and then gives the processor away, so that more threads than cores are slow but never stuck.
"""

import sys

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from .fields import ABORT, ARRIVED, GENERATION
from .simd.element_types import I32, I64
from .simd.jit import inner
from .simd.llvm_function import declare, define

SPINS = 2000  # some tens of microseconds


def _cell(b, control, position):
    return b.inttoptr(b.add(control, ir.Constant(I64, 8 * position)), I64.as_pointer())


def _pause(b):
    """Tell the core that this is a spin loop."""
    triple = b.module.triple or ""
    if "aarch64" in triple or "arm64" in triple:
        b.call(declare(b.module, "llvm.aarch64.hint", [I32]), [ir.Constant(I32, 1)])
    elif "x86" in triple or "amd64" in triple:
        b.call(declare(b.module, "llvm.x86.sse2.pause"), [])


def _yield_processor(b):
    b.call(declare(b.module, "SwitchToThread" if sys.platform == "win32" else "sched_yield", returns=I32), [])


def _barrier_body(b, control, threads):
    one, zero = ir.Constant(I64, 1), ir.Constant(I64, 0)
    generation = _cell(b, control, GENERATION)
    arrived = _cell(b, control, ARRIVED)
    current = b.load_atomic(generation, "acquire", 8)
    before = b.atomic_rmw("add", arrived, one, "acq_rel")
    last, wait = b.append_basic_block("last"), b.append_basic_block("wait")
    tired, done = b.append_basic_block("tired"), b.append_basic_block("done")
    spin = b.append_basic_block("spin")
    b.cbranch(b.icmp_signed("==", b.add(before, one), threads), last, wait)

    b.position_at_end(last)
    b.store_atomic(zero, arrived, "release", 8)
    b.store_atomic(b.add(current, one), generation, "release", 8)
    b.branch(done)
    entry = b.append_basic_block("entry_wait")

    b.position_at_end(wait)
    b.branch(entry)
    b.position_at_end(entry)
    spins = b.phi(I64)
    spins.add_incoming(zero, wait)
    now = b.load_atomic(generation, "acquire", 8)
    b.cbranch(b.icmp_signed("==", now, current), spin, done)

    b.position_at_end(spin)
    _pause(b)
    following = b.add(spins, one)
    spins.add_incoming(following, spin)
    b.cbranch(b.icmp_signed("<", following, ir.Constant(I64, SPINS)), entry, tired)

    b.position_at_end(tired)
    _yield_processor(b)
    spins.add_incoming(following, tired)
    aborted = b.load_atomic(_cell(b, control, ABORT), "acquire", 8)
    b.cbranch(b.icmp_signed("==", aborted, zero), entry, done)

    b.position_at_end(done)


@intrinsic
def barrier(typingctx, control, threads):
    """Wait until all threads are here. Everything written before is seen by all after."""

    def codegen(context, b, sig, args):
        b.call(define(b.module, "barrier", [I64, I64], _barrier_body), args)
        return context.get_dummy_value()

    return types.void(types.int64, types.int64), codegen


@intrinsic
def clock(typingctx):
    """Cycles of a clock that only goes forward, or always 0 where the processor has none that is safe to read."""

    def codegen(context, b, sig, args):
        if "x86" not in (b.module.triple or ""):
            return ir.Constant(I64, 0)
        return b.call(declare(b.module, "llvm.readcyclecounter", returns=I64), [])

    return types.int64(), codegen


@inner("")
def timed_barrier(control, threads):
    """Wait for all threads; the time it took, in cycles."""
    if threads == 1:
        return 0
    start = clock()
    barrier(control, threads)
    return clock() - start


@intrinsic
def read_flag(typingctx, control, position):
    """A flag as it is now (never hoisted out of a loop)."""

    def codegen(context, b, sig, args):
        address = b.add(args[0], b.mul(args[1], ir.Constant(I64, 8)))
        return b.load_atomic(b.inttoptr(address, I64.as_pointer()), "acquire", 8)

    return types.int64(types.int64, types.int64), codegen


@intrinsic
def raise_flag(typingctx, control, position):
    def codegen(context, b, sig, args):
        address = b.add(args[0], b.mul(args[1], ir.Constant(I64, 8)))
        b.store_atomic(ir.Constant(I64, 1), b.inttoptr(address, I64.as_pointer()), "release", 8)
        return context.get_dummy_value()

    return types.void(types.int64, types.int64), codegen


@intrinsic
def take_next(typingctx, address):
    """The number at an address, which is then one more: whoever takes it has the task of that number to himself."""

    def codegen(context, b, sig, args):
        return b.atomic_rmw("add", b.inttoptr(args[0], I64.as_pointer()), ir.Constant(I64, 1), "monotonic")

    return types.int64(types.int64), codegen
