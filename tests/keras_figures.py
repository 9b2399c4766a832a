"""What Keras gives for the scripts of tests/keras_scripts, kept in a file for machines without it.

    python tests/keras_figures.py [--out tests/keras_scripts/figures.json]

The file has for each script what it printed last, the numbers with seven digits, and a checksum of the script, so that a
script that has changed since is noticed. It needs Keras 3 with a backend of its own, such as torch (KERAS_BACKEND=torch).
"""

import argparse
import contextlib
import hashlib
import io
import json
import os
import re
import runpy
import tempfile
import warnings
from pathlib import Path

SCRIPTS = Path(__file__).resolve().parent / "keras_scripts"
FIGURES = SCRIPTS / "figures.json"


def scripts():
    """Their names."""
    return sorted(path.stem for path in SCRIPTS.glob("*.py") if path.stem != "conftest")


def source(name):
    return (SCRIPTS / f"{name}.py").read_text(encoding="utf-8")


def checksum(name):
    return hashlib.sha256(source(name).encode()).hexdigest()[:16]


def with_import_changed(text, package):
    """A script for Keras as one for another package: nothing but the name is replaced."""
    return re.sub(r"\bkeras\b", package, text)


def run(name, package):
    """What a script prints last, when ``package`` stands for Keras."""
    printed = io.StringIO()
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(printed):
        path = Path(folder, f"{name}.py")
        path.write_text(with_import_changed(source(name), package), encoding="utf-8")
        runpy.run_path(str(path), run_name="__main__")
    return json.loads(printed.getvalue().splitlines()[-1])


def rounded(value):
    """With seven digits, which is all that single precision has."""
    if isinstance(value, float):
        return float(f"{value:.7g}")
    if isinstance(value, dict):
        return {name: rounded(part) for name, part in value.items()}
    return [rounded(part) for part in value] if isinstance(value, list) else value


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=FIGURES)
    parser.add_argument("--only", nargs="+", default=scripts(), help="the scripts to run; the figures of the others stay")
    options = parser.parse_args()
    os.environ.setdefault("KERAS_BACKEND", "torch")
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # more would wait for each other most of the time
    import keras

    warnings.simplefilter("ignore")
    figures = json.loads(options.out.read_text(encoding="utf-8"))["scripts"] if options.out.exists() else {}
    for name in options.only:
        keras.backend.clear_session()
        figures[name] = {"checksum": checksum(name), "printed": rounded(run(name, "keras"))}
        print(name, flush=True)
    versions = f"Keras {keras.__version__} on {keras.backend.backend()}"
    made = f"python tests/{Path(__file__).name}, which runs each script of this folder with {versions}"
    lines = ",\n".join(f"{json.dumps(name)}: {json.dumps(figure)}" for name, figure in sorted(figures.items()))
    options.out.write_text(f'{{"made by": {json.dumps(made)},\n"scripts": {{\n{lines}\n}}}}\n', encoding="utf-8")


if __name__ == "__main__":
    main()
