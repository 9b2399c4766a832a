"""A tile of a matrix product: it lives in vector registers while a loop goes over the terms of its sums."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from ..simd.machine import machine
from ..simd.vocabulary import Simd
from .panels import PANEL_VECTORS

LINE = 64  # bytes of a cache line

# For each number of vectors across, the rows of a tile: of short sums and of long ones. Accumulators, a row of B and a
# broadcast must fit the registers; there must be enough sums to fill the multiply-add units' pipelines; and a tile of short
# sums should be small, for the processor begins the next one while it ends this one.
_WITH_32_REGISTERS = {1: (16, 16), 2: (6, 8), 3: (4, 8), 4: (4, 6)}
_WITH_16_REGISTERS = {1: (8, 8), 2: (6, 6)}


def tile_heights() -> dict[int, tuple[int, int]]:
    """{vectors across: (rows of a tile of short sums, of long sums)} on this machine."""
    return _WITH_32_REGISTERS if machine().registers >= 32 else _WITH_16_REGISTERS


def tile_rows() -> int:
    """Rows of a tile that is as wide as a panel, of short sums."""
    return tile_heights()[PANEL_VECTORS][0]


class Operands(NamedTuple):
    """C = A @ B + start, as SSA values: addresses, the bytes from one row (or one term) to the next, and the terms of a sum.

    ``start`` is a row of vectors, the same for every row when ``start_row`` is 0 (a bias), or C itself (to accumulate).
    """

    A: Any
    a_row: Any
    a_k: Any
    B: Any
    b_k: Any
    start: Any
    start_row: Any
    C: Any
    c_row: Any
    K: Any

    def below(self, s: Simd, rows: Any) -> "Operands":
        """The same product from ``rows`` rows further down."""
        b = s.b
        strides = (self.A, self.a_row), (self.start, self.start_row), (self.C, self.c_row)
        A, start, C = (b.add(address, b.mul(stride, rows)) for address, stride in strides)
        return self._replace(A=A, start=start, C=C)


class Prefetch(NamedTuple):
    """Memory that is asked for while a tile is formed.

    ``written`` are (address, step) pairs: a line of each for every term, up to ``lines``, that will be written.
    ``ahead_A`` and ``ahead_B`` are bytes from a column of A or a row of B to what is wanted next.
    """

    written: Sequence[tuple[Any, Any]] = ()
    lines: Any = None
    ahead_A: Sequence[Any] = ()
    ahead_B: Sequence[Any] = ()


NO_PREFETCH = Prefetch()


def emit_tile(s: Simd, rows: int, vectors: int, operands: Operands, prefetch: Prefetch = NO_PREFETCH, chains: int = 1) -> None:
    """C[rows, vectors] = A @ B + start for one tile.

    ``chains`` sums are kept for each element: one of a tile of few vectors does not fill the multiply-add unit's pipeline.
    """
    b, width = s.b, s.lanes * s.itemsize
    A, a_row, a_k, B, b_k, start, start_row, C, c_row, K = operands
    tile = [(r, j) for r in range(rows) for j in range(vectors)]

    def corner(base: Any, row_stride: Any, r: int, j: int) -> Any:
        return b.add(b.add(base, b.mul(row_stride, s.index(r))), s.index(width * j))

    sums = [{(r, j): s.variable(s.load(corner(start, start_row, r, j))) for r, j in tile}]
    sums += [{place: s.variable(s.constant(0.0)) for place in tile} for _ in range(chains - 1)]
    a, p = s.variable(A), s.variable(B)

    def multiply_row(sum_of: dict[tuple[int, int], Any]) -> None:
        columns = [s.load(b.add(p.get(), s.index(width * j))) for j in range(vectors)]
        for r in range(rows):
            element = s.load_spread(b.add(a.get(), b.mul(a_row, s.index(r))))
            for j in range(vectors):
                sum_of[r, j].set(s.fma(element, columns[j], sum_of[r, j].get()))
        for place, distances in ((p, prefetch.ahead_B), (a, prefetch.ahead_A)):
            for distance in distances:
                s.prefetch(b.add(place.get(), distance), near=2)
        a.set(b.add(a.get(), a_k))
        p.set(b.add(p.get(), b_k))

    if prefetch.written:
        with_lines = b.select(b.icmp_signed("<", K, prefetch.lines), K, prefetch.lines)
        with s.loop(with_lines) as k:
            for address, step in prefetch.written:
                s.prefetch(b.add(address, b.mul(k, step)), write=1)
            multiply_row(sums[0])
        with s.loop(K, start=with_lines):
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
