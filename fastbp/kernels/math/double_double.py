"""Sums and products together with their rounding errors."""

from ..simd.machine import machine


def two_sum(x, y):
    """(t, e) with t + e = x + y exactly (Knuth 1969)."""
    total = x + y
    part = total - x
    return total, (x - (total - part)) + (y - part)


def ordered_sum(x, y):
    """``two_sum`` where x is 0 or not smaller than y (Dekker 1971)."""
    total = x + y
    return total, (x - total) + y


def two_product(s, x, y):
    """(p, e) with p + e = x y exactly."""
    p = x * y
    if machine().fma:
        return p, s.fma(x, y, -p)
    # Dekker: split each number into halves of so few bits that their products are exact.
    high_bits = -(1 << (12 if s.dtype == "float32" else 27))
    x_high, y_high = (s.from_bits(s.bits_of(v) & high_bits) for v in (x, y))
    x_low, y_low = x - x_high, y - y_high
    return p, ((x_high * y_high - p) + x_high * y_low + x_low * y_high) + x_low * y_low
