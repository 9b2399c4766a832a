"""Cosine and sine of multiples of pi over vectors: no branch, no call."""

from .trigonometric import cos_and_sin_of_turns


def cos_and_sin_of_half_turns(s, x):
    """(cos(pi x), sin(pi x)), exact at whole numbers; of huge numbers and infinities those of 0."""
    x = s.select(s.abs(x) < 2.0**52, x, 0.0)
    n = s.round(x)
    cosine, sine = cos_and_sin_of_turns(s, 0.5 * (x - n))
    half = 0.5 * n
    odd = s.floor(half).differs(half)
    return s.select(odd, -cosine, cosine), s.select(odd, -sine, sine)
