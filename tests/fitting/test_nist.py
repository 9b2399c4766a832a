"""NIST's certified values of non-linear least squares, from both of its starts."""

import numpy as np
import pytest

import fastbp as bp
from nist_problems import PROBLEMS

AS_CURVES = "Chwirut2", "Lanczos3", "Nelson", "MGH17", "ENSO", "MGH09", "Thurber", "Rat43", "BoxBOD"


@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda p: p.name)
def test_certified_values_and_errors_from_both_starts(problem):
    for start in problem.starts:
        fit = bp.fit_curve(problem.f, problem.x, problem.y, start)
        np.testing.assert_allclose(fit.popt, problem.parameters, rtol=1e-6, err_msg=f"from {start}")
        np.testing.assert_allclose(list(fit.stderr.values()), problem.errors, rtol=1e-6, err_msg=f"from {start}")
        assert fit.chisqr == pytest.approx(problem.squares, rel=1e-6)


@pytest.mark.parametrize("problem", [p for p in PROBLEMS if p.name in AS_CURVES], ids=lambda p: p.name)
def test_both_starts_as_two_curves_of_one_call(problem):
    """The near start is always enough; where the far one is not, the fit says so or ends in a worse minimum."""
    x = problem.x[None] if problem.x.ndim == 2 else problem.x
    fits = bp.curve_fit_many(problem.f, x, np.tile(problem.y, (2, 1)), np.array(problem.starts, float))
    for i in range(2):
        if i == 1 or (fits.success[i] and fits.chisqr[i] < problem.squares * (1 + 1e-6)):
            np.testing.assert_allclose(fits.popt[i], problem.parameters, rtol=1e-6)
            np.testing.assert_allclose(fits.perr[i], problem.errors, rtol=1e-5)
            assert fits.chisqr[i] == pytest.approx(problem.squares, rel=1e-6)
