"""Optimizer steps: new parameters and state from a gradient, a vector at a time.

Each rule reads and writes only its own element, so parameters may be stored in any order and updated in any parts. What
changes from step to step (the bias corrections of Adam) is worked out once a step in ``begin_step``.
"""

import math

import numpy as np

from .codes import (
    ADADELTA,
    ADAGRAD,
    ADAM,
    ADAM_AMSGRAD,
    ADAMAX,
    LION,
    MOMENTUM,
    NADAM,
    NESTEROV,
    RMSPROP,
    RMSPROP_CENTERED,
    RMSPROP_CENTERED_MOMENTUM,
    RMSPROP_MOMENTUM,
    SGD,
    STORE,
    UPDATE_RULES,
)
from .memory import make_accessors, read_double, write_double
from .simd.element_types import NUMBA_FLOATS
from .simd.library import VectorFunction, selects_by_code

# The settings of an optimizer, as begin_step finds them: float64.
HYPER_RATE, HYPER_DECAY, HYPER_BETA_1, HYPER_BETA_2, HYPER_EPSILON = range(5)
HYPER_SIZE = 8

# The scalars of one step, as begin_step leaves them: element type of the model.
RATE, DECAY, BETA_1, BETA_2, EPSILON, ONE_MINUS_BETA_1, ONE_MINUS_BETA_2, ALPHA, NADAM_M, NADAM_G, NADAM_V = range(11)
SCALARS = 11
UNDECAYED = SCALARS  # where the same follow for weights that do not decay

# What lasts from step to step: running products, float64. All start at 1.
BETA_1_POWER, BETA_2_POWER, U_PRODUCT, DECAY_POWER = range(4)
RUNNING_PRODUCTS = 4


def _squarable(s, g):
    """g, cut off where its square would overflow: the rules that divide by a root of squares take the same step for any
    gradient that large. What is not finite stays, so that it is found."""
    largest = s.constant(math.sqrt(np.finfo(s.dtype).max) / 2)
    size = s.abs(g)
    return s.select((size > largest) & (size < math.inf), s.copysign(largest, g), g)


def _sgd(s, h, w, g, state):
    return w * h[DECAY] - h[RATE] * g, []


def _momentum(s, h, w, g, state):
    velocity = h[BETA_1] * state[0] - h[RATE] * g
    return w * h[DECAY] + velocity, [velocity]


def _nesterov(s, h, w, g, state):
    velocity = h[BETA_1] * state[0] - h[RATE] * g
    return w * h[DECAY] + (h[BETA_1] * velocity - h[RATE] * g), [velocity]


def _rmsprop(centered, momentum):
    def rule(s, h, w, g, state):
        g = _squarable(s, g)
        velocity = h[BETA_1] * state[0] + h[ONE_MINUS_BETA_1] * g * g
        new, spread = [velocity], velocity
        if centered:
            average = h[BETA_1] * state[1] + h[ONE_MINUS_BETA_1] * g
            new.append(average)
            spread = s.maximum(0.0, velocity - average * average)  # rounding must not make it negative
        step = h[RATE] * g / s.sqrt(spread + h[EPSILON])
        if momentum:
            step = h[BETA_2] * state[-1] + step
            new.append(step)
        return w * h[DECAY] - step, new

    return rule


def _adagrad(s, h, w, g, state):
    g = _squarable(s, g)
    total = s.minimum(float(np.finfo(s.dtype).max), state[0] + g * g)
    return w * h[DECAY] - h[RATE] * g / s.sqrt(total + h[EPSILON]), [total]


def _adam(amsgrad):
    def rule(s, h, w, g, state):
        g = _squarable(s, g)
        m = s.fma(g - state[0], h[ONE_MINUS_BETA_1], state[0])
        v = s.fma(s.fma(g, g, -state[1]), h[ONE_MINUS_BETA_2], state[1])
        new, spread = [m, v], v
        if amsgrad:
            spread = s.maximum(state[2], v)
            new.append(spread)
        return w * h[DECAY] - m * h[ALPHA] / (s.sqrt(spread) + h[EPSILON]), new

    return rule


def _nadam(s, h, w, g, state):
    g = _squarable(s, g)
    m = s.fma(g - state[0], h[ONE_MINUS_BETA_1], state[0])
    v = s.fma(s.fma(g, g, -state[1]), h[ONE_MINUS_BETA_2], state[1])
    m_hat = h[NADAM_M] * m + h[NADAM_G] * g
    return w * h[DECAY] - m_hat * h[RATE] / (s.sqrt(v * h[NADAM_V]) + h[EPSILON]), [m, v]


def _adamax(s, h, w, g, state):
    m = s.fma(g - state[0], h[ONE_MINUS_BETA_1], state[0])
    largest = s.maximum(h[BETA_2] * state[1], s.abs(g))
    return w * h[DECAY] - m * h[ALPHA] / (largest + h[EPSILON]), [m, largest]


def _adadelta(s, h, w, g, state):
    g = _squarable(s, g)
    squares = h[BETA_1] * state[0] + h[ONE_MINUS_BETA_1] * g * g
    step = s.sqrt(state[1] + h[EPSILON]) / s.sqrt(squares + h[EPSILON]) * g
    return w * h[DECAY] - h[RATE] * step, [squares, h[BETA_1] * state[1] + h[ONE_MINUS_BETA_1] * step * step]


def _lion(s, h, w, g, state):
    way = h[BETA_1] * state[0] + h[ONE_MINUS_BETA_1] * g
    sign = s.select(way > 0.0, 1.0, s.select(way < 0.0, -1.0, way))
    finite = way - way  # or NaN, so that what is not finite is found
    return w * h[DECAY] - h[RATE] * (sign + finite), [h[BETA_2] * state[0] + h[ONE_MINUS_BETA_2] * g]


# code: (s, scalars, w, g, state) -> (new w, new state)
RULES = {
    SGD: _sgd,
    MOMENTUM: _momentum,
    NESTEROV: _nesterov,
    RMSPROP: _rmsprop(centered=False, momentum=False),
    RMSPROP_MOMENTUM: _rmsprop(centered=False, momentum=True),
    RMSPROP_CENTERED: _rmsprop(centered=True, momentum=False),
    RMSPROP_CENTERED_MOMENTUM: _rmsprop(centered=True, momentum=True),
    ADAGRAD: _adagrad,
    ADAM: _adam(amsgrad=False),
    ADAM_AMSGRAD: _adam(amsgrad=True),
    NADAM: _nadam,
    ADAMAX: _adamax,
    ADADELTA: _adadelta,
    LION: _lion,
}


def apply_rule(code, s, h, w, g, state):
    """(new w, new state).

    State that decays towards zero ends there. Rounding would keep it among the subnormal numbers for good, once a unit is dead
    or a loss is learnt, and many processors take a hundred times as long for those.
    """
    new_w, new = RULES[code](s, h, w, g, state)
    smallest = float(np.finfo(s.dtype).tiny)
    return new_w, [s.select(s.abs(value) < smallest, 0.0, value) for value in new]


def _update_as(code):
    """w and its state slots (each ``slot`` bytes after the one before) move by one step along g."""
    count = UPDATE_RULES[code].slots

    def body(s, scalars, w, g, state, slot, vectors):
        b = s.b
        h = [s.load_spread(s.offset(scalars, i)) for i in range(SCALARS)]
        with s.loop(vectors) as i:
            shift = b.mul(i, s.index(s.lanes * s.itemsize))
            slots = [b.add(b.add(state, b.mul(slot, s.index(k))), shift) for k in range(count)]
            w_address = b.add(w, shift)
            new_w, new = apply_rule(code, s, h, s.load(w_address), s.load(b.add(g, shift)), [s.load(a) for a in slots])
            s.store(new_w, w_address)
            for value, address in zip(new, slots, strict=True):
                s.store(value, address)

    return VectorFunction(f"update_{code}", 6, body)


def _store(s, scalars, w, g, state, slot, vectors):
    with s.loop(vectors) as i:
        shift = s.b.mul(i, s.index(s.lanes * s.itemsize))
        s.store(s.load(s.b.add(g, shift)), s.b.add(state, shift))


_UPDATES = {code: _update_as(code) for code in RULES} | {STORE: VectorFunction("update_store", 6, _store)}


# update(code, scalars, w, g, state, slot, vectors): overwrites w and the state slots.
update = selects_by_code("update", _UPDATES)


def _check_finite(s, w, size):
    """0.0, or NaN where a number among ``size`` bytes is NaN or infinite."""
    total = s.variable(s.constant(0.0))
    with s.loop(size, step=s.lanes * s.itemsize) as shift:
        total.set(s.fma(s.load(s.b.add(w, shift)), 0.0, total.get()))
    return s.as_double(s.lane(s.sum(total.get())))


check_finite = VectorFunction("check_finite", 2, _check_finite, returns="double")


WITH_RUNNING_PRODUCTS = tuple(code for code, rule in UPDATE_RULES.items() if rule.needs_running_products)


def make_begin_step(dtype):
    """``begin_step(code, hyper, products, scalars)``: this step's scalars from the settings and the running products.

    ``hyper`` (HYPER_SIZE float64) is read; ``products`` and ``scalars`` are overwritten.
    """
    write = make_accessors(dtype)[1]
    cast = NUMBA_FLOATS[dtype]
    MIN_EPSILON = float(np.finfo(dtype).tiny)  # an epsilon of 0 would divide 0 by 0 where there is no gradient

    def begin_step(code, hyper, products, scalars):
        rate = read_double(hyper, HYPER_RATE)
        beta_1, beta_2 = read_double(hyper, HYPER_BETA_1), read_double(hyper, HYPER_BETA_2)
        write(scalars, RATE, cast(rate))
        write(scalars, DECAY, cast(1.0 - rate * read_double(hyper, HYPER_DECAY)))
        write(scalars, BETA_1, cast(beta_1))
        write(scalars, BETA_2, cast(beta_2))
        write(scalars, EPSILON, cast(max(read_double(hyper, HYPER_EPSILON), MIN_EPSILON)))
        write(scalars, ONE_MINUS_BETA_1, cast(1.0 - beta_1))
        write(scalars, ONE_MINUS_BETA_2, cast(1.0 - beta_2))
        if code not in WITH_RUNNING_PRODUCTS:
            return
        beta_1_power = read_double(products, BETA_1_POWER) * beta_1
        beta_2_power = read_double(products, BETA_2_POWER) * beta_2
        write_double(products, BETA_1_POWER, beta_1_power)
        write_double(products, BETA_2_POWER, beta_2_power)
        second = 1.0 if code == ADAMAX else math.sqrt(1.0 - beta_2_power)  # Adamax's largest gradient needs no correction
        write(scalars, ALPHA, cast(rate * second / (1.0 - beta_1_power)))
        if code == NADAM:
            decay = read_double(products, DECAY_POWER) * 0.96
            u, u_next = beta_1 * (1.0 - 0.5 * decay), beta_1 * (1.0 - 0.5 * decay * 0.96)
            product = read_double(products, U_PRODUCT) * u
            write_double(products, DECAY_POWER, decay)
            write_double(products, U_PRODUCT, product)
            write(scalars, NADAM_M, cast(u_next / (1.0 - product * u_next)))
            write(scalars, NADAM_G, cast((1.0 - u) / (1.0 - product)))
            write(scalars, NADAM_V, cast(1.0 / (1.0 - beta_2_power)))

    return begin_step
