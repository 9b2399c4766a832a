"""Boxes in layers and the lines between them: where everything in a picture of a graph goes.

The four steps of Sugiyama, Tagawa and Toda (1981), "Methods for visual understanding of hierarchical system structures":
each box gets a layer, lines over several layers get a place in each of them, the order within the layers is chosen so that
few lines cross, and coordinates are chosen so that the lines are short and straight. Lines leave their lane between two
layers only, so that none runs through a box.
"""

from __future__ import annotations

from bisect import bisect, insort
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

MAX_LAYER_WIDTH = 1000.0  # a layer with more than that moves boxes to the one above
BOX_GAP, LANE_WIDTH = 26.0, 26.0  # between neighbours in a layer; the width of a line that passes between boxes
MIN_LAYER_GAP, MAX_LAYER_GAP = 46.0, 110.0  # between two layers
PORT_GAP, CORNER_GAP = 24.0, 14.0  # between lines at the same side of a box, and from its corner to the first
SWEEPS = 16

Point = tuple[float, float]
Neighbours = list[list[int]]


@dataclass(frozen=True)
class Line:
    """A part of the line from one box down to another: down, across between two layers, and down.

    Attributes
    ----------
    start, end : (x, y)
    turns : (y, y)
        Between these two it goes across.
    leaves, enters : bool
        Whether it begins at a box, and whether it ends at one.
    bidirectional : bool
        Whether a derivative comes back along it.
    """

    start: Point
    end: Point
    turns: tuple[float, float]
    leaves: bool
    enters: bool
    bidirectional: bool

    def parallel(self, offset: float) -> list[Point]:
        """A line ``offset`` to the right of it: a start, then three points for each of three cubic Bezier curves."""
        x0, x1 = self.start[0] + offset, self.end[0] + offset
        low, high = self.turns
        lift = offset if x1 > x0 else -offset if x1 < x0 else 0.0  # so that both keep their distance where they go across
        half = (low + high) / 2 - lift
        down = [(x0, self.start[1]), (x0, low), (x0, low)]
        over = [(x0, half), (x1, half), (x1, high)]
        rest = [(x1, high), (x1, self.end[1]), (x1, self.end[1])]
        return [(x0, self.start[1]), *down, *over, *rest]


@dataclass(frozen=True)
class LayeredLayout:
    """Left upper corners of the boxes, lines, and the whole's size."""

    corners: list[Point]
    lines: list[Line]
    width: float
    height: float


def layered_layout(sizes: Sequence[Point], edges: Sequence[tuple[int, int, bool]]) -> LayeredLayout:
    """Place boxes and lines.

    Parameters
    ----------
    sizes : sequence of (width, height)
        Of each box.
    edges : sequence of (source, target, bidirectional)
        By the boxes' numbers, the source's being the lower one. Edges of one source share a lane as long as they can.
    """
    layers = _layers(sizes, edges)
    links = _links(layers, edges)  # from here on layers also has the lanes, cells without a box
    count, boxes = len(layers), len(sizes)
    above: Neighbours = [[] for _ in range(count)]
    below: Neighbours = [[] for _ in range(count)]
    for source, target in links:
        below[source].append(target)
        above[target].append(source)
    rows: Neighbours = [[] for _ in range(max(layers) + 1)]
    for cell, layer in enumerate(layers):
        rows[layer].append(cell)
    rows = _ordered(rows, above, below)
    widths = [size[0] for size in sizes] + [LANE_WIDTH] * (count - boxes)
    heights = [size[1] for size in sizes] + [0.0] * (count - boxes)
    center = _columns(rows, widths, boxes, above, below)
    reach = [max(width / 2 - CORNER_GAP, 0.0) for width in widths[:boxes]] + [0.0] * (count - boxes)
    sides = [(c - r, c + r) for c, r in zip(center, reach, strict=True)]
    leave, enter = _ports(sides, below), _ports(sides, above)

    sideways = {(s, t): abs(leave[s, t] - enter[t, s]) for s, t in links}
    gaps = [MIN_LAYER_GAP + 0.15 * max((sideways[s, t] for t in row for s in above[t]), default=0.0) for row in rows[1:]]
    tall = [max(heights[cell] for cell in row) for row in rows]
    tops = [0.0]
    for before, gap in zip(tall, gaps, strict=False):
        tops.append(tops[-1] + before + min(gap, MAX_LAYER_GAP))
    bottoms = [top + height for top, height in zip(tops, tall, strict=True)]
    middle = [(tops[layer] + bottoms[layer]) / 2 for layer in layers]

    lines = []
    for (source, target), bidirectional in links.items():
        start = leave[source, target], middle[source] + heights[source] / 2
        end = enter[target, source], middle[target] - heights[target] / 2
        turns = bottoms[layers[source]], tops[layers[target]]
        lines.append(Line(start, end, turns, source < boxes, target < boxes, bidirectional))
    corners = [(center[b] - widths[b] / 2, middle[b] - heights[b] / 2) for b in range(boxes)]
    right = max(c + w / 2 for c, w in zip(center, widths, strict=True))
    return LayeredLayout(corners, lines, right, bottoms[-1])


def _layers(sizes: Sequence[Point], edges: Sequence[tuple[int, int, bool]]) -> list[int]:
    """Each box's layer, as near to the last one as the longest path allows: so each argument is where it is first needed."""
    users: Neighbours = [[] for _ in sizes]
    linked = set()
    for source, target, _ in edges:
        users[source].append(target)
        linked |= {source, target}
    level = [0] * len(sizes)  # counted from the last layer
    filled: dict[int, float] = defaultdict(float)
    for isolated in (False, True):  # boxes without edges are at the top
        start = max(level) if isolated and linked else 0
        for box in reversed(range(len(sizes))):
            if (box not in linked) == isolated:
                place = max((level[user] + 1 for user in users[box]), default=start)
                while filled[place] and filled[place] + sizes[box][0] > MAX_LAYER_WIDTH:
                    place += 1
                filled[place] += sizes[box][0] + BOX_GAP
                level[box] = place
    return [max(level) - place for place in level]


def _links(layers: list[int], edges: Sequence[tuple[int, int, bool]]) -> dict[tuple[int, int], bool]:
    """Edges as links between neighbouring layers, and whether they are bidirectional; adds cells for lanes to ``layers``."""
    links: dict[tuple[int, int], bool] = {}
    lanes: dict[int, list[int]] = {}
    for source, target, bidirectional in edges:
        lane = lanes.setdefault(source, [source])
        span = layers[target] - layers[source]
        while len(lane) < span:
            layers.append(layers[source] + len(lane))
            lane.append(len(layers) - 1)
        for link in pairwise([*lane[:span], target]):
            links[link] = links.get(link, False) or bidirectional
    return links


def _ordered(rows: Neighbours, above: Neighbours, below: Neighbours) -> Neighbours:
    """Sort each row by the mean place of its neighbours in the row before (barycentre), down and up; keep the best."""
    best, least = rows, _crossings(rows, below)
    place = {cell: float(i) for row in rows for i, cell in enumerate(row)}
    for sweep in range(SWEEPS):
        if not least:
            break
        near = below if sweep % 2 else above
        rows = [list(row) for row in rows]
        for row in reversed(rows) if sweep % 2 else rows:
            middle = {c: sum(place[n] for n in near[c]) / len(near[c]) if near[c] else place[c] for c in row}
            row.sort(key=middle.__getitem__)
            place.update((cell, float(i)) for i, cell in enumerate(row))
        crossings = _crossings(rows, below)
        if crossings < least:
            best, least = rows, crossings
    return best


def _crossings(rows: Neighbours, below: Neighbours) -> int:
    """How many pairs of links cross: those whose ends are in the opposite order of their starts."""
    place = {cell: i for row in rows for i, cell in enumerate(row)}
    count = 0
    for row in rows:
        ends: list[int] = []
        for cell in row:
            own = sorted(place[n] for n in below[cell])
            count += sum(len(ends) - bisect(ends, end) for end in own)
            for end in own:
                insort(ends, end)
    return count


def _columns(rows: Neighbours, widths: Sequence[float], boxes: int, above: Neighbours, below: Neighbours) -> list[float]:
    """The middle of each cell: near its neighbours', with lanes and the longest path to each box straighter than the rest."""
    x = [0.0] * len(widths)
    gaps = [
        [(widths[a] + widths[b]) / 2 + (BOX_GAP if a < boxes or b < boxes else 0) for a, b in pairwise(row)] for row in rows
    ]
    weights = _weights(rows, boxes, above)
    up = [{s: weights[s, cell] for s in sources} for cell, sources in enumerate(above)]
    down = [{t: weights[cell, t] for t in targets} for cell, targets in enumerate(below)]
    both = [a | b for a, b in zip(up, down, strict=True)]
    for sweep in range(SWEEPS):
        pull = both if sweep >= SWEEPS - 4 else down if sweep % 2 else up
        for row, gap in list(zip(rows, gaps, strict=True))[:: -1 if sweep % 2 else 1]:
            wanted = [sum(x[n] * w for n, w in pull[c].items()) / sum(pull[c].values()) if pull[c] else x[c] for c in row]
            places = _spread(wanted, [sum(pull[c].values()) or 0.01 for c in row], gap)
            for cell, place in zip(row, places, strict=True):
                x[cell] = place
    left = min(place - width / 2 for place, width in zip(x, widths, strict=True))
    return [place - left for place in x]


def _weights(rows: Neighbours, boxes: int, above: Neighbours) -> dict[tuple[int, int], float]:
    """How much each link is kept straight: most of all within lanes, and on the longest path to a box."""
    depth = [0] * len(above)
    for cell in (cell for row in rows for cell in row):
        depth[cell] = max((depth[source] for source in above[cell]), default=0) + (cell < boxes)
    weights = {}
    main = [cell < boxes for cell in range(len(above))]  # and lanes that are part of such a path
    for cell in (cell for row in reversed(rows) for cell in row):
        for source in above[cell]:
            longest = main[cell] and depth[source] == depth[cell] - (cell < boxes)
            main[source] = main[source] or longest
            weights[source, cell] = 8.0 if cell >= boxes and source >= boxes else 4.0 if longest else 0.25
    return weights


def _ports(sides: list[tuple[float, float]], near: Neighbours) -> dict[tuple[int, int], float]:
    """Where on its side of a box each link begins or ends: opposite to its other end as far as there is room."""
    found = {}
    for cell, others in enumerate(near):
        low, high = sides[cell]
        others = sorted(others, key=lambda other: sum(sides[other]))
        wanted = [(max(low, min(sides[o][0], high)) + min(high, max(sides[o][1], low))) / 2 for o in others]
        gap = min(PORT_GAP, (high - low) / max(len(others) - 1, 1))
        places = _spread(wanted, [1.0] * len(others), [gap] * (len(others) - 1), low, high)
        found.update({(cell, other): place for other, place in zip(others, places, strict=True)})
    return found


def _spread(
    wanted: Sequence[float], weights: Sequence[float], gaps: Sequence[float], low: float = -1e9, high: float = 1e9
) -> list[float]:
    """Places in order, at least ``gaps`` apart, whose weighted squared distances from the wanted ones are least.

    Once the gaps are subtracted, the places only have to be in order: isotonic regression, by pooling adjacent violators.
    """
    taken = [0.0]
    for gap in gaps:
        taken.append(taken[-1] + gap)
    pools: list[tuple[float, float, int]] = []  # mean, weight, how many
    for place, weight, before in zip(wanted, weights, taken, strict=False):
        mean, count = place - before, 1
        while pools and pools[-1][0] > mean:
            other, pooled, members = pools.pop()
            mean = (mean * weight + other * pooled) / (weight + pooled)
            weight, count = weight + pooled, count + members
        pools.append((mean, weight, count))
    means = [mean for mean, _, count in pools for _ in range(count)]
    return [min(max(mean, low), high - taken[-1]) + before for mean, before in zip(means, taken, strict=False)]
