"""Register-tiled matrix products: C = A @ B + start, a tile of C at a time.

A tile of C lives in vector registers while a loop over K broadcasts one element of A per row and multiplies it into a few
vectors of B's row. A is read element by element, so any pair of strides serves and A.T costs nothing; B and C are read
and written whole vectors at a time, so B's columns are padded to the vector width.

B is best stored in panels, ``[columns / panel][K][panel]``: the loop over K then reads memory front to back.
"""

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from .simd import I64, Simd, define, machine


def tile_shape():
    """(rows, vectors) of the largest tile: accumulators, one row of B and one broadcast must fit the registers."""
    return (8, 3) if machine().registers >= 32 else (6, 2)


def _tile_function(module, dtype, rows, vectors):
    """C[rows, vectors] = A @ B + start for one tile. Strides are in bytes, addresses plain integers.

    ``start`` is a row of vectors, the same for every row when ``start_row`` is 0 (a bias), or C itself (to accumulate).
    """

    def body(b, A, a_row, a_k, B, b_k, start, start_row, C, c_row, K):
        s = Simd(b, dtype)
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

    return define(module, f"tile_{rows}x{vectors}_{dtype}", [I64] * 10, body)


def make_tile(dtype):
    """The intrinsic ``tile(rows, vectors, A, a_row, a_k, B, b_k, start, start_row, C, c_row, K)``.

    Any rows and vectors up to ``tile_shape()``, K at least 1. Overwrites the tile of C, which may be ``start``.
    """
    most_rows, most_vectors = tile_shape()

    @intrinsic
    def tile(typingctx, rows, vectors, A, a_row, a_k, B, b_k, start, start_row, C, c_row, K):
        def codegen(context, b, sig, args):
            rows, vectors, rest = args[0], args[1], args[2:]
            which = b.add(b.mul(rows, ir.Constant(I64, most_vectors)), vectors)
            done = b.append_basic_block("tile.done")
            # The largest tile is not asked for by the switch's default for safety but because it is the common one.
            common = b.append_basic_block("tile.common")
            switch = b.switch(which, common)
            for r in range(1, most_rows + 1):
                for v in range(1, most_vectors + 1):
                    if (r, v) == (most_rows, most_vectors):
                        b.position_at_end(common)
                    else:
                        block = b.append_basic_block(f"tile.{r}x{v}")
                        switch.add_case(ir.Constant(I64, r * most_vectors + v), block)
                        b.position_at_end(block)
                    b.call(_tile_function(b.module, dtype, r, v), rest)
                    b.branch(done)
            b.position_at_end(done)
            return context.get_dummy_value()

        return types.void(*[types.int64] * 12), codegen

    return tile


def _transpose_function(module, dtype):
    """A square block, one vector a side, from rows to columns.

    Rows of the source from ``rows`` on count as zeros; rows of the target from ``columns`` on are not written.
    """

    def body(b, source, source_row, target, target_row, rows, columns):
        s = Simd(b, dtype)
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

    return define(module, f"transpose_{dtype}", [I64] * 6, body)


def make_transpose(dtype):
    """The intrinsic ``transpose(source, source_row, target, target_row, rows, columns)``, see above."""

    @intrinsic
    def transpose(typingctx, source, source_row, target, target_row, rows, columns):
        def codegen(context, b, sig, args):
            b.call(_transpose_function(b.module, dtype), args)
            return context.get_dummy_value()

        return types.void(*[types.int64] * 6), codegen

    return transpose
