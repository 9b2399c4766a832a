"""The estimators' parameters: what each may be, and the numbers that follow from them."""

from numbers import Integral, Real
from typing import Any

import numpy as np
from sklearn.neural_network import MLPClassifier
from sklearn.utils._param_validation import Interval, Options, StrOptions

from ..activations.kinds import KINDS

WHOLE_ROWS = ("softmax", "log_softmax", "sparsemax", "glu")  # no functions of a unit alone
NAMES = {"identity": "linear", "logistic": "sigmoid"}  # scikit-learn's: fastbp's
ACTIVATIONS = sorted({"identity", "logistic", *KINDS} - {*WHOLE_ROWS})
NORMALIZATIONS = ("batch", "layer")
STOCHASTIC = ("sgd", "adam")

_SHARE = Interval(Real, 0, 1, closed="left")

# What the estimators have beside scikit-learn's parameters.
FURTHER_CONSTRAINTS: dict[str, Any] = {
    "activation": [StrOptions({*ACTIVATIONS}), tuple, list],
    "n_iter_no_change": [Interval(Integral, 1, None, closed="left"), Options(Real, {float("inf")})],
    "dropout": [_SHARE, tuple, list],
    "normalization": [StrOptions({*NORMALIZATIONS}), None],
    "callbacks": "no_validation",
    "dtype": [StrOptions({"float32", "float64"}), type, np.dtype, None],
    "n_threads": [Interval(Integral, 1, None, closed="left"), None],
    "time_budget": [Interval(Real, 0, None, closed="neither"), None],
    "restore_best": ["boolean", None],
    "scale": ["boolean"],
}
CONSTRAINTS = {**MLPClassifier._parameter_constraints, **FURTHER_CONSTRAINTS}
CONSTRAINTS.pop("loss", None)


class Settable:
    """What keeps the arguments of its constructor, as scikit-learn wants it."""

    def _keep(self, parameters: dict[str, Any]) -> None:
        """Keep the arguments of the constructor as they are."""
        for name, value in parameters.items():
            if name not in ("self", "__class__"):
                setattr(self, name, value)


def hidden_units(sizes: Any) -> list[int]:
    """The units of the hidden layers."""
    units = list(sizes) if hasattr(sizes, "__iter__") else [sizes]
    if any(not isinstance(size, Integral) or size <= 0 for size in units):
        raise ValueError(f"hidden_layer_sizes must be > 0, got {units}.")
    return [int(size) for size in units]


def hidden_activations(activation: Any, layers: int) -> tuple[str, ...]:
    """The activation of each hidden layer, by the name it was given."""
    if isinstance(activation, str):
        return (activation,) * layers
    if len(activation) != layers:
        raise ValueError(f"activation must be a name, or one for each of the {layers} hidden layers, got {activation!r}")
    for name in activation:
        if name not in ACTIVATIONS:
            raise ValueError(f"activation must hold names among {', '.join(ACTIVATIONS)}, got {name!r} in {activation!r}")
    return tuple(activation)


def dropout_rates(dropout: Any, layers: int) -> tuple[float, ...]:
    """The share of units that each hidden layer drops."""
    if isinstance(dropout, Real):
        return (float(dropout),) * layers
    if len(dropout) != layers:
        raise ValueError(f"dropout must be a number, or one for each of the {layers} hidden layers, got {dropout!r}")
    for rate in dropout:
        if isinstance(rate, bool) or not isinstance(rate, Real) or not 0 <= float(rate) < 1:
            raise ValueError(f"dropout must be in [0, 1), got {rate!r} in {dropout!r}")
    return tuple(float(rate) for rate in dropout)


def element_type(dtype: Any) -> Any:
    """The dtype to compute in as a NumPy dtype, or None for that of the data."""
    if dtype is None:
        return None
    try:
        chosen = np.dtype(dtype)
    except TypeError:
        chosen = None
    if chosen not in (np.float32, np.float64):
        raise ValueError(f"dtype must be 'float32', 'float64' or None for that of the data, got {dtype!r}")
    return chosen
