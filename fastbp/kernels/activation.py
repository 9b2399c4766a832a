"""Activations of each unit and their derivatives over a tile of rows.

An activation whose derivative follows from its output (tanh, sigmoid, the relus) is differentiated from the output.
The others store the derivative while the pre-activation is at hand. Either way the backward pass multiplies the incoming
gradient by something read from one array: the output, or the stored derivative.
"""

from llvmlite import ir
from numba.core import cgutils

from .codes import (
    CUSTOM_ACTIVATION,
    ELU,
    GELU,
    GELU_TANH,
    LEAKY_RELU,
    RELU,
    SELU,
    SELU_ALPHA,
    SELU_SCALE,
    SIGMOID,
    SILU,
    SOFTPLUS,
    TANH,
)
from .math import functions as vmath
from .simd.element_types import I64
from .simd.library import VectorFunction, calls_address, selects_by_code
from .simd.machine import machine

# code: (s, z, alpha) -> a. ``z + 0.0`` for z: what is loaded, selected and stored again in its place LLVM takes for a masked
# store, which some processors are slow at.
VALUES = {
    RELU: lambda s, z, alpha: s.maximum(s.constant(0.0), z + 0.0),  # in this order NaN passes through
    LEAKY_RELU: lambda s, z, alpha: s.select(z < 0.0, alpha * z, z + 0.0),
    ELU: lambda s, z, alpha: s.select(z > 0.0, z, alpha * vmath.expm1(s, s.minimum(s.constant(0.0), z))),
    SELU: lambda s, z, alpha: SELU_SCALE * s.select(z > 0.0, z, SELU_ALPHA * vmath.expm1(s, s.minimum(s.constant(0.0), z))),
    TANH: lambda s, z, alpha: vmath.tanh(s, z),
    SIGMOID: lambda s, z, alpha: vmath.sigmoid(s, z),
    SOFTPLUS: lambda s, z, alpha: vmath.softplus(s, z),
    SILU: lambda s, z, alpha: vmath.silu(s, z),
    GELU: lambda s, z, alpha: vmath.gelu(s, z),
    GELU_TANH: lambda s, z, alpha: vmath.gelu_tanh(s, z),
}

# code: (s, z) -> (a, da/dz), for the derivatives that are stored
PAIRS = {
    SOFTPLUS: vmath.softplus_pair,
    SILU: vmath.silu_pair,
    GELU: vmath.gelu_pair,
    GELU_TANH: vmath.gelu_tanh_pair,
}

# code: the two halves of a value. A processor overlaps many short chains of instructions better than few long ones.
STAGES = {TANH: (vmath.tanh_start, vmath.tanh_end)}

# Activations whose derivative is stored in the forward pass.
STORES_DERIVATIVE = {*PAIRS, CUSTOM_ACTIVATION}

# code: (s, a, alpha) -> da/dz from the output a
DERIVATIVES = {
    RELU: lambda s, a, alpha: s.select(a > 0.0, 1.0, s.constant(0.0)),
    LEAKY_RELU: lambda s, a, alpha: s.select(a > 0.0, 1.0, alpha),
    ELU: lambda s, a, alpha: s.select(a > 0.0, 1.0, a + alpha),
    SELU: lambda s, a, alpha: s.select(a > 0.0, SELU_SCALE, a + SELU_SCALE * SELU_ALPHA),
    TANH: lambda s, a, alpha: s.fma(-a, a, s.constant(1.0)),
    SIGMOID: lambda s, a, alpha: a - a * a,
}


def over_tile(s, rows, vectors, addresses_and_strides, inner):
    """Call ``inner(address, ...)`` at every vector of a tile, one address for each (address, row stride) pair.

    A column of vectors at a time: the tile is in cache, and a loop over many rows costs less than many over few vectors.
    """
    b = s.b
    with s.loop(vectors) as j:
        shift = b.mul(j, s.index(s.lanes * s.itemsize))
        places = [(s.variable(b.add(address, shift)), stride) for address, stride in addresses_and_strides]
        with s.loop(rows):
            inner(*[place.get() for place, _ in places])
            for place, stride in places:
                place.set(b.add(place.get(), stride))


STAGED = 16  # vectors that go through one stage and then through the next, by way of memory
TOGETHER = (8, 4, 1)  # vectors that do so in registers, where there are 32: as many as are left fill


def in_stages(s, rows, vectors, z, z_row, start, end):
    """z becomes end(z, *start(z)), in place, some vectors at a time through each of the two."""
    b, size = s.b, s.index(s.lanes * s.itemsize)
    is_row = b.icmp_signed("==", rows, s.index(1))  # its vectors are then the rows
    rows, vectors = b.select(is_row, vectors, rows), b.select(is_row, s.index(1), vectors)
    z_row = b.select(is_row, size, z_row)
    with s.loop(vectors) as j:
        column = b.add(z, b.mul(j, size))
        if machine().registers >= 32:
            _stages_in_registers(s, rows, column, z_row, start, end)
        else:
            _stages_in_memory(s, rows, column, z_row, start, end)


def _stages_in_registers(s, rows, column, z_row, start, end):
    b, top, left = s.b, s.variable(column), rows
    for count in TOGETHER:
        whole = b.sub(left, b.srem(left, s.index(count)))
        with s.loop(whole, step=count):
            places = [b.add(top.get(), b.mul(s.index(k), z_row)) for k in range(count)]
            x = [s.load(place) for place in places]
            halves = [start(s, value) for value in x]
            for value, half, place in zip(x, halves, places, strict=True):
                s.store(end(s, value, *half), place)
            top.set(b.add(top.get(), b.mul(s.index(count), z_row)))
        left = b.sub(left, whole)


def _stages_in_memory(s, rows, column, z_row, start, end):
    b, size = s.b, s.lanes * s.itemsize
    spare = cgutils.alloca_once(b, ir.ArrayType(s.vector, 2 * STAGED))
    spare.align = size
    kept = b.ptrtoint(spare, I64)
    with s.loop(rows, step=STAGED) as first:
        left = b.sub(rows, first)
        count = b.select(b.icmp_signed("<", left, s.index(STAGED)), left, s.index(STAGED))
        top = b.add(column, b.mul(first, z_row))
        with s.loop(count) as k:
            address, halves = b.add(kept, b.mul(k, s.index(2 * size))), start(s, s.load(b.add(top, b.mul(k, z_row))))
            s.store(halves[0], address)
            s.store(halves[1], b.add(address, s.index(size)))
        with s.loop(count) as k:
            address, place = b.add(kept, b.mul(k, s.index(2 * size))), b.add(top, b.mul(k, z_row))
            s.store(end(s, s.load(place), s.load(address), s.load(b.add(address, s.index(size)))), place)


def spread_bits(s, bits):
    """A float64 that travelled as an integer, in every lane."""
    value = s.b.bitcast(bits, ir.DoubleType())
    return s.broadcast(value if s.dtype == "float64" else s.b.fptrunc(value, s.element))


def _activate_as(code):
    """z becomes a, in place; the derivative is stored at d for the codes in PAIRS, unless d is 0."""

    def body(s, alpha, z, z_row, d, d_row, rows, vectors):
        alpha = spread_bits(s, alpha)

        def value(address):
            s.store(VALUES[code](s, s.load(address), alpha), address)

        def pair(address, d_address):
            a, derivative = PAIRS[code](s, s.load(address))
            s.store(a, address)
            s.store(derivative, d_address)

        if code in STAGES:
            in_stages(s, rows, vectors, z, z_row, *STAGES[code])
            return
        if code not in PAIRS:
            over_tile(s, rows, vectors, [(z, z_row)], value)
            return
        with s.b.if_else(s.b.icmp_signed("!=", d, s.index(0))) as (training, predicting):
            with training:
                over_tile(s, rows, vectors, [(z, z_row), (d, d_row)], pair)
            with predicting:
                over_tile(s, rows, vectors, [(z, z_row)], value)

    return VectorFunction(f"activate_{code}", 7, body)


def times_derivative(s, code, alpha, g, a):
    """``g``, the gradient with respect to a, as that with respect to z; ``a`` is the derivative itself where that is stored."""
    product = g * (DERIVATIVES[code](s, a, alpha) if code in DERIVATIVES else a)
    if code == CUSTOM_ACTIVATION:  # what a formula gives for the padding need not be finite
        product = s.select(g.equals(0.0), 0.0, product)
    return product


def for_derivatives(make):
    """What ``make(code)`` gives for each activation's derivative, by code; all that is stored is multiplied alike."""
    made = {code: make(code) for code in (*DERIVATIVES, CUSTOM_ACTIVATION)}
    return made | dict.fromkeys(PAIRS, make("stored"))


def _differentiate_as(code):
    """g, the gradient with respect to a, becomes the gradient with respect to z, in place."""

    def body(s, alpha, g, g_row, a, a_row, rows, vectors):
        alpha = spread_bits(s, alpha)

        def inner(g_address, a_address):
            a = s.load(a_address)
            s.store(times_derivative(s, code, alpha, s.load(g_address), a), g_address)

        over_tile(s, rows, vectors, [(g, g_row), (a, a_row)], inner)

    return VectorFunction(f"differentiate_{code}", 7, body)


_ACTIVATE = {code: _activate_as(code) for code in VALUES}
_ACTIVATE[CUSTOM_ACTIVATION] = calls_address("activate_custom", 7, 0)


# activate(code, alpha, z, z_row, d, d_row, rows, vectors): overwrites z, and d if it is not 0.
activate = selects_by_code("activate", _ACTIVATE)

# differentiate(code, alpha, g, g_row, a, a_row, rows, vectors): overwrites g. ``a`` is the layer's output, or the stored
# derivative for the codes in STORES_DERIVATIVE.
differentiate = selects_by_code("differentiate", for_derivatives(_differentiate_as))
