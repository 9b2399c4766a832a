"""fastbp beside its peers: the same networks, data, initial weights and optimizers, interleaved in one run.

    python asv_bench/compare.py                          all workloads, every installed peer
    python asv_bench/compare.py --quick                  under a minute
    python asv_bench/compare.py --only rl,higgs --peers fastbp,torch
    python asv_bench/compare.py --sizes 17,64,64,6 --batch 64
    python asv_bench/compare.py --readme                 and keep the result: in asv_bench/reports, four rows in README.md
    python asv_bench/compare.py --readme --only rl       only these rows anew, the others stay as they are

Each peer trains in a process of its own, on as many threads as the workload says; the processes take turns, so that a busy
machine is busy for all. Every peer must have the same loss after the same steps. The multiply-add limit is measured in the
same turns. For some workloads the time to a loss is measured too, with and without imports and compilation. Writes JSON, a
Markdown table and a picture. The exit code is 1 if losses differ, or if fastbp or a peer asked for by name fails.
"""

import argparse
import importlib.metadata
import importlib.util
import json
import os
import platform
import sys
from datetime import UTC, datetime
from pathlib import Path

import peers
from report import README_ROWS, draw, excerpt, markdown, medians, put_into_readme, summary, time_text
from turns import measure, measure_reach
from workloads import WORKLOADS, Workload

from fastbp.info import cpu_name
from fastbp.kernels.simd.machine import machine

HERE = Path(__file__).resolve().parent
KEPT, LAST = HERE / "reports", HERE / "last"
QUICK = "rl,digits"
SLOW_TO_COMPILE = ("torch-compile", "keras")
PACKAGES = {"sklearn": "scikit-learn"}  # where a module is not called like its package


def _names(text, allowed, argument):
    chosen = text.split(",")
    unknown = [name for name in chosen if name not in allowed]
    if unknown:
        raise SystemExit(f"{argument} must be of {', '.join(allowed)}, got {', '.join(unknown)}")
    return chosen


def _sizes(text):
    try:
        sizes = tuple(map(int, text.split(",")))
    except ValueError:
        sizes = ()
    if len(sizes) < 2 or min(sizes) < 1:
        raise SystemExit(f"--sizes must be the inputs and the units of each layer, such as 17,64,64,6, got {text}")
    return sizes


def parse(arguments):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", help=f"workloads, separated by commas, of {', '.join(WORKLOADS)}")
    parser.add_argument("--peers", help=f"of {', '.join(peers.NAMES)}; all that are installed if left out")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=0.5, help="of each turn")
    parser.add_argument("--quick", action="store_true", help=f"{QUICK}, three short rounds, no peer that compiles for long")
    parser.add_argument("--sizes", help="a network of one's own: inputs, units of each layer")
    parser.add_argument("--batch", type=int, default=64, help="for --sizes")
    parser.add_argument("--activation", default="tanh", choices=("tanh", "relu"), help="for --sizes")
    parser.add_argument("--threads", type=int, default=1, help="for --sizes")
    parser.add_argument("--out", type=Path, help=f"folder for the results; {LAST.name}, or {KEPT.name} with --readme")
    kept = f"keep the result in {KEPT.name}, and {', '.join(README_ROWS)} in README.md"
    parser.add_argument("--readme", action="store_true", help=kept)
    chosen = parser.parse_args(arguments)
    if chosen.quick:
        chosen.only, chosen.rounds, chosen.seconds = chosen.only or QUICK, 3, 0.1
    if min(chosen.rounds, chosen.batch, chosen.threads) < 1 or chosen.seconds <= 0:
        raise SystemExit("--rounds, --batch and --threads must be at least 1, and --seconds above 0")
    chosen.out = chosen.out or (KEPT if chosen.readme else LAST)
    return chosen


def choose(chosen):
    """(workloads, peers) to measure."""
    only = _names(chosen.only, WORKLOADS, "--only") if chosen.only else [*WORKLOADS]
    workloads = [WORKLOADS[name] for name in only]
    if chosen.sizes:
        workloads = [Workload("own", _sizes(chosen.sizes), chosen.batch, chosen.activation, threads=chosen.threads)]
    if chosen.peers:
        names = _names(chosen.peers, peers.NAMES, "--peers")
    else:
        names = [name for name in peers.installed() if not (chosen.quick and name in SLOW_TO_COMPILE)]
    return workloads, ["fastbp", *(name for name in names if name != "fastbp")]


def describe_run(names, rounds):
    modules = dict.fromkeys(peers.needs(name) for name in names)
    return {
        "machine": f"{cpu_name()}, {8 * machine().vector_bytes}-bit vectors, {os.cpu_count()} CPUs, {platform.system()}, "
        f"Python {platform.python_version()}",
        "versions": {PACKAGES.get(m, m): importlib.metadata.version(PACKAGES.get(m, m)) for m in modules},
        "rounds": rounds,
        "peers": names,
        "rows": [],
    }


def kept_rows(report, folder):
    """Rows of the report in ``folder``, if it was made with the same on the same machine."""
    try:
        old = json.loads((folder / "compare.json").read_text(encoding="utf-8"))
    except OSError:
        return []
    return old["rows"] if all(old.get(key) == report[key] for key in ("machine", "versions", "rounds", "peers")) else []


def with_row(rows, row):
    """``rows`` with one that takes the place of its forerunner, in the order of the workloads; one's own is last."""
    place = {name: i for i, name in enumerate(WORKLOADS)}
    by_name = {r["workload"]["name"]: r for r in [*rows, row]}
    return sorted(by_name.values(), key=lambda r: place.get(r["workload"]["name"], len(place)))


def tell(row):
    """One line on the way."""
    name, times = row["workload"]["name"], medians(row)
    problems = [f"{peer} failed: {why}" for peer, why in row["failed"].items()] + [row["disagreement"]]
    text = "".join(f"; {problem}" for problem in problems if problem)
    if "fastbp" in times:
        rate, fraction, ratio = summary(row)
        best = f", {ratio:.1f}x the best peer" if ratio else ""
        others = "".join(f", {peer} {time_text(t)}" for peer, t in times.items() if peer != "fastbp")
        text = f"{time_text(times['fastbp'])}, {rate:.3g} GFLOP/s, {fraction:.0%} of the limit{best}{others}{text}"
    print(f"{name}: {text}", flush=True)


def write(report, folder):
    """Returns the Markdown."""
    folder.mkdir(parents=True, exist_ok=True)
    text = markdown(report)
    (folder / "compare.json").write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    (folder / "compare.md").write_text(text + "\n", encoding="utf-8")
    if importlib.util.find_spec("matplotlib"):
        draw(report, folder / "compare.png")
    return text


def main(arguments=None):
    chosen = parse(arguments)
    workloads, names = choose(chosen)
    report = describe_run(names, chosen.rounds)
    if chosen.readme:
        report["rows"] = kept_rows(report, chosen.out)
    for workload in workloads:
        able = [name for name in names if peers.able(name, workload)]
        row = measure(workload, able, chosen.rounds, chosen.seconds)
        tell(row)
        if "fastbp" in row["failed"]:
            return 1
        if workload.reach and not chosen.quick:
            row["reach"] = measure_reach(workload, able)
        row["date"] = datetime.now(UTC).isoformat(timespec="seconds")
        report["rows"] = with_row(report["rows"], row)
        text = write(report, chosen.out)  # after each row: a run that is cut short keeps what it has measured
        if chosen.readme:
            put_into_readme(excerpt(report))
    print(f"\n{text}\n\nwritten to {chosen.out}")
    wrong = [row for row in report["rows"] if row["disagreement"] or (chosen.peers and row["failed"])]
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
