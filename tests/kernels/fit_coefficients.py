"""How the polynomials of kernels/math/normal.py, gamma.py and coefficients.py were found. Run it to see them again.

Each is the interpolation of a smooth function at Chebyshev's points in 50 digits, which is within a small factor of the best
polynomial, written as powers of t from -1 to 1, the highest first. The error printed beside it is the largest one of the
polynomial with its coefficients rounded, relative to the largest value.
"""

import mpmath as mp

mp.mp.dps = 50


def chebyshev(f, degree):
    """The coefficients of Chebyshev's polynomials."""
    count = degree + 1
    angles = [mp.pi * (k + mp.mpf(1) / 2) / count for k in range(count)]
    values = [f(mp.cos(a)) for a in angles]
    found = [2 * sum(v * mp.cos(j * a) for v, a in zip(values, angles, strict=True)) / count for j in range(count)]
    return [found[0] / 2, *found[1:]]


def powers(coefficients):
    """The same polynomial in powers of t, the constant first."""
    size = len(coefficients)
    before, now = [mp.mpf(1)], [mp.mpf(0), mp.mpf(1)]
    total = [mp.mpf(0)] * size
    for k, c in enumerate(coefficients):
        t = before if k == 0 else now
        for i, part in enumerate(t):
            total[i] += c * part
        if k >= 1:
            after = [mp.mpf(0), *(2 * p for p in now)]
            for i, part in enumerate(before):
                after[i] -= part
            before, now = now, after
    return total


def fit(name, f, degree):
    """f as a polynomial of t from -1 to 1."""
    coefficients = [float(c) for c in reversed(powers(chebyshev(f, degree)))]
    worst, most = mp.mpf(0), mp.mpf(0)
    for k in range(60):
        t = mp.cos(mp.pi * (k + mp.mpf(1) / 3) / 60)
        exact = f(t)
        worst = max(worst, abs(mp.polyval([mp.mpf(c) for c in coefficients], t) - exact))
        most = max(most, abs(exact))
    print(f"# {mp.nstr(worst / most, 2)}")
    print(f"{name} = (")
    for i in range(0, len(coefficients), 5):
        some = coefficients[i : i + 5]
        print(f"    *({', '.join(map(repr, some))}{',' * (len(some) == 1)}),")
    print(")", flush=True)


def between(f, low, high):
    """f with t from -1 to 1 standing for low to high."""
    return lambda t: f((low + high) / mp.mpf(2) + (high - low) / mp.mpf(2) * t)


def inverse_erf(x, complement):
    """The inverse of erf at x, where complement is 1 - x."""
    guess = mp.sqrt(-mp.log(complement)) if complement < mp.mpf("0.1") else mp.mpf(x)
    if complement < mp.mpf("0.1"):
        return mp.findroot(lambda v: mp.log(mp.erfc(v)) - mp.log(complement), guess)
    return mp.erfinv(x)


def central(w):
    """erfinv(x) / x where w = -log(1 - x^2)."""
    if w < mp.mpf(10) ** -20:
        return mp.sqrt(mp.pi) / 2
    x = mp.sqrt(-mp.expm1(-w))
    return inverse_erf(x, mp.exp(-w) / (1 + x)) / x


def gap(t):
    """((x + phi(x) / Phi(x)) (3 + y)^1 / 3 for x = -y, where t = 1 - 6 / (3 + y)."""
    y = 6 / (1 - t) - 3
    tail = mp.erfc(y / mp.sqrt(2)) / 2
    return (mp.npdf(y) / tail - y) * (3 + y) / 3


def gammaln_2(d):
    return mp.loggamma(2 + d) / d if abs(d) > mp.mpf(10) ** -25 else mp.digamma(2)


ROOT = mp.findroot(mp.digamma, 1.4616)


def digamma_over(z):
    return mp.digamma(z) / (z - ROOT) if abs(z - ROOT) > mp.mpf(10) ** -25 else mp.polygamma(1, z)


def bessel_sides(order, x):
    """P and Q of Hankel's expansion: J = sqrt(2 / (pi x)) (P cos(c) - Q sin(c)) with c = x - (2 order + 1) pi / 4."""
    c = x - (2 * order + 1) * mp.pi / 4
    j, y, scale = mp.besselj(order, x), mp.bessely(order, x), mp.sqrt(mp.pi * x / 2)
    return scale * (j * mp.cos(c) + y * mp.sin(c)), scale * (y * mp.cos(c) - j * mp.sin(c))


def side(order, which, near):
    """P or x Q as a function of w = (near / x)^2 from 0 to 1."""

    def f(w):
        x = near / mp.sqrt(w)
        found = bessel_sides(order, x)[which]
        return found * x if which else found

    return f


def second_kind(order, x):
    """What Y0 and Y1 add to the logarithm: without it and the pole, and Y1 over x."""
    pole = 1 / x if order else 0
    return (mp.bessely(order, x) - 2 / mp.pi * (mp.log(x) * mp.besselj(order, x) - pole)) / x**order


def repeated(order, x):
    """(-1)^order times the derivative of an order of e^(x^2) erfc(x)."""
    with mp.workdps(120):
        before, now = 2 / mp.sqrt(mp.pi), mp.exp(x * x) * mp.erfc(x)
        for n in range(1, order + 1):
            before, now = now, -2 * x * now + (2 * (n - 1) * before if n > 1 else before)
        return +now


def main():
    fit("_ERFINV_CENTER", between(central, 0, 5), 21)
    fit("_ERFINV_MIDDLE", between(lambda s: central(s * s), mp.sqrt(5), mp.sqrt(16)), 20)
    fit("_ERFINV_FAR", between(lambda s: central(s * s), mp.sqrt(16), mp.sqrt(38)), 20)
    near = lambda y: 1 - 6 / (3 + mp.mpf(y))  # noqa: E731
    fit("_GAP", between(gap, near(0), near(39)), 26)
    fit("GAMMALN", between(gammaln_2, -0.5, 0.5), 20)
    print("root of digamma", [float(ROOT), float(ROOT - mp.mpf(float(ROOT)))])
    fit("_DIGAMMA", between(digamma_over, 1, 2), 22)
    for n in (0, 1):
        fit(f"J{n}_NEAR", between(lambda s, n=n: mp.besselj(n, mp.sqrt(s)) / mp.sqrt(s) ** n, 0, 64), 18)
        fit(f"Y{n}_NEAR", between(lambda s, n=n: second_kind(n, mp.sqrt(s)), 0, 64), 19)
        fit(f"P{n}", between(side(n, 0, 8), 0, 1), 13)
        fit(f"Q{n}", between(side(n, 1, 8), 0, 1), 13)
    for n in (0, 1):
        fit(f"I{n}E_NEAR", between(lambda x, n=n: mp.besseli(n, x) * mp.exp(-x) / x**n, 0, 8), 31)
        fit(f"I{n}E_FAR", between(lambda w, n=n: mp.besseli(n, 8 / w) * mp.exp(-8 / w) * mp.sqrt(8 / w), 0, 1), 24)
    for n in range(1, 5):
        fit(
            f"ERFCX_{n}", between(lambda t, n=n: repeated(n, 6 / (1 - t) - 3) * (6 / (1 - t)) ** (n + 1), near(0), near(28)), 28
        )


if __name__ == "__main__":
    main()
