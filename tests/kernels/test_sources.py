"""The key of the cache: what compiled code is made of, and nothing else."""

import ast
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from fastbp.kernels.simd import native, sources
from paths import ROOT

PACKAGE = ROOT / "fastbp"
SHAPES_KERNELS = ("kernels",)
SHAPES_FORMULAS = ("kernels", "graph/tracing", "graph/autodiff", "graph/codegen")

# Imported by what is compiled from, without a say in the code: the hooks of a fork, what runs a formula, what it writes to.
NO_SAY = {"forks", "engine.threads", "engine.guards", "engine.memory"}


@pytest.fixture
def copy(tmp_path):
    """A copy of the package that can be edited."""
    shutil.copytree(PACKAGE, tmp_path / "fastbp")
    return tmp_path / "fastbp"


def edit(path):
    path.write_text(path.read_text() + "# edited\n")


def is_below(path, folders):
    return any(path.as_posix().startswith(folder + "/") for folder in folders)


# -------------------------------------------------------------------------------------------------------------- stamps


def test_each_file_changes_the_stamps_of_what_it_shapes(copy, monkeypatch):
    """Edited or renamed."""
    monkeypatch.setattr(sources, "_ROOT", str(copy))

    def stamps():
        kernels = sources.Sources(*sources.KERNELS._folders)
        return kernels.stamp, sources.Sources(*native.SOURCES._folders, beside=kernels).stamp

    before, seen = stamps(), set()
    assert before == (sources.KERNELS.stamp, native.SOURCES.stamp)
    for path in sorted(copy.rglob("*.py")):
        name, content = path.relative_to(copy), path.read_bytes()
        expected = is_below(name, SHAPES_KERNELS), is_below(name, SHAPES_FORMULAS)
        seen.add(expected)
        for change in (lambda: edit(path), lambda: path.rename(path.with_name("moved.py"))):  # noqa: B023
            change()
            assert tuple(new != old for new, old in zip(stamps(), before, strict=True)) == expected, name
            path.with_name("moved.py").unlink(missing_ok=True)
            path.write_bytes(content)
        assert stamps() == before
    assert len(seen) == 3


def test_no_stamp_without_sources(tmp_path, monkeypatch):
    monkeypatch.setattr(sources, "_ROOT", str(tmp_path))
    assert sources.Sources("kernels").stamp == ""


def imported(path):
    """The package's modules that a file imports at run time, as dotted names below the package."""
    tree = ast.parse(path.read_text())
    for_types = {
        inner
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    parents = path.relative_to(PACKAGE).parent.parts
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.ImportFrom)
            and node not in for_types
            and (node.level or (node.module or "").startswith("fastbp"))
        ):
            base = parents[: len(parents) - node.level + 1] if node.level else ()
            module = [*base, *filter(None, (node.module or "").removeprefix("fastbp").split("."))]
            for alias in node.names:
                whole = [*module, alias.name]
                yield ".".join(whole if PACKAGE.joinpath(*whole).with_suffix(".py").exists() else module)


@pytest.mark.parametrize("folder", SHAPES_FORMULAS)
def test_what_shapes_code_imports_nothing_else(folder):
    """Or else an edit to that would be missed: kernels see only kernels, and code generators what is stamped."""
    stamped = SHAPES_KERNELS if folder == "kernels" else SHAPES_FORMULAS
    for path in (PACKAGE / folder).rglob("*.py"):
        for name in imported(path):
            assert name in NO_SAY or is_below(Path(name.replace(".", "/") + ".py"), stamped), f"{path} imports {name}"


# ----------------------------------------------------------------------------------------------------- whole processes

# Tells how many kernels and formulas this process compiled itself.
SCRIPT = """
import json, os, pathlib
import fastbp
from fastbp.kernels.simd import disk_cache, jit

{before}
def formulas():
    return set(disk_cache.directory().glob("graph_*"))

known = formulas()
jit.kernel("small", "int64(int64)", lambda: lambda i: i + 1)
fastbp.grad(lambda x: x * x)(1.0)
print(json.dumps([jit.compilations()[0], len(formulas() - known)]))
"""


def compiled(copy, before=""):
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", SCRIPT.format(before=before)],
        env={**os.environ, "NUMBA_CACHE_DIR": str(copy.parent / "cache"), "PYTHONPATH": str(copy.parent)},
        cwd=copy.parent,
        capture_output=True,
        text=True,
        timeout=180,
    )
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


def test_only_what_is_made_of_an_edited_file_is_compiled_again(copy):
    assert compiled(copy) == [1, 1]
    for path in copy.rglob("*.py"):
        if not is_below(path.relative_to(copy), SHAPES_FORMULAS):
            edit(path)
    assert compiled(copy) == [0, 0]
    edit(copy / "graph" / "codegen" / "machine_code.py")
    assert compiled(copy) == [0, 1]
    edit(copy / "kernels" / "simd" / "vocabulary.py")
    assert compiled(copy) == [1, 1]


def test_an_edit_while_the_program_runs(copy):
    """What is compiled after it may be of old and of new sources: it is kept neither for the one nor for the other."""
    path = copy / "kernels" / "matrix" / "gemm.py"
    before = f"import fastbp.graph.codegen.program\nwith open({str(path)!r}, 'a') as file: file.write('# edited')"
    original = path.read_text()
    assert compiled(copy, before) == [1, 0]
    assert compiled(copy) == [1, 1]
    path.write_text(original)
    assert compiled(copy) == [1, 1]
