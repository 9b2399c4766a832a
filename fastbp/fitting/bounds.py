"""Bounds of parameters as scipy takes them."""

from __future__ import annotations

from typing import Any


def bounds_pair(bounds: Any) -> Any:
    """Lower and upper bounds: a pair as it is, or those of a scipy.optimize.Bounds."""
    return (bounds.lb, bounds.ub) if hasattr(bounds, "lb") else bounds
