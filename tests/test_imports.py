"""Imports run downward only: no modules of the package import each other in a circle, and the kernels import nothing above."""

import ast
from pathlib import Path

import pytest

import fastbp

ROOT = Path(fastbp.__file__).parent
KERNELS_MAY_IMPORT = {"fastbp.forks"}  # which imports nothing of the package


def modules():
    """Each module's name and its file."""
    found = {}
    for path in ROOT.rglob("*.py"):
        parts = path.relative_to(ROOT.parent).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imports(name, source, is_package, known):
    """The modules of ``known`` that a module imports: inside functions and for type checking too."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            package = name.split(".")[: len(name.split(".")) - node.level + is_package] if node.level else []
            base = ".".join([*package, *([node.module] if node.module else [])])
            submodules = {f"{base}.{alias.name}" for alias in node.names}
            found |= submodules & known
            if any(f"{base}.{alias.name}" not in known for alias in node.names):
                found.add(base)
    return (found & known) - {name}


def import_graph():
    files = modules()
    return {name: imports(name, p.read_text(), p.name == "__init__.py", set(files)) for name, p in files.items()}


def reachable(graph, start):
    seen, waiting = set(), list(graph[start])
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen.add(name)
            waiting += graph[name]
    return seen


def circles(graph):
    """Sets of modules that import each other, directly or by way of others."""
    within = {name: reachable(graph, name) for name in graph}
    found = {frozenset(n for n in within[name] if name in within[n]) for name in graph if name in within[name]}
    return sorted(map(set, found), key=sorted)


@pytest.mark.parametrize(
    ("source", "wanted"),
    [
        ("import p.a.x", {"p.a.x"}),
        ("from . import x", {"p.a.x"}),
        ("from .x import name", {"p.a.x"}),
        ("from .. import b, name", {"p.b", "p"}),
        ("def f():\n    from ..b import y", {"p.b.y"}),
        ("if TYPE_CHECKING:\n    from p.b import name", {"p.b"}),
        ("import numpy", set()),
    ],
)
def test_imports_are_found(source, wanted):
    known = {"p", "p.a", "p.a.x", "p.a.y", "p.b", "p.b.y"}
    assert imports("p.a.y", source, False, known) == wanted


def test_a_circle_is_found():
    graph = {"a": {"b"}, "b": {"c"}, "c": {"b", "d"}, "d": set(), "e": {"a"}}
    assert circles(graph) == [{"b", "c"}]


def test_there_are_no_circles():
    assert circles(import_graph()) == []


def test_kernels_import_nothing_from_above():
    above = {
        (name, target)
        for name, targets in import_graph().items()
        if name.startswith("fastbp.kernels")
        for target in targets
        if not target.startswith("fastbp.kernels") and target not in KERNELS_MAY_IMPORT
    }
    assert above == set()
