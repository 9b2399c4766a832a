"""One pass over weights for a few rows of a batch: what goes back to the inputs, and the gradient, from one reading of them.

At a few rows a step takes as long as its weights take to be read and written, whatever is done with them. So each row of W,
the weights of one input, serves both products while it is in registers: dX = dZ @ W.T, as a vector of partial sums for each
row of the batch and each input, and dW = X.T @ dZ. For a single row of the batch and the rules that only multiply and add,
the weights move along dW there and then.
"""

from ..codes import MOMENTUM, NESTEROV, SGD, UPDATE_RULES
from ..optimizer import RULES, SCALARS
from ..simd.library import VectorFunction, selects_by_code
from .dots import sums_of
from .panels import PANEL_VECTORS

ROWS_TOGETHER = 4  # rows of the batch whose dZ stays in registers
MOVES_AT_ONCE = (SGD, MOMENTUM, NESTEROV)  # a rule that takes roots or divides is no faster so
VARIANTS = 8  # more than vectors of a panel: the codes below are multiples of it plus these


def code_of(kind: int, vectors: int) -> int:
    """The code of a function: of so many rows of the batch, or of an update rule, for panels of so many vectors."""
    return kind * VARIANTS + vectors


def _columns(s, address, vectors):
    return [s.load(s.b.add(address, s.index(j * s.lanes * s.itemsize))) for j in range(vectors)]


def _add_products(s, columns, deltas, start, target):
    """target = start + the products of some weights and dZ: a vector of partial sums of dX."""
    total = s.load(start)
    for w, delta in zip(columns, deltas, strict=True):
        total = s.fma(w, delta, total)
    s.store(total, target)


def _row_at(s, k, address, row):
    return s.b.add(address, s.b.mul(k, row))


def _gradient_and_sums(rows, vectors):
    """``rows`` of the batch: dW and partial sums of dX of ``count`` inputs, each on top of what is at its ``start``."""

    def body(s, x, x_row, dz, dz_row, w, start, start_row, g, sums_start, sums_start_row, sums, sums_row, count):
        b, size = s.b, s.index(vectors * s.lanes * s.itemsize)
        vector = s.index(s.lanes * s.itemsize)
        deltas = [_columns(s, b.add(dz, b.mul(dz_row, s.index(r))), vectors) for r in range(rows)]
        with s.loop(count) as k:
            columns, gradient = (_columns(s, _row_at(s, k, *place), vectors) for place in ((w, size), (start, start_row)))
            place, from_place = _row_at(s, k, sums, sums_row), _row_at(s, k, sums_start, sums_start_row)
            for r, delta in enumerate(deltas):
                element = s.load_spread(s.offset(b.add(x, b.mul(x_row, s.index(r))), k))
                gradient = [s.fma(element, d, total) for d, total in zip(delta, gradient, strict=True)]
                shift = b.mul(vector, s.index(r))
                _add_products(s, columns, delta, b.add(from_place, shift), b.add(place, shift))
            for j, value in enumerate(gradient):
                s.store(value, b.add(_row_at(s, k, g, size), s.index(j * s.lanes * s.itemsize)))

    return VectorFunction(f"gradient_and_sums_{rows}x{vectors}", 13, body)


def _move_and_sum(code, vectors):
    """A single row of the batch: partial sums of dX of ``count`` inputs, whose weights then move, and a bias's after them."""
    slots, rule = UPDATE_RULES[code].slots, RULES[code]

    def body(s, x, dz, w, sums_start, sums_start_row, sums, sums_row, scalars, state, slot, count, bias):
        b, width = s.b, s.lanes * s.itemsize
        size = s.index(vectors * width)
        h = [s.load_spread(s.offset(scalars, i)) for i in range(SCALARS)]
        deltas = _columns(s, dz, vectors)

        def move(k, columns, gradient):
            row, states = _row_at(s, k, w, size), _row_at(s, k, state, size)
            for j, (column, g) in enumerate(zip(columns, gradient, strict=True)):
                places = [b.add(b.add(states, b.mul(slot, s.index(n))), s.index(j * width)) for n in range(slots)]
                new, new_state = rule(s, h, column, g, [s.load(place) for place in places])
                s.store(new, b.add(row, s.index(j * width)))
                for value, place in zip(new_state, places, strict=True):
                    s.store(value, place)

        with s.loop(count) as k:
            columns, element = _columns(s, _row_at(s, k, w, size), vectors), s.load_spread(s.offset(x, k))
            _add_products(s, columns, deltas, _row_at(s, k, sums_start, sums_start_row), _row_at(s, k, sums, sums_row))
            move(k, columns, [element * delta for delta in deltas])
        with b.if_then(b.icmp_signed("!=", bias, s.index(0))):
            move(count, _columns(s, _row_at(s, count, w, size), vectors), deltas)

    return VectorFunction(f"move_and_sum_{code}x{vectors}", 12, body)


def _add_lanes(s, sums, sums_row, count, target):
    """target[k] = the sum of the lanes of the vector at sums + k sums_row, for ``count`` of them, and 0 up to a whole vector."""
    b = s.b
    with s.loop(count, step=s.lanes) as first:
        start, last = _row_at(s, first, sums, sums_row), b.sub(b.sub(count, first), s.index(1))
        vectors = []
        for i in range(s.lanes):
            is_there = b.icmp_signed("<=", s.index(i), last)
            place = b.select(is_there, s.index(i), last)  # what is beyond the last is read, but not used
            vectors.append(s.load(_row_at(s, place, start, sums_row)))
        mask = s.first_lanes(b.add(last, s.index(1)))
        s.store(s.keep(mask, sums_of(s, vectors)), s.offset(target, first))


_WIDTHS = range(1, PANEL_VECTORS + 1)
_GRADIENTS = {code_of(r, v): _gradient_and_sums(r, v) for r in range(1, ROWS_TOGETHER + 1) for v in _WIDTHS}
_MOVES = {code_of(code, v): _move_and_sum(code, v) for code in MOVES_AT_ONCE for v in _WIDTHS}

# gradient_and_sums(code_of(rows, vectors), x, x_row, dz, dz_row, w, start, start_row, g, sums_start, sums_start_row, sums,
# sums_row, count): overwrites g and sums, which may be where they start.
gradient_and_sums = selects_by_code("gradient_and_sums", _GRADIENTS)

# move_and_sum(code_of(rule, vectors), x, dz, w, sums_start, sums_start_row, sums, sums_row, scalars, state, slot, count, bias):
# overwrites sums, the weights and their state.
move_and_sum = selects_by_code("move_and_sum", _MOVES)

# add_lanes(sums, sums_row, count, target): overwrites whole vectors of target.
add_lanes = VectorFunction("add_lanes", 4, _add_lanes)
