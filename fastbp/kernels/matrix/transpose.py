"""Square blocks of a matrix from rows to columns, in registers."""

from numba.core import cgutils

from ..simd.element_types import I64
from ..simd.library import VectorFunction


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
