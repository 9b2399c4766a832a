"""What ``summary`` prints, and the table that a notebook shows."""

from collections.abc import Iterator, Sequence
from html import escape

from ..views.html import table
from .outline import BATCH, Costs, Row, bytes_text, flop_text, shape_text

HEAD, PARAMS = ("Layer (type)", "Output shape", "Activation", "Params"), 3
GAP, MIN_WIDTH = "   ", 4  # between columns; letters of one


def summary_lines(
    name: str,
    rows: Sequence[Row],
    costs: Costs | None,
    line_length: int | None = None,
    positions: Sequence[float] | None = None,
    show_trainable: bool = False,
) -> Iterator[str]:
    """One line for each layer, with a head above and what the model costs below; see ``Sequential.summary``."""
    cells = [_head(show_trainable), *(_cells(row, show_trainable) for row in rows)]
    yield f'Model: "{name}"'
    widths = _widths(cells, line_length, positions)
    for line in cells:
        fitted = (_fitted(text, width, i == PARAMS) for i, (text, width) in enumerate(zip(line, widths, strict=True)))
        yield GAP.join(fitted).rstrip()
    yield from cost_lines(costs)


def cost_lines(costs: Costs | None) -> Iterator[str]:
    """How many numbers, and what a step costs; of a model whose input is not known yet, that."""
    if costs is None:
        yield "Total params: ? (not built yet)"
        return
    counts = {"Total": costs.trainable + costs.frozen, "Trainable": costs.trainable, "Non-trainable": costs.frozen}
    for what, count in counts.items():
        yield f"{what} params: {count:,} ({bytes_text(count * costs.itemsize)})"
    if not costs.flop:
        return
    parts = {"params": counts["Total"], "optimizer": costs.state, "activations": costs.activations}
    listed = ", ".join(f"{what} {bytes_text(count * costs.itemsize)}" for what, count in parts.items() if count)
    yield f"Training step of {BATCH} samples: {flop_text(costs.flop)}, {bytes_text(costs.memory)} of memory ({listed})"


def summary_html(name: str, rows: Sequence[Row], costs: Costs | None) -> str:
    """The same as HTML."""
    trains = any(row.trainable is False for row in rows)
    body = table(_head(trains), [_cells(row, trains) for row in rows], left=(0, 1, 2, 4))
    below = "<br/>\n".join(escape(line) for line in cost_lines(costs))
    return f"<p>Model: <b>{escape(name)}</b></p>\n{body}\n<p>{below}</p>"


def _head(show_trainable: bool) -> tuple[str, ...]:
    return (*HEAD, "Trainable") if show_trainable else HEAD


def _cells(row: Row, show_trainable: bool) -> tuple[str, ...]:
    count = "?" if row.params is None else f"{row.params:,}"
    cells = f"{'  ' * row.depth}{row.name} ({row.kind})", shape_text(row.outputs), row.activation, count
    answer = {None: "-", True: "yes", False: "no"}[row.trainable]
    return (*cells, answer) if show_trainable else cells


def _fitted(text: str, width: int, right: bool) -> str:
    text = text if len(text) <= width else text[: width - 2] + ".."
    return text.rjust(width) if right else text.ljust(width)


def _widths(cells: Sequence[Sequence[str]], line_length: int | None, positions: Sequence[float] | None) -> list[int]:
    """The columns' widths: those of what is in them, unless a length of the line or the columns' ends are given."""
    own = [max(map(len, column)) for column in zip(*cells, strict=True)]
    natural = [sum(own[: i + 1]) + i * len(GAP) for i in range(len(own))]
    length = natural[-1] if line_length is None else line_length
    ends = [round(end * length / natural[-1]) for end in natural]
    if positions is not None:
        ends = [int(place * length) if place <= 1 else int(place) for place in positions][: len(own)]
        for width in own[len(ends) :]:
            ends.append(ends[-1] + len(GAP) + width)
    starts = [0, *(end + len(GAP) for end in ends)]
    widths = [end - start for start, end in zip(starts, ends, strict=False)]
    if min(widths) < MIN_WIDTH:
        given = f"line_length {line_length}" if positions is None else f"positions {list(positions)}"
        raise ValueError(f"{given} must leave at least {MIN_WIDTH} letters for each column, got {widths}")
    return widths
