"""Derivatives with respect to parts of a vector, put together: with zeros where there are none, and sums where they overlap."""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce
from itertools import pairwise
from typing import Any

import numpy as np

from ..tracing.node import Node, NodeTape

MAX_VECTORS = 8  # pieces with rows, each of which may need a loop of its own
MAX_PIECES = 128


def joined_pieces(tape: NodeTape, leaf: Node, places: list[tuple[Any, Node]]) -> Node | None:
    """Derivatives with respect to elements and slices of a leaf as one vector; None if that takes too many pieces."""
    parts: dict[range, Node] = {}
    for attr, value in places:
        place = range(*attr) if isinstance(attr, tuple) else range(attr, attr + 1)
        part = value if isinstance(attr, int) else filled(value, tape.rows(leaf, place))
        parts[place] = tape.make("add", parts[place], part) if place in parts else part
    arrange = _segments if all(place.step == 1 for place in parts) else _strides
    pieces = arrange(tape, leaf, parts)
    if pieces is None or len(pieces) > MAX_PIECES or sum(len(place) > 1 for place in pieces) > MAX_VECTORS:
        return None
    return tape.join(leaf.shape[0], list(pieces.items()))


def _segments(tape: NodeTape, leaf: Node, parts: Mapping[range, Node]) -> dict[range, Node] | None:
    """Pieces between the ends of all parts."""
    ends = sorted({0, leaf.shape[0], *(end for place in parts for end in (place.start, place.stop))})
    if len(ends) > MAX_PIECES:
        return None
    pieces = {}
    for start, stop in pairwise(ends):
        inside = [
            tape.rows(part, range(start - place.start, stop - place.start)) if part.shape else part
            for place, part in parts.items()
            if place.start <= start and stop <= place.stop
        ]
        here = range(start, stop)
        pieces[here] = reduce(lambda x, y: tape.make("add", x, y), inside) if inside else _zeros(tape, leaf, here)
    return pieces


def _strides(tape: NodeTape, leaf: Node, parts: dict[range, Node]) -> dict[range, Node] | None:
    """Columns, whose values are at equal distances; None where parts overlap."""
    (length,) = leaf.shape
    free = np.ones(length, bool)
    pieces = dict(parts)
    for place in parts:
        rows = slice(place.start, place.stop, place.step)
        if not free[rows].all():
            return None
        free[rows] = False
    step = max(place.step for place in parts)
    for first in range(min(step, length)):
        place = range(first, length, step)
        if free[first::step].all():
            pieces[place] = _zeros(tape, leaf, place)
            free[first::step] = False
    rest = np.flatnonzero(free).tolist()
    if len(rest) > MAX_PIECES:
        return None
    return {**pieces, **{range(i, i + 1): tape.constant(0.0) for i in rest}}


def _zeros(tape: NodeTape, leaf: Node, place: range) -> Node:
    if len(place) == 1:
        return tape.constant(0.0)
    ones = tape.make("pow", tape.rows(leaf, place), tape.constant(0.0))
    return tape.make("sub", ones, ones)


def filled(tangent: Node, like: Node) -> Node:
    """A single number in each row of a node with rows."""
    if tangent.shape or not like.shape:
        return tangent
    tape = like.tape
    if like.op == "stack":
        return tape.stack([tangent] * like.shape[0])
    if like.op == "join":
        return tape.join(like.shape[0], [(place, filled(tangent, a)) for place, a in zip(like.attr, like.args, strict=True)])
    return tape.make("mul", tangent, tape.make("pow", tape.rows_of(like), tape.constant(0.0)))
