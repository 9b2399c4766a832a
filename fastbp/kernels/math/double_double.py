"""Sums and products together with what rounding took from them."""

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
    # Dekker: halves of few enough bits that their products are exact.
    kept = -(1 << (12 if s.dtype == "float32" else 27))
    x_high, y_high = (s.from_bits(s.bits_of(v) & kept) for v in (x, y))
    x_low, y_low = x - x_high, y - y_high
    return p, ((x_high * y_high - p) + x_high * y_low + x_low * y_high) + x_low * y_low
