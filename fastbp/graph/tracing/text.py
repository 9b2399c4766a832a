"""A graph as readable code, one node a line."""

from __future__ import annotations

from .node import Node
from .node_graph import NodeGraph
from .operators import INFIX


def show_number(value: float | bool) -> str:
    """A constant in the fewest digits that identify it."""
    return str(value) if isinstance(value, bool) else repr(float(value))


# Numbers that belong to a formula's structure. Others may change from call to call, so the code is the same for all of them.
_STRUCTURAL = (0.0, 1.0, -1.0, 2.0, 0.5)


def is_runtime_constant(node: Node) -> bool:
    """Whether a node is a number that is passed to compiled code at each call."""
    return node.op == "constant" and not isinstance(node.attr, bool) and node.attr not in _STRUCTURAL


def is_runtime_start(node: Node) -> bool:
    """Whether a slice begins at a row that is passed to compiled code: that of one of several columns is structure."""
    return node.op == "slice" and node.attr[0] >= range(*node.attr).step


def names(graph: NodeGraph, as_key: bool = False) -> dict[int, str]:
    """What each node is called in the text: arguments by their names, constants by their values, the rest v1, v2, ...

    With ``as_key``, arguments and numbers that are passed are numbered: no name of the user's can be mistaken for another node.
    """
    found: dict[int, str] = {}
    captured = count = given = arguments = 0
    for node in graph.nodes:
        if node.op == "input":
            found[node.index] = f"x{arguments}" if as_key else node.name
            arguments += 1
        elif as_key and is_runtime_constant(node):
            found[node.index] = f"c{given}"
            given += 1
        elif node.op == "constant":
            found[node.index] = show_number(node.attr)
        elif node.op == "size":
            found[node.index] = f"size({found[node.args[0].index]})"
        elif node.op == "element":
            found[node.index] = f"{found[node.args[0].index]}[{node.attr}]"
        elif node.op == "captured":
            found[node.index] = f"data{captured}"
            captured += 1
        else:
            count += 1
            found[node.index] = f"v{count}"
    return found


def expression(node: Node, called: dict[int, str]) -> str:
    """The right-hand side of a node's line."""
    args = [called[a.index] for a in node.args]
    if node.op in INFIX:
        return f"{args[0]} {INFIX[node.op][0]} {args[1]}"
    if node.op in ("neg", "not"):
        return f"{'-' if node.op == 'neg' else '~'}{args[0]}"
    if node.op == "slice":
        return f"{args[0]}[{':'.join(map(str, node.attr))}]"
    if node.op == "join":
        return f"join({', '.join(f'{p.start}:{p.stop}:{p.step}: {a}' for p, a in zip(node.attr, args, strict=True))})"
    if node.op == "stack":
        return f"stack([{', '.join(args)}])"
    if node.op == "assemble":
        whole = node.attr[0]
        places = []
        for place, value in zip(node.attr[1:], args[whole:], strict=True):
            places.append(f"{':'.join(map(str, place)) if isinstance(place, tuple) else place}: {value}")
        return f"assemble([{', '.join(args[:whole])}], {{{', '.join(places)}}})"
    return f"{node.op}({', '.join(args)})"


def as_code(graph: NodeGraph) -> str:
    """The whole graph, for people to read."""
    called = names(graph)
    heads = ", ".join(node.name + _length(node) for node in graph.inputs)
    return "\n".join([f"graph of {graph.name}({heads}):", *_body(graph, called)])


def as_key(graph: NodeGraph, sizes: bool) -> str:
    """A text such that graphs with the same text have the same code. Without ``sizes`` that is code for any lengths."""
    called, letters = names(graph, as_key=True), dict[int, str]()

    def length(node: Node) -> str:
        return _length(node) if sizes or not node.shape else f"[{letters.setdefault(node.shape[0], f'n{len(letters)}')}]"

    starts = 0
    for node in graph.nodes:  # where a column begins and how far its rows are apart, but not how many there are
        if node.op == "slice":
            start = str(node.attr[0])
            if is_runtime_start(node) and not sizes:
                start, starts = f"s{starts}", starts + 1
            called[node.index] = f"{called[node.args[0].index]}[{start}::{range(*node.attr).step}]{length(node)}"
    leaves = [*graph.inputs, *(node for node in graph.nodes if node.op == "captured")]
    return "\n".join([", ".join(called[node.index] + length(node) for node in leaves), *_body(graph, called)])


def _length(node: Node) -> str:
    return f"[{node.shape[0]}]" if node.shape else ""


def _body(graph: NodeGraph, called: dict[int, str]) -> list[str]:
    lines = []
    for node in graph.nodes:
        if node.op not in ("input", "constant", "size", "element", "captured") and not (
            node.op == "slice" and "::" in called[node.index]
        ):
            lines.append(f"    {called[node.index]} = {expression(node, called)}")
    return [*lines, f"    return {', '.join(called[node.index] for node in graph.outputs)}"]
