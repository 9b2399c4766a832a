"""Register-tiled matrix products: C = A @ B + start, a tile of C at a time.

A tile of C lives in vector registers while a loop over K broadcasts one element of A per row and multiplies it into a few
vectors of B's row. A is read element by element, so any pair of strides serves and A.T costs nothing; B and C are read
and written whole vectors at a time, so B's columns are padded to the vector width.

B is best stored in panels, ``[columns / panel][K][panel]``: the loop over K then reads memory front to back.
"""

from ..simd.library import VectorFunction, call_by_code, selects_by_code
from .panels import PANEL_VECTORS
from .tile import LINE, Operands, Prefetch, emit_tile, tile_heights

LONG = 128  # terms of a sum from which on the loop over them outweighs a tile's beginning and end
CHAINS = 8  # sums that must be under way at once: two multiply-add units of latency 4


def _tiles_of(rows, vectors):
    """Some tiles of C of the same shape, one below the other."""

    def body(s, *arguments):
        *places, tiles = arguments
        operands = Operands(*places)
        b, K, b_k = s.b, operands.K, operands.b_k
        a, first, c = s.variable(operands.A), s.variable(operands.start), s.variable(operands.C)
        strides = (a, operands.a_row), (first, operands.start_row), (c, operands.c_row)
        size = vectors * s.lanes * s.itemsize
        is_panel = b.icmp_signed("==", b_k, s.index(size))
        following = b.select(is_panel, b.mul(K, s.index(size)), s.index(size))
        with s.loop(tiles) as i:
            ahead = []
            if vectors == PANEL_VECTORS:  # each tile asks for another line of the next panel's rows
                ahead = [b.add(following, b.and_(b.mul(i, s.index(LINE)), s.index(size - 1)))]
            of_tile = operands._replace(A=a.get(), start=first.get(), C=c.get())
            emit_tile(s, rows, vectors, of_tile, Prefetch(ahead_B=ahead))
            for place, stride in strides:
                place.set(b.add(place.get(), b.mul(stride, s.index(rows))))

    return VectorFunction(f"tiles_{rows}x{vectors}", 11, body)


def _strip(vectors):
    """A strip of C, ``vectors`` wide, in tiles that differ by one row at most: a tile of few rows would wait for its sums."""
    short, tall = tile_heights()[vectors]
    tiles = {r: _tiles_of(r, vectors) for r in range(1, max(short, tall) + 1)}

    def body(s, *arguments):
        *places, rows = arguments
        operands = Operands(*places)
        b = s.b

        def tiles_of(height):
            return b.udiv(b.add(rows, s.index(height - 1)), s.index(height))

        with b.if_then(b.icmp_signed("<=", rows, s.index(min(short, tall)))):  # a single tile: no need to divide
            call_by_code(s, rows, tiles, (*operands, s.index(1)))
            b.ret_void()
        count = b.select(b.icmp_signed("<", operands.K, s.index(LONG)), tiles_of(short), tiles_of(tall))
        low = b.udiv(rows, count)
        higher = b.sub(rows, b.mul(low, count))  # so many tiles have a row more
        with b.if_then(b.icmp_signed(">", higher, s.index(0))):
            call_by_code(s, b.add(low, s.index(1)), tiles, (*operands, higher))
        done = b.mul(higher, b.add(low, s.index(1)))
        call_by_code(s, low, tiles, (*operands.below(s, done), b.sub(count, higher)))

    return VectorFunction(f"strip_{vectors}", 11, body, calls=tiles.values())


def _single_row(vectors):
    """One row of C. Its sums are formed in another order than a tile's, so it must not depend on the partition of the rows."""

    def body(s, A, a_k, B, b_k, start, C, K):
        none = s.index(0)
        operands = Operands(A, none, a_k, B, b_k, start, none, C, none, K)
        emit_tile(s, 1, vectors, operands, chains=max(1, CHAINS // vectors))

    return VectorFunction(f"single_row_{vectors}", 7, body)


_SINGLE_ROWS = {v: _single_row(v) for v in range(1, PANEL_VECTORS + 1)}
_STRIPS = {v: _strip(v) for v in tile_heights()}

# product(vectors, A, a_row, a_k, B, b_k, start, start_row, C, c_row, K, rows): rows and K at least 1, vectors up to a panel's.
# Overwrites the strip of C, which may be ``start``.
product = selects_by_code("product", _STRIPS)

# row_product(vectors, A, a_k, B, b_k, start, C, K): the same for a single row.
row_product = selects_by_code("row_product", _SINGLE_ROWS)
