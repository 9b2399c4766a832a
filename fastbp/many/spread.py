"""What the outputs of many members for the same rows come to: their mean, how far they are spread, and quantiles.

Where a network learns a normal distribution (the loss "gaussian_nll"), the members together are a mixture of these, which is
spread as far as the members disagree and as each of them expects: Lakshminarayanan, Pritzel and Blundell 2017, Simple and
scalable predictive uncertainty estimation using deep ensembles, NeurIPS. All functions take the outputs (members, n, units).
"""

from statistics import NormalDist

import numpy as np

from ..losses import GaussianNLL, Loss
from .scores import known, probabilities

_HALVINGS = 60  # of a bracket: all digits of a float64


def is_normal(loss: Loss) -> bool:
    """Whether the outputs are means and logarithms of variances."""
    return isinstance(known(loss), GaussianNLL)


def mean(loss: Loss, outputs: np.ndarray) -> np.ndarray:
    """The mean of what the members predict: (n, units), or of normal distributions (n, targets)."""
    values = _means(loss, outputs)
    found: np.ndarray = values.mean(axis=0, dtype=np.float64).astype(values.dtype)
    return found


def mean_of(loss: Loss, outputs: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """The mean of what those members predict for each row that are ``chosen`` (members, n) for it; NaN where none is."""
    values = _means(loss, outputs)
    sums = np.einsum("mnu,mn->nu", values, chosen.astype(np.float64))
    with np.errstate(invalid="ignore"):
        found: np.ndarray = (sums / chosen.sum(axis=0)[:, None]).astype(values.dtype)
    return found


def std(loss: Loss, outputs: np.ndarray) -> np.ndarray:
    """The standard deviation of what is predicted."""
    values = _means(loss, outputs).astype(np.float64)
    variance = values.var(axis=0)
    if is_normal(loss):
        variance += _variances(loss, outputs).mean(axis=0)
    found: np.ndarray = np.sqrt(variance).astype(outputs.dtype)
    return found


def quantiles(loss: Loss, outputs: np.ndarray, levels: np.ndarray) -> np.ndarray:
    """The numbers (levels, n, units) below which so much of what is predicted lies."""
    values = _means(loss, outputs).astype(np.float64)
    if is_normal(loss):
        sigma = np.sqrt(_variances(loss, outputs))
        found = np.stack([_of_mixture(values, sigma, float(level)) for level in levels])
    else:
        found = np.quantile(values, levels, axis=0)
    in_type: np.ndarray = found.astype(outputs.dtype)
    return in_type


def _means(loss: Loss, outputs: np.ndarray) -> np.ndarray:
    if is_normal(loss):
        return outputs[..., : outputs.shape[-1] // 2]
    return probabilities(loss, outputs)


def _variances(loss: Loss, outputs: np.ndarray) -> np.ndarray:
    loss = known(loss)
    assert isinstance(loss, GaussianNLL)
    logarithms = outputs[..., outputs.shape[-1] // 2 :].astype(np.float64)
    found: np.ndarray = np.maximum(np.exp(logarithms), loss.eps)
    return found


def _of_mixture(means: np.ndarray, sigma: np.ndarray, level: float) -> np.ndarray:
    """A quantile of normal distributions in equal parts: between the least and the largest of theirs, found by halving."""
    from ..graph.tracing.special.table import SPECIAL  # imported only where it is needed

    each = means + NormalDist().inv_cdf(level) * sigma
    low, high = each.min(axis=0), each.max(axis=0)
    for _ in range(_HALVINGS):
        middle = 0.5 * (low + high)
        is_below = np.asarray(SPECIAL["ndtr"].evaluate((middle - means) / sigma)).mean(axis=0) < level
        low, high = np.where(is_below, middle, low), np.where(is_below, high, middle)
    found: np.ndarray = 0.5 * (low + high)
    return found
