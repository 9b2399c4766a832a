"""Whether speed falls off a cliff anywhere between small and large networks.

    python asv_bench/cliffs.py                        widths 16 to 1,100 in steps of 7, batches 8 to 600
    python asv_bench/cliffs.py --batches 64 --step 35

Trains width-width-width networks. Each is timed several times, in passes over all widths, and the best counts: what a busy
machine takes from one pass it seldom takes from all. Names the widths at which a neighbour is a quarter slower, and exits
with 1 if there are any.
"""

import argparse
import time

import numpy as np

import fastbp

MOST_LOST = 0.25
FEWEST_STEPS = 4  # of an epoch, before which the weights are copied, to have something to go back to


def make(width, batch):
    """A function that trains for some steps and returns GFLOP/s."""
    model = fastbp.Sequential([fastbp.Dense(width, "relu"), fastbp.Dense(width)], seed=0)
    model.build(width)
    model.compile(fastbp.SGD(1e-4), "mse")
    flop = 10 * batch * width * width  # two layers, without the gradient by the input
    steps = max(FEWEST_STEPS, int(1e8 / flop))
    x = np.random.default_rng(0).normal(size=(steps * batch, width)).astype("float32")

    def run():
        start = time.perf_counter()
        model.fit(x, x, batch_size=batch, verbose=0, threads=1, check_finite=False)
        return steps * flop / (time.perf_counter() - start) / 1e9

    return run


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--batches", type=lambda text: [int(b) for b in text.split(",")], default=[8, 37, 100, 256, 600])
    parser.add_argument("--step", type=int, default=7)
    parser.add_argument("--passes", type=int, default=6)
    chosen = parser.parse_args()
    widths, cliffs = range(16, 1101, chosen.step), 0
    for batch in chosen.batches:
        rates = np.zeros(len(widths))
        runs = [make(width, batch) for width in widths]
        for _ in range(chosen.passes):
            rates = np.maximum(rates, [run() for run in runs])
        lost = 1 - np.minimum(rates[1:], rates[:-1]) / np.maximum(rates[1:], rates[:-1])
        bad = [
            f"{a} -> {b}: {100 * part:.0f} %" for a, b, part in zip(widths, widths[1:], lost, strict=False) if part > MOST_LOST
        ]
        cliffs += len(bad)
        quarter = len(rates) // 4
        found = f"; cliffs at {', '.join(bad)}" if bad else ""
        print(
            f"batch {batch}: {rates[quarter:].min():.1f} to {rates.max():.1f} GFLOP/s from width {widths[quarter]} on, "
            f"most lost between neighbours {100 * lost.max():.0f} %{found}",
            flush=True,
        )
    raise SystemExit(1 if cliffs else 0)


if __name__ == "__main__":
    main()
