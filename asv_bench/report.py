"""What compare.py has measured, as Markdown and as a picture: all of it for the report, four rows of it for README."""

import statistics
from pathlib import Path

from workloads import Workload

README = Path(__file__).resolve().parent.parent / "README.md"
BEGIN, END = "<!-- compare:begin -->", "<!-- compare:end -->"
README_ROWS = ("online", "rl", "digits", "wide")  # from the smallest network to the largest

HEADING = """\
# fastbp beside other libraries

The time of one training step (gather, forward, loss, backward, update), or of one prediction: the median of the rounds, and
half the spread from the fastest to the slowest. All train the same network on the same data from the same initial weights,
each in its fastest form, and reach the same loss. The limit is what multiply-adds in registers alone reach on the same number
of threads, measured in the same run. In brackets is the goal."""


def workload_of(row):
    return Workload(**{**row["workload"], "sizes": tuple(row["workload"]["sizes"])})


def medians(row):
    """peer: seconds of a step."""
    return {name: statistics.median(peer["seconds"]) for name, peer in row["peers"].items()}


def summary(row):
    """(GFLOP/s, fraction of the limit, ratio to the best peer or None) of fastbp."""
    times = medians(row)
    own = times.pop("fastbp")
    rate = row["flop"] / own / 1e9
    return rate, rate / row["limit"], min(times.values()) / own if times else None


def time_text(seconds):
    microseconds = 1e6 * seconds
    if microseconds < 10:
        return f"{microseconds:.2f} us"
    return f"{microseconds:,.0f} us" if microseconds < 10_000 else f"{microseconds / 1000:,.1f} ms"


def _cell(row, peer):
    """Median and half the spread from the fastest round to the slowest."""
    if peer not in row["peers"]:
        return "failed" if peer in row["failed"] else "-"
    seconds = row["peers"][peer]["seconds"]
    middle = statistics.median(seconds)
    return f"{time_text(middle)} ±{(max(seconds) - min(seconds)) / 2 / middle:.0%}"


def _goal(text, goal, style="{}"):
    return text if goal is None else f"{text} ({style.format(goal)})"


def _line(row, peers):
    workload = workload_of(row)
    rate, fraction, ratio = summary(row)
    return [
        f"{workload.name}: {workload.describe()}",
        str(workload.threads),
        _goal(_cell(row, "fastbp"), workload.microseconds),
        f"{rate:.3g}",
        _goal(f"{fraction:.0%}", workload.fraction, "{:.0%}"),
        *(_cell(row, peer) for peer in peers),
        _goal(f"**{ratio:.1f}**" if ratio < 10 else f"**{ratio:,.0f}**", workload.ratio) if ratio else "-",
    ]


def _table(head, lines):
    return "\n".join(f"| {' | '.join(cells)} |" for cells in [head, ["---"] * len(head), *lines])


def _seconds(value):
    return "-" if value is None else f"{value:.2g} s" if value < 10 else f"{value:.0f} s"


def _reach_cell(times):
    if times is None:
        return "-"
    train = None if None in times["train"] else statistics.median(times["train"])
    return " / ".join(map(_seconds, (train, times["start"], times["first"])))


def _reach_line(row, peers):
    workload = workload_of(row)
    return [workload.name, f"{workload.reach:g}", *(_reach_cell(row["reach"].get(peer)) for peer in peers)]


def _others(report):
    return [peer for peer in report["peers"] if peer != "fastbp"]


def _origin(report):
    """Where, with what and when it was measured."""
    days = sorted({row["date"][:10] for row in report["rows"]})
    versions = ", ".join(f"{name} {version}" for name, version in report["versions"].items())
    measured = " to ".join(dict.fromkeys((days[0], days[-1])))
    return f"{report['machine']}; {versions}; {measured}; medians of {report['rounds']} rounds."


def markdown(report):
    """The whole report: time of a step, and time to a loss where that was measured."""
    others = _others(report)
    head = ["workload", "threads", "fastbp", "GFLOP/s", "of the limit (goal)", *others, "best peer / fastbp (goal)"]
    parts = [HEADING, _table(head, [_line(row, others) for row in report["rows"]])]
    reached = [row for row in report["rows"] if row.get("reach")]
    if reached:
        parts.append(
            "Seconds to a loss: training alone / with the start of a process, imports and compilation / the same where nothing "
            "had ever been compiled."
        )
        parts.append(_table(["workload", "loss", *report["peers"]], [_reach_line(row, report["peers"]) for row in reached]))
    return "\n\n".join([*parts, _origin(report)])


def _short_line(row, peers):
    workload = workload_of(row)
    _, fraction, ratio = summary(row)
    return [
        f"{workload.name}: {workload.describe()}",
        str(workload.threads),
        *(_cell(row, peer) for peer in ("fastbp", *peers)),
        f"**{ratio:.1f}**" if ratio else "-",
        f"{fraction:.0%}",
    ]


def excerpt(report):
    """What README shows: ``README_ROWS``, in that order, as far as they were measured."""
    rows, others = {row["workload"]["name"]: row for row in report["rows"]}, _others(report)
    head = ["network", "threads", "fastbp", *others, "best of the others / fastbp", "of the limit"]
    lines = [_short_line(rows[name], others) for name in README_ROWS if name in rows]
    return f"{_table(head, lines)}\n\n{_origin(report)}"


def draw(report, path):
    """Bars of GFLOP/s against the limit, on a logarithmic scale."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    rows, peers = report["rows"], report["peers"]
    figure, axes = plt.subplots(figsize=(max(7, 1.2 * len(rows)), 5.5), layout="constrained")
    width = 0.8 / len(peers)
    left = [k - 0.4 for k in range(len(rows))]
    for i, peer in enumerate(peers):
        rates = [row["flop"] / t / 1e9 if (t := medians(row).get(peer)) else float("nan") for row in rows]
        color = "black" if peer == "fastbp" else None
        axes.bar([x + i * width for x in left], rates, 0.95 * width, align="edge", label=peer, color=color)
    for k, row in enumerate(rows):
        label = "multiply-add limit of its threads" if k == 0 else None
        axes.plot([k - 0.45, k + 0.45], [row["limit"]] * 2, color="tab:red", linewidth=2, label=label)
        axes.text(k - 0.4, row["limit"] * 1.08, f"{summary(row)[1]:.0%}", fontsize=9, color="tab:red")
    axes.set(yscale="log", ylabel="GFLOP/s (more is better)", xlim=(-0.6, len(rows) - 0.4))
    axes.set_title("fastbp and others against the multiply-add limit; in red, fastbp's share of it")
    axes.set_xticks(range(len(rows)), [row["workload"]["name"] for row in rows], rotation=30, ha="right")
    axes.grid(axis="y", alpha=0.3)
    axes.set_axisbelow(True)
    figure.legend(loc="outside lower center", ncols=len(peers) + 1, frameon=False)
    figure.savefig(path, dpi=120)
    plt.close(figure)


def readme_table():
    """What stands between the markers in README."""
    return README.read_text(encoding="utf-8").split(BEGIN)[1].split(END)[0].strip()


def put_into_readme(table):
    """Put a table between the markers, in place of what is there."""
    text = README.read_text(encoding="utf-8")
    before, after = text.split(BEGIN)[0], text.split(END)[1]
    README.write_text(f"{before}{BEGIN}\n{table}\n{END}{after}", encoding="utf-8")
