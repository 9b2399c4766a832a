"""One pass over weights for a few rows of a batch: what goes back to the inputs, and the gradient, from one reading of them.

At a few rows a step takes as long as its weights take to be read and written, whatever is done with them. So each row of W,
the weights of one input, serves both products while it is in registers: dX = dZ @ W.T, as a vector of partial sums for each
row of the batch and each input, and dW = X.T @ dZ. By the simplest rules the weights move along dW there and then.
"""

from .. import fields as at
from ..codes import MOMENTUM, SGD, STORE, UPDATE_RULES
from ..optimizer import SCALARS, apply_rule
from ..simd.library import VectorFunction, call_by_code
from .dots import sums_of
from .panels import PANEL_VECTORS

VARIANTS = 8  # more than rows that go together, or vectors of a panel
ROWS_TOGETHER = 4  # most rows of the batch whose dZ stays in registers
KEPT = [(STORE, 1), (STORE, 2), (STORE, 4)]  # rows that are gone through together, a gradient being left
MOVED = [(SGD, 1), (SGD, 2), (SGD, 4), (MOMENTUM, 1)]  # the weights move at once: roots and quotients are no faster so


def code_of(rule: int, rows: int, vectors: int) -> int:
    """The code of the function for a rule (STORE: the gradient is left), so many rows of the batch and vectors of a panel."""
    return (rule * VARIANTS + rows) * VARIANTS + vectors


class _Panel:
    """Where all that concerns some inputs' weights in one panel lies, and what is in registers throughout."""

    def __init__(self, s, rows, vectors, plan, layer, v, first, r):
        b, self.s = s.b, s
        self.size, self.vector = s.index(vectors * s.lanes * s.itemsize), s.index(s.lanes * s.itemsize)

        def field(table, place):
            return s.load_address(table, place)

        move, zeros = b.mul(v, self.vector), field(plan, at.ZEROS)
        inputs = b.add(field(layer, at.UNITS_IN), field(layer, at.BIAS))
        self.weights = b.add(b.add(field(layer, at.WEIGHTS), b.mul(move, inputs)), b.mul(first, self.size))
        self.gradient = field(plan, at.ONE_PASS)
        is_first = b.icmp_signed("==", r, s.index(0))
        self.start = b.select(is_first, zeros, self.gradient)
        self.start_row = b.select(is_first, s.index(0), self.size)
        self.sums_row = b.mul(field(plan, at.BATCH), self.vector)
        self.sums = b.add(field(plan, at.ONE_PASS_SUMS), b.mul(r, self.vector))
        is_first = b.icmp_signed("==", v, s.index(0))
        self.from_sums = b.select(is_first, zeros, self.sums)
        self.from_row = b.select(is_first, s.index(0), self.sums_row)
        source, source_row = s.offset(field(layer, at.INPUT), first), field(layer, at.INPUT_ROW)
        self.sources = [b.add(source, b.mul(source_row, b.add(r, s.index(i)))) for i in range(rows)]
        delta, delta_row = b.add(field(layer, at.DELTA), move), field(layer, at.DELTA_ROW)
        places = [b.add(delta, b.mul(delta_row, b.add(r, s.index(i)))) for i in range(rows)]
        self.deltas = [[s.load(self.column(place, j)) for j in range(vectors)] for place in places]

    def column(self, address, j):
        return self.s.b.add(address, self.s.b.mul(self.vector, self.s.index(j)))

    def row(self, address, k, row):
        return self.s.b.add(address, self.s.b.mul(k, row))

    def load(self, address):
        return [self.s.load(self.column(address, j)) for j in range(len(self.deltas[0]))]

    def add_gradient(self, k, elements):
        """Row k of dW: a vector for each of the panel's."""
        total = self.load(self.row(self.start, k, self.start_row))
        for element, delta in zip(elements, self.deltas, strict=True):
            total = [self.s.fma(element, d, t) for d, t in zip(delta, total, strict=True)]
        return total

    def add_sums(self, k, weights):
        """Partial sums of dX for input k, with what this panel's weights add to them."""
        start, target = self.row(self.from_sums, k, self.from_row), self.row(self.sums, k, self.sums_row)
        for r, delta in enumerate(self.deltas):
            total = self.s.load(self.column(start, r))
            for w, d in zip(weights, delta, strict=True):
                total = self.s.fma(w, d, total)
            self.s.store(total, self.column(target, r))


def _pass(rule, rows, vectors):
    """``count`` inputs' weights in a panel, ``vectors`` from v on, and a bias after them: for ``rows`` of the batch from r on.

    Overwrites their partial sums, and the gradient or else the weights and their state. Both sums go on from what is there,
    unless these are the first rows of the batch or the first panel.
    """
    slots = UPDATE_RULES[rule].slots if rule != STORE else 0

    def body(s, plan, layer, v, first, count, r, bias):
        b, panel = s.b, _Panel(s, rows, vectors, plan, layer, v, first, r)
        if rule != STORE:
            scalars, slot = s.load_address(plan, at.SCALARS), s.load_address(plan, at.SLOT)
            h = [s.load_spread(s.offset(scalars, i)) for i in range(SCALARS)]
            state = b.add(panel.weights, s.load_address(plan, at.STATE))

        def finish(k, weights, gradient):
            for j, g in enumerate(gradient):
                if rule == STORE:
                    s.store(g, panel.column(panel.row(panel.gradient, k, panel.size), j))
                    continue
                place = panel.column(panel.row(state, k, panel.size), j)
                places = [b.add(place, b.mul(slot, s.index(n))) for n in range(slots)]
                new, new_state = apply_rule(rule, s, h, weights[j], g, [s.load(place) for place in places])
                s.store(new, panel.column(panel.row(panel.weights, k, panel.size), j))
                for value, place in zip(new_state, places, strict=True):
                    s.store(value, place)

        with s.loop(count) as k:
            weights = panel.load(panel.row(panel.weights, k, panel.size))
            panel.add_sums(k, weights)
            finish(k, weights, panel.add_gradient(k, [s.load_spread(s.offset(source, k)) for source in panel.sources]))
        with b.if_then(b.icmp_signed("!=", bias, s.index(0))):
            weights = panel.load(panel.row(panel.weights, count, panel.size)) if rule != STORE else []
            finish(count, weights, panel.add_gradient(count, [s.constant(1.0)] * rows))

    return VectorFunction(f"pass_{rule}_{rows}x{vectors}", 7, body)


def _pass_panel(s, plan, layer, v, vectors, first, count, batch, bias, rule):
    """The whole batch over ``count`` inputs' weights in a panel of ``vectors``: as few rows as must be, then more together.

    The last ones move the weights where ``rule`` is one of MOVED; STORE: the gradient is left.
    """
    b = s.b

    def go(rows, r):
        is_last = b.icmp_signed("==", b.add(r, s.index(rows)), batch)
        code = b.add(b.mul(b.select(is_last, rule, s.index(STORE)), s.index(code_of(1, 0, 0))), s.index(code_of(0, rows, 0)))
        functions = {key: function for key, function in _PASSES.items() if key // VARIANTS % VARIANTS == rows}
        call_by_code(s, b.add(code, vectors), functions, (plan, layer, v, first, count, r, bias))

    done = s.index(0)
    for rows in (1, 2):
        is_odd = b.and_(batch, s.index(rows))
        with b.if_then(b.icmp_signed("!=", is_odd, s.index(0))):
            go(rows, done)
        done = b.add(done, is_odd)
    with s.loop(batch, start=done, step=ROWS_TOGETHER) as r:
        go(ROWS_TOGETHER, r)


def _add_lanes(s, sums, sums_row, count, target, target_row, rows):
    """target[r, k] = the sum of the lanes of vector r at sums + k sums_row, for ``count`` k, and 0 up to a whole vector."""
    b, vector = s.b, s.index(s.lanes * s.itemsize)
    with s.loop(count, step=s.lanes) as first:
        last = b.sub(b.sub(count, first), s.index(1))
        mask, places = s.first_lanes(b.add(last, s.index(1))), []
        for i in range(s.lanes):
            k = b.select(b.icmp_signed("<=", s.index(i), last), s.index(i), last)  # what is beyond is read, but not used
            places.append(b.add(sums, b.mul(b.add(first, k), sums_row)))
        with s.loop(rows) as r:
            shift = b.mul(r, vector)
            total = sums_of(s, [s.load(b.add(place, shift)) for place in places])
            s.store(s.keep(mask, total), s.offset(b.add(target, b.mul(r, target_row)), first))


_WIDTHS = range(1, PANEL_VECTORS + 1)
_PASSES = {code_of(*kind, vectors): _pass(*kind, vectors) for kind in KEPT + MOVED for vectors in _WIDTHS}

# pass_panel(plan, layer, v, vectors, first, count, batch, bias, rule)
pass_panel = VectorFunction("pass_panel", 9, _pass_panel, calls=_PASSES.values())

# add_lanes(sums, sums_row, count, target, target_row, rows): overwrites whole vectors of target.
add_lanes = VectorFunction("add_lanes", 6, _add_lanes)
