"""Normalizations as a textbook writes them: plain NumPy in float64, nothing clever, nothing taken from fastbp.

A normalization of rows is a dictionary such as ``{"kind": "layer", "epsilon": 1e-3, "scale": True, "center": True}``, its
kind "layer", "rms" or "unit". What is left out has Keras's default.
"""

import numpy as np

EPSILON = {"layer": 1e-3, "rms": 1e-6}
MAX_UNIT_FACTOR = 1e12


def vectors_of(norm):
    """The names of the weights, each a number for each unit."""
    names = {"layer": ["gamma", "beta"], "rms": ["gamma"], "unit": []}[norm["kind"]]
    flags = {"gamma": norm.get("scale", True), "beta": norm.get("center", True)}
    return [name for name in names if flags[name]]


def measure(norm, x):
    """(mean, factor) of each row, each a column."""
    if norm["kind"] == "unit":
        with np.errstate(divide="ignore"):
            return 0.0, np.minimum(1 / np.sqrt((x**2).sum(axis=1, keepdims=True)), MAX_UNIT_FACTOR)
    mean = x.mean(axis=1, keepdims=True) if norm["kind"] == "layer" else 0.0
    squares = ((x - mean) ** 2).mean(axis=1, keepdims=True)
    return mean, 1 / np.sqrt(squares + norm.get("epsilon", EPSILON[norm["kind"]]))


def forward(norm, vectors, x):
    named = dict(zip(vectors_of(norm), vectors, strict=True))
    mean, factor = measure(norm, x)
    return (x - mean) * factor * named.get("gamma", 1.0) + named.get("beta", 0.0)


def backward(norm, vectors, x, dy):
    """The gradients with respect to x, and to each of the vectors."""
    named = dict(zip(vectors_of(norm), vectors, strict=True))
    mean, factor = measure(norm, x)
    normal = (x - mean) * factor
    gradients = {"gamma": (dy * normal).sum(axis=0), "beta": dy.sum(axis=0)}
    d = dy * named.get("gamma", 1.0)
    if norm["kind"] == "unit":
        along = np.where(factor < MAX_UNIT_FACTOR, (d * normal).sum(axis=1, keepdims=True), 0.0)
        dx = factor * (d - normal * along)
    else:
        level = d.mean(axis=1, keepdims=True) if norm["kind"] == "layer" else 0.0
        dx = factor * (d - level - normal * (d * normal).mean(axis=1, keepdims=True))
    return dx, [gradients[name] for name in vectors_of(norm)]


def standardize(x, mean, variance, invert=False):
    deviation = np.maximum(np.sqrt(variance), 1e-7)
    return x * deviation + mean if invert else (x - mean) / deviation
