"""fastbp trains dense neural networks on a CPU, fast, with the names of Keras."""

from importlib import import_module
from typing import Any

from . import activations, initializers, layers, losses, metrics, optimizers
from .history import History
from .layers import Dense, Input
from .limit import measure_limit
from .model import Sequential
from .optimizers import SGD, Adagrad, Adam, AdamW, Nadam, RMSprop
from .threads import get_num_threads, set_num_threads
from .trainable import TrainingDiverged

__version__ = "0.1.0"

__all__ = [
    "SGD",
    "Adagrad",
    "Adam",
    "AdamW",
    "Dense",
    "History",
    "Input",
    "Nadam",
    "RMSprop",
    "Sequential",
    "TrainingDiverged",
    "activations",
    "get_num_threads",
    "initializers",
    "layers",
    "losses",
    "measure_limit",
    "metrics",
    "optimizers",
    "set_num_threads",
    "warmup",
]


# What needs the graph is imported when it is first asked for.
_LATER = {
    **dict.fromkeys(("Graph", "trace"), "graph.trace"),
    **dict.fromkeys(("grad", "hessian", "jacobian", "value_and_grad"), "graph.transforms"),
    **dict.fromkeys(("Node",), "graph.node"),
    **dict.fromkeys(("TraceError",), "graph.errors"),
    **dict.fromkeys(("sqrt", "exp", "expm1", "log", "log1p", "sin", "cos", "tan"), "graph.functions"),
    **dict.fromkeys(("arcsin", "arccos", "arctan", "sinh", "cosh", "tanh", "sigmoid", "relu"), "graph.functions"),
    **dict.fromkeys(("softplus", "erf", "sign", "abs", "where", "minimum", "maximum"), "graph.functions"),
    **dict.fromkeys(("exp2", "log2", "log10", "arcsinh", "arccosh", "arctanh", "hypot", "logaddexp"), "graph.functions"),
    **dict.fromkeys(("sum", "mean", "stack"), "graph.functions"),
    # Their modules have other names: Python would put a module of the same name in the function's place.
    "curve_fit": "curve_fitting",
    **dict.fromkeys(("fit_formula", "FormulaFit"), "formula_fitting"),
    **dict.fromkeys(("check_gradients", "GradientCheck"), "gradient_check"),
}


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_LATER[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_LATER})


def warmup() -> None:
    """Compile everything now, rather than when the first model needs it. ``python -m fastbp warmup`` does the same.

    What is compiled is kept on disk, so that later processes only load it.

    Examples
    --------
    >>> import fastbp
    >>> fastbp.warmup()
    """
    from .engine import warmup as compile_engine
    from .kernels import formula

    compile_engine()
    for dtype in ("float32", "float64"):
        formula.run_kernel(dtype)
