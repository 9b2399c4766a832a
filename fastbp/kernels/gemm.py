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


def _chains(rows, vectors):
    """Sums kept for each element of a tile: a small tile alone could not fill the multiply-add unit's pipeline."""
    return max(1, min(4, 4 // (rows * vectors)))


def _fixed_tile(rows, vectors):
    """C[rows, vectors] = A @ B + start for one tile. Strides are in bytes, addresses plain integers.

    ``start`` is a row of vectors, the same for every row when ``start_row`` is 0 (a bias), or C itself (to accumulate).
    """
    chains = _chains(rows, vectors)

    def body(s, A, a_row, a_k, B, b_k, start, start_row, C, c_row, K):
        b = s.b
        width = s.lanes * s.itemsize
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
            a.set(b.add(a.get(), a_k))
            p.set(b.add(p.get(), b_k))

        if chains == 1:
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
