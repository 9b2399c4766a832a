"""Register-tiled matrix products: C = A @ B + start, a tile of C at a time.

A tile of C lives in vector registers while a loop over K broadcasts one element of A per row and multiplies it into a few
vectors of B's row. A is read element by element, so any pair of strides serves and A.T costs nothing; B and C are read
and written whole vectors at a time, so B's columns are padded to the vector width.

B is best stored in panels, ``[columns / panel][K][panel]``: the loop over K then reads memory front to back.
"""

from llvmlite import ir
from numba.core import cgutils

from .library import VectorFunction, call
from .simd import I64, machine


def tile_shape():
    """(rows, vectors) of the largest tile: accumulators, one row of B and one broadcast must fit the registers."""
    return (8, 3) if machine().registers >= 32 else (6, 2)


def _fixed_tile(rows, vectors):
    """C[rows, vectors] = A @ B + start for one tile. Strides are in bytes, addresses plain integers.

    ``start`` is a row of vectors, the same for every row when ``start_row`` is 0 (a bias), or C itself (to accumulate).
    """

    def body(s, A, a_row, a_k, B, b_k, start, start_row, C, c_row, K):
        b = s.b
        width = s.lanes * s.itemsize

        def corner(base, row_stride, r, j):
            return b.add(b.add(base, b.mul(row_stride, s.index(r))), s.index(width * j))

        first = [[s.load(corner(start, start_row, r, j)) for j in range(vectors)] for r in range(rows)]
        entry, loop, done = b.block, b.append_basic_block("k"), b.append_basic_block("done")
        b.branch(loop)
        b.position_at_end(loop)
        k, a, p = b.phi(I64), b.phi(I64), b.phi(I64)
        accumulators = [[b.phi(s.vector) for _ in range(vectors)] for _ in range(rows)]
        columns = [s.load(b.add(p, s.index(width * j))) for j in range(vectors)]
        sums = []
        for r in range(rows):
            element = s.load_spread(b.add(a, b.mul(a_row, s.index(r))))
            sums.append([s.fma(element, columns[j], s.wrap(accumulators[r][j])) for j in range(vectors)])
        k_next = b.add(k, s.index(1))
        for phi, initial, following in (
            (k, s.index(0), k_next),
            (a, A, b.add(a, a_k)),
            (p, B, b.add(p, b_k)),
        ):
            phi.add_incoming(initial, entry)
            phi.add_incoming(following, loop)
        for r in range(rows):
            for j in range(vectors):
                accumulators[r][j].add_incoming(first[r][j].value, entry)
                accumulators[r][j].add_incoming(sums[r][j].value, loop)
        b.cbranch(b.icmp_signed("<", k_next, K), loop, done)
        b.position_at_end(done)
        for r in range(rows):
            for j in range(vectors):
                s.store(sums[r][j], corner(C, c_row, r, j))

    return VectorFunction(f"tile_{rows}x{vectors}", 10, body)


_TILES = {(r, v): _fixed_tile(r, v) for r in range(1, tile_shape()[0] + 1) for v in range(1, tile_shape()[1] + 1)}


def _tile(s, rows, vectors, *arguments):
    b, (most_rows, most_vectors) = s.b, tile_shape()
    which = b.add(b.mul(rows, s.index(most_vectors)), vectors)
    done, largest = b.append_basic_block("done"), b.append_basic_block("largest")
    switch = b.switch(which, largest)
    for (r, v), function in _TILES.items():
        block = largest
        if (r, v) != (most_rows, most_vectors):
            block = b.append_basic_block(f"tile_{r}x{v}")
            switch.add_case(s.index(r * most_vectors + v), block)
        b.position_at_end(block)
        call(s, function, arguments)
        b.branch(done)
    b.position_at_end(done)


# tile(rows, vectors, A, a_row, a_k, B, b_k, start, start_row, C, c_row, K): any rows and vectors up to tile_shape(), K at
# least 1. Overwrites the tile of C, which may be ``start``.
tile = VectorFunction("tile", 12, _tile)


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
            low = [(l & ~half) + (n if l & half else 0) for l in range(n)]
            high = [(l | half) + (n if l & half else 0) for l in range(n)]
            y[i] = s.shuffle(x[i], x[i | half], low)
            y[i | half] = s.shuffle(x[i], x[i | half], high)
        x = y
        half //= 2
    for i in range(n):
        s.store(x[i], pick(i, columns, b.add(target, b.mul(target_row, s.index(i)))))


# transpose(source, source_row, target, target_row, rows, columns)
transpose = VectorFunction("transpose", 6, _transpose)
