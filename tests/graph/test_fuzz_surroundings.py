"""Random formulas of random surroundings that change between calls, beside PyTorch in float64 (or complex steps without it)."""

import time

import numpy as np
import pytest
import scipy.special

import fastbp
from all_ways import WAYS, clean_up

try:
    import torch
except ImportError:
    torch = None

# Functions that stay finite and smooth for arguments of any size: name, and the same of NumPy's functions f (or PyTorch's).
UNARY = {
    "sin": lambda f, a: f.sin(a),
    "cos": lambda f, a: f.cos(a),
    "tanh": lambda f, a: f.tanh(0.5 * a),
    "gauss": lambda f, a: f.exp(-(f.tanh(a) ** 2)),
    "log": lambda f, a: f.log(2.5 + f.sin(a)),
    "sqrt": lambda f, a: f.sqrt(1.5 + f.cos(a)),
    "reciprocal": lambda f, a: 1 / (2 + f.sin(a)),
    "power": lambda f, a: (1.7 + f.sin(a)) ** 1.5,
    "square": lambda f, a: f.sin(a) ** 2,
    "minus": lambda f, a: -a,
}
BINARY = {
    "plus": lambda f, a, b: a + b,
    "less": lambda f, a, b: a - b,
    "times": lambda f, a, b: f.sin(a) * b,
    "over": lambda f, a, b: a / (2 + f.cos(b)),
    "power": lambda f, a, b: (2 + f.sin(a)) ** f.tanh(b),
}


def special(f):
    """Special functions beside NumPy's or PyTorch's."""
    return scipy.special if f is np else f.special


# What has no complex steps: for PyTorch only.
REAL_UNARY = {
    "floor": lambda f, a: f.floor(3.1 * a) * f.sin(a),
    "ceil": lambda f, a: a - f.ceil(a),
    "trunc": lambda f, a: f.trunc(2.3 * a) * a,
    "round": lambda f, a: f.round(1.7 * a) + f.sin(a),
    "remainder": lambda f, a: f.remainder(a, 1.7),
    "percent": lambda f, a: (2.3 * a) % 1.1,
    "fmod": lambda f, a: f.fmod(a, 2.9),
    "sinc": lambda f, a: f.sinc(a),
    "erfcx": lambda f, a: special(f).erfcx(1 + 2 * f.sin(a)),
    "expit": lambda f, a: special(f).expit(a),
    "i0e": lambda f, a: special(f).i0e(a),
    "i1e": lambda f, a: special(f).i1e(a),
    "log_ndtr": lambda f, a: special(f).log_ndtr(3 * f.sin(a)),
    "gammaln": lambda f, a: special(f).gammaln(1.5 + f.cos(a)),
}
REAL_BINARY = {
    "arctan2": lambda f, a, b: f.arctan2(a, 1.5 + b * b),
    "hypot": lambda f, a, b: f.hypot(a, 1 + f.cos(b) ** 2),
    "copysign": lambda f, a, b: f.copysign(1.1 + f.sin(a), f.cos(b + 0.1)),
    "remainder": lambda f, a, b: f.remainder(a, 1.6 + f.sin(b)),
    "xlogy": lambda f, a, b: special(f).xlogy(a, 1.5 + f.sin(b)),
}
EVERY_UNARY, EVERY_BINARY = (
    {**UNARY, **{f"real {n}": f for n, f in REAL_UNARY.items()}},
    {
        **BINARY,
        **{f"real {n}": f for n, f in REAL_BINARY.items()},
    },
)
LEAVES = ["parameter", "other parameter", "data", "number", "array", "element", "mean", "fixed"]


def random_tree(rng, depth, unary=UNARY, binary=BINARY):
    """An expression as nested tuples: (name, part, ...)."""

    def part():
        return random_tree(rng, depth - 1, unary, binary)

    if depth == 0 or rng.random() < 0.1:
        leaf = LEAVES[rng.integers(len(LEAVES))]
        return (leaf, int(rng.integers(3)))
    if rng.random() < 0.4:
        return (list(unary)[rng.integers(len(unary))], part())
    return (list(binary)[rng.integers(len(binary))], part(), part())


def evaluate(tree, f, p, x, number, arrays):
    """The tree by the functions of the module f; ``number(i)`` and ``arrays(i)`` read the surroundings of the moment."""
    name, *parts = tree
    if name in LEAVES:
        i = parts[0]
        return {
            "parameter": lambda: p[0],
            "other parameter": lambda: p[1],
            "data": lambda: x,
            "number": lambda: number(i),
            "array": lambda: arrays(i),
            "element": lambda: arrays(i)[i],
            "mean": lambda: arrays(i).mean(),
            "fixed": lambda: 0 * p[0] + 0.5 + i,
        }[name]()
    parts = [evaluate(part, f, p, x, number, arrays) for part in parts]
    return EVERY_UNARY[name](f, *parts) if len(parts) == 1 else EVERY_BINARY[name](f, *parts)


class Surroundings:
    """Three numbers, each held in a random way, and three arrays, of which a call changes some."""

    def __init__(self, rng, size):
        self.rng, self.numbers = rng, rng.normal(size=3)
        names = [name for name, way in WAYS.items() if way.holds in ("any", "float")]
        self.ways = [names[rng.integers(len(names))] for _ in range(3)]
        made = [WAYS[way].make(float(k), lambda k, x: k + 0 * x) for way, k in zip(self.ways, self.numbers, strict=True)]
        self.read, self.change = zip(*made, strict=True)
        self.arrays = [rng.normal(size=size) for _ in range(3)]
        for i in range(3):
            self.change[i](float(self.numbers[i]))

    def step(self, used):
        """Mostly change one thing alone, which the formula uses: a change of another one would hide that it goes unnoticed."""
        rng = self.rng
        for kind, i in used if rng.random() < 0.2 else [used[rng.integers(len(used))]]:
            if kind == "number":
                self.numbers[i] = rng.normal()
                self.change[i](float(self.numbers[i]))
            else:
                self.change_array(i)

    def change_array(self, i):
        array, how = self.arrays[i], self.rng.integers(3)
        if how == 0:
            array[:] = self.rng.normal(size=array.size)
        elif how == 1:
            self.arrays[i] = self.rng.normal(size=array.size)
        else:
            array[self.rng.integers(array.size)] += 1.0


def used_by(tree):
    """What of the surroundings is in a tree."""
    name, *parts = tree
    if name in LEAVES:
        kind = {"number": "number", "array": "array", "element": "array", "mean": "array"}.get(name)
        return {(kind, parts[0])} - {(None, parts[0])}
    return set().union(*map(used_by, parts))


SHARED = {"global_name", "globals_dictionary", "environment", "context_variable"}
SHARED |= {"imported_inside", "name_imported_inside", "import_module"}


def by_torch(tree, p, x, numbers, arrays):
    p = torch.tensor(p, dtype=torch.float64, requires_grad=True)
    numbers, arrays = torch.tensor(numbers), [torch.tensor(a) for a in arrays]
    # 0 * p keeps the gradient where p is not used.
    value = evaluate(tree, torch, p, torch.tensor(x), lambda i: numbers[i], lambda i: arrays[i])
    value = torch.mean(value + 0 * p[0] * x[0])
    value.backward()
    return value.item(), p.grad.numpy()


def by_complex_steps(tree, p, x, numbers, arrays):
    def value(p):
        return np.mean(evaluate(tree, np, p, x, lambda i: numbers[i], lambda i: arrays[i]))

    steps = np.eye(2) * 1e-30j
    return float(np.real(value(p))), np.array([np.imag(value(p + step)) / 1e-30 for step in steps])


ORACLES = {"complex steps": by_complex_steps, "torch": by_torch}
SIZES = [1, 3, 10, 64, 65, 300]


def one_formula(seed, oracle, calls=10):
    """One random formula; its calls beside the oracle's. The message of a failure has all that is needed to see it again."""
    rng = np.random.default_rng(seed)
    size = max(3, SIZES[rng.integers(len(SIZES))])
    known = (EVERY_UNARY, EVERY_BINARY) if oracle is by_torch else (UNARY, BINARY)
    tree = random_tree(rng, int(rng.integers(2, 5)), *known)
    while not used_by(tree):
        tree = random_tree(rng, int(rng.integers(2, 5)), *known)
    around = Surroundings(rng, size)
    while sum(way in SHARED for way in around.ways) > 1:
        around = Surroundings(rng, size)

    # The formula must not hold ``around``: the numbers that lie in it open would tell of every change.
    read, arrays = around.read, around.arrays

    def formula(p, x):
        # 0 p x: it depends on parameters and data, as a formula has to.
        def number(i):
            return read[i](p[0])

        return fastbp.mean(evaluate(tree, np, p, x, number, lambda i: arrays[i]) + 0 * p[0] * x)

    both = fastbp.value_and_grad(formula)
    x = rng.normal(size=size)
    for call in range(calls):
        if call:
            around.step(sorted(used_by(tree)))
        p = rng.normal(size=2)
        value, slope = both(p, x)
        right, right_slope = oracle(tree, p, x, around.numbers, around.arrays)
        what = f"seed {seed}, call {call}, {size} rows, {around.ways}, {tree}"
        # A number read in a way is k + 0 p, for all p are finite: no rounding, no slope.
        np.testing.assert_allclose(value, right, rtol=1e-10, atol=1e-11, err_msg=what)
        np.testing.assert_allclose(slope, right_slope, rtol=1e-9, atol=1e-10, err_msg=what)


@pytest.fixture(autouse=True)
def clean(monkeypatch):
    clean_up(monkeypatch)


def run(first, oracle, seconds):
    """As many formulas as there is time for, at least some; all failures together at the end."""
    end, failures, done = time.monotonic() + seconds, [], 0
    while done < 3 or time.monotonic() < end:
        try:
            one_formula(first + done, ORACLES[oracle])
        except Exception as error:
            failures.append(f"seed {first + done}: {type(error).__name__}: {str(error).strip()[:600]}")
        done += 1
        if len(failures) >= 20:
            break
    assert not failures, f"{len(failures)} of {done} formulas\n" + "\n\n".join(failures)


@pytest.mark.parametrize("oracle", ORACLES)
def test_random_formulas(oracle):
    if oracle == "torch" and torch is None:
        pytest.skip("PyTorch is not installed; the complex steps above are run alone")
    run(0, oracle, 20 if oracle == "torch" or torch is None else 5)


@pytest.mark.soak
def test_random_formulas_for_long():
    seed = time.time_ns() % 10**9 * 1000
    print("first seed:", seed)
    run(seed, "torch" if torch is not None else "complex steps", 600)


@pytest.mark.skipif(torch is None, reason="PyTorch is not installed")
def test_the_oracles_agree():
    for seed in range(200):
        rng = np.random.default_rng(seed)
        tree, p, x, numbers = random_tree(rng, 4), rng.normal(size=2), rng.normal(size=5), rng.normal(size=3)
        arrays = list(rng.normal(size=(3, 5)))
        for found, expected in zip(*(oracle(tree, p, x, numbers, arrays) for oracle in ORACLES.values()), strict=True):
            np.testing.assert_allclose(found, expected, rtol=1e-11, atol=1e-12)
