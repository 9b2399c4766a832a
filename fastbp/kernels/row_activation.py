"""Activations that need whole rows: softmax, its logarithm, sparsemax. Their derivatives follow from their outputs."""

from .codes import LOG_SOFTMAX, SOFTMAX, SPARSEMAX
from .math import functions as vmath
from .simd.library import VectorFunction, selects_by_code


def _softmax(s, z, z_row, rows, units):
    b = s.b
    with s.loop(rows) as r:
        row = b.add(z, b.mul(r, z_row))
        _, total = softmax_row(s, row, row, units)
        scale = s.constant(1.0) / total
        with s.loop(units, step=s.lanes) as j:
            address = s.offset(row, j)
            s.store(s.load(address) * scale, address)


def _softmax_backward(s, g, g_row, a, a_row, rows, units):
    b = s.b
    with s.loop(rows) as r:
        g_start, a_start = b.add(g, b.mul(r, g_row)), b.add(a, b.mul(r, a_row))
        dot = s.variable(s.constant(0.0))
        with s.loop(units, step=s.lanes) as j:
            dot.set(s.fma(s.load(s.offset(g_start, j)), s.load(s.offset(a_start, j)), dot.get()))
        mean = s.sum(dot.get())
        with s.loop(units, step=s.lanes) as j:
            address = s.offset(g_start, j)
            s.store(s.load(s.offset(a_start, j)) * (s.load(address) - mean), address)


def largest(s, z, units):
    """The largest number of a row, in every lane."""
    lowest = s.constant(float("-inf"))
    found = s.variable(lowest)

    def compare(j, mask):
        found.set(s.maximum(found.get(), s.keep(mask, s.load(s.offset(z, j)), lowest)))

    s.over_row(units, compare)
    return s.reduce(found.get(), s.maximum)


def softmax_row(s, z, e, units):
    """Write exp(z - max z) to e (0 in the padding; e may be z) and return (max z, sum e), each in every lane."""
    peak, total = largest(s, z, units), s.variable(s.constant(0.0))

    def add(j, mask):
        powers = s.keep(mask, vmath.exp(s, s.load(s.offset(z, j)) - peak))
        s.store(powers, s.offset(e, j))
        total.set(total.get() + powers)

    s.over_row(units, add)
    return peak, s.sum(total.get())


def _log_softmax(s, z, z_row, rows, units):
    b, lowest = s.b, s.constant(float("-inf"))
    with s.loop(rows) as r:
        row = b.add(z, b.mul(r, z_row))
        peak, total = largest(s, row, units), s.variable(s.constant(0.0))

        def add(j, mask, row=row, peak=peak, total=total):
            total.set(total.get() + vmath.exp(s, s.keep(mask, s.load(s.offset(row, j)) - peak, lowest)))

        s.over_row(units, add)
        logarithm = vmath.log(s, s.sum(total.get()))

        def write(j, mask, row=row, peak=peak, logarithm=logarithm):
            address = s.offset(row, j)
            s.store(s.keep(mask, s.load(address) - peak - logarithm), address)

        s.over_row(units, write)


def _log_softmax_backward(s, g, g_row, a, a_row, rows, units):
    b = s.b
    with s.loop(rows) as r:
        g_start, a_start = b.add(g, b.mul(r, g_row)), b.add(a, b.mul(r, a_row))
        total = s.variable(s.constant(0.0))
        with s.loop(units, step=s.lanes) as j:
            total.set(total.get() + s.load(s.offset(g_start, j)))
        total = s.sum(total.get())

        def write(j, mask, g_start=g_start, a_start=a_start, total=total):
            address = s.offset(g_start, j)
            s.store(s.keep(mask, s.load(address) - vmath.exp(s, s.load(s.offset(a_start, j))) * total), address)

        s.over_row(units, write)


def _sparsemax(s, z, z_row, rows, units):
    """max(z - t, 0) with the t for which the row's sum is 1: Newton's method from below, which ends after finitely many steps.

    Each step gives the t of the units above the last one, of which some fall away: t rises until none does (Michelot 1986).
    """
    b, lowest = s.b, s.constant(float("-inf"))
    with s.loop(rows) as r:
        row = b.add(z, b.mul(r, z_row))
        peak, t = largest(s, row, units), s.variable(s.constant(-1.0))
        again, done = b.append_basic_block("again"), b.append_basic_block("done")
        b.branch(again)
        b.position_at_end(again)
        total, count = s.variable(s.constant(0.0)), s.variable(s.constant(0.0))
        last = t.get()

        def add(j, mask, row=row, peak=peak, last=last, total=total, count=count):
            x = s.keep(mask, s.load(s.offset(row, j)) - peak, lowest)
            total.set(total.get() + s.select(x > last, x, 0.0))
            count.set(count.get() + s.select(x > last, 1.0, s.constant(0.0)))

        s.over_row(units, add)
        following = (s.sum(total.get()) - 1.0) / s.sum(count.get())
        t.set(following)
        b.cbranch(s.any(following > last), again, done)
        b.position_at_end(done)

        def write(j, mask, row=row, peak=peak, t=t):
            address = s.offset(row, j)
            s.store(s.keep(mask, s.maximum(s.constant(0.0), s.load(address) - peak - t.get())), address)

        s.over_row(units, write)


def _sparsemax_backward(s, g, g_row, a, a_row, rows, units):
    b = s.b
    with s.loop(rows) as r:
        g_start, a_start = b.add(g, b.mul(r, g_row)), b.add(a, b.mul(r, a_row))
        total, count = s.variable(s.constant(0.0)), s.variable(s.constant(0.0))
        with s.loop(units, step=s.lanes) as j:
            kept = s.load(s.offset(a_start, j)) > 0.0
            total.set(total.get() + s.select(kept, s.load(s.offset(g_start, j)), 0.0))
            count.set(count.get() + s.select(kept, 1.0, s.constant(0.0)))
        mean = s.sum(total.get()) / s.sum(count.get())
        with s.loop(units, step=s.lanes) as j:
            address = s.offset(g_start, j)
            s.store(s.select(s.load(s.offset(a_start, j)) > 0.0, s.load(address) - mean, 0.0), address)


# softmax(z, z_row, rows, units): z becomes probabilities, 0 in the padding.
softmax = VectorFunction("softmax", 4, _softmax)

# softmax_backward(g, g_row, a, a_row, rows, units): from dL/da to dL/dz, in place.
softmax_backward = VectorFunction("softmax_backward", 6, _softmax_backward)

ACTIVATE = {
    SOFTMAX: softmax,
    LOG_SOFTMAX: VectorFunction("log_softmax", 4, _log_softmax),
    SPARSEMAX: VectorFunction("sparsemax", 4, _sparsemax),
}
DIFFERENTIATE = {
    SOFTMAX: softmax_backward,
    LOG_SOFTMAX: VectorFunction("log_softmax_backward", 6, _log_softmax_backward),
    SPARSEMAX: VectorFunction("sparsemax_backward", 6, _sparsemax_backward),
}

# activate_rows(code, z, z_row, rows, units): z becomes the activation, 0 in the padding.
activate_rows = selects_by_code("activate_rows", ACTIVATE)

# differentiate_rows(code, g, g_row, a, a_row, rows, units): from dL/da to dL/dz, in place; ``a`` is the output.
differentiate_rows = selects_by_code("differentiate_rows", DIFFERENTIATE)
