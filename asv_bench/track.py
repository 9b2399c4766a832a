"""Speed over time, by airspeed velocity (https://asv.readthedocs.io): one command for each thing to do.

    python asv_bench/track.py smoke                      every benchmark once, nothing is kept
    python asv_bench/track.py run                        the present commit, kept in asv_bench/results
    python asv_bench/track.py compare main HEAD          two commits, fails where the second is 1.5 times slower
    python asv_bench/track.py publish                    the site with the graphs of all kept results

``smoke`` and ``run`` measure the fastbp of this checkout and need no network. ``compare`` builds both commits, in an
environment that asv makes with pip, and measures them in turns. All but ``publish`` take ``--bench REGEX``: only those.
"""

import argparse
import os
import subprocess
import sys
from pathlib import Path

import site_libraries as site

HERE = Path(__file__).resolve().parent
SLOWER = "1.5"
ROUNDS = "4"
# asv takes more for worse, so that of two commits only times and memory can be compared.
COMPARED = r"(time|timeraw|peakmem)_"


def asv(*arguments, here=False):
    """asv's exit code. With ``here``, the benchmarks import the fastbp of this checkout, whatever is installed."""
    command = [sys.executable, "-m", "asv", *arguments]
    print("+", " ".join(command[1:]), flush=True)
    path = {"ASV_PYTHONPATH": str(HERE.parent)} if here else {}
    return subprocess.run(command, cwd=HERE, check=False, env={**os.environ, **path}).returncode


def commit(name="HEAD"):
    command = ["git", "rev-parse", "--verify", f"{name}^{{commit}}"]
    found = subprocess.run(command, cwd=HERE, capture_output=True, text=True, check=False)
    if found.returncode:
        raise SystemExit(f"there is no commit {name!r} here")
    return found.stdout.strip()


def smoke(chosen):
    # A copy of one process that has imported everything takes a tenth of the time of a new one.
    launch = ["--launch-method", "forkserver"] if hasattr(os, "fork") else []
    return asv("run", "-E", "existing:same", "--quick", "--dry-run", "--show-stderr", *launch, *chosen.bench, here=True)


def run(chosen):
    """A change that is not committed would be kept under the wrong name."""
    changed = subprocess.run(["git", "status", "--porcelain", "--", "../fastbp"], cwd=HERE, capture_output=True, check=True)
    if changed.stdout.strip():
        raise SystemExit("fastbp/ has changes that are not committed: commit them, or use smoke")
    existing = "-E", "existing:same", "--set-commit-hash", commit()
    return asv("run", *existing, "--show-stderr", *chosen.bench, here=True)


def compare(chosen):
    base, new = commit(chosen.base), commit(chosen.new)
    turns = "--interleave-rounds", "-a", f"rounds={ROUNDS}"
    return asv("continuous", "--factor", SLOWER, "--split", "--show-stderr", *turns, *chosen.bench, base, new)


def publish(chosen):
    folder = chosen.to.resolve()
    status = asv("publish", "--html-dir", str(folder))
    if status == 0:
        if chosen.local:
            site.make_local(folder)
        print(f"to look at it: python -m http.server --directory {folder}")
    return status


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    for command in (smoke, run, compare, publish):
        sub = commands.add_parser(command.__name__)
        sub.set_defaults(command=command)
        if command is compare:
            sub.add_argument("base")
            sub.add_argument("new", nargs="?", default="HEAD")
        if command is publish:
            sub.add_argument("--to", type=Path, default=HERE / "html", help="folder")
            sub.add_argument("--local", action="store_true", help="fetch the pages' libraries by npm, to read them offline")
        else:
            sub.add_argument("--bench", help="a regular expression")
    chosen = parser.parse_args(arguments)
    if "bench" in chosen:
        default = COMPARED if chosen.command is compare else None
        pattern = chosen.bench or default
        chosen.bench = ["--bench", pattern] if pattern else []
    subprocess.run([sys.executable, "-m", "asv", "machine", "--yes"], cwd=HERE, check=True, capture_output=True)
    return chosen.command(chosen)


if __name__ == "__main__":
    sys.exit(main())
