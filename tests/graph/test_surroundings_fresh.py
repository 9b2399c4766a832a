"""What is new at each call: iterators, draws, clocks, counters, freed addresses; and threads, nesting and exceptions."""

import itertools
import random
import threading
import time
from functools import partial

import numpy as np
import pytest

import fastbp
from ways import ROWS, X, assert_same

CALLS = 6


class Drawn:
    """Calls the source and remembers what it gave."""

    def __init__(self, source):
        self.source, self.values = source, []

    def __call__(self):
        self.values.append(float(self.source()))
        return self.values[-1]


def sources():
    counter, rows, rng = itertools.count(1), iter(range(1, 1000)), np.random.default_rng(0)
    squares, box = (i**2 for i in range(1, 1000)), [1.0, 2.0, 3.0] * 300
    return {
        "count": lambda: next(counter),
        "iterator": lambda: next(rows),
        "generator": lambda: next(squares),
        "popped": box.pop,
        "random": random.random,
        "own random": random.Random(0).random,
        "np.random": np.random.random,
        "Generator": rng.normal,
        "array of draws": lambda: rng.normal(size=5)[2],
        "large array of draws": lambda: rng.normal(size=1000).mean(),
        "clock": lambda: time.perf_counter_ns() % 10**6 + 1,
    }


@pytest.mark.parametrize("name", sources())
def test_a_new_value_at_each_call(name):
    """Value and gradient are those of one draw that was made during this very call."""
    drawn = Drawn(sources()[name])
    f = fastbp.value_and_grad(lambda x: drawn() * x**2 + x)
    seen = []
    for _ in range(CALLS):
        drawn.values.clear()
        value, slope = f(X)
        assert drawn.values, "the function was not evaluated"
        k = (value - X) / X**2
        assert any(abs(k - v) <= 1e-9 * abs(v) for v in drawn.values)
        assert_same(slope, 2 * k * X + 1, 1e-9)
        seen.append(value)
    assert len(set(seen)) > 1


@pytest.mark.parametrize("bare", ["next", "method", "draw", "clock"])
def test_without_a_helper(bare):
    """The same where no Python function lies between the formula and the source."""
    counter, rng, items = itertools.count(1), np.random.default_rng(0), list(range(1, 1000))
    f = {
        "next": lambda x: next(counter) * x,
        "method": lambda x: items.pop() * x,
        "draw": lambda x: rng.normal() * x,
        "clock": lambda x: time.perf_counter_ns() * x,
    }[bare]
    for transform in (fastbp.grad(f), lambda x: fastbp.value_and_grad(f)(x)[1], fastbp.jacobian(f)):
        slopes = [float(transform(X)) for _ in range(CALLS)]
        assert len(set(slopes)) == CALLS


def test_draws_in_fits():
    """A fit keeps the values of one evaluation; the next fit draws anew."""
    rng = np.random.default_rng(0)
    curve = lambda x, a: a * (1 + rng.random()) * x  # noqa: E731
    fits = {float(fastbp.curve_fit(curve, ROWS, 2 * ROWS)[0][0]) for _ in range(CALLS)}
    assert len(fits) == CALLS

    def loss(p, x):
        return fastbp.mean((p * x - rng.random()) ** 2)

    fits = {fastbp.fit_formula(loss, ROWS, 0.5, "sgd", epochs=1, batch_size=9).params for _ in range(CALLS)}
    assert len(fits) == CALLS


def counting(kind):
    """A formula that changes its own surroundings: (formula, how often it was evaluated)."""
    if kind == "closure":
        n = 0

        def f(x):
            nonlocal n
            n += 1
            return n * x

        return f, lambda: n
    if kind == "attribute":

        def f(x):
            f.n += 1
            return f.n * x

        f.n = 0
        return f, lambda: f.n
    held = {"dictionary": {"n": 0}, "array": np.zeros(1), "large array": np.zeros(1000), "list": [0]}[kind]
    key = "n" if kind == "dictionary" else 0

    def f(x):
        held[key] += 1
        return held[key] * x

    return f, lambda: held[key]


@pytest.mark.parametrize("kind", ["closure", "attribute", "dictionary", "list", "array", "large array"])
def test_a_formula_that_counts_its_calls(kind):
    """Each call evaluates: it gives the count of one of its own evaluations."""
    f, count = counting(kind)
    both = fastbp.value_and_grad(f)
    for _ in range(CALLS):
        before = count()
        value, slope = both(X)
        assert before < slope <= count()
        assert value == slope * X


def test_numbers_that_take_over_freed_addresses():
    """A number made anew lies where the last one lay: an address tells nothing."""
    k, held = 0.0, {"k": 0.0}

    class Settings:
        pass

    settings = Settings()
    f = fastbp.value_and_grad(lambda x: k * x**2 + held["k"] * x + settings.k)
    for i in range(60):
        k, held["k"], settings.k = i * 0.1, i * 0.2, i * 0.3
        assert_same(f(X), [k * X**2 + held["k"] * X + settings.k, 2 * k * X + held["k"]], 1e-12)


@pytest.mark.parametrize("make", ["object", "list", "array", "large array", "lambda", "class", "partial", "tuple", "function"])
def test_objects_that_take_over_freed_addresses(make):
    def make_reader(k):
        return {
            "object": lambda: (lambda o: lambda: o.k)(Held(k)),
            "list": lambda: (lambda a: lambda: a[0])([k]),
            "array": lambda: (lambda a: lambda: a[0])(np.full(3, k)),
            "large array": lambda: (lambda a: lambda: a.mean())(np.full(1000, k)),
            "lambda": lambda: lambda: k,
            "class": lambda: type("A", (), {"read": staticmethod(lambda: k)}).read,
            "partial": lambda: partial(float, k),
            "tuple": lambda: (lambda a: lambda: a[0])((k,)),
            "function": lambda: eval(f"lambda: {k!r}"),
        }[make]()

    reader = None
    f = fastbp.value_and_grad(lambda x: reader() * x**2)
    for i in range(60):
        reader = None
        reader = make_reader(i * 0.5)
        assert_same(f(X), [i * 0.5 * X**2, i * X], 1e-9)


class Held:
    def __init__(self, k):
        self.k = k


def test_many_formulas_made_in_a_loop():
    """New functions at old addresses, each differentiated anew."""
    for i in range(30):
        assert_same(fastbp.grad(lambda x, i=i: i * x**2)(X), 2 * i * X, 1e-12)
        assert_same(fastbp.grad(eval(f"lambda x: {i} * x**3"))(X), 3 * i * X**2, 1e-12)


def test_threads_with_surroundings_of_their_own():
    local, wrong = threading.local(), []
    f = fastbp.value_and_grad(lambda x: local.k * x**2 + x)

    def work(number):
        try:
            for i in range(20):
                local.k = number + 0.01 * i
                assert_same(f(X), [local.k * X**2 + X, 2 * local.k * X + 1], 1e-12)
        except BaseException as error:
            wrong.append(error)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_threads_while_another_one_changes_the_surroundings():
    """Either value is right, but value and gradient must be of the same one, and nothing may break."""
    k, stop, wrong = 1.0, threading.Event(), []
    table = {"k": 1.0}
    f = fastbp.value_and_grad(lambda x: k * x**2)

    def change():
        nonlocal k
        i = 0
        while not stop.is_set():
            k = 3.0 - k
            table[f"name {i % 50}"] = k
            table.pop(f"name {(i + 25) % 50}", None)
            i += 1

    g = fastbp.grad(lambda x: table["k"] * x**2)
    changing = threading.Thread(target=change)
    changing.start()
    try:
        for _ in range(200):
            value, slope = f(X)
            if (value, slope) not in {(1.0 * X**2, 2.0 * X), (2.0 * X**2, 4.0 * X)}:
                wrong.append((value, slope))
            assert g(X) == 2 * X
    finally:
        stop.set()
        changing.join()
    assert not wrong


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_derivatives_within_derivatives(depth):
    """The n-th derivative of exp(k x) is k^n exp(k x), with k around the innermost formula."""
    k = 0.5

    def f(x):
        return np.exp(k * x)

    for _ in range(depth):
        f = fastbp.grad(f)
    for k in (0.5, 1.5, 0.5, 2.0):
        assert_same(f(X), k**depth * np.exp(k * X), 1e-11)


def test_a_derivative_as_a_part_of_a_formula():
    held = {"a": 1.0, "b": 1.0}
    inner = fastbp.grad(lambda x: held["a"] * x**3)
    outer = fastbp.value_and_grad(lambda x: held["b"] * inner(x) + x)
    for a, b in [(1.0, 2.0), (3.0, 2.0), (3.0, -1.0), (1.0, 2.0)]:
        held.update(a=a, b=b)
        assert_same(outer(X), [3 * a * b * X**2 + X, 6 * a * b * X + 1], 1e-12)


@pytest.mark.parametrize("transform", ["grad", "jacobian", "hessian"])
def test_an_exception_leaves_later_calls_right(transform):
    k = 1.0

    def f(x):
        if k < 0:
            raise ZeroDivisionError("negative")
        return k * x**2

    expected = {"grad": 2 * X, "jacobian": 2 * X, "hessian": 2.0}[transform]
    calculate = getattr(fastbp, transform)(f)
    for k in (-1.0, 1.0, -2.0, 2.0, 1.0, -1.0, 3.0):
        if k < 0:
            with pytest.raises(ZeroDivisionError, match="negative"):
                calculate(X)
        else:
            assert_same(calculate(X), k * expected, 1e-12)


def test_what_vanishes_is_missed():
    """An attribute or key that is gone raises what Python raises, and its return is seen."""
    held, attribute = {"k": 1.0}, Held(1.0)
    f = fastbp.grad(lambda x: held["k"] * attribute.k * x**2)
    assert f(X) == 2 * X
    del held["k"]
    with pytest.raises(KeyError):
        f(X)
    held["k"] = 2.0
    assert f(X) == 4 * X
    del attribute.k
    with pytest.raises(AttributeError):
        f(X)
    attribute.k = 3.0
    assert f(X) == 12 * X
