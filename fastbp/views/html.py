"""What a notebook shows of a model or a history: small tables, and curves of a line's height."""

import math
from collections.abc import Collection, Sequence
from html import escape

CURVE_WIDTH, CURVE_HEIGHT, CURVE_POINTS = 120.0, 22.0, 240


def table(head: Sequence[str], rows: Sequence[Sequence[str]], left: Collection[int] = (0,), raw: Collection[int] = ()) -> str:
    """A table of texts.

    Parameters
    ----------
    head, rows : sequences of str
    left : collection of int
        The columns of words; those of numbers are aligned at the right.
    raw : collection of int
        The columns that hold HTML themselves.
    """

    def line(cells: Sequence[str], tag: str) -> str:
        sides = ("left" if i in left else "right" for i in range(len(cells)))
        texts = (text if tag == "td" and i in raw else escape(text) for i, text in enumerate(cells))
        inner = (f'<{tag} style="text-align: {side}">{text}</{tag}>' for side, text in zip(sides, texts, strict=True))
        return f"<tr>{''.join(inner)}</tr>"

    body = "\n".join(line(cells, "td") for cells in rows)
    return f"<table>\n<thead>{line(head, 'th')}</thead>\n<tbody>\n{body}\n</tbody>\n</table>"


def curve(values: Sequence[float]) -> str:
    """Numbers as a line in an SVG picture of the height of a line of text."""
    known = [(i, value) for i, value in enumerate(values) if math.isfinite(value)]
    if not known:
        return ""
    known = [*known[:: max(1, len(known) // CURVE_POINTS)], known[-1]]
    low, high = min(value for _, value in known), max(value for _, value in known)
    across, up = (CURVE_WIDTH - 4) / max(len(values) - 1, 1), (CURVE_HEIGHT - 4) / ((high - low) or 1.0)
    points = " ".join(f"{2 + i * across:.1f},{CURVE_HEIGHT - 2 - (value - low) * up:.1f}" for i, value in known)
    size = f'width="{CURVE_WIDTH:.0f}" height="{CURVE_HEIGHT:.0f}"'
    line = f'<polyline points="{points}" fill="none" stroke="#4a78b5" stroke-width="1.5"/>'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img">{line}</svg>'
