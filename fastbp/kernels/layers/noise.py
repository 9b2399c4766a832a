"""Layers that are random while a network learns: Dropout, GaussianNoise, GaussianDropout and AlphaDropout.

Nothing is stored: a unit's random number follows from the key of the step, the layer's seed, the sample's place in the batch
and the unit's number (unit_noise.py), and going back it is computed again. Only Dropout need not: what it drops is 0.0 in its
output, and what it keeps is not, since a zero that is kept becomes -0.0. Plans that do not learn leave these layers out.
Their activation is linear: their pre-activation, with respect to which DELTA is the gradient, is their output.
"""

from numba import types

from .. import fields as at
from .. import memory
from ..activation import for_derivatives, spread_bits, times_derivative
from ..codes import LINEAR
from ..memory import double_bits, read_double, read_int
from ..random import mix
from ..simd.jit import inner
from ..simd.library import VectorFunction, selects_by_code
from ..simd.machine import machine
from ..unit_noise import UnitNoise

RANGE = 2.0**32  # how many values a unit's bits have


def _move(s, source, target, j, mask, value):
    """The vector at unit j of ``target`` becomes ``value`` of that of ``source``, whose padding is not read."""
    s.store(s.keep(mask, value(s.load_some(s.offset(source, j), mask))), s.offset(target, j))


def _over_units(s, key, place, source, source_row, target, target_row, rows, units, value):
    """Rows of ``target`` become ``value(bits, x)`` of those of ``source``."""
    b = s.b
    with s.loop(rows) as r:
        noise = UnitNoise(s, key, b.add(place, r))
        start, end = b.add(source, b.mul(r, source_row)), b.add(target, b.mul(r, target_row))

        def vector(j, mask, noise=noise, start=start, end=end):
            bits = noise.bits()
            _move(s, start, end, j, mask, lambda x: value(bits, x))

        s.over_row(units, vector)


def _over_pairs(s, key, place, source, source_row, target, target_row, rows, units, value):
    """Rows of ``target`` become ``value(normal, x)`` of those of ``source``: two samples share two normal numbers."""
    b, one = s.b, s.index(1)
    stop = b.ashr(b.add(b.add(place, rows), one), one)
    with s.loop(stop, start=b.ashr(place, one)) as pair:
        noise, even = UnitNoise(s, key, pair), b.sub(b.shl(pair, one), place)
        members = []
        for r in (even, b.add(even, one)):
            is_there = b.and_(b.icmp_signed(">=", r, s.index(0)), b.icmp_signed("<", r, rows))
            members.append((is_there, b.add(source, b.mul(r, source_row)), b.add(target, b.mul(r, target_row))))

        def vector(j, mask, noise=noise, members=members):
            for (is_there, start, end), normal in zip(members, noise.normals(), strict=True):
                with b.if_then(is_there, likely=True):
                    _move(s, start, end, j, mask, lambda x, normal=normal: value(normal, x))

        s.over_row(units, vector)


def _over_vectors(s, rows, vectors, addresses_and_strides, inner):
    """Call ``inner(address, ...)`` at every vector of some arrays, row by row.

    Columns of several arrays, as ``over_tile`` takes them, would fall on the same few sets of the nearest cache.
    """
    b = s.b
    with s.loop(rows) as r:
        starts = [b.add(address, b.mul(r, stride)) for address, stride in addresses_and_strides]
        with s.loop(vectors) as j:
            shift = b.mul(j, s.index(s.lanes * s.itemsize))
            inner(*[b.add(start, shift) for start in starts])


def _drop(s, *arguments):
    *tile, threshold, scale, offset, dropped = arguments
    scale, offset, dropped = (spread_bits(s, bits) for bits in (scale, offset, dropped))
    minus_scale, minus_offset = -scale, -offset

    def value(bits, x):
        kept = -s.fma(x, minus_scale, minus_offset)  # with an offset of -0.0 never 0.0, but -0.0
        return s.select(bits > bits.s.broadcast(s.b.trunc(threshold, bits.s.integer)), kept, dropped)

    _over_units(s, *tile, value)


def _add_normal(s, *arguments):
    *tile, deviation = arguments
    deviation = spread_bits(s, deviation)
    _over_pairs(s, *tile, lambda normal, x: s.fma(normal, deviation, x))


def _multiply_normal(s, *arguments):
    *tile, deviation = arguments
    deviation = spread_bits(s, deviation)
    _over_pairs(s, *tile, lambda normal, x: s.fma(normal, deviation, s.constant(1.0)) * x)


def _drop_backward_as(code):
    """``target`` becomes scale g, but 0 where the output d is 0.0, times the derivative of the layer below by its output a."""

    def body(s, alpha, scale, g, g_row, d, d_row, a, a_row, target, target_row, rows, vectors):
        alpha, scale = spread_bits(s, alpha), spread_bits(s, scale)

        def value(g_address, d_address, a_address, address):
            dropped = s.bits_of(s.load(d_address)).equals(0)
            kept = s.select(dropped, 0.0, scale * s.load(g_address))
            s.store(kept if code == LINEAR else times_derivative(s, code, alpha, kept, s.load(a_address)), address)

        _over_vectors(s, rows, vectors, [(g, g_row), (d, d_row), (a, a_row), (target, target_row)], value)

    return VectorFunction(f"drop_backward_{code}", 12, body)


# Each begins with (key, place, source, source_row, target, target_row, rows, units): ``place`` is that of the first sample.

# drop(..., threshold, scale, offset, dropped): scale x + offset where a unit's bits are above the threshold, else ``dropped``.
drop = VectorFunction("drop", 12, _drop)

# drop_backward(code, alpha, scale, g, g_row, d, d_row, a, a_row, target, target_row, rows, vectors): ``code`` and ``a`` as in
# ``differentiate`` of activation.py, or LINEAR.
drop_backward = selects_by_code("drop_backward", {LINEAR: _drop_backward_as(LINEAR), **for_derivatives(_drop_backward_as)})

# add_normal(..., deviation): x + deviation z with z from the standard normal distribution.
add_normal = VectorFunction("add_normal", 9, _add_normal)

# multiply_normal(..., deviation): x (1 + deviation z).
multiply_normal = VectorFunction("multiply_normal", 9, _multiply_normal)


def make_noise(dtype, differentiate_strip, close_rows):
    """The functions (forward, backward) for one element type."""
    drop_units, pass_kept = drop(dtype), drop_backward(dtype)
    add_noise, multiply_noise, copy_rows = add_normal(dtype), multiply_normal(dtype), memory.copy_rows(dtype)
    LANES = machine().lanes(dtype)

    @inner(dtype)
    def layer_key(plan, layer):
        return types.int64(mix(types.uint64(read_int(plan, at.NOISE_KEY)) + types.uint64(read_int(layer, at.SEED))))

    @inner(dtype)
    def threshold(rate):
        """The integer that a unit's bits, taken with a sign, are above with probability 1 - rate."""
        return types.int64(min(max(rate * RANGE + 0.5, 1.0), RANGE - 1.0)) - types.int64(RANGE / 2) - 1

    @inner(dtype)
    def forward(plan, layer, shift, source, source_row, first, last, sample):
        """Rows first .. last of OUTPUT: ``source`` with noise."""
        kind, key, place = read_int(layer, at.KIND), layer_key(plan, layer), sample % read_int(plan, at.BATCH)
        row, rows, units = read_int(layer, at.OUTPUT_ROW), last - first, read_int(layer, at.UNITS_OUT)
        source, output = source + first * source_row, read_int(layer, at.OUTPUT) + shift + first * row
        setting, scale = read_double(layer, at.SETTING_0), read_int(layer, at.SETTING_1)
        if kind == at.GAUSSIAN_NOISE:
            add_noise(key, place, source, source_row, output, row, rows, units, double_bits(setting))
        elif kind == at.GAUSSIAN_DROPOUT:
            multiply_noise(key, place, source, source_row, output, row, rows, units, double_bits(setting))
        else:
            offset = -0.0 if kind == at.DROPOUT else read_double(layer, at.SETTING_2)
            dropped = offset - offset / setting  # what is added is 0 in the mean
            limit = threshold(setting)
            drop_units(
                *(key, place, source, source_row, output, row, rows, units),
                *(limit, scale, double_bits(offset), double_bits(dropped)),
            )

    @inner(dtype)
    def backward(plan, layer, below, shift, first, last, sample):
        """Rows first .. last of the DELTA of the layer below, by the same random numbers."""
        kind, key, place = read_int(layer, at.KIND), layer_key(plan, layer), sample % read_int(plan, at.BATCH)
        row, target_row = read_int(layer, at.DELTA_ROW), read_int(below, at.DELTA_ROW)
        rows, units, vectors = last - first, read_int(layer, at.UNITS_OUT), read_int(layer, at.VECTORS_OUT)
        delta = read_int(layer, at.DELTA) + shift + first * row
        target = read_int(below, at.DELTA) + shift + first * target_row
        setting, scale = read_double(layer, at.SETTING_0), read_int(layer, at.SETTING_1)
        if kind == at.GAUSSIAN_NOISE:
            copy_rows(delta, row, 0, target, target_row, rows, LANES * vectors)
        elif kind == at.GAUSSIAN_DROPOUT:
            multiply_noise(key, place, delta, row, target, target_row, rows, units, double_bits(setting))
        elif kind == at.DROPOUT:
            output_row, a_row = read_int(layer, at.OUTPUT_ROW), read_int(below, at.OUTPUT_ROW)
            output = read_int(layer, at.OUTPUT) + shift + first * output_row
            derivative = read_int(below, at.DERIVATIVE)
            a = (derivative if derivative else read_int(below, at.OUTPUT)) + shift + first * a_row
            at_once = read_int(below, at.KIND) != at.WHOLE_ROWS and not read_int(below, at.ACTIVITY)
            code = read_int(below, at.ACTIVATION) if at_once else LINEAR
            alpha = read_int(below, at.ALPHA)
            pass_kept(code, alpha, scale, delta, row, output, output_row, a, a_row, target, target_row, rows, vectors)
            if at_once:
                return
        else:
            drop_units(key, place, delta, row, target, target_row, rows, units, threshold(setting), scale, 0, 0)
        differentiate_strip(below, shift, 0, first, last, vectors)
        close_rows(below, shift, first, last)

    return forward, backward
