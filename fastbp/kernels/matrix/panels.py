"""How the columns of a matrix are cut into panels: strips a few vectors wide, each stored front to back.

A panel is as wide as a register tile, but where that would leave a last one of a single vector the two share what is left:
a tile of one vector loads an element for each multiply-add and so cannot reach the limit.
"""

from ..simd.machine import machine

FULL = 4 if machine().registers >= 32 else 2  # vectors of a full panel; a power of two
SHARES = FULL > 2  # whether one vector more than a full panel is better cut otherwise

# The two functions below serve the kernels too: integers in, an integer out.


def panel_width(left):
    """Vectors of the next panel where ``left`` vectors are still to be covered."""
    if SHARES and left == FULL + 1:
        return FULL - 1
    return min(FULL, left)


def panel_start(vector, vectors):
    """The first vector of the panel that holds ``vector``, one of ``vectors``."""
    if SHARES and vectors > FULL and vectors % FULL == 1 and vector >= vectors - 2:
        return vectors - 2
    return vector - vector % FULL


def panels(vectors):
    """(first vector, width) of each panel."""
    found, v = [], 0
    while v < vectors:
        found.append((v, panel_width(vectors - v)))
        v += found[-1][1]
    return found
