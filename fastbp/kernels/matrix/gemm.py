"""Register-tiled matrix products: C = A @ B + start, a tile of C at a time.

A tile of C lives in vector registers while a loop over K broadcasts one element of A per row and multiplies it into a few
vectors of B's row. A is read element by element, so any pair of strides serves and A.T costs nothing; B and C are read
and written whole vectors at a time, so B's columns are padded to the vector width.

B is best stored in panels, ``[columns / panel][K][panel]``: the loop over K then reads memory front to back.
"""

import math

from numba.core import cgutils

from ..simd.library import VectorFunction, call_by_code
from ..simd.machine import machine
from ..simd.vocabulary import I64
from .panels import FULL

LONG = 128  # terms of a sum from which on the loop over them outweighs a tile's beginning and end

# For each number of vectors across, the rows of a tile: of short sums and of long ones. Accumulators, a row of B and a
# broadcast must fit the registers; there must be enough sums to fill the multiply-add units' pipelines; and a tile of short
# sums should be small, for the processor begins the next one while it ends this one.
_WITH_32_REGISTERS = {1: (16, 16), 2: (6, 8), 3: (4, 8), 4: (4, 6)}
_WITH_16_REGISTERS = {1: (8, 8), 2: (6, 6)}


def tile_heights():
    """{vectors across: (rows of a tile of short sums, of long sums)} on this machine."""
    return _WITH_32_REGISTERS if machine().registers >= 32 else _WITH_16_REGISTERS


def tile_rows():
    """Rows of a tile that is as wide as a panel, of short sums."""
    return tile_heights()[FULL][0]


def _emit_tile(
    s,
    rows,
    vectors,
    A,
    a_row,
    a_k,
    B,
    b_k,
    start,
    start_row,
    C,
    c_row,
    K,
    chains=1,
    fetch=(),
    lines=None,
    ahead=(),
    ahead_A=(),
):
    """C[rows, vectors] = A @ B + start for one tile. Strides are in bytes, addresses plain integers.

    ``start`` is a row of vectors, the same for every row when ``start_row`` is 0 (a bias), or C itself (to accumulate).
    ``chains`` sums are kept for each element: a tile of few vectors alone does not fill the multiply-add unit's pipeline.
    ``fetch`` are (address, step) pairs: memory that is asked for on the way, a line of each for every k, up to ``lines``.
    ``ahead`` and ``ahead_A`` are bytes from a row of B or a column of A to what is wanted next and asked for.
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
        for place, distances in ((p, ahead), (a, ahead_A)):
            for distance in distances:
                s.prefetch(b.add(place.get(), distance), near=2)
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
CHAINS = 8  # sums that must be under way at once: two multiply-add units of latency 4
NEAR_ROWS = 128  # of the two factors of a piece of a gradient: both then stay in the first-level cache for all of its tiles


def _tiles_of(rows, vectors):
    """Some tiles of C of the same shape, one below the other."""

    def body(s, A, a_row, a_k, B, b_k, start, start_row, C, c_row, K, tiles):
        b = s.b
        a, first, c = s.variable(A), s.variable(start), s.variable(C)
        places = (a, a_row), (first, start_row), (c, c_row)
        size = vectors * s.lanes * s.itemsize
        is_panel = b.icmp_signed("==", b_k, s.index(size))
        following = b.select(is_panel, b.mul(K, s.index(size)), s.index(size))
        with s.loop(tiles) as i:
            ahead = []
            if vectors == FULL:  # each tile asks for another line of the next panel's rows
                ahead = [b.add(following, b.and_(b.mul(i, s.index(LINE)), s.index(size - 1)))]
            place_of_tile = a.get(), a_row, a_k, B, b_k, first.get(), start_row, c.get(), c_row, K
            _emit_tile(s, rows, vectors, *place_of_tile, ahead=ahead)
            for place, stride in places:
                place.set(b.add(place.get(), b.mul(stride, s.index(rows))))

    return VectorFunction(f"tiles_{rows}x{vectors}", 11, body)


def _strip(vectors):
    """A strip of C, ``vectors`` wide, in tiles that differ by one row at most: a tile of few rows would wait for its sums."""
    short, tall = tile_heights()[vectors]
    tiles = {r: _tiles_of(r, vectors) for r in range(1, max(short, tall) + 1)}

    def body(s, A, a_row, a_k, B, b_k, start, start_row, C, c_row, K, rows):
        b = s.b

        def tiles_of(most):
            return b.udiv(b.add(rows, s.index(most - 1)), s.index(most))

        count = b.select(b.icmp_signed("<", K, s.index(LONG)), tiles_of(short), tiles_of(tall))
        low = b.udiv(rows, count)
        higher = b.sub(rows, b.mul(low, count))  # so many tiles have a row more
        place = A, a_row, a_k, B, b_k, start, start_row, C, c_row, K
        with b.if_then(b.icmp_signed(">", higher, s.index(0))):
            call_by_code(s, b.add(low, s.index(1)), tiles, (*place, higher))
        done = b.mul(higher, b.add(low, s.index(1)))
        a, first, c = (b.add(at, b.mul(stride, done)) for at, stride in ((A, a_row), (start, start_row), (C, c_row)))
        call_by_code(s, low, tiles, (a, a_row, a_k, B, b_k, first, start_row, c, c_row, K, b.sub(count, higher)))

    return VectorFunction(f"strip_{vectors}", 11, body)


def _lone_row(vectors):
    """One row of C. Its sums are formed in another order than a tile's, so it must not depend on how rows are shared out."""

    def body(s, A, a_k, B, b_k, start, C, K):
        nothing = s.index(0)
        _emit_tile(s, 1, vectors, A, nothing, a_k, B, b_k, start, nothing, C, nothing, K, chains=max(1, CHAINS // vectors))

    return VectorFunction(f"lone_row_{vectors}", 7, body)


_LONE_ROWS = {v: _lone_row(v) for v in range(1, FULL + 1)}
_STRIPS = {v: _strip(v) for v in tile_heights()}


def _product(s, vectors, *arguments):
    call_by_code(s, vectors, _STRIPS, arguments)


# product(vectors, A, a_row, a_k, B, b_k, start, start_row, C, c_row, K, rows): rows and K at least 1, vectors up to a panel's.
# Overwrites the strip of C, which may be ``start``.
product = VectorFunction("product", 12, _product)


def _row_product(s, vectors, *arguments):
    call_by_code(s, vectors, _LONE_ROWS, arguments)


# row_product(vectors, A, a_k, B, b_k, start, C, K): the same for a single row.
row_product = VectorFunction("row_product", 8, _row_product)


def whole_rows(lanes):
    """Rows of a weight gradient that are updated together: whole blocks to transpose, and tiles that are about full."""
    return 16 if machine().registers >= 32 else math.lcm(tile_rows(), lanes)


def even_heights(rows, most):
    """Rows of the fewest tiles of up to ``most`` rows: they differ by one at most."""
    count = -(-rows // most)
    return [rows // count + (i < rows % count) for i in range(count)]


def _piece_product(s, A, a_k, B, b_k, start, C, K, w, state, second_state, transposed, transposed_step):
    """``whole_rows`` rows of a full panel of A.T @ B, of some rows of A and B after others: those stay in the nearest cache.

    Meanwhile what the next piece's update will touch is fetched, a part of it with each tile.
    """
    b, vectors, rows = s.b, FULL, whole_rows(s.lanes)
    size = vectors * s.lanes * s.itemsize
    row, line, none, item = s.index(size), s.index(LINE), s.index(0), s.index(s.itemsize)
    streams = [(w, line), (state, line), (second_state, line), (transposed, transposed_step)]
    heights = even_heights(rows, tile_heights()[vectors][1])
    lines_of_row = -(-size // LINE)  # of the next panel's rows: each tile asks for some of them
    with s.loop(K, step=NEAR_ROWS) as first:
        is_first, left = b.icmp_signed("==", first, none), b.sub(K, first)
        depth = b.select(b.icmp_signed("<", left, s.index(NEAR_ROWS)), left, s.index(NEAR_ROWS))
        lines = b.select(is_first, s.index(rows * size // LINE), none)
        start_row = b.select(is_first, none, row)
        a, p = b.add(A, b.mul(first, a_k)), b.add(B, b.mul(first, b_k))
        for i, height in enumerate(heights):
            above = sum(heights[:i])
            c = b.add(C, s.index(above * size))
            begin = b.select(is_first, start, c)
            part = range(i * lines_of_row // len(heights), (i + 1) * lines_of_row // len(heights))
            ahead = [s.index(size + line * LINE) for line in part]
            place = (s.offset(a, above), item, a_k, p, b_k, begin, start_row, c, row, depth)
            following = [s.index(rows * s.itemsize)] if i == 0 else []
            _emit_tile(
                s, height, vectors, *place, fetch=streams[i :: len(heights)], lines=lines, ahead=ahead, ahead_A=following
            )


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
