"""A picture as a list of shapes, which SVG and matplotlib draw alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unicodedata import east_asian_width
from xml.sax.saxutils import escape

Point = tuple[float, float]

SIZE = 12.0  # of the letters
ADVANCE = 0.602 * SIZE  # from one letter to the next, in DejaVu Sans Mono and similar fonts
FORMATS = (".svg", ".png", ".pdf")
_FONT = "'DejaVu Sans Mono', Menlo, Consolas, 'Liberation Mono', monospace"
_MAX_PIXELS = 30_000.0  # of a side; matplotlib draws no more than 65,536


def text_width(text: str) -> float:
    """Width of a line; wide letters, such as Chinese ones, take two places."""
    return ADVANCE * sum(2 if east_asian_width(letter) in "WF" else 1 for letter in text)


@dataclass(frozen=True)
class Rectangle:
    x: float
    y: float
    width: float
    height: float
    fill: str
    stroke: str

    def svg(self) -> str:
        place = f'x="{self.x:.1f}" y="{self.y:.1f}" width="{self.width:.1f}" height="{self.height:.1f}"'
        return f'<rect {place} rx="5" fill="{self.fill}" stroke="{self.stroke}" stroke-width="1.2"/>'

    def paint(self, axes: Any) -> None:
        from matplotlib.patches import FancyBboxPatch

        style = "round,pad=0,rounding_size=5"
        place = (self.x, self.y), self.width, self.height
        axes.add_patch(FancyBboxPatch(*place, boxstyle=style, facecolor=self.fill, edgecolor=self.stroke, linewidth=1.2))


@dataclass(frozen=True)
class Curve:
    """A start, and three points for each cubic Bezier curve after it."""

    points: Sequence[Point]
    stroke: str
    dashed: bool
    kind: str

    def svg(self) -> str:
        start, *rest = (f"{x:.1f} {y:.1f}" for x, y in self.points)
        dash = ' stroke-dasharray="5 3"' if self.dashed else ""
        path = f"M {start} C {', '.join(rest)}"
        return f'<path class="{self.kind}" d="{path}" fill="none" stroke="{self.stroke}" stroke-width="1.3"{dash}/>'

    def paint(self, axes: Any) -> None:
        from matplotlib.patches import PathPatch
        from matplotlib.path import Path as Outline

        outline = Outline(list(self.points), [Outline.MOVETO, *[Outline.CURVE4] * (len(self.points) - 1)])
        style: Any = (0, (5 / 1.3, 3 / 1.3)) if self.dashed else "-"
        axes.add_patch(PathPatch(outline, fill=False, edgecolor=self.stroke, linewidth=1.3, linestyle=style, capstyle="butt"))


@dataclass(frozen=True)
class Polygon:
    points: Sequence[Point]
    fill: str
    stroke: str

    def svg(self) -> str:
        points = " ".join(f"{x:.1f},{y:.1f}" for x, y in self.points)
        return f'<polygon points="{points}" fill="{self.fill}" stroke="{self.stroke}" stroke-width="1.2"/>'

    def paint(self, axes: Any) -> None:
        from matplotlib.patches import Polygon as Patch

        axes.add_patch(Patch(self.points, facecolor=self.fill, edgecolor=self.stroke, linewidth=1.2, joinstyle="miter"))


@dataclass(frozen=True)
class Text:
    """A line of text; x and y are where its base line begins."""

    x: float
    y: float
    text: str
    fill: str
    bold: bool = False

    def svg(self) -> str:
        weight = ' font-weight="bold"' if self.bold else ""
        place = f'x="{self.x:.1f}" y="{self.y:.1f}"'  # textLength keeps the width in other fonts
        width = f'textLength="{text_width(self.text):.1f}" lengthAdjust="spacingAndGlyphs"'
        return f'<text {place} {width} fill="{self.fill}"{weight}>{escape(self.text)}</text>'

    def paint(self, axes: Any) -> None:
        font = {"family": "DejaVu Sans Mono", "size": SIZE, "weight": "bold" if self.bold else "normal"}
        axes.text(self.x, self.y, self.text, color=self.fill, va="baseline", parse_math=False, usetex=False, fontdict=font)


@dataclass(frozen=True)
class Group:
    """Shapes that belong to one node, with the tooltip that a browser shows for it."""

    shapes: Sequence[Any]
    op: str
    tooltip: str

    def svg(self) -> str:
        inner = "".join(shape.svg() for shape in self.shapes)
        return f'<g class="node" data-op="{self.op}"><title>{escape(self.tooltip)}</title>{inner}</g>'

    def paint(self, axes: Any) -> None:
        for shape in self.shapes:
            shape.paint(axes)


class Picture:
    """A picture: shows itself in a notebook, ``str(picture)`` is its SVG text, ``save`` writes it to a file.

    Examples
    --------
    >>> import fastbp
    >>> picture = fastbp.trace(lambda x: x**2, 1.0).draw()
    >>> picture
    <Picture of <lambda>(x)>
    >>> str(picture).endswith("</svg>")
    True
    """

    def __init__(self, shapes: Sequence[Any], width: float, height: float, name: str) -> None:
        self.shapes, self.width, self.height, self.name = shapes, width, height, name

    def __repr__(self) -> str:
        return f"<Picture of {self.name}>"

    def __str__(self) -> str:
        w, h = f"{self.width:.0f}", f"{self.height:.0f}"
        head = f'<svg xmlns="http://www.w3.org/2000/svg" width="{w}" height="{h}" viewBox="0 0 {w} {h}"'
        head += f' role="img" font-family="{_FONT}" font-size="{SIZE:.0f}">'
        background = f'<rect width="{w}" height="{h}" fill="white"/>'
        return "\n".join([head, background, *(shape.svg() for shape in self.shapes), "</svg>"])

    def _repr_svg_(self) -> str:
        return str(self)

    def save(self, path: Any) -> None:
        """Write it to a file.

        Parameters
        ----------
        path : str or path
            Ends with .svg, or (drawn by matplotlib) with .png or .pdf.

        Raises
        ------
        ValueError
            If it has another ending.
        ImportError
            If it needs matplotlib and that is not installed.
        """
        path = checked_path(path)
        if path.suffix.lower() == ".svg":
            path.write_text(str(self), encoding="utf-8")
            return
        try:
            from matplotlib.figure import Figure
        except ImportError:
            raise ImportError(
                f"{path.suffix} pictures are drawn by matplotlib: pip install fastbp[plot] (.svg needs nothing)"
            ) from None
        figure = Figure(figsize=(self.width / 72, self.height / 72))  # so one unit is a point
        axes = figure.add_axes((0, 0, 1, 1), xlim=(0, self.width), ylim=(self.height, 0))
        axes.set_axis_off()
        for shape in self.shapes:
            shape.paint(axes)
        resolution = min(144.0, 72 * _MAX_PIXELS / max(self.width, self.height))
        figure.savefig(path, dpi=resolution, facecolor="white", bbox_inches=None)


def checked_path(path: Any) -> Path:
    """A path with the ending of a format that can be written."""
    checked = Path(path)
    if checked.suffix.lower() not in FORMATS:
        raise ValueError(f"path must end with one of {', '.join(FORMATS)}, got {str(path)!r}")
    return checked
