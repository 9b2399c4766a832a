"""Speed over time, by airspeed velocity (https://asv.readthedocs.io): one command for each thing to do.

    python asv_bench/track.py smoke                      every benchmark once, nothing is kept
    python asv_bench/track.py run                        the present commit, kept in asv_bench/results
    python asv_bench/track.py backfill [COMMIT...]       commits of the history, kept; without any: landmarks.toml and HEAD
    python asv_bench/track.py compare main HEAD          two commits, fails where the second is 1.5 times slower
    python asv_bench/track.py publish                    the site with the graphs of all kept results

``smoke`` measures the fastbp of this checkout and needs no network. The others build commits, in an environment that asv makes
with pip: what is not committed they do not see. ``compare`` measures its two in turns, and ends with 1 for a slowdown, with 2
for a benchmark that failed. ``backfill`` measures old commits by the benchmarks of today. It goes on where it was cut short;
what an old commit does not have is skipped, and what fails there is kept as failed. All but ``publish`` take ``--bench REGEX``:
only those.
"""

import argparse
import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import machine
import site_libraries
import site_views

HERE = Path(__file__).resolve().parent
ENVIRONMENTS = HERE / "env"
SLOWER = "1.5"
ROUNDS = "4"
FAILED = 2  # asv's exit code where a benchmark ended with an error or was not done in time
# asv takes more for worse, so that of two commits only times and memory can be compared.
COMPARED = r"\.(time|timeraw|peakmem)_"
# Of old commits: single precision, without the other libraries, which do not change with fastbp.
BACKFILLED = (
    r"^(?!.*(numpy|scipy|threading|float64|-64|momentum|train\.Scaling|startup\.Cold\.timeraw_warmup))"
    r"(kernels|graph|predict|train|startup)\."
)
# About two minutes a commit on two quiet cores: up to ten samples, as long as they take less than a second together.
BRIEFLY = ["-a", "repeat=(1, 10, 1.0)", "-a", "warmup_time=0.02"]


def asv(*arguments, config=None, **environment):
    """asv's exit code."""
    command = [sys.executable, "-m", "asv", *(("--config", str(config)) if config else ()), *arguments]
    print("+", " ".join(command[1:]), flush=True)
    return subprocess.run(command, cwd=HERE, check=False, env={**os.environ, **environment}).returncode


def apart():
    """The path of a configuration whose results are not among the kept ones."""
    lines = (HERE / "asv.conf.json").read_text(encoding="utf-8").splitlines()
    settings = json.loads("\n".join(line for line in lines if not line.lstrip().startswith("//")))
    settings |= {"repo": "../..", "benchmark_dir": "../benchmarks", "env_dir": ".", "results_dir": "results"}
    ENVIRONMENTS.mkdir(exist_ok=True)
    config = ENVIRONMENTS / "apart.json"
    config.write_text(json.dumps(settings), encoding="utf-8")
    return config


def git(*arguments):
    """What git says, or None where it fails."""
    found = subprocess.run(["git", *arguments], cwd=HERE, capture_output=True, text=True, check=False)
    return None if found.returncode else found.stdout.strip()


def commit(name="HEAD"):
    found = git("rev-parse", "--verify", f"{name}^{{commit}}")
    if found is None:
        raise SystemExit(f"there is no commit {name!r} here")
    return found


def main_line():
    """The commits that asv's graphs show, newest first."""
    return git("rev-list", "--first-parent", "HEAD").split()


def landmarks():
    """Of the history, {commit: its name}."""
    listed = tomllib.loads((HERE / "landmarks.toml").read_text(encoding="utf-8"))
    return {abbreviated: landmark["name"] for abbreviated, landmark in listed.items()}


def launch():
    """A copy of one process that has imported everything takes a tenth of the time of a new one."""
    return ["--launch-method", "forkserver"] if hasattr(os, "fork") else []


def smoke(chosen):
    checkout = {"ASV_PYTHONPATH": str(HERE.parent), "FASTBP_SMOKE": "1"}
    measured = "--quick", "--show-stderr", *launch(), *chosen.machine, *chosen.bench
    return asv("run", "-E", "existing:same", *measured, config=apart(), **checkout)


def run(chosen):
    """Results of several runs of one commit, each of other benchmarks, add up."""
    return asv("run", "--show-stderr", *launch(), *chosen.machine, *chosen.bench, f"{commit()}^!")


def in_order(commits, line):
    """Each commit once: those of the main line newest first, and then the others, which are named."""
    shown = [one for one in line if one in set(commits)]
    hidden = [one for one in dict.fromkeys(commits) if one not in set(line)]
    for one in hidden:
        print(f"{one[:8]} is on a side branch of HEAD's history: it is measured, but asv's graphs leave it out")
    return shown + hidden


def backfill(chosen):
    """The newest comes first, because asv reads the list of benchmarks with the first commit that can import them all."""
    commits = [commit(name) for name in chosen.commits or [*landmarks(), "HEAD"]]
    wanted = ENVIRONMENTS / "backfill.txt"
    ENVIRONMENTS.mkdir(exist_ok=True)
    wanted.write_text("\n".join(in_order(commits, main_line())), encoding="utf-8")
    skipped = [] if chosen.again else ["--skip-existing"]
    measured = *skipped, "-a", f"rounds={chosen.rounds}", *BRIEFLY, *launch(), *chosen.machine, *chosen.bench
    status = asv("run", *measured, f"HASHFILE:{wanted}")
    if status == FAILED:
        print("what failed is kept as failed: graphs have no point there, and --again measures it anew")
        return 0
    return status


def compare(chosen):
    base, new = commit(chosen.base), commit(chosen.new)
    turns = "--interleave-rounds", "-a", f"rounds={ROUNDS}"
    judged = "--factor", SLOWER, "--split", *chosen.machine
    config = apart()
    status = asv("continuous", *judged, "--show-stderr", *launch(), *turns, *chosen.bench, base, new, config=config)
    if status == FAILED:  # asv then leaves out the table
        asv("compare", *judged, "--only-changed", base, new, config=config)
        print("a benchmark failed: see above")
    return status


def publish(chosen):
    folder = chosen.to.resolve()
    status = asv("publish", "--html-dir", str(folder))
    if status == 0:
        site_views.add(folder, landmarks())
        if chosen.local:
            site_libraries.make_local(folder)
        print(f"to look at it: python -m http.server --directory {folder}")
    return status


def parse(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    for command in (smoke, run, backfill, compare, publish):
        sub = commands.add_parser(command.__name__)
        sub.set_defaults(command=command)
        if command is publish:
            sub.add_argument("--to", type=Path, default=HERE / "html", help="folder")
            sub.add_argument("--local", action="store_true", help="fetch the pages' libraries by npm, to read them offline")
            continue
        if command is compare:
            sub.add_argument("base")
            sub.add_argument("new", nargs="?", default="HEAD")
        if command is backfill:
            sub.add_argument("commits", nargs="*", metavar="COMMIT", help="by default those of landmarks.toml, and HEAD")
            sub.add_argument("--rounds", type=int, choices=range(1, 10), default=1, metavar="N", help="asv's rounds")
            sub.add_argument("--again", action="store_true", help="measure also what has a result, or has failed")
        regex = {compare: COMPARED, backfill: BACKFILLED}.get(command)
        sub.add_argument("--bench", type=option("bench"), default=regex, help="a regular expression")
        named = "name of this machine in the results, else that of its CPU"
        sub.add_argument("--machine", type=option("machine"), default=machine.name(), help=named)
    parsed = parser.parse_args(arguments)
    parsed.bench = getattr(parsed, "bench", None) or []
    return parsed


def option(name):
    """What asv is given for an option that is given here."""
    return lambda value: [f"--{name}", value]


def main(arguments=None):
    chosen = parse(arguments)
    if chosen.command is not publish:
        machine.register(chosen.machine[1])
    return chosen.command(chosen)


if __name__ == "__main__":
    sys.exit(main())
