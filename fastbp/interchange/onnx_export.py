"""A network as an ONNX file: operators of ONNX itself alone, those of opset 18."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from ..activations import Activation
from ..saving.atomic import replacing, write_all
from ..saving.paths import writable_path
from .extras import needed
from .onnx_formulas import write_formula
from .operations import Operation, batch_norm_scale, formula, operations

OPSET, IR_VERSION = 18, 8
MAX_BYTES = 2**31 - 2**20  # of weights, for a file is one message of protobuf

# Activations that ONNX has, with their settings there; the others are written as formulas.
NATIVE: dict[str, tuple[str, Mapping[str, str]]] = {
    "relu": ("Relu", {}),
    "leaky_relu": ("LeakyRelu", {"negative_slope": "alpha"}),
    "elu": ("Elu", {"alpha": "alpha"}),
    "selu": ("Selu", {}),
    "celu": ("Celu", {"alpha": "alpha"}),
    "exponential": ("Exp", {}),
    "tanh": ("Tanh", {}),
    "sigmoid": ("Sigmoid", {}),
    "softplus": ("Softplus", {}),
    "softsign": ("Softsign", {}),
}
SINGLE_ONLY = {
    "Elu",
    "Selu",
    "Celu",
    "Softplus",
    "Softsign",
    "LeakyRelu",
}  # that onnxruntime has not for double, or not everywhere


class Writer:
    """The nodes and constants of a graph while it is written."""

    def __init__(self, onnx: Any, dtype: str) -> None:
        self._onnx, self.dtype = onnx, np.dtype(dtype)
        self.nodes: list[Any] = []
        self.constants: dict[str, Any] = {}
        self._known: dict[Any, str] = {}

    def node(self, op: str, *inputs: str, **attributes: Any) -> str:
        """An operator with one output; its name."""
        return self.nodes_of(op, inputs, 1, **attributes)[0]

    def nodes_of(self, op: str, inputs: Any, outputs: int, **attributes: Any) -> list[str]:
        names = [f"{op.lower()}_{len(self.nodes)}" + (f"_{i}" if outputs > 1 else "") for i in range(outputs)]
        self.nodes.append(self._onnx.helper.make_node(op, list(inputs), names, f"{op}_{len(self.nodes)}", **attributes))
        return names

    def array(self, name: str, values: Any, dtype: Any = None) -> str:
        """A constant; its name. Equal ones are one."""
        array = np.array(values, dtype or self.dtype, order="C")
        key = array.dtype.str, array.shape, hashlib.sha256(array.tobytes()).digest()
        if key not in self._known:
            self._known[key] = f"{name}_{len(self.constants)}"
            self.constants[self._known[key]] = self._onnx.numpy_helper.from_array(array, self._known[key])
        return self._known[key]

    def number(self, value: float) -> str:
        """A single number."""
        with np.errstate(over="ignore"):
            return self.array("number", np.asarray(value, np.float64).astype(self.dtype))

    def truth(self, value: bool) -> str:
        """True or false."""
        return self.array("truth", value, np.bool_)

    def is_nan(self, x: str) -> str:
        return self.node("IsNaN", x)

    def axes(self, *axes: int) -> str:
        return self.array("axes", axes, np.int64)


def _dense(w: Writer, o: Operation, x: str) -> str:
    bias = (w.array("bias", o.arrays["bias"]),) if "bias" in o.arrays else ()
    kernel = w.array("kernel", o.arrays["kernel"])
    return w.node("Gemm", x, kernel, *bias) if bias else w.node("MatMul", x, kernel)


def activate(w: Writer, activation: Activation, x: str) -> str:
    """An elementwise activation: the operator that ONNX has, or its formula."""
    op, names = NATIVE.get(activation.name, ("", {}))
    settings = dict(activation.settings)
    rest = activation.get_config().keys() - names.keys()
    if op and activation.function is None and not rest and not (w.dtype == np.float64 and op in SINGLE_ONLY):
        return w.node(op, x, **{names[name]: float(value) for name, value in settings.items() if name in names})
    graph = formula(activation)
    return write_formula(w, graph.z, graph.value, x)


def _elementwise(w: Writer, o: Operation, x: str) -> str:
    return activate(w, o.activation, x)


def _sparsemax(w: Writer, o: Operation, x: str) -> str:
    """Of the rows in falling order, the largest count whose last number is above what must go from each of them."""
    units = o.units_out
    shifted = w.node("Sub", x, w.node("ReduceMax", x, w.axes(-1), keepdims=1))
    falling, _ = w.nodes_of("TopK", (shifted, w.axes(units)), 2, axis=-1, largest=1, sorted=1)
    sums = w.node("MatMul", falling, w.array("sums", np.triu(np.ones((units, units)))))
    shares = w.node("Div", w.node("Sub", sums, w.number(1.0)), w.array("counts", np.arange(1, units + 1)))
    # They rise while numbers are kept and fall after that.
    share = w.node("ReduceMax", shares, w.axes(-1), keepdims=1)
    return w.node("Relu", w.node("Sub", shifted, share))


_ROWS: dict[str, Callable[[Writer, Operation, str], str]] = {
    "softmax": lambda w, o, x: w.node("Softmax", x, axis=-1),
    "log_softmax": lambda w, o, x: w.node("LogSoftmax", x, axis=-1),
    "sparsemax": _sparsemax,
}


def _whole_rows(w: Writer, o: Operation, x: str) -> str:
    return _ROWS[o.activation.name](w, o, x)


def _glu(w: Writer, o: Operation, x: str) -> str:
    sizes = w.array("halves", [o.units_out, o.units_out], np.int64)
    values, gates = w.nodes_of("Split", (x, sizes), 2, axis=-1)
    return w.node("Mul", values, w.node("Sigmoid", gates))


def _prelu(w: Writer, o: Operation, x: str) -> str:
    return w.node("PRelu", x, w.array("alpha", o.arrays["alpha"]))


def _scaled(w: Writer, o: Operation, x: str) -> str:
    """What is left of a normalization: gamma and beta, those that there are."""
    x = w.node("Mul", x, w.array("gamma", o.arrays["gamma"])) if "gamma" in o.arrays else x
    return w.node("Add", x, w.array("beta", o.arrays["beta"])) if "beta" in o.arrays else x


def _layer_norm(w: Writer, o: Operation, x: str) -> str:
    gamma, beta = w.array("gamma", o.array("gamma", 1.0)), w.array("beta", o.array("beta", 0.0))
    return w.node("LayerNormalization", x, gamma, beta, axis=-1, epsilon=o.epsilon)


def _rms_norm(w: Writer, o: Operation, x: str) -> str:
    squares = w.node("ReduceMean", w.node("Mul", x, x), w.axes(-1), keepdims=1)
    return _scaled(w, o, w.node("Div", x, w.node("Sqrt", w.node("Add", squares, w.number(o.epsilon)))))


def _unit_norm(w: Writer, o: Operation, x: str) -> str:
    squares = w.node("ReduceSum", w.node("Mul", x, x), w.axes(-1), keepdims=1)
    return w.node("Div", x, w.node("Max", w.node("Sqrt", squares), w.number(1 / o.limit)))


def _affine(w: Writer, o: Operation, x: str) -> str:
    mean, deviation = w.array("mean", o.arrays["mean"]), w.array("deviation", o.arrays["deviation"])
    return w.node("Add", w.node("Mul", x, deviation), mean) if o.invert else w.node("Div", w.node("Sub", x, mean), deviation)


def _batch_norm(w: Writer, o: Operation, x: str) -> str:
    if w.dtype == np.float64:
        mean, scale = w.array("mean", o.arrays["moving_mean"]), w.array("scale", batch_norm_scale(o))
        return w.node("Add", w.node("Mul", w.node("Sub", x, mean), scale), w.array("beta", o.array("beta", 0.0)))
    arrays = o.array("gamma", 1.0), o.array("beta", 0.0), o.arrays["moving_mean"], o.arrays["moving_variance"]
    names = [w.array(name, array) for name, array in zip(("gamma", "beta", "mean", "variance"), arrays, strict=True)]
    return w.node("BatchNormalization", x, *names, epsilon=o.epsilon)


WRITERS: dict[str, Callable[[Writer, Operation, str], str]] = {
    "dense": _dense,
    "elementwise": _elementwise,
    "whole_rows": _whole_rows,
    "glu": _glu,
    "prelu": _prelu,
    "layer_norm": _layer_norm,
    "rms_norm": _rms_norm,
    "unit_norm": _unit_norm,
    "affine": _affine,
    "batch_norm": _batch_norm,
}


def onnx_model(model: Any) -> Any:
    """The network as a message of onnx, checked."""
    onnx = needed("onnx", "export_onnx")
    found = operations(model, "export_onnx")
    if sum(array.nbytes for o in found for array in o.arrays.values()) > MAX_BYTES:
        raise ValueError("export_onnx writes one file of up to 2 GB, the model has more weights than that")
    writer, sample = Writer(onnx, model.dtype), list(model.asked_sample())
    x = "x" if len(sample) == 1 else writer.node("Reshape", "x", writer.array("row", [-1, found[0].units_in], np.int64))
    for operation in found:
        x = WRITERS[operation.kind](writer, operation, x)
    writer.nodes.append(onnx.helper.make_node("Identity", [x], ["y"], "output"))
    helper = onnx.helper
    kind = helper.np_dtype_to_tensor_dtype(writer.dtype)
    inputs = [helper.make_tensor_value_info("x", kind, ["samples", *sample])]
    outputs = [helper.make_tensor_value_info("y", kind, ["samples", found[-1].units_out])]
    graph = helper.make_graph(writer.nodes, model.name, inputs, outputs, list(writer.constants.values()))
    made = helper.make_model(
        graph, producer_name="fastbp", opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION
    )
    onnx.checker.check_model(made, full_check=True)
    return made


def export_onnx(model: Any, path: Any) -> None:
    """What ``model.export_onnx`` does."""
    path = writable_path("path", path)
    made = onnx_model(model).SerializeToString()
    with replacing(path) as file:
        write_all(file, made)
