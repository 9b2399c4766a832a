"""The layers of a ``torch.nn.Sequential``, with their weights."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from .. import activations
from ..layers import (
    Activation,
    AlphaDropout,
    BatchNormalization,
    Dense,
    Dropout,
    Flatten,
    Identity,
    Layer,
    LayerNormalization,
    Normalization,
    PReLU,
    RMSNormalization,
    UnitNormalization,
)
from .extras import needed
from .formulas import Formula
from .torch_export import MODULES

Made = tuple[Layer, list[np.ndarray]]  # a layer and its weights


def _array(tensor: Any) -> np.ndarray:
    found: np.ndarray = tensor.detach().cpu().numpy()
    return found


def _linear(module: Any) -> Made:
    weights = [_array(module.weight).T, *([] if module.bias is None else [_array(module.bias)])]
    return Dense(module.out_features, use_bias=module.bias is not None), weights


def _batch_norm(module: Any) -> Made:
    if not module.track_running_stats or module.momentum is None:
        raise _refused(module, "it must have running statistics with a momentum")
    layer = BatchNormalization(
        momentum=1 - module.momentum, epsilon=module.eps, center=bool(module.affine), scale=bool(module.affine)
    )
    learnt = [module.weight, module.bias] if module.affine else []
    return layer, [_array(tensor) for tensor in (*learnt, module.running_mean, module.running_var)]


def _one_axis(module: Any) -> int:
    if len(module.normalized_shape) != 1:
        raise _refused(module, "it must normalize one axis")
    return int(module.normalized_shape[0])


def _layer_norm(module: Any) -> Made:
    _one_axis(module)
    tensors = [tensor for tensor in (module.weight, module.bias) if tensor is not None]
    layer = LayerNormalization(epsilon=module.eps, scale=module.weight is not None, center=module.bias is not None)
    return layer, [_array(tensor) for tensor in tensors]


def _rms_norm(module: Any) -> Made:
    units = _one_axis(module)
    weight = np.ones(units) if module.weight is None else _array(module.weight)
    epsilon = np.finfo(weight.dtype).eps if module.eps is None else module.eps
    return RMSNormalization(epsilon=float(epsilon)), [weight]


def _standardize(module: Any) -> Made:
    mean, deviation = _array(module.mean).astype(float), _array(module.deviation).astype(float)
    return Normalization(mean=mean, variance=deviation**2, invert=module.invert), []


def _softmax(name: str) -> Callable[[Any], Made]:
    def make(module: Any) -> Made:
        if module.dim not in (None, -1, 1):
            raise _refused(module, "its dim must be -1")
        return Activation(name), []

    return make


def _named(name: str, settings: dict[str, str]) -> Callable[[Any], Made]:
    def make(module: Any) -> Made:
        fixed = {"Softplus": ("beta", 1), "Hardtanh": ("min_val", -1), "ReLU6": ("max_val", 6)}
        attribute, wanted = fixed.get(type(module).__name__, ("", None))
        if attribute and getattr(module, attribute) != wanted or getattr(module, "max_val", 1) not in (1, 6):
            raise _refused(module, f"its {attribute} must be {wanted}")
        given = {ours: float(getattr(module, theirs)) for ours, theirs in settings.items()}
        return Activation(getattr(activations, name)(**given)), []

    return make


def _formula(module: Any) -> Made:
    return Activation(activations.get(module.activation) if module.activation else Formula(module.steps)), []


def _flatten(module: Any) -> Made:
    if (module.start_dim, module.end_dim) != (1, -1):
        raise _refused(module, "it must flatten all axes of a sample")
    return Flatten(), []


def _glu(module: Any) -> Made:
    if module.dim not in (-1, 1):
        raise _refused(module, "its dim must be -1")
    return Activation("glu"), []


# By the names of torch's classes: those of other packages may have the same, so the module is looked at too.
MAKERS: dict[str, Callable[[Any], Made]] = {
    "Linear": _linear,
    "BatchNorm1d": _batch_norm,
    "LayerNorm": _layer_norm,
    "RMSNorm": _rms_norm,
    "Softmax": _softmax("softmax"),
    "LogSoftmax": _softmax("log_softmax"),
    "GELU": lambda module: (Activation(activations.gelu(approximate=module.approximate == "tanh")), []),
    "GLU": _glu,
    "Flatten": _flatten,
    "Identity": lambda module: (Identity(), []),
    "Dropout": lambda module: (Dropout(module.p), []),
    "AlphaDropout": lambda module: (AlphaDropout(module.p), []),
    "Formula": _formula,
    "Standardize": _standardize,
    "Unit": lambda module: (UnitNormalization(), []),
    **{cls: _named(name, settings) for name, (cls, settings) in MODULES.items()},
}


def _refused(module: Any, reason: str) -> ValueError:
    return ValueError(f"from_torch cannot take {module!r}: {reason}")


def modules(module: Any) -> Iterator[Any]:
    """The modules in order, those of sequences within it too."""
    for child in module.children():
        if type(child).__name__ == "Sequential":
            yield from modules(child)
        else:
            yield child


def layers_of(sequential: Any) -> tuple[list[Made], int | None, str]:
    """Layers with their weights, the width of the input where a module tells it, and the dtype."""
    torch = needed("torch", "from_torch")
    if not isinstance(sequential, torch.nn.Sequential):
        raise TypeError(f"from_torch takes a torch.nn.Sequential, got {sequential!r}")
    found: list[Made] = []
    units, pairs = None, 1
    for module in modules(sequential):
        name, place = type(module).__name__, type(module).__module__
        known = place.startswith(("torch.nn.", "fastbp.interchange."))
        if name == "PReLU" and known:
            slopes = _array(module.weight)
            found.append((PReLU(), [slopes]))  # one for all units is spread when their number is known
        elif name in MAKERS and known:
            found.append(MAKERS[name](module))
        else:
            raise _refused(module, f"it takes {', '.join(sorted({*MAKERS, 'PReLU'}))}")
        if units is None:
            width = next((int(w.shape[0]) for w in found[-1][1] if w.ndim and w.size > 1 or name == "Linear"), None)
            width = len(module.mean) if name == "Standardize" else width
            units, pairs = (None if width is None else width * pairs), pairs * (2 if name == "GLU" else 1)
    return found, units, _dtype(torch, sequential)


def _dtype(torch: Any, sequential: Any) -> str:
    kinds = {t.dtype for t in (*sequential.parameters(), *sequential.buffers()) if t.dtype.is_floating_point}
    names = {torch.float32: "float32", torch.float64: "float64"}
    if len(kinds) > 1 or not kinds <= names.keys():
        raise ValueError(f"from_torch takes modules of float32 or of float64, got {sorted(map(str, kinds))}")
    return names[kinds.pop()] if kinds else "float32"
