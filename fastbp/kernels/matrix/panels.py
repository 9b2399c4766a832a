"""How the columns of a matrix are cut into panels: strips a few vectors wide, each stored front to back.

A panel is as wide as a register tile, but where that would leave a last one of a single vector, what is left is split
between the last two: a tile of one vector loads an element for each multiply-add and so cannot reach the limit.
"""

from ..simd.machine import machine

PANEL_VECTORS = 4 if machine().registers >= 32 else 2  # vectors of a full panel; a power of two
SPLITS_REST = PANEL_VECTORS > 2  # whether one vector more than a full panel is better cut into two panels

# The three functions below serve the kernels too: integers in, an integer out.


def panel_width(left: int) -> int:
    """Vectors of the next panel where ``left`` vectors are still to be covered."""
    if SPLITS_REST and left == PANEL_VECTORS + 1:
        return PANEL_VECTORS - 1
    return min(PANEL_VECTORS, left)


def panel_start(vector: int, vectors: int) -> int:
    """The first vector of the panel that holds ``vector``, one of ``vectors``."""
    if SPLITS_REST and vectors > PANEL_VECTORS and vectors % PANEL_VECTORS == 1 and vector >= vectors - 2:
        return vectors - 2
    return vector - vector % PANEL_VECTORS


def panel_count(vectors: int) -> int:
    """How many panels there are."""
    return (vectors + PANEL_VECTORS - 1) // PANEL_VECTORS


def panels(vectors: int) -> list[tuple[int, int]]:
    """(first vector, width) of each panel."""
    found, v = [], 0
    while v < vectors:
        found.append((v, panel_width(vectors - v)))
        v += found[-1][1]
    return found
