"""Gradients by central differences, and how far two gradients lie apart."""

import numpy as np


def central_differences(function, arrays):
    """The gradient of ``function(*arrays)`` with respect to each array, one element at a time.

    Parameters
    ----------
    function : callable
        Takes the arrays and returns a number.
    arrays : list of ndarray
        Where to differentiate; taken as float64 and left as they are.
    """
    arrays = [np.array(a, dtype=np.float64) for a in arrays]
    gradients = [np.zeros_like(a) for a in arrays]
    for array, gradient in zip(arrays, gradients, strict=True):
        for index in np.ndindex(array.shape):
            value = array[index]
            # The cube root of the rounding error balances truncation (step squared) against cancellation (1 / step).
            step = np.cbrt(np.finfo(np.float64).eps) * max(1.0, abs(value))
            array[index] = value + step
            above, high = function(*arrays), array[index]
            array[index] = value - step
            below, low = function(*arrays), array[index]
            array[index] = value
            gradient[index] = (above - below) / (high - low)
    return gradients


def directional_difference(function, arrays, directions, step=None):
    """The derivative of ``function(*arrays)`` along ``directions``: two calls however many elements there are."""
    if step is None:
        step = np.cbrt(np.finfo(np.float64).eps)
    above = function(*[a + step * d for a, d in zip(arrays, directions, strict=True)])
    below = function(*[a - step * d for a, d in zip(arrays, directions, strict=True)])
    return (above - below) / (2 * step)


def relative_error(actual, expected, floor=1e-300):
    """The norm of the difference over the larger of the two norms, or over ``floor`` where both are smaller."""
    actual, expected = (np.asarray(a, dtype=np.float64).ravel() for a in (actual, expected))
    if actual.shape != expected.shape:
        raise AssertionError(f"{actual.size} numbers compared with {expected.size}")
    scale = max(np.linalg.norm(actual), np.linalg.norm(expected), floor)
    return np.linalg.norm(actual - expected) / scale


def assert_close(actual, expected, tolerance, floor=1e-300):
    """Fail unless every pair of arrays agrees to ``tolerance``, relative to the array's norm. NaN never agrees."""
    assert len(actual) == len(expected)
    for i, (a, e) in enumerate(zip(actual, expected, strict=True)):
        assert np.shape(a) == np.shape(e), f"array {i}: shape {np.shape(a)} instead of {np.shape(e)}"
        error = relative_error(a, e, floor)
        assert error <= tolerance, f"array {i}, shape {np.shape(a)}: relative error {error:.3g} above {tolerance:.3g}"
