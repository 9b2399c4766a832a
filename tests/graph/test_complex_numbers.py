"""Complex numbers in formulas: wofz as line shapes use it, impedances, and what is refused."""

import numpy as np
import pytest
from scipy import special

import fastbp as bp
from fastbp.graph.codegen.program import Program

X = np.linspace(-30.0, 30.0, 41)
P = np.array([2.0, 0.3, 0.8, 0.5])


def voigt(p, x):
    return p[0] * special.wofz((x - p[1] + 1j * p[3]) / (p[2] * np.sqrt(2))).real / (p[2] * np.sqrt(2 * np.pi))


def test_the_voigt_profile_as_it_is_written_with_wofz():
    """Its value, gradient and second derivatives are those of voigt_profile."""
    graph = bp.trace(voigt, P, X)
    np.testing.assert_allclose(graph.forward(P, X), voigt(P, X), rtol=1e-13)

    def same(p, x):
        return p[0] * bp.voigt_profile(x - p[1], p[2], p[3])

    np.testing.assert_allclose(bp.jacobian(voigt)(P, X), bp.jacobian(same)(P, X), rtol=1e-10, atol=1e-15)
    hessians = [bp.hessian(lambda p, x, f=f: bp.sum(f(p, x) * np.cos(x)))(P, X) for f in (voigt, same)]
    np.testing.assert_allclose(*hessians, rtol=1e-10, atol=1e-12)
    found, _ = bp.curve_fit(lambda x, *p: voigt(p, x), X, voigt(P, X), p0=[1.0, 0.0, 1.0, 1.0])
    np.testing.assert_allclose(found, P, rtol=1e-6)


FORMULAS = [
    lambda z, x: special.wofz(z).imag,
    lambda z, x: np.imag(special.wofz(z)) + np.real(special.wofz(x)),
    lambda z, x: np.abs(1 / (1 + 1j * x + 1 / z)),
    lambda z, x: np.angle(z) + np.angle(z, deg=True) + np.abs(z) ** 2,
    lambda z, x: ((z - x) * (2j - z) / (z + 3)).imag,
    lambda z, x: (z**3 + z**-2 + z**2.0).real,
    lambda z, x: (z * np.conj(z)).real + z.conj().imag + (-z).real + (+z).imag,
    lambda z, x: np.exp(1j * x).real * np.exp(z).imag,
    lambda z, x: (np.complex128(2 - 1j) * z).real + (z / np.complex128(1 + 3j)).imag,
    lambda z, x: (np.linspace(0, 1, 41) * 1j * z).real + (z * np.exp(1j * np.linspace(0, 1, 41))).imag,
    lambda z, x: z.sum().real + z.mean().imag + np.sum(z).imag + x,
    lambda z, x: np.square(z).real - np.reciprocal(z).imag + abs(z),
]


@pytest.mark.parametrize("number", range(len(FORMULAS)))
def test_formulas(number):
    def f(a, x):
        return FORMULAS[number](0.3 * x + 1j * (a + 0.02 * x), x)

    x = np.linspace(-3.0, 3.0, 41)
    graph = bp.trace(f, 0.7, x)
    np.testing.assert_allclose(graph.forward(0.7, x), f(0.7, x), rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(Program(graph.inputs, graph.outputs, "float64")([0.7, x])[0], f(0.7, x), rtol=1e-12, atol=1e-14)


def test_wofz_below_the_axis():
    x = np.linspace(-2.0, 2.0, 9)
    for y in (-1.5, 0.0, 1e-9):
        found = bp.trace(lambda x, y=y: (special.wofz(x + 1j * y).real, special.wofz(x + 1j * y).imag), x).forward(x)
        exact = special.wofz(x + 1j * y)
        np.testing.assert_allclose(found[0], exact.real, rtol=1e-12, atol=1e-14)
        np.testing.assert_allclose(found[1], exact.imag, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize(
    ("formula", "problem"),
    [
        (lambda x: x + 1j * x, "must return numbers or nodes"),
        (lambda x: np.sqrt(x + 1j), "no sqrt of complex numbers"),
        (lambda x: (x + 1j) ** 0.5, "whole powers"),
        (lambda x: (x + 1j) < 1.0, "cannot do this"),
        (lambda x: float((x + 1j)[0]), "cannot do this"),
        (lambda x: (x + 1j) % 2.0, "cannot do this"),
        (lambda x: (x + 1j).real_part, "has no real_part"),
        (lambda x: np.cumsum(x + 1j), "no cumsum of complex numbers"),
        (lambda x: special.wofz(x + 1j, out=np.empty(3, complex)).real, "cannot do this"),
    ],
)
def test_what_is_refused(formula, problem):
    with pytest.raises(bp.TraceError, match=problem) as caught:
        bp.trace(formula, np.ones(3))
    assert "test_complex_numbers" in str(caught.value)
