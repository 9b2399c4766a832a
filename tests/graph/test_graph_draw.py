"""The picture of a graph: everything is in it, and nothing lies on anything else."""

import builtins
import itertools
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import fastbp as bp
from fastbp.graph.drawing.layered_layout import layered_layout
from fastbp.graph.drawing.picture import text_width

SVG = "{http://www.w3.org/2000/svg}"
X = np.linspace(-1.0, 2.0, 40)
RED = "#c8102e"


def neuron(w, b, x, y):
    return bp.mean((bp.tanh(w * x + b) - y) ** 2)


def polynomial(k, x, y):
    return bp.mean((sum(k[i] * x**i for i in range(len(k))) - y) ** 2)


def tangle(a, b, c, d):
    u = bp.where(a < b, a * c, b - d)
    v = bp.exp(-u) * bp.sin(a * d) + bp.maximum(c, d)
    w = bp.sqrt(abs(u) + v * v)
    return w * bp.log1p(w) / (1 + bp.exp(-v)) + u * a - bp.cos(v * d)


def chain(x):
    for _ in range(60):
        x = bp.sin(x) + 0.5
    return x


def ladder(x, y):
    """Every step needs all that came before, and the first arguments too."""
    steps = [x, y]
    for i in range(8):
        steps.append(bp.tanh(sum(steps) * (i + 1.5) + x))
    return steps[-1]


def wide(k):
    return bp.stack([bp.exp(k[i]) for i in range(40)])


def many(*x):
    return sum(x[i] * x[-1 - i] for i in range(len(x)))


CASES = {
    "three nodes": (lambda x, y: x * y, 2.0, 3.0),
    "neuron": (neuron, 0.5, 0.1, X, X**2),
    "polynomial": (polynomial, np.arange(6.0), X, X**2),
    "tangle": (tangle, 1.0, 2.0, 3.0, 0.5),
    "deep": (chain, 0.3),
    "ladder": (ladder, 0.3, -0.2),
    "wide": (wide, np.linspace(-1, 1, 40)),
    "many arguments": (many, *np.linspace(-3, 3, 24)),
    "unused arguments": (lambda *x: x[0] * 2.0, *range(30)),
    "constant": (lambda x: 3.0, 1.0),
    "the argument itself": (lambda x: x, X),
    "leaves as results": (lambda p, x: (p[1], bp.exp(p[1]), bp.sum(x), p[0]), np.ones(2), X),
    "bare size": (lambda x: bp.mean(x) * 0 + bp.sum(x**0), X),
    "captured": (lambda a: bp.sum(a * X), 2.0),
    "long lines": (
        lambda a_name_of_many_letters, another_of_as_many: a_name_of_many_letters * another_of_as_many,
        1.0,
        2.0,
    ),
    "extremes": (lambda x: bp.sum(x * -1.23456789e-300), np.full(12345, -1.23456789e300)),
}


def drawn(name, backward=True):
    f, *args = CASES[name]
    graph = bp.trace(f, *args)
    graph.forward(*args)
    if backward:
        graph.backward()
    return graph, ET.fromstring(str(graph.draw()))


def texts(element):
    return [text.text for text in element.iter(SVG + "text")]


def boxes(root):
    """Title, rectangle (left, top, right, bottom) and texts of each node's box."""
    found = []
    for group in root.iter(SVG + "g"):
        (rect,) = group.iter(SVG + "rect")
        x, y, width, height = (float(rect.get(key)) for key in ("x", "y", "width", "height"))
        found.append((texts(group)[0], (x, y, x + width, y + height), group))
    return found


def lines(root, kind):
    return [path for path in root.iter(SVG + "path") if path.get("class") == kind]


def on_the_way(path):
    """Points along a path of cubic Bezier curves."""
    numbers = [float(word) for word in path.get("d").replace("M", "").replace("C", "").replace(",", "").split()]
    points = np.array(numbers).reshape(-1, 2)
    t = np.linspace(0, 1, 21)[:, None]
    for i in range(0, len(points) - 1, 3):
        a, b, c, d = points[i : i + 4]
        yield from (1 - t) ** 3 * a + 3 * (1 - t) ** 2 * t * b + 3 * (1 - t) * t**2 * c + t**3 * d


def overlap(a, b):
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


@pytest.mark.parametrize("name", CASES)
def test_nothing_overlaps_or_leaves_its_box(name):
    _, root = drawn(name)
    width, height = float(root.get("width")), float(root.get("height"))
    found = boxes(root)
    for (_, a, _), (_, b, _) in itertools.combinations(found, 2):
        assert not overlap(a, b)
    for _, (left, top, right, bottom), group in found:
        assert min(left, top) >= 0 and right <= width and bottom <= height
        places = []
        for text in group.iter(SVG + "text"):
            x, y, long = float(text.get("x")), float(text.get("y")), text_width(text.text or "")
            places.append((x, y - 9, x + long, y + 3))
            assert left < x and x + long < right and top < y - 9 and y + 3 < bottom
        assert not any(overlap(a, b) for a, b in itertools.combinations(places, 2))
    highest = min(box[1] for _, box, _ in found)
    for text in root.findall(SVG + "text"):
        assert float(text.get("y")) + 3 < highest and float(text.get("x")) + text_width(text.text) <= width
    for path in root.iter(SVG + "path"):
        for x, y in on_the_way(path):
            assert 0 <= x <= width and 0 <= y <= height
            assert not any(box[0] < x < box[2] and box[1] + 0.2 < y < box[3] - 0.2 for _, box, _ in found)


@pytest.mark.parametrize("name", CASES)
def test_every_node_is_there_with_its_value_and_grad(name):
    graph, root = drawn(name)
    shown = [group.get("data-op") for _, _, group in boxes(root)]
    outputs = {node.index for node in graph.outputs}
    assert shown == [n.op for n in graph.nodes if n.op not in ("constant", "element", "size") or n.index in outputs]
    for title, _, group in boxes(root):
        words = texts(group)
        assert words[0] == title and words[1] == "value" and words[3] == "grad"
        assert [text.get("fill") == RED for text in group.iter(SVG + "text")][:5] == [False] * 4 + [True]


def edges_of(root, kind):
    """Pairs of boxes that lines of this kind lead from and to, followed from piece to piece."""
    ends = []
    for path in lines(root, kind):
        points = list(on_the_way(path))
        ends.append(tuple((round(float(x), 1), round(float(y), 1)) for x, y in (points[0], points[-1])))

    def box_at(point):
        for title, (left, top, right, bottom), _ in boxes(root):
            if left < point[0] < right and (abs(point[1] - top) < 0.2 or abs(point[1] - bottom) < 0.2):
                return title
        return None

    def goals(point):
        return [box_at(point)] if box_at(point) else [g for start, end in ends if start == point for g in goals(end)]

    return sorted((box_at(start), goal) for start, end in ends if box_at(start) for goal in goals(end))


def test_edges_of_both_directions():
    _, root = drawn("three nodes")
    assert edges_of(root, "forward") == [("x", "v1 = x * y"), ("y", "v1 = x * y")]
    assert edges_of(root, "backward") == [("v1 = x * y", "x"), ("v1 = x * y", "y")]


def test_the_two_directions_are_told_apart():
    _, root = drawn("three nodes")
    (there,) = {(path.get("stroke"), path.get("stroke-dasharray")) for path in lines(root, "forward")}
    (back,) = {(path.get("stroke"), path.get("stroke-dasharray")) for path in lines(root, "backward")}
    assert back[0] == RED != there[0] and back[1] and not there[1]
    assert {"value", "grad", "argument", "result"} <= {text.text for text in root.findall(SVG + "text")}


def test_conditions_get_no_derivative():
    _, root = drawn("tangle")
    there, back = edges_of(root, "forward"), edges_of(root, "backward")
    assert ("a", "v1 = a < b") in there and ("v1 = a < b", "v4 = where(v1, v2, v3)") in there
    assert ("v4 = where(v1, v2, v3)", "v2 = a * c") in back
    assert not any("v1 = a < b" in edge for edge in back)


@pytest.mark.parametrize("name", ["neuron", "deep", "ladder", "many arguments", "polynomial"])
def test_each_argument_has_its_edge(name):
    """As the text of the graph says it; lines over several layers have no ends on the way."""
    graph, root = drawn(name)
    titles = dict(zip([n.index for n in graph.nodes if n.op not in ("constant", "element", "size")], boxes(root), strict=True))
    wanted = set()
    for node in graph.nodes:
        for argument in node.args if node.index in titles else ():
            argument = argument.args[0] if argument.op == "element" else argument
            if argument.index in titles:
                wanted.add((titles[argument.index][0], titles[node.index][0]))
    assert set(edges_of(root, "forward")) == wanted
    assert {(a, b) for b, a in edges_of(root, "backward")} == wanted


def test_values_and_grads():
    graph, root = drawn("three nodes")
    assert [texts(group) for _, _, group in boxes(root)] == [
        ["x", "value", "2", "grad", "3"],
        ["y", "value", "3", "grad", "2"],
        ["v1 = x * y", "value", "6", "grad", "1"],
    ]
    _, root = drawn("three nodes", backward=False)
    assert texts(boxes(root)[0][2]) == ["x", "value", "2"]
    graph = bp.trace(CASES["three nodes"][0], 2.0, 3.0)
    assert [title for title, _, _ in boxes(ET.fromstring(str(graph.draw())))] == ["x", "y", "v1 = x * y"]


def test_vectors_are_shown_shortly_and_their_elements_one_by_one():
    graph, root = drawn("polynomial")
    words = {title: texts(group) for title, _, group in boxes(root)}
    assert words["x"][2] == "[40] -1 ... 2"
    assert words["k"][2] == "[6] 0 ... 5"
    k = graph.inputs[0]
    for i in range(6):
        at = words["k"].index(f"k[{i}]")
        assert words["k"][at + 1 : at + 3] == [f"{k.value[i]:.4g}", f"{k.grad[i]:.4g}"]
    _, root = drawn("wide")
    assert texts(boxes(root)[0][2])[-1] == "... 25 more"
    graph = bp.trace(lambda x: x * 2.0, np.ones(3))
    graph.forward([1.0, 2.5, -3.0])
    assert "[3] 1, 2.5, -3" in str(graph.draw())


def test_names_are_escaped():
    def f(x):
        return x < 1.0

    f.__name__ = "<a & \"b\" 'c'>]]>"
    graph = bp.trace(f, 0.5)
    graph.forward(0.5)
    root = ET.fromstring(str(graph.draw()))
    assert texts(root)[0] == "<a & \"b\" 'c'>]]>(x)"
    assert texts(boxes(root)[1][2])[0] == "v1 = x < 1.0" and "True" in texts(root)


def test_wide_letters_fit():
    graph = bp.trace(lambda 重み, x: 重み * x, 1.0, 2.0)
    root = ET.fromstring(str(graph.draw()))
    for _, (left, _, right, _), group in boxes(root):
        for text in group.iter(SVG + "text"):
            assert left < float(text.get("x")) and float(text.get("x")) + float(text.get("textLength")) < right


def test_the_tooltip_tells_operator_and_numbers():
    _, root = drawn("neuron")
    told = [group.find(SVG + "title").text for _, _, group in boxes(root)]
    assert any(t.startswith("tanh: v3 = tanh(v2)\nvalue [") and "\ngrad [" in t for t in told)


def test_a_picture_shows_itself_in_a_notebook():
    graph, _ = drawn("neuron")
    picture = graph.draw()
    assert picture._repr_svg_() == graph._repr_svg_() == str(picture)
    assert repr(picture) == "<Picture of neuron(w, b, x[40], y[40])>"
    assert "id=" not in str(picture)  # several in one page cannot get into each other's way


def test_it_is_drawn_as_it_is_now():
    graph = bp.trace(lambda x: x**2, 1.0)
    graph.forward(3.0)
    before = graph.draw()
    graph.forward(4.0)
    assert ">9<" in str(before) and ">16<" in str(graph.draw()) and ">9<" not in str(graph.draw())


@pytest.mark.parametrize("ending, start", [("svg", b"<svg"), ("png", b"\x89PNG"), ("pdf", b"%PDF"), ("PNG", b"\x89PNG")])
@pytest.mark.parametrize("name", ["neuron", "tangle"])
def test_saved_formats(tmp_path, ending, start, name):
    graph, _ = drawn(name)
    path = tmp_path / f"graph.{ending}"
    picture = graph.draw(path)
    assert path.read_bytes().startswith(start)
    if ending == "svg":
        assert path.read_text(encoding="utf-8") == str(picture)


def test_the_png_shows_the_same_as_the_svg(tmp_path):
    """Colours where they belong: a box's border, the arrows of both directions."""
    from matplotlib.image import imread

    graph, root = drawn("three nodes")
    picture = graph.draw(str(tmp_path / "graph.png"))
    pixels = imread(tmp_path / "graph.png")[..., :3]
    assert pixels.shape[:2] == pytest.approx((2 * picture.height, 2 * picture.width), abs=1)
    _, (left, top, right, bottom), _ = boxes(root)[2]
    inside = pixels[int(2 * top) + 6, int(left + right)]
    assert inside == pytest.approx([0xFF / 255, 0xF4 / 255, 0xD6 / 255], abs=0.01)
    between = pixels[int(2 * boxes(root)[0][1][3]) + 4 : int(2 * top) - 4].reshape(-1, 3)
    for color in (0xC8, 0x10, 0x2E), (0x33, 0x33, 0x33):
        assert (np.abs(between - np.array(color) / 255).max(axis=1) < 0.1).any()


def test_long_graphs_can_be_saved(tmp_path):
    def long(x):
        for _ in range(400):
            x = bp.sin(x)
        return x

    graph = bp.trace(long, 1.0)
    graph.draw(tmp_path / "long.png")
    assert (tmp_path / "long.png").read_bytes().startswith(b"\x89PNG")


def test_long_graphs_go_straight_down():
    def long(x):
        for _ in range(100):
            x = bp.sin(x) * x
        return x

    assert bp.trace(long, 1.0).draw().width < 500


@pytest.mark.parametrize("path", ["graph.jpg", "graph", Path("graph.svgz"), ".png"])
def test_a_bad_ending_is_named(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match=r"path must end with one of \.svg, \.png, \.pdf, got '" + str(path)):
        bp.trace(lambda x: x * 2, 1.0).draw(path)
    assert not list(tmp_path.iterdir())


def test_without_matplotlib_it_says_what_to_install(tmp_path, monkeypatch):
    usual = builtins.__import__

    def without(name, *args, **kwargs):
        if name.startswith("matplotlib"):
            raise ImportError(name)
        return usual(name, *args, **kwargs)

    graph = bp.trace(lambda x: x * 2, 1.0)
    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ImportError, match=r"pip install fastbp\[plot\]"):
        graph.draw(tmp_path / "graph.png")
    graph.draw(tmp_path / "graph.svg")


def test_derivatives_drawn_as_a_graph():
    """Long vectors put together from pieces, which the step-by-step pass does not know, can be drawn."""
    root = ET.fromstring(str(bp.trace(lambda x: bp.grad(lambda t: bp.sum(bp.exp(t)))(x), 1.0).draw()))
    assert any("exp" in title for title, _, _ in boxes(root))


@given(st.data())
def test_any_graph_is_arranged_without_overlap(data):
    count = data.draw(st.integers(1, 25))
    size = st.tuples(st.floats(30, 400), st.floats(20, 120))
    sizes = data.draw(st.lists(size, min_size=count, max_size=count))
    pairs = st.tuples(st.integers(0, count - 1), st.integers(0, count - 1), st.booleans())
    drawn_edges = data.draw(st.lists(pairs, max_size=3 * count, unique_by=lambda e: frozenset(e[:2])))
    edges = [(min(a, b), max(a, b), passes) for a, b, passes in drawn_edges if a != b]
    found = layered_layout(sizes, edges)
    places = [(x, y, x + w, y + h) for (x, y), (w, h) in zip(found.corners, sizes, strict=True)]
    for a, b in itertools.combinations(places, 2):
        assert not overlap(tuple(np.add(a, (1e-6, 1e-6, -1e-6, -1e-6))), b)
    for source, target, _ in edges:
        assert places[source][3] < places[target][1]
    for line in found.lines:
        for x, top, bottom in ((line.start[0], line.start[1], line.turns[0]), (line.end[0], line.turns[1], line.end[1])):
            assert top <= bottom + 1e-6
            assert not any(p[0] + 1e-6 < x < p[2] - 1e-6 and p[1] < bottom - 1e-6 and top + 1e-6 < p[3] for p in places)
        assert not any(line.turns[0] + 1e-6 < p[3] and p[1] < line.turns[1] - 1e-6 for p in places)
