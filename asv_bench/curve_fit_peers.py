"""curve_fit beside scipy's, which takes finite differences: the same data and start, interleaved, to the same parameters.

    python asv_bench/curve_fit_peers.py [--rounds 15]

Medians of wall time once everything is compiled. Exits with 1 if the parameters differ.
"""

import argparse
import statistics
import sys
import time

import numpy as np
from scipy import optimize

import fastbp as bp

SAME = 1e-5  # scipy's own tolerances leave about six digits


def damped(x, a, b, c, d, e, g):
    return a * np.exp(-b * x) * np.cos(c * x + d) + e + g * x


def peaks(x, a, b, c, d, e, g):
    return a * np.exp(-(((x - b) / c) ** 2)) + d * np.exp(-(((x - e) / g) ** 2))


def decay(x, a, b, c):
    return a * np.exp(-b * x) + c


# name: formula, end of x, true parameters
FORMULAS = {
    "damped cosine, 6 parameters": (damped, 10, (2.5, 0.4, 3.0, 0.3, 0.5, 0.02)),
    "two peaks, 6 parameters": (peaks, 10, (3.0, 3.0, 0.8, 2.0, 6.5, 1.2)),
    "decay, 3 parameters": (decay, 4, (2.5, 1.3, 0.5)),
}


def measure(f, end, truth, rows, method, rounds):
    """Milliseconds of scipy and of fastbp, and how far their parameters lie apart."""
    x = np.linspace(0, end, rows)
    y = f(x, *truth) + 0.1 * np.random.default_rng(0).standard_normal(rows)
    start = np.array(truth) * 1.15
    fits = {"scipy": optimize.curve_fit, "fastbp": bp.curve_fit}
    times, found = {name: [] for name in fits}, {}
    repeat = 20 if rows <= 1000 else 1
    for turn in range(rounds + 1):
        for name, fit in fits.items():
            begin = time.perf_counter()
            for _ in range(repeat):
                found[name], _ = fit(f, x, y, start, method=method)
            if turn:  # the first one compiles
                times[name].append((time.perf_counter() - begin) / repeat * 1e3)
    apart = float(np.max(np.abs(found["fastbp"] / found["scipy"] - 1)))
    return *(statistics.median(times[name]) for name in fits), apart


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15)
    rounds = parser.parse_args().rounds
    print("| formula | points | method | scipy ms | fastbp ms | times as fast | parameters apart |")
    print("|---|---|---|---|---|---|---|")
    worst = 0.0
    for name, (f, end, truth) in FORMULAS.items():
        for rows in (100, 10_000, 100_000):
            for method in ("lm", "trf") if rows < 100_000 or f is damped else ("lm",):
                scipy_ms, ours_ms, apart = measure(
                    f, end, truth, rows, method, rounds if rows < 100_000 else max(3, rounds // 3)
                )
                worst = max(worst, apart)
                ratio = scipy_ms / ours_ms
                print(
                    f"| {name} | {rows:,} | {method} | {scipy_ms:.3g} | {ours_ms:.3g} | {ratio:.2f} | {apart:.1e} |", flush=True
                )
    if worst > SAME:
        sys.exit(f"the parameters differ by {worst:.1e}, relatively; {SAME:g} is allowed")


if __name__ == "__main__":
    main()
