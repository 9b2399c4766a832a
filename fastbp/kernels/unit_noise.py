"""Random numbers of a layer's units, from counters: vectors of them for a row, the same whatever the width of a vector.

A row has a key of 64 bits, by SplitMix64 from the layer's key and the sample's place. A unit has 32 bits: its number, a
Weyl sequence from one half of the row's key, goes through two rounds of shift, exclusive or and multiplication, with the other
half added between them. The multipliers and shifts are those of lowbias32 (Wellons 2018, Prospecting for Hash Functions);
its last shift, which improves the lowest bits, is left out, since who compares or rounds uses the highest.
"""

from llvmlite import ir

from .math.logarithm import log_of_normal
from .math.trigonometric import cos_and_sin_of_turns
from .random import GOLDEN, MIX_1, MIX_2, SHIFTS
from .simd.element_types import I32, I64
from .simd.vocabulary import Simd

UNIT_STEP, ROUND_1, ROUND_2 = 0x9E3779B9, 0x7FEB352D, 0x846CA68B
ANGLE_1, ANGLE_2 = 0x21F0AAAD, 0xD35A2D97  # the rounds for a second number (Ettle 2022, of the same form)


def _row_key(b, key, place):
    """What ``mix`` of random.py gives for the counter ``key + place * GOLDEN``."""
    z = b.add(key, b.mul(place, I64(GOLDEN)))
    for shift, factor in zip(SHIFTS, (MIX_1, MIX_2, None), strict=True):
        z = b.xor(z, b.lshr(z, I64(shift)))
        z = z if factor is None else b.mul(z, I64(factor))
    return z


class UnitNoise:
    """The random numbers of the units of one row, a vector after the other.

    Parameters
    ----------
    s : Simd
    key : SSA value
        Of the layer in this step.
    place : SSA value
        Of the sample in the batch; where samples go in pairs, of the pair.
    """

    def __init__(self, s, key, place):
        self._s, self._i = s, Simd(s.b, "float32", s.lanes)  # 32 bits for a unit in either element type
        row, i = _row_key(s.b, key, place), self._i
        self._low = i.broadcast(s.b.trunc(row, I32))
        self._high = i.broadcast(s.b.trunc(s.b.lshr(row, I64(32)), I32))
        units = ir.Constant(i.int_vector, [(lane * UNIT_STEP) % 2**32 for lane in range(i.lanes)])
        self._counter = i.variable(self._low + i.wrap(units))

    def bits(self):
        """The next vector of 32 random bits for each unit, as integers with a sign."""
        h = self._counter.get()
        self._counter.set(h + self._i.int_constant(self._i.lanes * UNIT_STEP))
        return self._rounds(h, self._high, ROUND_1, ROUND_2)

    def normals(self):
        """The next two vectors of normal random numbers (Box & Muller 1958), each from two numbers of 24 bits."""
        s, first = self._s, self.bits()
        second = self._rounds(first, self._low, ANGLE_1, ANGLE_2)
        distance = s.to_float(first.logical_shift_right(8) + 1) * 2.0**-24  # in (0, 1]
        turns = s.to_float(second >> 8) * 2.0**-24  # in [-1/2, 1/2)
        size = s.sqrt(-2.0 * log_of_normal(s, distance))
        return [size * part for part in cos_and_sin_of_turns(s, turns)]

    @staticmethod
    def _rounds(h, key, factor_1, factor_2):
        h = (h ^ h.logical_shift_right(16)) * factor_1
        return ((h ^ h.logical_shift_right(15)) + key) * factor_2
