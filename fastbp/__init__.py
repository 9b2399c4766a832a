"""fastbp trains dense neural networks on a CPU, fast, with the names of Keras."""

import sys
from typing import Any

from . import activations, callbacks, constraints, initializers, layers, losses, metrics, models, optimizers, regularizers
from .callbacks.history import History
from .constraints import Constraint
from .engine.interrupts import import_to_end
from .engine.threads import get_num_threads, set_num_threads
from .errors import ModelFileError, TrainingDiverged
from .initializers import Initializer
from .layers import Dense, Input, Layer
from .losses import Loss
from .metrics import Metric
from .models.model import Model, Sequential
from .optimizers import SGD, Adagrad, Adam, AdamW, Nadam, Optimizer, RMSprop
from .peak_flops import measure_limit
from .regularizers import Regularizer

__version__ = "0.1.0"

__all__ = [
    "SGD",
    "Adagrad",
    "Adam",
    "AdamW",
    "Constraint",
    "Dense",
    "History",
    "Initializer",
    "Input",
    "Layer",
    "Loss",
    "Metric",
    "Model",
    "ModelFileError",
    "Nadam",
    "Optimizer",
    "RMSprop",
    "Regularizer",
    "Sequential",
    "TrainingDiverged",
    "activations",
    "callbacks",
    "constraints",
    "get_num_threads",
    "initializers",
    "layers",
    "losses",
    "measure_limit",
    "metrics",
    "models",
    "optimizers",
    "regularizers",
    "set_num_threads",
    "version",
    "warmup",
]


# What not every program needs is imported at its first use: modules, and what needs the graph.
_MODULES = ("backend", "config", "dask", "datasets", "ops", "random", "saving", "utils")
_LAZY = {
    **dict.fromkeys(("Graph", "trace"), "graph.graph"),
    **dict.fromkeys(("grad", "hessian", "jacobian", "value_and_grad"), "graph.autodiff.transforms"),
    **dict.fromkeys(("hvp", "jvp", "vjp"), "graph.autodiff.products"),
    "vmap": "graph.autodiff.batching",
    **dict.fromkeys(("Node",), "graph.tracing.node"),
    **dict.fromkeys(("TraceError",), "graph.tracing.errors"),
    **dict.fromkeys(("sqrt", "exp", "expm1", "log", "log1p", "sin", "cos", "tan"), "graph.tracing.functions"),
    **dict.fromkeys(("arcsin", "arccos", "arctan", "sinh", "cosh", "tanh", "sigmoid", "relu"), "graph.tracing.functions"),
    **dict.fromkeys(("softplus", "erf", "sign", "abs", "where", "minimum", "maximum"), "graph.tracing.functions"),
    **dict.fromkeys(
        ("exp2", "log2", "log10", "arcsinh", "arccosh", "arctanh", "hypot", "logaddexp"), "graph.tracing.functions"
    ),
    **dict.fromkeys(("sum", "mean", "stack"), "graph.tracing.functions"),
    **dict.fromkeys(("erfc", "erfinv", "ndtr", "log_ndtr", "logit", "xlogy", "xlog1py"), "graph.tracing.functions"),
    **dict.fromkeys(("gamma", "gammaln", "digamma", "voigt_profile"), "graph.tracing.functions"),
    **dict.fromkeys(
        ("gammainc", "gammaincc", "betaln", "erfcx", "exprel", "sinc", "cbrt", "arctan2"), "graph.tracing.functions"
    ),
    **dict.fromkeys(("j0", "j1", "y0", "y1", "i0", "i1", "i0e", "i1e"), "graph.tracing.functions"),
    **dict.fromkeys(("floor", "ceil", "trunc", "rint", "mod", "fmod", "floor_divide"), "graph.tracing.functions"),
    **dict.fromkeys(("copysign", "heaviside"), "graph.tracing.functions"),
    "curve_fit": "fitting.curve_fit",
    "curve_fit_many": "fitting.curve_fit_many",
    "ManyFits": "fitting.many_fits",
    "fit_curve": "fitting.fit_curve",
    "Fit": "fitting.fit",
    "load_model": "saving.loading",
    **dict.fromkeys(("fit_formula", "FormulaFit"), "fitting.fit_formula"),
    **dict.fromkeys(("from_onnx", "from_torch"), "models.importing"),
    **dict.fromkeys(("check_gradients", "GradientCheck"), "gradient_check"),
    **dict.fromkeys(("Member", "fit_many"), "many"),
    "Ensemble": "many.ensemble",
    **dict.fromkeys(("cross_validate", "CrossValidation"), "many.cross_validation"),
    "search": "many.search",
    "SearchResult": "many.trials",
    **dict.fromkeys(("EnsembleClassifier", "EnsembleRegressor", "MLPClassifier", "MLPRegressor", "from_sklearn"), "estimators"),
}


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return import_to_end(f"{__name__}.{name}")
    if name not in _LAZY:
        from .absent import TOP, missing

        raise missing(__name__, name, TOP, sys._getframe(1))
    value = getattr(import_to_end(f"{__name__}.{_LAZY[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_LAZY, *_MODULES})


def version() -> str:
    """The version of fastbp.

    Examples
    --------
    >>> import fastbp
    >>> fastbp.version() == fastbp.__version__
    True
    """
    return __version__


def warmup(full: bool = False) -> None:
    """Compile now, rather than when the first model needs it. ``python -m fastbp warmup`` does the same.

    What is compiled is kept on disk, so that later processes only load it.

    Parameters
    ----------
    full : bool
        Also what only some networks need: noise, normalization, penalties, constraints, clipping, feedback, monitors.

    Examples
    --------
    >>> import fastbp
    >>> fastbp.warmup()
    """
    from .engine.engine import warmup as compile_engine
    from .kernels import formula

    compile_engine(full)
    for dtype in ("float32", "float64"):
        formula.run_kernel(dtype)
