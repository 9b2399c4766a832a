"""A graph as a picture: a box for each node, black arrows for values, red ones for the derivatives that come back."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import numpy as np

from ..tracing.node import Node
from ..tracing.node_graph import NodeGraph
from ..tracing.operators import LOGICAL
from ..tracing.text import as_code, expression, names
from .layered_layout import layered_layout
from .picture import ADVANCE, Curve, Group, Picture, Polygon, Rectangle, Text, checked_path, text_width

INK, FAINT, FORWARD, BACKWARD = "#1a1a1a", "#6b6b6b", "#333333", "#c8102e"
FILLS = {"argument": ("#eaf2fd", "#4a78b5"), "step": ("#ffffff", "#8a8a8a"), "result": ("#fff4d6", "#b98500")}
PADDING, LINE, MARGIN = 9.0, 17.0, 18.0
MAX_TITLE, MAX_ELEMENTS, MIN_WIDTH = 40, 16, 5 * ADVANCE
LINE_OFFSET, HEAD_LENGTH = 4.0, 8.0  # half the distance between the lines of the two directions; length of an arrow's head

Words = list[tuple[int, str, str, bool]]  # a line of a box: column, text, colour, bold


def draw(graph: NodeGraph, path: Any = None) -> Picture:
    """The picture of a graph; see ``Graph.draw``."""
    path = None if path is None else checked_path(path)
    called = names(graph)
    outputs = {node.index for node in graph.outputs}
    nodes = [node for node in graph.nodes if node.index in outputs or node.op not in ("constant", "size", "element")]
    elements: dict[int, list[Node]] = defaultdict(list)
    for node in graph.nodes:
        if node.op == "element" and node.index not in outputs:
            elements[node.args[0].index].append(node)
    texts = [_words(node, called, elements[node.index]) for node in nodes]
    sizes = [_size(words) for words in texts]
    layout = layered_layout(sizes, _edges(nodes))

    heading = as_code(graph).splitlines()[0].removeprefix("graph of ").removesuffix(":")
    shapes, right, top = _legend(_shortened(heading, 2 * MAX_TITLE))
    left = MARGIN + max(right - MARGIN - layout.width, 0.0) / 2
    for node, words, size, (x, y) in zip(nodes, texts, sizes, layout.corners, strict=True):
        kind = "result" if node.index in outputs else "argument" if node.op in ("input", "captured") else "step"
        shapes.append(_box(node, words, size, (x + left, y + top), kind, called))
    for line in layout.lines:
        there, back = ([(x + left, y + top) for x, y in line.parallel(offset)] for offset in (-LINE_OFFSET, LINE_OFFSET))
        shapes += _arrow(there, line.enters, "forward")
        if line.bidirectional:
            shapes += _arrow(back[::-1], line.leaves, "backward")
    width = max(right, layout.width + MARGIN) + MARGIN
    picture = Picture(shapes, width, layout.height + top + MARGIN, heading)
    if path is not None:
        picture.save(path)
    return picture


def _edges(nodes: list[Node]) -> list[tuple[int, int, bool]]:
    """From box to box, and whether a derivative comes back. Elements are in their vector's box, constants in none."""
    place = {node.index: i for i, node in enumerate(nodes)}
    found: dict[tuple[int, int], bool] = {}
    for node in nodes:
        for i, argument in enumerate(node.args):
            passes = node.op not in ("size", "sign", *LOGICAL) and not (node.op == "where" and i == 0)
            if argument.index not in place and argument.op == "element":
                argument = argument.args[0]
            if argument.index in place:
                edge = place[argument.index], place[node.index]
                found[edge] = found.get(edge, False) or passes
    return [(*edge, passes) for edge, passes in found.items()]


# -- boxes


def _words(node: Node, called: dict[int, str], elements: list[Node]) -> list[Words]:
    """The lines of a node's box: what it is, its value and its grad, and those of the elements that the formula takes."""
    lines: list[Words] = [[(0, _shortened(_title(node, called), MAX_TITLE), INK, True)]]
    if node.value is None:
        return lines + [[(0, f"[{node.size}]", FAINT, False)]] * bool(node.shape)
    lines.append([(0, "value", FAINT, False), (6, short(node.value), INK, False)])
    if node.grad is not None:
        lines.append([(0, "grad", FAINT, False), (6, short(node.grad), BACKWARD, False)])
    elements = sorted(elements, key=lambda element: element.attr)
    shown = elements if len(elements) <= MAX_ELEMENTS else elements[: MAX_ELEMENTS - 1]
    table = [(called[e.index], short(e.value), "" if e.grad is None else short(e.grad)) for e in shown]
    second = 1 + max((len(name) for name, _, _ in table), default=0)
    third = second + 2 + max((len(value) for _, value, _ in table), default=0)
    for name, value, grad in table:
        lines.append([(0, name, FAINT, False), (second, value, INK, False), (third, grad, BACKWARD, False)])
    if len(shown) < len(elements):
        lines.append([(0, f"... {len(elements) - len(shown)} more", FAINT, False)])
    return lines


def _title(node: Node, called: dict[int, str]) -> str:
    """As in the graph's text."""
    own = called[node.index]
    return own if node.op in ("input", "constant", "captured", "size", "element") else f"{own} = {expression(node, called)}"


def short(value: Any) -> str:
    """A value in short: of many numbers the first and the last."""
    if np.ndim(value) == 0:
        return str(bool(value)) if isinstance(value, bool | np.bool_) else f"{float(value):.4g}"
    if len(value) <= 3:
        return f"[{len(value)}] {', '.join(map(short, value))}"
    return f"[{len(value)}] {short(value[0])} ... {short(value[-1])}"


def _shortened(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 3] + "..."


def _size(lines: list[Words]) -> tuple[float, float]:
    widest = max(column * ADVANCE + text_width(text) for words in lines for column, text, _, _ in words)
    return max(widest, MIN_WIDTH) + 2 * PADDING, len(lines) * LINE + PADDING


def _box(node: Node, lines: list[Words], size: Any, corner: Any, kind: str, called: dict[int, str]) -> Group:
    (x, y), (width, height) = corner, size
    shapes: list[Any] = [Rectangle(x, y, width, height, *FILLS[kind])]
    for i, words in enumerate(lines):
        base = y + PADDING / 2 + (i + 0.75) * LINE
        shapes += [Text(x + PADDING + column * ADVANCE, base, text, color, bold) for column, text, color, bold in words]
    tooltip = [f"{node.op}: {_title(node, called)}"]
    tooltip += [f"{name} {np.array2string(np.asarray(v), threshold=20)}" for name, v in _known(node)]
    return Group(shapes, node.op, "\n".join(tooltip))


def _known(node: Node) -> list[tuple[str, Any]]:
    return [(name, value) for name, value in (("value", node.value), ("grad", node.grad)) if value is not None]


# -- arrows and the legend


def _arrow(points: list[tuple[float, float]], ends: bool, kind: str) -> list[Any]:
    """A line, with a head where it ends at a box: filled for values, hollow (and the line dashed) for derivatives."""
    back = kind.startswith("backward")
    color = BACKWARD if back else FORWARD
    if not ends:
        return [Curve(points, color, back, kind)]
    x, y = points[-1]
    foot = y + HEAD_LENGTH if back else y - HEAD_LENGTH
    head = Polygon([(x - HEAD_LENGTH / 2, foot), (x + HEAD_LENGTH / 2, foot), (x, y)], "white" if back else color, color)
    return [Curve(points, color, back, kind), head]


def _legend(heading: str) -> tuple[list[Any], float, float]:
    """The shapes above the graph, their right end, and the top of the graph."""
    base, x = MARGIN + 12, MARGIN
    shapes: list[Any] = [Text(x, base, heading, INK, True)]
    right = x + text_width(heading)
    base += 24
    for kind, color, text in (("forward", FORWARD, "value"), ("backward", BACKWARD, "grad")):
        ends = (base - 15, base + 4) if kind == "forward" else (base + 4, base - 15)
        shapes += _arrow([(x + 4, ends[0]), (x + 4, ends[0]), (x + 4, ends[1]), (x + 4, ends[1])], True, kind + " legend")
        shapes.append(Text(x + 14, base, text, color))
        x += 14 + text_width(text) + 20
    for kind in ("argument", "result"):
        shapes += [Rectangle(x, base - 11, 14, 14, *FILLS[kind]), Text(x + 20, base, kind, FAINT)]
        x += 20 + text_width(kind) + 20
    return shapes, max(right, x - 20), base + 26
