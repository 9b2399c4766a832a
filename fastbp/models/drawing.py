"""A model as a picture: a box for each layer, arrows from the input down to the output."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from ..arguments import boolean
from ..graph.drawing.layered_layout import layered_layout
from ..graph.drawing.picture import ADVANCE, Curve, Group, Picture, Point, Polygon, Rectangle, Text, checked_path, text_width
from .outline import Row, shape_text

FRAME_PADDING, FRAME_HEAD = 10.0, 22.0  # from boxes to the frame of the model that holds them; above them, with its name
INK, FAINT, ARROW = "#1a1a1a", "#6b6b6b", "#333333"
FILLS = {"input": ("#eaf2fd", "#4a78b5"), "layer": ("#ffffff", "#8a8a8a"), "frozen": ("#eeeeee", "#8a8a8a")}
PADDING, LINE, MARGIN, HEAD_LENGTH, MIN_WIDTH = 9.0, 17.0, 18.0, 8.0, 12 * ADVANCE
DIRECTIONS, INPUT = ("TB", "LR"), "InputLayer"


def plot_model(
    model: Any,
    to_file: Any = "model.svg",
    show_shapes: bool = False,
    show_dtype: bool = False,
    show_layer_names: bool = False,
    rankdir: str = "TB",
    expand_nested: bool = False,
    dpi: int = 200,
    show_layer_activations: bool = False,
    show_trainable: bool = False,
    splines: str = "ortho",
) -> Picture:
    """Draw the layers of a model.

    Parameters
    ----------
    model : Sequential or Model
        One whose input's width is known.
    to_file : str, path or None
        Where to save it: .svg, or what matplotlib can write (.png, .pdf). None saves nothing.
    show_shapes, show_dtype, show_layer_names, show_layer_activations, show_trainable : bool
        What to write into the boxes.
    rankdir : {"TB", "LR"}
        From top to bottom, or from left to right.
    expand_nested : bool
        Draw the layers of a model that is a layer of this one.
    dpi, splines
        Accepted as Keras accepts them: an SVG has no dots, and there is nothing to go round.

    Returns
    -------
    Picture
        Shows itself in a notebook; ``str(picture)`` is the SVG text.

    Examples
    --------
    >>> import fastbp
    >>> from fastbp.utils import plot_model
    >>> model = fastbp.Sequential([fastbp.Input((17,)), fastbp.Dense(64, "tanh"), fastbp.Dense(6)])
    >>> plot_model(model, to_file=None, show_shapes=True)
    <Picture of sequential>
    """
    path = None if to_file is None else checked_path(to_file)
    if rankdir not in DIRECTIONS:
        raise ValueError(f"rankdir must be one of {', '.join(map(repr, DIRECTIONS))}, got {rankdir!r}")
    if not getattr(model, "built", False):
        raise ValueError("model must be built to be drawn, got one whose input width is unknown: call fit or build")
    shows = {
        "shapes": show_shapes,
        "dtype": show_dtype,
        "names": show_layer_names,
        "activations": show_layer_activations,
        "trainable": show_trainable,
    }
    wanted = {name for name, value in shows.items() if boolean(f"show_{name}", value)}
    rows = model.outline(boolean("expand_nested", expand_nested))
    rows = [*_input(rows), *rows]
    picture = draw(model.name, rows, wanted, model.dtype, rankdir == "LR")
    if path is not None:
        picture.save(path)
    return picture


def _input(rows: Sequence[Row]) -> list[Row]:
    """The row of what goes in, where the layers have none of their own."""
    if not rows or rows[0].kind == INPUT:
        return []
    return [Row("input", INPUT, rows[0].inputs, rows[0].inputs, "", 0, None)]


def draw(name: str, rows: Sequence[Row], wanted: set[str], dtype: str, sideways: bool) -> Picture:
    """The picture of layers one after the other; ``sideways`` from left to right."""
    groups, rows = _groups(rows)
    texts = [_words(row, wanted, dtype) for row in rows]
    sizes = [_size(lines) for lines in texts]
    # The layout is from top to bottom: for the other direction all that it takes and gives is turned about.
    layout = layered_layout([_turned(size, sideways) for size in sizes], [(i, i + 1, False) for i in range(len(rows) - 1)])
    width, height = _turned((layout.width, layout.height), sideways)
    top = 2 * MARGIN + LINE + (FRAME_HEAD if groups else 0)
    shapes: list[Any] = [Text(MARGIN, MARGIN + 0.75 * LINE, name, INK, True)]

    def placed(point: Point) -> Point:
        x, y = _turned(point, sideways)
        return x + MARGIN, y + top

    corners = [placed(corner) for corner in layout.corners]
    for title, inside in groups:
        shapes += _frame(title, corners[inside], sizes[inside])
    for row, lines, size, corner in zip(rows, texts, sizes, corners, strict=True):
        shapes.append(_box(row, lines, size, corner))
    for line in layout.lines:
        (x, y), half = line.end, HEAD_LENGTH / 2
        shapes.append(Curve([placed(point) for point in line.parallel(0.0)], ARROW, False, "forward"))
        head = [(x - half, y - HEAD_LENGTH), (x + half, y - HEAD_LENGTH), (x, y)]
        shapes.append(Polygon([placed(point) for point in head], ARROW, ARROW))
    return Picture(shapes, max(width, text_width(name)) + 2 * MARGIN, height + top + MARGIN, name)


def _groups(rows: Sequence[Row]) -> tuple[list[tuple[str, slice]], list[Row]]:
    """The models among the layers, with the place of their layers among the rest, and the rest."""
    holds = [i for i, (row, after) in enumerate(pairwise(rows)) if after.depth > row.depth]
    rest = [row for i, row in enumerate(rows) if i not in holds]
    groups = []
    for i in holds:
        stop = next((j for j in range(i + 1, len(rows)) if rows[j].depth <= rows[i].depth), len(rows))
        first, last = (k - sum(hold < k for hold in holds) for k in (i + 1, stop))
        groups.append((rows[i].name, slice(first, last)))
    return groups, rest


def _frame(title: str, corners: Sequence[Point], sizes: Sequence[Point]) -> list[Any]:
    """Round the boxes of a model's layers, with its name."""
    left, top = (min(corner[axis] for corner in corners) for axis in (0, 1))
    right, bottom = (max(c[axis] + s[axis] for c, s in zip(corners, sizes, strict=True)) for axis in (0, 1))
    left, top, right, bottom = left - FRAME_PADDING, top - FRAME_HEAD, right + FRAME_PADDING, bottom + FRAME_PADDING
    return [Rectangle(left, top, right - left, bottom - top, "#f7f7f7", "#bbbbbb"), Text(left + 6, top + 15, title, FAINT)]


def _turned(point: Point, sideways: bool) -> Point:
    return point[::-1] if sideways else point


def _words(row: Row, wanted: set[str], dtype: str) -> list[tuple[str, str, bool]]:
    """The lines of a layer's box: text, colour, bold."""
    title = f"{row.name} ({row.kind})" if "names" in wanted else row.kind
    lines = [(title, INK, True)]
    if "activations" in wanted and row.activation:
        lines.append((row.activation, INK, False))
    if "shapes" in wanted:
        lines += [(f"in  {shape_text(row.inputs)}", FAINT, False)] * (row.kind != INPUT)
        lines.append((f"out {shape_text(row.outputs)}", FAINT, False))
    if "dtype" in wanted:
        lines.append((dtype, FAINT, False))
    if "trainable" in wanted and row.trainable is not None:
        lines.append(("trainable" if row.trainable else "not trainable", FAINT, False))
    return lines


def _size(lines: Sequence[tuple[str, str, bool]]) -> Point:
    return max(MIN_WIDTH, *(text_width(text) for text, _, _ in lines)) + 2 * PADDING, len(lines) * LINE + PADDING


def _box(row: Row, lines: Sequence[tuple[str, str, bool]], size: Point, corner: Point) -> Group:
    (x, y), (width, height) = corner, size
    kind = "input" if row.kind == INPUT else "frozen" if row.trainable is False else "layer"
    shapes: list[Any] = [Rectangle(x, y, width, height, *FILLS[kind])]
    for i, (text, color, bold) in enumerate(lines):
        shapes.append(Text(x + PADDING, y + PADDING / 2 + (i + 0.75) * LINE, text, color, bold))
    parameters = "" if not row.params else f"\n{row.params:,} parameters"
    return Group(
        shapes, row.kind, f"{row.name} ({row.kind}): {shape_text(row.inputs)} to {shape_text(row.outputs)}{parameters}"
    )
