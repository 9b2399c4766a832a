"""fastbp beside its peers: the same networks, data, initial weights and optimizers, interleaved in one run.

    python asv_bench/compare.py                          all workloads, every installed peer
    python asv_bench/compare.py --quick                  under a minute
    python asv_bench/compare.py --only rl,higgs --peers fastbp,torch
    python asv_bench/compare.py --sizes 17,64,64,6 --batch 64
    python asv_bench/compare.py --readme                 and put the table into README.md

Each peer trains in a process of its own, on as many threads as the workload says; the processes take turns, so that a busy
machine is busy for all. Every peer must reach the same loss after a hundred steps. The multiply-add limit is measured in the
same turns. Writes JSON, a Markdown table and a picture into asv_bench/results.
"""

import argparse
import importlib.util
import json
import os
import platform
import statistics
import subprocess
import sys
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from peers import NEEDS
from workloads import WORKLOADS, Workload

import fastbp

HERE = Path(__file__).resolve().parent
SAME_LOSS = 0.02  # relative difference allowed after a hundred steps in another order of summation
BEGIN, END = "<!-- compare:begin -->", "<!-- compare:end -->"


class Worker:
    """One peer at work on one workload."""

    def __init__(self, peer, workload, seconds):
        threads = str(workload.threads)
        environment = {
            **os.environ,
            "OMP_NUM_THREADS": threads,
            "OPENBLAS_NUM_THREADS": threads,
            "XLA_FLAGS": f"--xla_cpu_multi_thread_eigen={str(workload.threads > 1).lower()}",
        }
        command = [sys.executable, str(HERE / "peers.py"), peer, json.dumps(asdict(workload)), str(seconds)]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
        )
        self.peer, self.times = peer, []
        first = self.process.stdout.readline()
        if not first:
            raise RuntimeError(self.process.stderr.read().strip().splitlines()[-1])
        self.first = json.loads(first)

    def turn(self):
        self.process.stdin.write("time\n")
        self.process.stdin.flush()
        self.times.append(json.loads(self.process.stdout.readline()))

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def measure(workload, peers, rounds, seconds):
    """One row: the limit, and for each peer its times, loss and start-up."""
    workers, failed = [], {}
    for peer in peers:
        try:
            workers.append(Worker(peer, workload, seconds))
        except RuntimeError as error:
            failed[peer] = str(error)
    limits = []
    for _ in range(rounds):
        limits.append(fastbp.measure_limit(workload.threads, workload.dtype))
        for worker in workers:
            worker.turn()
    for worker in workers:
        worker.close()
    row = {
        "workload": asdict(workload),
        "flop": workload.flop,
        "limit": statistics.median(limits),
        "failed": failed,
        "peers": {},
    }
    for worker in workers:
        row["peers"][worker.peer] = {**worker.first, "seconds": worker.times, "median": statistics.median(worker.times)}
    check_losses(row)
    return row


def check_losses(row):
    """Every peer must have learnt the same."""
    losses = {name: peer["loss"] for name, peer in row["peers"].items()}
    reference = losses.get("fastbp", next(iter(losses.values())))
    for name, loss in losses.items():
        if not abs(loss - reference) <= SAME_LOSS * abs(reference):
            raise SystemExit(f"{row['workload']['name']}: {name} reached a loss of {loss:g}, fastbp {reference:g}")


def summary(row):
    """(microseconds, GFLOP/s, fraction of the limit, ratio to the best peer) of fastbp, and the peers' microseconds."""
    own = row["peers"]["fastbp"]["median"]
    others = {name: peer["median"] for name, peer in row["peers"].items() if name != "fastbp"}
    rate = row["flop"] / own / 1e9
    ratio = min(others.values()) / own if others else None
    return own * 1e6, rate, rate / row["limit"], ratio, {name: t * 1e6 for name, t in others.items()}


def format_time(microseconds):
    if microseconds < 10:
        return f"{microseconds:.2f} us"
    return f"{microseconds:,.0f} us" if microseconds < 10_000 else f"{microseconds / 1000:,.1f} ms"


def markdown(report):
    """The table."""
    peers = [p for p in report["peers"] if p != "fastbp"]
    lines = [
        "| workload | threads | fastbp | of the limit | " + " | ".join(peers) + " | best peer / fastbp |",
        "|---" * (5 + len(peers)) + "|",
    ]
    for row in report["rows"]:
        own, _, fraction, ratio, others = summary(row)
        workload = Workload(**row["workload"])
        name = f"{workload.name}: {workload.describe()}" + (", float64" if workload.dtype == "float64" else "")
        cells = [format_time(others[p]) if p in others else "-" for p in peers]
        ratio_text = f"**{ratio:.1f}**" if ratio else "-"
        lines.append(
            f"| {name} | {workload.threads} | {format_time(own)} | {fraction:.0%} | " + " | ".join([*cells, ratio_text]) + " |"
        )
    versions = ", ".join(f"{name} {version}" for name, version in report["versions"].items())
    return "\n".join(
        [*lines, "", f"{report['machine']}; {versions}; {report['date'][:10]}; medians of {report['rounds']} rounds."]
    )


def draw(report, path):
    """Bars of GFLOP/s against the limit, on a logarithmic scale."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    names = [row["workload"]["name"] for row in report["rows"]]
    figure, axes = plt.subplots(figsize=(max(6, 1.1 * len(names)), 5), layout="constrained")
    width = 0.8 / len(report["peers"])
    for i, peer in enumerate(report["peers"]):
        rates = [
            row["flop"] / row["peers"][peer]["median"] / 1e9 if peer in row["peers"] else float("nan") for row in report["rows"]
        ]
        axes.bar([k + i * width for k in range(len(names))], rates, width, label=peer)
    for k, row in enumerate(report["rows"]):
        axes.plot([k - width / 2, k + 0.8 - width / 2], [row["limit"]] * 2, color="black", label="limit" if k == 0 else None)
    axes.set(yscale="log", ylabel="GFLOP/s", title="Training throughput against the multiply-add limit")
    axes.set_xticks([k + 0.4 - width / 2 for k in range(len(names))], names, rotation=30, ha="right")
    axes.legend()
    figure.savefig(path, dpi=120)
    plt.close(figure)


def version(module):
    return str(getattr(__import__(module), "__version__", "?"))


def put_into_readme(table):
    path = HERE.parent / "README.md"
    before, rest = path.read_text().split(BEGIN)
    _, after = rest.split(END)
    path.write_text(f"{before}{BEGIN}\n{table}\n{END}{after}")


def parse(arguments):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", help="workloads, by name, separated by commas")
    parser.add_argument("--peers", help="peers, by name; all that are installed if left out")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=0.5, help="of each turn")
    parser.add_argument("--quick", action="store_true", help="rl, digits and online, three short rounds")
    parser.add_argument("--sizes", help="a network of one's own: inputs, units of each layer")
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--threads", type=int, default=1, help="for --sizes")
    parser.add_argument("--out", type=Path, default=HERE / "results")
    parser.add_argument("--readme", action="store_true", help="put the table into README.md")
    chosen = parser.parse_args(arguments)
    if chosen.quick:
        chosen.only, chosen.rounds, chosen.seconds = chosen.only or "rl,digits,online", 3, 0.2
    return chosen


def main(arguments=None):
    chosen = parse(arguments)
    peers = chosen.peers.split(",") if chosen.peers else [p for p in NEEDS if importlib.util.find_spec(NEEDS[p])]
    workloads = [WORKLOADS[name] for name in chosen.only.split(",")] if chosen.only else list(WORKLOADS.values())
    if chosen.sizes:
        workloads = [Workload("own", tuple(map(int, chosen.sizes.split(","))), chosen.batch, threads=chosen.threads)]
    report = {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": f"{platform.machine()}, {os.cpu_count()} CPUs, {platform.system()}, Python {platform.python_version()}",
        "versions": {NEEDS[p]: version(NEEDS[p]) for p in peers},
        "rounds": chosen.rounds,
        "peers": peers,
        "rows": [],
    }
    for workload in workloads:
        row = measure(workload, peers, chosen.rounds, chosen.seconds)
        report["rows"].append(row)
        own, rate, fraction, ratio, others = summary(row)
        text = ", ".join(f"{name} {format_time(t)}" for name, t in others.items())
        failed = "".join(f"; {name} failed: {why}" for name, why in row["failed"].items())
        times = f"{ratio:.1f}x the best peer" if ratio else ""
        print(
            f"{workload.name}: {format_time(own)}, {rate:.1f} GFLOP/s, {fraction:.0%} of the limit, {times}; {text}{failed}",
            flush=True,
        )
    chosen.out.mkdir(parents=True, exist_ok=True)
    (chosen.out / "compare.json").write_text(json.dumps(report, indent=1) + "\n")
    table = markdown(report)
    (chosen.out / "compare.md").write_text(table + "\n")
    if importlib.util.find_spec("matplotlib"):
        draw(report, chosen.out / "compare.png")
    if chosen.readme:
        put_into_readme(table)
    print("\n" + table)


if __name__ == "__main__":
    main()
