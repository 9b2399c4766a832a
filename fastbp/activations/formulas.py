"""Every activation as a formula, with Keras's name, arguments and defaults.

Each is written once: on arrays it computes, as NumPy does; on the nodes of a formula it makes nodes, so that it may stand in a
custom loss; and what the kernels have no code for is differentiated and compiled from here.

Where an activation has a kink, its derivative there is that of the side on which the comparison puts it: conditions are
written so that NaN stays NaN.
"""

import math
from collections.abc import Callable
from functools import reduce
from typing import Any

import numpy as np

from ..graph.tracing import functions as f
from ..graph.tracing.errors import trace_error
from ..kernels.codes import SELU_ALPHA, SELU_SCALE


def compute(formula: Callable[..., Any], x: Any, *arguments: Any, **settings: Any) -> Any:
    """``formula(x, ...)`` of a node, or of what NumPy makes an array of; whole numbers become floats."""
    if f.tape_of([x]) is not None:
        return formula(x, *arguments, **settings)
    array = np.asarray(x)
    if array.dtype.kind not in "biuf":
        raise TypeError(f"x must be an array of real numbers, got {x!r}")
    if array.dtype.kind != "f":
        array = array.astype(float)
    with np.errstate(all="ignore"):  # infinities and NaN as in compiled code
        return np.asarray(formula(array, *arguments, **settings)).astype(array.dtype)[()]


# ------------------------------------------------------------------------------------------------------ unit by unit


def linear(x: Any) -> Any:
    """``x`` as it is."""
    return x


def relu(x: Any, negative_slope: float = 0.0, max_value: float | None = None, threshold: float = 0.0) -> Any:
    """``x`` above ``threshold``, but at most ``max_value``; below it ``negative_slope * (x - threshold)``."""
    above = x if max_value is None else f.where(x >= max_value, max_value, x)
    below = negative_slope * (x - threshold) if negative_slope else 0.0
    return f.where(x <= threshold, below, above)


def leaky_relu(x: Any, negative_slope: float = 0.2) -> Any:
    """``x`` where it is positive, else ``negative_slope * x``."""
    return f.where(x <= 0, negative_slope * x, x)


def relu6(x: Any) -> Any:
    """``x`` within [0, 6], the nearest end outside."""
    return relu(x, max_value=6.0)


def elu(x: Any, alpha: float = 1.0) -> Any:
    """``x`` where it is positive, else ``alpha * (exp(x) - 1)`` (Clevert et al. 2016, arXiv:1511.07289)."""
    return f.where(x <= 0, alpha * f.expm1(x), x)


def selu(x: Any) -> Any:
    """A scaled ``elu`` under which means and variances stay (Klambauer et al. 2017, arXiv:1706.02515)."""
    return SELU_SCALE * elu(x, SELU_ALPHA)


def celu(x: Any, alpha: float = 1.0) -> Any:
    """``x`` where it is positive, else ``alpha * (exp(x / alpha) - 1)``: smooth for any alpha (Barron, arXiv:1704.07483)."""
    return f.where(x <= 0, alpha * f.expm1(x / alpha), x)


def exponential(x: Any) -> Any:
    """``exp(x)``."""
    return f.exp(x)


def tanh(x: Any) -> Any:
    """The hyperbolic tangent."""
    return f.tanh(x)


def sigmoid(x: Any) -> Any:
    """``1 / (1 + exp(-x))``."""
    return f.sigmoid(x)


def log_sigmoid(x: Any) -> Any:
    """``log(sigmoid(x))``, right also where the sigmoid is too small to be told from 0."""
    return -f.softplus(-x)


def softplus(x: Any) -> Any:
    """``log(1 + exp(x))``."""
    return f.softplus(x)


def softsign(x: Any) -> Any:
    """``x / (1 + |x|)``."""
    # From 1 on written so that the derivative is no difference of two numbers near each other.
    far = f.where(x > 0, 1.0 - 1.0 / (1.0 + x), 1.0 / (1.0 - x) - 1.0)
    size = f.abs(x)
    return f.where(size >= 1.0, far, x / (1.0 + size))


def squareplus(x: Any, b: float = 4.0) -> Any:
    """``(x + sqrt(x^2 + b)) / 2``, a softplus without exponentials (Barron 2021, arXiv:2112.11687)."""
    root = f.hypot(x, math.sqrt(b))
    return f.where(x <= 0, (0.5 * b) / (root - x), 0.5 * (x + root))  # the usual form has no digits left far below 0


def silu(x: Any) -> Any:
    """``x * sigmoid(x)`` (Ramachandran et al. 2017, arXiv:1710.05941)."""
    return x * f.sigmoid(x)


def mish(x: Any) -> Any:
    """``x * tanh(softplus(x))`` (Misra 2019, arXiv:1908.08681)."""
    return x * f.tanh(f.softplus(x))


def gelu(x: Any, approximate: bool = False) -> Any:
    """``x`` times the normal distribution function of ``x`` (Hendrycks and Gimpel 2016, arXiv:1606.08415).

    With ``approximate`` by a formula with tanh, which is a little faster and off by at most 5e-4.
    """
    if approximate:
        return x * f.sigmoid(math.sqrt(8.0 / math.pi) * (x + 0.044715 * (x * x * x)))
    return 0.5 * x * (1.0 + f.erf(x * math.sqrt(0.5)))


def gelu_tanh(x: Any) -> Any:
    """``gelu(x, approximate=True)``."""
    return gelu(x, approximate=True)


def hard_sigmoid(x: Any) -> Any:
    """0 up to -3, 1 from 3 on, a straight line between."""
    return f.where(x <= -3.0, 0.0, f.where(x >= 3.0, 1.0, x / 6.0 + 0.5))


def hard_silu(x: Any) -> Any:
    """``x * hard_sigmoid(x)`` (Howard et al. 2019, arXiv:1905.02244)."""
    return f.where(x <= -3.0, 0.0, f.where(x >= 3.0, x, x * (x + 3.0) / 6.0))


def hard_tanh(x: Any) -> Any:
    """``x`` within [-1, 1], the nearest end outside."""
    return f.where(x <= -1.0, -1.0, f.where(x >= 1.0, 1.0, x))


def tanh_shrink(x: Any) -> Any:
    """``x - tanh(x)``."""
    return x - f.tanh(x)


def hard_shrink(x: Any, threshold: float = 0.5) -> Any:
    """0 within ``threshold`` of 0, else ``x``."""
    return f.where(f.abs(x) <= threshold, 0.0, x)


def soft_shrink(x: Any, threshold: float = 0.5) -> Any:
    """0 within ``threshold`` of 0, else ``x`` moved towards 0 by ``threshold``."""
    return f.where(f.abs(x) <= threshold, 0.0, x - threshold * f.sign(x))


def threshold(x: Any, threshold: float, default_value: float) -> Any:
    """``x`` above ``threshold``, else ``default_value``."""
    return f.where(x <= threshold, default_value, x)


def sparse_plus(x: Any) -> Any:
    """0 up to -1, ``x`` from 1 on, a parabola between."""
    return f.where(x <= -1.0, 0.0, f.where(x >= 1.0, x, 0.25 * (x + 1.0) * (x + 1.0)))


def sparse_sigmoid(x: Any) -> Any:
    """0 up to -1, 1 from 1 on, a straight line between (Blondel et al. 2019, arXiv:1901.02324): sparse_plus's derivative."""
    return f.where(x <= -1.0, 0.0, f.where(x >= 1.0, 1.0, 0.5 * (x + 1.0)))


# ------------------------------------------------------------------------------------------------------- whole rows


def softmax(x: Any, axis: int = -1) -> Any:
    """Probabilities in proportion to ``exp(x)``."""
    return f.exp(log_softmax(x, axis))


def log_softmax(x: Any, axis: int = -1) -> Any:
    """The logarithms of ``softmax(x)``, right also where a probability is too small to be told from 0."""
    if f.tape_of([x]) is not None:
        return x - _log_sum_exp(x, axis)
    shifted = x - x.max(axis=axis, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=axis, keepdims=True))


def _log_sum_exp(x: Any, axis: int) -> Any:
    """log(sum(exp(x))) over the columns of a node, which has no maximum."""
    width = _columns("softmax", x, axis)
    return reduce(f.logaddexp, [x[:, i : i + 1] for i in range(width)])


def _columns(name: str, x: Any, axis: int) -> int:
    """How many columns the rows of a node have."""
    if len(x.shape) != 2 or x.shape[1] is None or axis not in (-1, 1):
        raise trace_error(
            f"{name} in a formula needs whole rows, got an array of shape {x.shape} and axis {axis}.",
            f"In a loss it takes y_pred or some of its columns; as a layer's activation it is activation={name!r}.",
        )
    return int(x.shape[1])


def sparsemax(x: Any, axis: int = -1) -> Any:
    """The probabilities nearest to ``x``, most of them 0 (Martins and Astudillo 2016, arXiv:1602.02068)."""
    if f.tape_of([x]) is not None:
        raise trace_error("A formula cannot compute sparsemax.", "As a layer's activation it is activation='sparsemax'.")
    falling = np.moveaxis(-np.sort(-x, axis=axis), axis, -1)
    falling = falling - falling[..., :1]
    counts = np.arange(1, falling.shape[-1] + 1)
    shares = (np.cumsum(falling, axis=-1) - 1.0) / counts  # what must go from each of the first so many
    kept = (falling > shares).sum(axis=-1, keepdims=True)
    share = np.moveaxis(np.take_along_axis(shares, kept - 1, axis=-1), -1, axis)
    return np.maximum(x - x.max(axis=axis, keepdims=True) - share, 0.0)


def glu(x: Any, axis: int = -1) -> Any:
    """The first half of the columns times the sigmoid of the second (Dauphin et al. 2017, arXiv:1612.08083)."""
    if f.tape_of([x]) is not None:
        half = even("glu", _columns("glu", x, axis)) // 2
        return x[:, :half] * f.sigmoid(x[:, half:])
    even("glu", x.shape[axis])
    values, gates = np.split(x, 2, axis=axis)
    return values * f.sigmoid(gates)


def even(name: str, units: int) -> int:
    """``units``, which must come in pairs."""
    if units % 2:
        raise ValueError(f"{name} takes pairs of units, so their number must be even, got {units}")
    return units
