"""np.interp and splines of scipy over fixed tables, against NumPy and scipy."""

import numpy as np
import pytest
from scipy import interpolate

import fastbp as bp
from fastbp.graph.codegen.program import Program

RNG = np.random.default_rng(0)
POINTS = np.cumsum(RNG.uniform(0.1, 1.0, 21))
VALUES = RNG.normal(size=21)
WHERE = np.concatenate([RNG.uniform(-1, POINTS[-1] + 2, 60), POINTS, [np.inf, -np.inf, np.nan]])
FINITE = WHERE[np.isfinite(WHERE)]


def compiled(f, x, dtype="float64"):
    graph = bp.trace(f, x)
    return Program(graph.inputs, graph.outputs, dtype)([x.astype(dtype)])[0]


@pytest.mark.parametrize(
    ("points", "options"),
    [
        (POINTS, {}),
        (POINTS, {"left": 7.0, "right": np.nan}),
        (POINTS[:1], {}),
        (POINTS[:2], {"left": -1.0}),
        (np.repeat(POINTS[:11], 2)[:21], {}),
        (POINTS[RNG.permutation(21)], {"period": 5.0}),
        (POINTS.astype(int).cumsum(), {}),
    ],
)
def test_interp(points, options):
    values, x = VALUES[: len(points)], FINITE if "period" in options or len(points) == 1 else WHERE

    def f(x):
        return np.interp(x, points, values, **options)

    np.testing.assert_allclose(bp.trace(f, x).forward(x), f(x), rtol=1e-13, atol=1e-15)
    np.testing.assert_allclose(compiled(f, x), f(x), rtol=1e-13, atol=1e-15)


def test_slopes_of_interp():
    """Those of the piece after a point of the table; 0 outside."""
    slope = bp.grad(lambda x: bp.sum(np.interp(x, [0.0, 1.0, 3.0], [1.0, 2.0, 0.0])))
    np.testing.assert_array_equal(slope(np.array([-1.0, 0.0, 0.5, 1.0, 2.0, 3.0, 4.0])), [0, 1, 1, -1, -1, -1, 0])
    assert bp.grad(bp.grad(lambda x: np.interp(x, [0.0, 1.0], [1.0, 2.0]) * x))(0.5) == 2.0


SPLINES = {
    "cubic": interpolate.CubicSpline(POINTS, VALUES),
    "natural": interpolate.CubicSpline(POINTS, VALUES, bc_type="natural", extrapolate=False),
    "periodic": interpolate.CubicSpline(POINTS, np.append(VALUES[:-1], VALUES[0]), bc_type="periodic"),
    "pchip": interpolate.PchipInterpolator(POINTS, VALUES),
    "akima": interpolate.Akima1DInterpolator(POINTS, VALUES),
    "hermite": interpolate.CubicHermiteSpline(POINTS, VALUES, np.cos(POINTS)),
    "B-spline": interpolate.make_interp_spline(POINTS, VALUES, k=3),
    "quintic": interpolate.make_interp_spline(POINTS, VALUES, k=5),
    "linear": interpolate.make_interp_spline(POINTS, VALUES, k=1),
    "Bernstein": interpolate.BPoly(RNG.normal(size=(4, 20)), POINTS),
    "derivative": interpolate.CubicSpline(POINTS, VALUES).derivative(),
    "two points": interpolate.CubicSpline([0.0, 1.0], [1.0, 3.0]),
}


KIN = ("natural", "akima", "hermite", "linear", "derivative", "two points")  # of others, looked at in soaks


@pytest.mark.parametrize("name", [pytest.param(n, marks=[pytest.mark.soak] * (n in KIN)) for n in SPLINES])
def test_splines(name):
    spline = SPLINES[name]
    degree = spline.k if hasattr(spline, "k") else len(spline.c) - 1

    def every(x):
        first = bp.grad(lambda x: bp.sum(spline(x)))(x)
        return spline(x), first, bp.grad(lambda x: bp.sum(bp.grad(lambda y: bp.sum(spline(y)))(x)))(x), spline(x, 1)

    x = FINITE
    graph = bp.trace(every, x)
    value, first, second, of_scipy = Program(graph.inputs, graph.outputs, "float64")([x])
    kinks = np.isin(x, POINTS)  # of the highest derivatives, where rounding has a say in B-splines
    for found, order in ((value, 0), (first, 1), (second, 2), (of_scipy, 1)):
        expected = spline(x, order)
        some = np.ones_like(x, bool) if order < degree - 1 else ~kinks
        np.testing.assert_allclose(found[some], expected[some], rtol=1e-9, atol=1e-11 * np.nanmax(np.abs(expected)))


def test_float32():
    x = FINITE.astype("float32")
    expected = SPLINES["cubic"](x.astype(float))
    np.testing.assert_allclose(compiled(SPLINES["cubic"], x, "float32"), expected, rtol=1e-6, atol=1e-6)


def test_extrapolation_of_a_call():
    spline, x = SPLINES["cubic"], FINITE
    for how in (True, False, "periodic"):
        expected = spline(x, extrapolate=how)
        np.testing.assert_allclose(compiled(lambda x, how=how: spline(x, extrapolate=how), x), expected, rtol=1e-9, atol=1e-11)
    integral = spline.antiderivative()
    np.testing.assert_allclose(compiled(integral, x), integral(x), rtol=1e-9, atol=1e-11)


def test_a_shift_and_a_scale_are_fitted():
    """What splines of tables are for: a measured line shape, moved and stretched."""
    x = np.linspace(2.0, 9.0, 60)
    spline = SPLINES["cubic"]
    found, _ = bp.curve_fit(lambda x, a, shift: a * spline(x - shift), x, 1.7 * spline(x - 0.3), p0=[1.0, 0.1])
    np.testing.assert_allclose(found, [1.7, 0.3], rtol=1e-6)


def test_tables_may_change():
    """What a formula reads is what is there at the call."""
    values = VALUES.copy()
    splines = [interpolate.CubicSpline(POINTS, values)]
    slope = bp.grad(lambda a, x: bp.sum(a * np.interp(x, POINTS, values)))
    of_spline = bp.grad(lambda a, x: bp.sum(a * splines[0](x)))
    x = FINITE
    for _ in range(3):
        assert slope(1.0, x) == pytest.approx(np.interp(x, POINTS, values).sum(), rel=1e-12)
        assert of_spline(1.0, x) == pytest.approx(splines[0](x).sum(), rel=1e-9)
        values[3] += 1.0
        splines[0].c[-1, 4] += 0.5
        slope(1.0, x), of_spline(1.0, x)
        splines[0] = interpolate.CubicSpline(POINTS, values)


def test_a_large_table():
    points = np.linspace(0.0, 1.0, 10_001)
    values = np.sin(5 * points)
    x = RNG.uniform(0, 1, 50)
    assert bp.grad(lambda a, x: bp.sum(a * np.interp(x, points, values)))(1.0, x) == pytest.approx(
        np.interp(x, points, values).sum(), rel=1e-12
    )


def test_scipy_is_as_it_was():
    own = interpolate.PPoly.__call__, interpolate.BSpline.__call__
    bp.trace(SPLINES["cubic"], FINITE)
    with pytest.raises(ZeroDivisionError):
        bp.trace(lambda x: SPLINES["cubic"](x) / (1 // 0), FINITE)
    assert (interpolate.PPoly.__call__, interpolate.BSpline.__call__) == own


@pytest.mark.parametrize(
    ("formula", "problem"),
    [
        (lambda x: np.interp(2.0, x, VALUES), "a table that it computes"),
        (lambda x: np.interp(x, POINTS, x[:21]), "a table that it computes"),
        (lambda x: np.interp(x, POINTS[::-1], VALUES), "do not rise"),
        (lambda x: np.interp(x, POINTS, VALUES[:3]), "as many numbers"),
        (lambda x: np.interp(x, POINTS, VALUES * 1j), "as many numbers"),
        (lambda x: np.interp(x, POINTS, VALUES, period=0), "period=0"),
        (lambda x: interpolate.CubicSpline(POINTS, np.stack([VALUES] * 2, 1))(x), "not of arrays"),
        (lambda x: SPLINES["cubic"](x, 0.5), "whole number"),
        (lambda x: SPLINES["cubic"](x, -1), "from 0 on"),
    ],
)
def test_what_is_refused(formula, problem):
    with pytest.raises(bp.TraceError, match=problem) as caught:
        bp.trace(formula, np.ones(30))
    assert "test_interpolation" in str(caught.value)
    assert len(str(caught.value).splitlines()) > 2  # the line, and a hint
