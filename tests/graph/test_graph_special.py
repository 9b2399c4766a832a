"""The operators that are entries of a table: values and derivatives against mpmath, their ends and names against scipy."""

import mpmath
import numpy as np
import pytest
from scipy import special

import fastbp as bp
import special_cases
from fastbp.graph.tracing.functions import apply
from fastbp.graph.tracing.special.table import SPECIAL

with mpmath.workdps(200):
    ROOT_2 = mpmath.sqrt(2)


def normal(x):
    return mpmath.erfc(-x / ROOT_2) / 2


def log_normal(x):
    return mpmath.log(normal(x)) if x < 1 else mpmath.log1p(-normal(-x))


def mills(x):
    return mpmath.exp(-x * x / 2) / mpmath.sqrt(2 * mpmath.pi) / normal(x)


def log_gamma(x):
    return mpmath.log(abs(mpmath.gamma(x)))


def inverse_erf(x):
    if abs(x) < 0.9:
        return mpmath.erfinv(x)
    rest = 1 - abs(x)
    guess = mpmath.sqrt(-mpmath.log(rest))
    return mpmath.sign(x) * mpmath.findroot(lambda v: mpmath.log(mpmath.erfc(v)) - mpmath.log(rest), guess)


def voigt(order):
    """The derivative of an order with respect to x of V."""

    def value(x, sigma, gamma):
        z = mpmath.mpc(x, gamma) / (sigma * ROOT_2)
        found = [mpmath.exp(-z * z) * mpmath.erfc(-1j * z)]
        found.append(-2 * z * found[0] + 2j / mpmath.sqrt(mpmath.pi))
        for k in range(1, order):
            found.append(-2 * z * found[k] - 2 * k * found[k - 1])
        return found[order] / (sigma * ROOT_2) ** (order + 1) / mpmath.sqrt(mpmath.pi)

    return value


RNG = np.random.default_rng(0)


def spread(*ranges):
    return np.concatenate([RNG.uniform(low, high, 12) for low, high in ranges])


GAMMAS = spread((-20, 20), (0, 3), (0.9, 1.1), (1.9, 2.1), (0, 160))
# name: in mpmath, where
ONE = {
    "erfc": (mpmath.erfc, spread((-3, 3), (3, 27))),
    "erfinv": (inverse_erf, np.append(spread((-1, 1), (0.99, 1)), [1e-9, 1 - 2.0**-50])),
    "ndtr": (normal, spread((-3, 3), (-37, -3))),
    "log_ndtr": (log_normal, spread((-3, 3), (-50, -3), (-1e4, -3), (3, 30))),
    "mills": (mills, spread((-3, 3), (-50, -3), (-1e4, -3), (3, 30))),
    "mills_gap": (lambda x: x + mills(x), spread((-3, 3), (-50, -3), (-1e4, -3), (3, 30))),
    "logit": (lambda x: mpmath.log(x / (1 - x)), spread((0, 1), (0.499, 0.501), (0, 1e-9))),
    "gamma": (mpmath.gamma, spread((-20, 20), (0, 3), (-170, 170))),
    "gammaln": (log_gamma, GAMMAS),
    "digamma": (mpmath.digamma, GAMMAS),
    **{f"polygamma_{n}": (lambda x, n=n: mpmath.polygamma(n, x), GAMMAS) for n in range(1, 5)},
}
PAIRS = (spread((0, 3), (0, 3)), spread((0, 3), (0, 1e-6)))
SHAPES = (spread((-5, 5), (-300, 300)), spread((0.1, 3), (0.01, 1)), spread((0, 5), (0, 1e-9)))
SEVERAL = {
    "xlogy": (lambda x, y: x * mpmath.log(y), PAIRS),
    "xlog1py": (lambda x, y: x * mpmath.log1p(y), PAIRS),
    "voigt_profile": (lambda *x: voigt(0)(*x).real, SHAPES),
    **{f"voigt_real_{n}": (lambda *x, n=n: voigt(n)(*x).real, SHAPES) for n in range(1, 7)},
    **{f"voigt_imag_{n}": (lambda *x, n=n: voigt(n)(*x).imag, SHAPES) for n in range(7)},
}
CASES = {**{name: (f, (x,)) for name, (f, x) in ONE.items()}, **SEVERAL}
# What no other operator is made of a first or second derivative of, and so needs fewer digits.
LOOSE = {f"voigt_{part}_{n}": 1e-13 * 30.0**n for part in ("real", "imag") for n in range(7)}
LAST = {
    "polygamma_4",
    "mills_gap",
    "voigt_imag_0",
    "voigt_imag_2",
    *(f"voigt_{part}_{n}" for part in ("real", "imag") for n in range(3, 7)),
}  # not differentiated again


def reference(f, arrays):
    with mpmath.workdps(60):
        return np.array([float(f(*map(mpmath.mpf, map(float, v)))) for v in zip(*arrays, strict=True)])


def test_every_operator_has_a_case():
    assert set(SPECIAL) == set(CASES) | set(special_cases.CASES)  # which are in test_special_functions.py


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", CASES)
def test_values(name, dtype):
    f, arrays = CASES[name]
    arrays = [a.astype(dtype) for a in arrays]
    if name == "erfinv":
        arrays = [a[np.abs(a) < 1] for a in arrays]
    expected = reference(f, arrays)
    found = apply(name, *arrays)
    assert found.dtype == dtype
    allowed = np.abs(expected) * (LOOSE.get(name, 1e-14) if dtype == "float64" else 3e-7) + np.finfo(dtype).tiny
    if name in LOOSE:  # its zeros are not those of the real and imaginary part together
        allowed += np.abs(expected).max() * np.finfo(dtype).eps * 4
    finite = np.abs(expected) < np.finfo(dtype).max
    assert (np.abs(found - expected) <= allowed)[finite].all(), (found, expected)


@pytest.mark.parametrize("name", sorted(set(CASES) - LAST))
def test_derivatives(name):
    """The first with respect to each argument, and the second: compiled, and step by step."""
    f, arrays = CASES[name]
    arrays = [a[::5] for a in arrays]
    count = len(arrays)
    for i in range(count):
        first = bp.grad(lambda *x: bp.sum(apply(name, *x)), argnums=i)
        orders = tuple(int(k == i) for k in range(count))
        with mpmath.workdps(60):
            expected = [
                float(mpmath.diff(f, tuple(map(mpmath.mpf, v)) if count > 1 else mpmath.mpf(v[0]), orders if count > 1 else 1))
                for v in zip(*(map(float, a) for a in arrays), strict=True)
            ]
        found = first(*arrays)
        size = 1e-12 * np.abs(expected) + (4e-15 * np.max(np.abs(expected)) if name.startswith("voigt") else 0.0)
        assert (np.abs(found - expected) <= size + 1e-300).all(), (i, found, expected)


ENDS = [0.0, -0.0, np.nan, np.inf, -np.inf, 1.0, -1.0, 2.0, -2.0, 0.5, -2.5, 1e-300, -1e-300, 1e30, -1e30, 171.0, 180.0, -170.5]
NAMES = sorted({ufunc for name in CASES for ufunc in SPECIAL[name].ufuncs})


@pytest.mark.parametrize("name", NAMES)
def test_names_of_scipy_at_the_ends(name):
    """A ufunc on a node has the ufunc's value, of numbers that are nothing of the kind too."""
    ufunc = getattr(special, name, None) or getattr(np, name)
    arrays = [a.ravel() for a in np.meshgrid(*[np.array(ENDS)] * ufunc.nin)]
    with np.errstate(all="ignore"):
        expected = ufunc(*arrays)
    found = bp.trace(lambda *x: ufunc(*x), *arrays).forward(*arrays)
    for x, a, b in zip(zip(*arrays, strict=True), found, expected, strict=True):
        if name == "voigt_profile" and (not np.isfinite(x[1:]).all() or np.abs(x).max() > 200):
            continue  # scipy's is NaN, where there is a limit
        if name == "voigt_profile" and (np.isinf(b) or (min(x[1:]) < 0 and abs(x[2]) > 3)):
            continue  # e^(gamma^2) overflows, or magnifies the rounding of its exponent
        assert a == pytest.approx(b, rel=1e-13, abs=1e-299, nan_ok=True), (x, a, b)


def test_activations_are_saved_but_not_exported(tmp_path):
    model = bp.Sequential([bp.Input((2,)), bp.Dense(3, activation=lambda z: z * bp.ndtr(z)), bp.Dense(1)], seed=0)
    model.save(tmp_path / "model.keras")
    x = RNG.normal(size=(5, 2)).astype("float32")
    np.testing.assert_array_equal(bp.load_model(tmp_path / "model.keras").predict(x), model.predict(x))
    with pytest.raises(ValueError, match="an activation with ndtr can be saved, but not exported"):
        model.export_c(tmp_path / "model.c")
