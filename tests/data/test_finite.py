"""Whether all numbers are finite: every way of looking finds every number that is not, and no other."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastbp.data import finite

WAYS = {"squares": (1 << 30, 1 << 20), "sum": (0, 1 << 20), "blocks": (0, 8)}


@pytest.fixture(params=WAYS, scope="module")
def way(request):
    with pytest.MonkeyPatch.context() as patch:
        for name, value in zip(("MAX_SQUARED", "FINITE_BLOCK"), WAYS[request.param], strict=True):
            patch.setattr(finite, name, value)
        yield request.param


@given(
    st.integers(1, 300),
    st.integers(1, 20),
    st.integers(0, 10**6),
    st.sampled_from([float("nan"), float("inf"), -float("inf")]),
    st.sampled_from(["float32", "float64"]),
    st.sampled_from([0.0, 1.0, "max", "-max"]),
)
def test_the_first_one_is_named(way, rows, columns, place, value, dtype, rest):
    fill = {"max": np.finfo(dtype).max, "-max": np.finfo(dtype).min}.get(rest, rest)
    array = np.full((rows, columns), fill, dtype)
    row, column = divmod(place % array.size, columns)
    with np.errstate(all="raise"):
        finite.check_finite("x", array)
        array[row, column] = value
        with pytest.raises(ValueError, match=f"x must be finite, got {value} .as {dtype}. at row {row}, column {column}:"):
            finite.check_finite("x", array)
        with pytest.raises(ValueError, match=f"at row {row + 7}, column {column}:"):
            finite.check_finite("x", array, range(7, 7 + rows))
        array[array != array] = value
        if columns > 1:
            finite.check_finite("x", np.delete(array, column, axis=1))


def test_any_strides(way):
    array = np.arange(60.0).reshape(6, 10)
    array[:, 1::2] = np.nan
    finite.check_finite("x", array[:, ::2])
    finite.check_finite("x", array.T[::2].T)
    with pytest.raises(ValueError, match="row 0, column 0"):
        finite.check_finite("x", array[:, 1::2])
