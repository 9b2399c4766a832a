"""Speed over time, by airspeed velocity (https://asv.readthedocs.io): one command for each thing to do.

    python asv_bench/track.py smoke                      every benchmark once, nothing is kept
    python asv_bench/track.py run                        the present commit, kept in asv_bench/results
    python asv_bench/track.py compare main HEAD          two commits, fails where the second is 1.5 times slower
    python asv_bench/track.py publish                    the site with the graphs of all kept results

``smoke`` measures the fastbp of this checkout and needs no network. ``run`` and ``compare`` build commits, in an environment
that asv makes with pip: what is not committed they do not see. ``compare`` measures its two in turns, and ends with 1 for a
slowdown, with 2 for a benchmark that failed. All but ``publish`` take ``--bench REGEX``: only those.
"""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

import site_libraries as site

HERE = Path(__file__).resolve().parent
ENVIRONMENTS = HERE / "env"
SLOWER = "1.5"
ROUNDS = "4"
FAILED = 2  # asv's exit code where a benchmark ended with an error or was not done in time
# asv takes more for worse, so that of two commits only times and memory can be compared.
COMPARED = r"\.(time|timeraw|peakmem)_"


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


def commit(name="HEAD"):
    command = ["git", "rev-parse", "--verify", f"{name}^{{commit}}"]
    found = subprocess.run(command, cwd=HERE, capture_output=True, text=True, check=False)
    if found.returncode:
        raise SystemExit(f"there is no commit {name!r} here")
    return found.stdout.strip()


def launch():
    """A copy of one process that has imported everything takes a tenth of the time of a new one."""
    return ["--launch-method", "forkserver"] if hasattr(os, "fork") else []


def smoke(chosen):
    checkout = {"ASV_PYTHONPATH": str(HERE.parent), "FASTBP_SMOKE": "1"}
    return asv("run", "-E", "existing:same", "--quick", "--show-stderr", *launch(), *chosen.bench, config=apart(), **checkout)


def run(chosen):
    """Results of several runs of one commit, each of other benchmarks, add up."""
    return asv("run", "--show-stderr", *launch(), *chosen.machine, *chosen.bench, f"{commit()}^!")


def compare(chosen):
    base, new = commit(chosen.base), commit(chosen.new)
    turns = "--interleave-rounds", "-a", f"rounds={ROUNDS}"
    judged = "--factor", SLOWER, "--split"
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
        if chosen.local:
            site.make_local(folder)
        print(f"to look at it: python -m http.server --directory {folder}")
    return status


def parse(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    for command in (smoke, run, compare, publish):
        sub = commands.add_parser(command.__name__)
        sub.set_defaults(command=command)
        if command is compare:
            sub.add_argument("base")
            sub.add_argument("new", nargs="?", default="HEAD")
        if command is run:
            sub.add_argument("--machine", default=[], help="name of this machine in the results, else its host name")
        if command is publish:
            sub.add_argument("--to", type=Path, default=HERE / "html", help="folder")
            sub.add_argument("--local", action="store_true", help="fetch the pages' libraries by npm, to read them offline")
        else:
            sub.add_argument("--bench", default=COMPARED if command is compare else None, help="a regular expression")
    chosen = parser.parse_args(arguments)
    for option in ("bench", "machine"):
        if value := getattr(chosen, option, None):
            setattr(chosen, option, [f"--{option}", value])
        else:
            setattr(chosen, option, [])
    return chosen


def main(arguments=None):
    chosen = parse(arguments)
    subprocess.run(
        [sys.executable, "-m", "asv", "machine", "--yes", *chosen.machine], cwd=HERE, check=True, capture_output=True
    )
    return chosen.command(chosen)


if __name__ == "__main__":
    sys.exit(main())
