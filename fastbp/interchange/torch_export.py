"""A network as a ``torch.nn.Sequential``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..activations import Activation
from . import torch_modules
from .extras import needed
from .formulas import steps_of
from .operations import Operation, operations

Make = Callable[[Any, Operation], Any]

# Activations that torch.nn has as modules, with their settings there; the others become modules of their formulas.
MODULES: dict[str, tuple[str, dict[str, str]]] = {
    "relu": ("ReLU", {}),
    "leaky_relu": ("LeakyReLU", {"negative_slope": "negative_slope"}),
    "relu6": ("ReLU6", {}),
    "elu": ("ELU", {"alpha": "alpha"}),
    "selu": ("SELU", {}),
    "celu": ("CELU", {"alpha": "alpha"}),
    "tanh": ("Tanh", {}),
    "sigmoid": ("Sigmoid", {}),
    "log_sigmoid": ("LogSigmoid", {}),
    "softplus": ("Softplus", {}),
    "softsign": ("Softsign", {}),
    "silu": ("SiLU", {}),
    "mish": ("Mish", {}),
    "hard_sigmoid": ("Hardsigmoid", {}),
    "hard_silu": ("Hardswish", {}),
    "hard_tanh": ("Hardtanh", {}),
    "tanh_shrink": ("Tanhshrink", {}),
    "hard_shrink": ("Hardshrink", {"threshold": "lambd"}),
    "soft_shrink": ("Softshrink", {"threshold": "lambd"}),
    "threshold": ("Threshold", {"threshold": "threshold", "default_value": "value"}),
}


def _formula(activation: Activation) -> Any:
    name = None if activation.function is not None else activation.serialized()
    return torch_modules.Formula(steps_of(activation), name)


def _activation(torch: Any, o: Operation) -> Any:
    activation = o.activation
    if activation.name == "linear" and activation.function is None:
        return torch.nn.Identity()
    if activation.name == "exponential" or activation.function is not None:
        return _formula(activation)
    if activation.name in ("gelu", "gelu_tanh"):
        approximate = activation.name == "gelu_tanh" or dict(activation.settings)["approximate"]
        return torch.nn.GELU("tanh" if approximate else "none")
    module, names = MODULES.get(activation.name, ("", {}))
    if not module or activation.get_config().keys() - names.keys():
        return _formula(activation)
    return getattr(torch.nn, module)(**{names[name]: value for name, value in activation.settings if name in names})


def _dense(torch: Any, o: Operation) -> Any:
    module = torch.nn.Linear(o.units_in, o.units_out, "bias" in o.arrays)
    return _filled(torch, module, weight=o.arrays["kernel"].T, bias=o.arrays.get("bias"))


def _filled(torch: Any, module: Any, **arrays: np.ndarray | None) -> Any:
    """A module with these numbers, in their type."""
    for name, array in arrays.items():
        if array is not None:
            tensor = torch.from_numpy(np.array(array, order="C"))
            module.to(tensor.dtype)
            getattr(module, name).data.copy_(tensor)
    return module


def _whole_rows(torch: Any, o: Operation) -> Any:
    if o.activation.name == "sparsemax":
        raise NotImplementedError(
            "to_torch cannot export the activation 'sparsemax', which torch has not: use softmax, or export_onnx, which has it"
        )
    return {"softmax": torch.nn.Softmax, "log_softmax": torch.nn.LogSoftmax}[o.activation.name](dim=-1)


def _prelu(torch: Any, o: Operation) -> Any:
    return _filled(torch, torch.nn.PReLU(o.units_out), weight=o.arrays["alpha"])


def _layer_norm(torch: Any, o: Operation) -> Any:
    is_affine = bool(o.arrays)
    module = torch.nn.LayerNorm(o.units_out, o.epsilon, is_affine, bias="beta" in o.arrays)
    dtype = next(iter(o.arrays.values())).dtype if is_affine else np.float32
    return (
        _filled(torch, module, weight=o.array("gamma", 1.0).astype(dtype), bias=o.arrays.get("beta")) if is_affine else module
    )


def _rms_norm(torch: Any, o: Operation) -> Any:
    return _filled(torch, torch.nn.RMSNorm(o.units_out, o.epsilon), weight=o.arrays["gamma"])


def _batch_norm(torch: Any, o: Operation) -> Any:
    dtype = o.arrays["moving_mean"].dtype
    is_affine = bool(o.arrays.keys() & {"gamma", "beta"})
    momentum = 1 - getattr(o.layer, "momentum", 0.9)
    module = torch.nn.BatchNorm1d(o.units_out, o.epsilon, momentum, is_affine)
    arrays = {"running_mean": o.arrays["moving_mean"], "running_var": o.arrays["moving_variance"]}
    if is_affine:
        arrays |= {"weight": o.array("gamma", 1.0).astype(dtype), "bias": o.array("beta", 0.0).astype(dtype)}
    return _filled(torch, module, **arrays)


def _affine(torch: Any, o: Operation) -> Any:
    tensors = (torch.from_numpy(np.array(o.arrays[name], o.layer.dtype)) for name in ("mean", "deviation"))
    return torch_modules.Standardize(*tensors, o.invert)


MAKERS: dict[str, Make] = {
    "dense": _dense,
    "elementwise": _activation,
    "whole_rows": _whole_rows,
    "glu": lambda torch, o: torch.nn.GLU(-1),
    "prelu": _prelu,
    "layer_norm": _layer_norm,
    "rms_norm": _rms_norm,
    "unit_norm": lambda torch, o: torch_modules.Unit(),
    "affine": _affine,
    "batch_norm": _batch_norm,
}


def to_torch(model: Any) -> Any:
    """What ``model.to_torch`` does."""
    torch = needed("torch", "to_torch")
    found = operations(model, "to_torch")
    modules = [MAKERS[operation.kind](torch, operation) for operation in found]
    flatten = [torch.nn.Flatten()] if len(model.asked_sample()) > 1 else []
    dtype = getattr(torch, model.dtype)
    return torch.nn.Sequential(*flatten, *modules).to(dtype).eval()
