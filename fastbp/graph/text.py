"""A graph as readable code, one node a line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .operators import INFIX

if TYPE_CHECKING:
    from .node import Node
    from .trace import Graph


def show_number(value: float | bool) -> str:
    """A constant, as short as it can be told apart."""
    return str(value) if isinstance(value, bool) else repr(float(value))


def names(graph: Graph) -> dict[int, str]:
    """What each node is called in the text: arguments by their names, constants by their values, the rest v1, v2, ..."""
    found: dict[int, str] = {}
    captured = count = 0
    for node in graph.nodes:
        if node.op == "input":
            found[node.index] = node.name
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
        return f"{args[0]}[{node.attr[0]}:{node.attr[1]}]"
    if node.op == "stack":
        return f"stack([{', '.join(args)}])"
    if node.op == "assemble":
        whole = node.attr[0]
        places = []
        for place, value in zip(node.attr[1:], args[whole:], strict=True):
            places.append(f"{':'.join(map(str, place)) if isinstance(place, tuple) else place}: {value}")
        return f"assemble([{', '.join(args[:whole])}], {{{', '.join(places)}}})"
    return f"{node.op}({', '.join(args)})"


def as_code(graph: Graph, sizes: bool = True) -> str:
    """The whole graph. Without ``sizes`` lengths are letters: graphs of the same text compute the same for any lengths."""
    called = names(graph)
    letters: dict[int, str] = {}

    def shape(node: Node) -> str:
        if not node.shape:
            return ""
        letter = letters.setdefault(node.shape[0], f"n{len(letters)}")
        return f"[{node.shape[0] if sizes else letter}]"

    heads = ", ".join(node.name + shape(node) for node in graph.inputs)
    lines = [f"graph of {graph.name}({heads}):"]
    lines += [f"    {called[n.index]} = data{shape(n)}" for n in graph.nodes if n.op == "captured" and not sizes]
    for node in graph.nodes:
        if node.op not in ("input", "constant", "size", "element", "captured"):
            lines.append(f"    {called[node.index]} = {expression(node, called)}")
    lines.append(f"    return {', '.join(called[node.index] for node in graph.outputs)}")
    return "\n".join(lines)
