"""scipy's own tests of curve_fit, from the scipy that is installed, with ours in its place."""

from types import SimpleNamespace

import numpy as np
import pytest
from scipy import optimize

import fastbp as bp

theirs = pytest.importorskip("scipy.optimize.tests.test_minpack", reason="scipy is installed without its tests")

# Their expected values come from finite differences, which are good to seven digits or less: test -> tolerance, reason.
LESS_EXACT = {
    "test_gh4555b": (2e-6, "the expected covariance is scipy's, from finite differences"),
    "test_curvefit_covariance": (3e-6, "one of the two formulas that are compared cannot be traced, so scipy fits it"),
    "test_broadcast_y": (1e-6, "scipy fits where one y is for many x"),
}


@pytest.mark.filterwarnings("ignore:curve_fit could not trace the formula:RuntimeWarning")
class TestCurveFit(theirs.TestCurveFit):
    @pytest.fixture(autouse=True)
    def in_the_place_of_scipys(self, request, monkeypatch):
        monkeypatch.setattr(theirs, "curve_fit", bp.curve_fit)
        monkeypatch.setattr(theirs, "optimize", SimpleNamespace(**{**vars(optimize), "curve_fit": bp.curve_fit}))
        if request.function.__name__ in LESS_EXACT:
            rtol, _ = LESS_EXACT[request.function.__name__]
            monkeypatch.setattr(theirs, "assert_allclose", lambda a, b, *_, **__: np.testing.assert_allclose(a, b, rtol=rtol))
