"""Register-tiled matrix products: C = A @ B + start, a tile of C at a time.

A tile of C lives in vector registers while a loop over K broadcasts one element of A per row and multiplies it into a few
vectors of B's row. A is read element by element, so any pair of strides serves and A.T costs nothing; B and C are read
and written whole vectors at a time, so B's columns are padded to the vector width.

B is best stored in panels, ``[columns / panel][K][panel]``: the loop over K then reads memory front to back.
"""

import math

from llvmlite import ir
from numba.core import cgutils

from .library import VectorFunction, call_by_code
from .machine import machine
from .simd import I64, Simd


def tile_shape():
    """(rows, vectors) of the largest tile: accumulators, one row of B and one broadcast must fit the registers."""
    return (8, 3) if machine().registers >= 32 else (6, 2)


def _emit_tile(
    s, rows, vectors, A, a_row, a_k, B, b_k, start, start_row, C, c_row, K, chains=1, fetch=(), lines=None, ahead=None
):
    """C[rows, vectors] = A @ B + start for one tile. Strides are in bytes, addresses plain integers.

    ``start`` is a row of vectors, the same for every row when ``start_row`` is 0 (a bias), or C itself (to accumulate).
    ``chains`` sums are kept for each element: a tile of few vectors alone does not fill the multiply-add unit's pipeline.
    ``fetch`` are (address, step) pairs: memory that is asked for on the way, a line of each for every k, up to ``lines``.
    ``ahead`` are the bytes from a row of B to that of the panel after this one, which is asked for too.
    """
    b, width = s.b, s.lanes * s.itemsize
    tile = [(r, j) for r in range(rows) for j in range(vectors)]

    def corner(base, row_stride, r, j):
        return b.add(b.add(base, b.mul(row_stride, s.index(r))), s.index(width * j))

    sums = [{(r, j): s.variable(s.load(corner(start, start_row, r, j))) for r, j in tile}]
    sums += [{at: s.variable(s.constant(0.0)) for at in tile} for _ in range(chains - 1)]
    a, p = s.variable(A), s.variable(B)

    def multiply_row(sum_of):
        columns = [s.load(b.add(p.get(), s.index(width * j))) for j in range(vectors)]
        for r in range(rows):
            element = s.load_spread(b.add(a.get(), b.mul(a_row, s.index(r))))
            for j in range(vectors):
                sum_of[r, j].set(s.fma(element, columns[j], sum_of[r, j].get()))
        if ahead is not None:
            s.prefetch(b.add(p.get(), ahead), near=2)
        a.set(b.add(a.get(), a_k))
        p.set(b.add(p.get(), b_k))

    if fetch:
        few = b.select(b.icmp_signed("<", K, lines), K, lines)
        with s.loop(few) as k:
            for address, step in fetch:
                s.prefetch(b.add(address, b.mul(k, step)), write=1)
            multiply_row(sums[0])
        with s.loop(K, start=few):
            multiply_row(sums[0])
    elif chains == 1:
        with s.loop(K):
            multiply_row(sums[0])
    else:
        whole = b.sub(K, b.srem(K, s.index(chains)))
        with s.loop(whole, step=chains):
            for chain in sums:
                multiply_row(chain)
        with s.loop(K, start=whole):
            multiply_row(sums[0])
    for r, j in tile:
        total = sums[0][r, j].get()
        for chain in sums[1:]:
            total = total + chain[r, j].get()
        s.store(total, corner(C, c_row, r, j))


LINE = 64  # bytes of a cache line
NEAR_ROWS = 128  # of the two factors of a piece of a gradient: both then stay in the first-level cache for all of its tiles
HALF = 0  # in place of a number of vectors: half of one


def _width(s, vectors):
    """(Simd, vectors) for a strip: half a vector is a whole one of a narrower machine."""
    return (Simd(s.b, s.dtype, s.lanes // 2), 1) if vectors == HALF else (s, vectors)


def _fixed_tile(rows, vectors):
    def body(s, *arguments):
        narrowed, width = _width(s, vectors)
        _emit_tile(narrowed, rows, width, *arguments)

    return VectorFunction(f"tile_{rows}x{vectors}", 10, body)


CHAINS = 8  # sums that must be under way at once: two multiply-add units of latency 4


def strip_height(vectors):
    """Rows of the tiles of a strip. One of a single vector takes as many as fill the pipeline."""
    return max(tile_shape()[0], CHAINS) if vectors <= 1 else tile_shape()[0]


def _fixed_strip(vectors):
    """A strip of C, ``vectors`` wide: as many of its largest tiles as fit, and one tile for the rows that are left."""
    most = strip_height(vectors)
    remainders = {r: _fixed_tile(r, vectors) for r in range(1, most)}

    def body(s, A, a_row, a_k, B, b_k, start, start_row, C, c_row, K, rows):
        b, (narrowed, width) = s.b, _width(s, vectors)
        a, first, c = s.variable(A), s.variable(start), s.variable(C)
        left = b.srem(rows, s.index(most))
        size = s.index(vectors * s.lanes * s.itemsize)
        ahead = b.select(b.icmp_signed("==", b_k, size), b.mul(K, size), size) if vectors == tile_shape()[1] else None
        with s.loop(b.sub(rows, left), step=most):
            place_of_tile = (a.get(), a_row, a_k, B, b_k, first.get(), start_row, c.get(), c_row, K)
            _emit_tile(narrowed, most, width, *place_of_tile, ahead=ahead)
            for place, stride in ((a, a_row), (first, start_row), (c, c_row)):
                place.set(b.add(place.get(), b.mul(stride, s.index(most))))
        rest = (a.get(), a_row, a_k, B, b_k, first.get(), start_row, c.get(), c_row, K)
        call_by_code(s, left, remainders, rest)

    return VectorFunction(f"strip_{vectors}", 11, body)


def _lone_row(vectors):
    """One row of C. Its sums are formed in another order than a tile's, so it must not depend on how rows are shared out."""

    def body(s, A, a_k, B, b_k, start, C, K):
        nothing = s.index(0)
        _emit_tile(s, 1, vectors, A, nothing, a_k, B, b_k, start, nothing, C, nothing, K, chains=max(1, 4 // vectors))

    return VectorFunction(f"lone_row_{vectors}", 7, body)


_LONE_ROWS = {v: _lone_row(v) for v in range(1, tile_shape()[1] + 1)}
_STRIPS = {v: _fixed_strip(v) for v in range(HALF, tile_shape()[1] + 1)}


def _product(s, vectors, *arguments):
    call_by_code(s, vectors, _STRIPS, arguments)


# product(vectors, A, a_row, a_k, B, b_k, start, start_row, C, c_row, K, rows): any rows, vectors up to a panel's or HALF,
# K at least 1. Overwrites the strip of C, which may be ``start``.
product = VectorFunction("product", 12, _product)


def _row_product(s, vectors, *arguments):
    call_by_code(s, vectors, _LONE_ROWS, arguments)


# row_product(vectors, A, a_k, B, b_k, start, C, K): the same for a single row.
row_product = VectorFunction("row_product", 8, _row_product)


def whole_rows(lanes):
    """Rows of a weight gradient that are updated together: whole tiles, and whole blocks to transpose."""
    return math.lcm(tile_shape()[0], lanes)


def _piece_product(s, A, a_k, B, b_k, start, C, K, w, state, second_state, transposed, transposed_step):
    """``whole_rows`` rows of a full panel of A.T @ B, of some rows of A and B after others: those stay in the nearest cache.

    Meanwhile what the next piece's update will touch is fetched, a part of it with each tile.
    """
    b, (most, vectors), rows = s.b, tile_shape(), whole_rows(s.lanes)
    size = vectors * s.lanes * s.itemsize
    row, line, none, item = s.index(size), s.index(LINE), s.index(0), s.index(s.itemsize)
    streams = [(w, line), (state, line), (second_state, line), (transposed, transposed_step)]
    tiles = rows // most
    with s.loop(K, step=NEAR_ROWS) as first:
        is_first, left = b.icmp_signed("==", first, none), b.sub(K, first)
        depth = b.select(b.icmp_signed("<", left, s.index(NEAR_ROWS)), left, s.index(NEAR_ROWS))
        lines = b.select(is_first, s.index(rows * size // LINE), none)
        start_row = b.select(is_first, none, row)
        a, p = b.add(A, b.mul(first, a_k)), b.add(B, b.mul(first, b_k))
        for i in range(tiles):
            c = b.add(C, s.index(i * most * size))
            begin = b.select(is_first, start, c)
            ahead = row if i == tiles - 1 else None
            place = (s.offset(a, i * most), item, a_k, p, b_k, begin, start_row, c, row, depth)
            _emit_tile(s, most, vectors, *place, fetch=streams[i::tiles], lines=lines, ahead=ahead)


# piece_product(A, a_k, B, b_k, start, C, K, w, state, second_state, transposed, transposed_step): overwrites C.
piece_product = VectorFunction("piece_product", 12, _piece_product)


def _transpose(s, source, source_row, target, target_row, rows, columns):
    """A square block, one vector a side, from rows to columns.

    Rows of the source from ``rows`` on count as zeros; rows of the target from ``columns`` on are not written.
    """
    b = s.b
    n = s.lanes
    spare = cgutils.alloca_once(b, s.vector)
    spare.align = s.itemsize * n
    b.store(s.constant(0.0).value, spare)
    nothing = b.ptrtoint(spare, I64)

    def pick(i, count, address):
        return b.select(b.icmp_signed("<", s.index(i), count), address, nothing)

    x = [s.load(pick(i, rows, b.add(source, b.mul(source_row, s.index(i))))) for i in range(n)]
    half = n // 2
    while half:  # swap ever smaller blocks across the diagonal
        y = list(x)
        for i in range(n):
            if i & half:
                continue
            low = [(lane & ~half) + (n if lane & half else 0) for lane in range(n)]
            high = [(lane | half) + (n if lane & half else 0) for lane in range(n)]
            y[i] = s.shuffle(x[i], x[i | half], low)
            y[i | half] = s.shuffle(x[i], x[i | half], high)
        x = y
        half //= 2
    for i in range(n):
        s.store(x[i], pick(i, columns, b.add(target, b.mul(target_row, s.index(i)))))


# transpose(source, source_row, target, target_row, rows, columns)
transpose = VectorFunction("transpose", 6, _transpose)


def _dot_rows(s, source, source_row, transposed, units_in, units_out, bias, z, z_row, rows):
    """z = source @ W + bias for a layer of very few units, as one dot product for each row and unit.

    ``transposed`` are the panels of W.T, so both factors are read along the vector. Overwrites one vector of each row of z.
    """
    b, width = s.b, s.lanes * s.itemsize
    panel = tile_shape()[1] * s.lanes
    lanes = ir.Constant(ir.VectorType(I64, s.lanes), list(range(s.lanes)))
    with s.loop(rows) as r:
        start = b.add(source, b.mul(r, source_row))
        row = s.variable(s.load(bias))
        with s.loop(units_out) as n:
            total = s.variable(s.constant(0.0))
            with s.loop(units_in, step=panel) as first:
                left = b.sub(units_in, first)
                vectors = b.sdiv(b.add(left, s.index(s.lanes - 1)), s.index(s.lanes))
                vectors = b.select(b.icmp_signed("<", vectors, s.index(tile_shape()[1])), vectors, s.index(tile_shape()[1]))
                weights = b.add(s.offset(transposed, b.mul(first, units_out)), b.mul(b.mul(n, vectors), s.index(width)))
                with s.loop(vectors) as v:
                    k = b.mul(v, s.index(s.lanes))
                    mask = s.first_lanes(b.sub(left, k))
                    values = s.load_masked(s.offset(start, b.add(first, k)), mask)
                    total.set(s.fma(values, s.load(s.offset(weights, k)), total.get()))
            this = s.wrap(b.icmp_signed("==", lanes, s.broadcast(n).value))
            row.set(row.get() + s.select(this, s.sum(total.get()), s.constant(0.0)))
        s.store(row.get(), b.add(z, b.mul(r, z_row)))


# dot_rows(source, source_row, transposed, units_in, units_out, bias, z, z_row, rows): units_out up to a vector's lanes.
dot_rows = VectorFunction("dot_rows", 9, _dot_rows)
