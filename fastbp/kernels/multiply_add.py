"""The limit: multiply-adds in registers, as many as fill the pipelines, with no memory at all."""

from .simd.library import VectorFunction

CHAINS = 12  # independent sums; enough for two units of latency 5


def flop_per_turn(lanes):
    """Operations of one turn of ``spin``."""
    return 2 * CHAINS * lanes


def _spin(s, turns):
    x, y = s.constant(0.999), s.constant(1e-4)
    sums = [s.variable(s.constant(1e-3 * (i + 1))) for i in range(CHAINS)]
    with s.loop(turns):
        for chain in sums:
            chain.set(s.fma(chain.get(), x, y))
    total = sums[0].get()
    for chain in sums[1:]:
        total = total + chain.get()
    return s.as_double(s.lane(total))


# spin(turns) -> a number that depends on all of them
spin = VectorFunction("spin", 1, _spin, returns="double")
