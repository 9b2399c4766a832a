"""Value and gradient of formulas with special functions over 1,000,000 points: fastbp, JAX and scipy (values only).

``python asv_bench/special_functions.py`` prints milliseconds, the medians of several calls.
"""

import statistics
import time

import numpy as np
from scipy import special

import fastbp

ROWS, ROUNDS = 1_000_000, 9
FORMULAS = {
    "Voigt profile": (lambda p, x, f: p[0] * f.voigt_profile(x - p[1], p[2], p[3]), (1.0, 0.1, 0.8, 0.5)),
    "probit likelihood": (lambda p, x, f: f.log_ndtr(p[0] + p[1] * x + p[2] * x * x), (0.1, 0.7, 0.2)),
    "negative binomial": (
        lambda p, x, f: f.gammaln(x * x + p[0]) - f.gammaln(p[0] + x * 0.0) - (x * x + p[0]) * p[1],
        (2.5, 0.7),
    ),
}


def median(call):
    call()
    times = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return 1e3 * statistics.median(times)


def in_jax(formula, p, x):
    """Milliseconds in JAX, or None where it lacks a function or is not installed."""
    try:
        import jax
        import jax.scipy.special as functions

        jax.config.update("jax_enable_x64", True)
        both = jax.jit(jax.value_and_grad(lambda p, x: formula(p, x, functions).sum()))
        given = jax.numpy.array(p), jax.numpy.array(x)
        return median(lambda: jax.block_until_ready(both(*given)))
    except (ImportError, AttributeError):
        return None


def main():
    x = np.random.default_rng(0).normal(size=ROWS)
    for name, (formula, start) in FORMULAS.items():
        p = np.array(start)
        both = fastbp.value_and_grad(lambda p, x, formula=formula: fastbp.sum(formula(p, x, fastbp)))
        ours, jax = median(lambda both=both, p=p: both(p, x)), in_jax(formula, p, x)
        theirs = median(lambda formula=formula, p=p: formula(p, x, special).sum())
        shown = "has it not" if jax is None else f"{jax:.1f} ms ({jax / ours:.1f} times)"
        print(f"{name}: fastbp {ours:.1f} ms; JAX {shown}; scipy, value only, {theirs:.1f} ms ({theirs / ours:.1f} times)")


if __name__ == "__main__":
    main()
