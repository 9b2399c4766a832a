"""What a file holds of a user's own functions: their name, and what they compute where that is a formula.

Reading, a function of that name among the custom objects comes first. Without one the formula takes its place, and what has
neither is an error, but for an initializer: the weights it has drawn are in the file.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from typing import Any, cast

import numpy as np

from .. import initializers
from ..activations import Activation
from ..arguments import function_name
from ..graph.codegen.row_graphs import trace_activation, trace_loss
from ..graph.tracing.batch import BatchNode, BatchTape
from ..graph.tracing.errors import TraceError, trace_error
from ..graph.tracing.node import Node
from ..graph.tracing.tape import Tape
from ..graph.tracing.trace import call
from ..initializers import Initializer
from ..losses import Custom
from ..metrics.base import is_built_in
from ..metrics.reductions import MeanMetricWrapper
from ..optimizers.schedule import LearningRateSchedule
from ..optimizers.schedules import StepFunction
from ..serialization import custom_objects as known_objects
from ..serialization import serialize
from .formulas import Nodes, NotStorable, evaluate, replay, written

FUNCTION = "fastbp.function"  # the class_name of what ``FunctionWriter`` writes
_NO_FORMULA = TraceError, NotStorable, TypeError, ValueError, IndexError, ArithmeticError
_CHECKED_STEPS = np.unique([*range(100), *(10**k for k in range(2, 7)), 12_345, 54_321])
_ARGUMENTS = {"loss": ("y_true", "y_pred"), "metric": ("y_true", "y_pred"), "activation": ("z",), "schedule": ("step",)}


class StoredFormula:
    """A formula out of a file, in the place of the function that it was traced from.

    Parameters
    ----------
    kind : {"loss", "metric", "activation", "schedule"}
    name : str
        Of the function.
    graphs : list of dict
        ``{"columns": [...], "nodes": [...]}``: the nodes for so many columns of each argument; None: for any.
    """

    def __init__(self, kind: str, name: str, graphs: list[dict[str, Any]]) -> None:
        self.kind, self.graphs = kind, graphs
        self.__name__ = self.__qualname__ = name
        for graph in graphs:
            self._check(graph)

    def _check(self, graph: Mapping[str, Any]) -> None:
        """Have the nodes make what they stand for once, so that a file's faults show where it is read."""
        columns = graph["columns"]
        if self.kind == "schedule":
            tape = Tape()
            replay(graph["nodes"], tape, {"step": tape.input("step")})
        elif self.kind == "activation":
            trace_activation(self)
        elif len(columns) == 2 and all(type(count) is int and 0 < count < 1 << 24 for count in columns):
            trace_loss(self, *columns)
        else:
            raise ValueError(f"columns must be two numbers, got {columns!r}")

    def __call__(self, *arguments: Any) -> Any:
        """The value for arrays, or for nodes of a formula that is traced."""
        names = _ARGUMENTS[self.kind]
        if len(arguments) != len(names):
            raise TypeError(f"{self.__name__} takes {', '.join(names)}, got {len(arguments)} arguments")
        batches = [argument for argument in arguments if isinstance(argument, BatchNode)]
        if batches:
            shapes, tape = [argument.shape for argument in arguments], cast(BatchTape, batches[0].tape)
            samples = {name: argument.sample for name, argument in zip(names, arguments, strict=True)}
            value = replay(self._nodes([shape[-1] for shape in shapes]), tape, samples)
            if self.kind != "activation" and tape.means.is_same(value):
                return BatchNode(tape, value, ())
            return BatchNode(tape, value, shapes[0] if self.kind == "activation" else (None,))
        if isinstance(arguments[0], Node):
            return replay(
                self._nodes([None] * len(names)), cast(Tape, arguments[0].tape), dict(zip(names, arguments, strict=True))
            )
        arrays = [np.asarray(argument) for argument in arguments]
        if self.kind in ("loss", "metric"):
            arrays = [array.reshape(len(array), -1) for array in arrays]
            nodes = self._nodes([array.shape[-1] for array in arrays])
            values = evaluate(nodes, dict(zip(names, arrays, strict=True)))
            return np.broadcast_to(values, (len(arrays[0]), 1))[:, 0]
        return evaluate(self._nodes([]), dict(zip(names, arrays, strict=True)))

    def _nodes(self, columns: list[int | None]) -> Nodes:
        for graph in self.graphs:
            if self.kind in ("activation", "schedule") or graph["columns"] == columns:
                nodes: Nodes = graph["nodes"]
                return nodes
        known = " or ".join(str(tuple(graph["columns"])) for graph in self.graphs)
        raise trace_error(
            f"The {self.kind} {self.__name__!r} out of a file has its formula for {known} columns of y_true and y_pred, "
            f"not for {tuple(columns)}.",
            f"Pass custom_objects={{{self.__name__!r}: ...}} with the function itself to load_model.",
        )

    def __repr__(self) -> str:
        return f"<stored {self.kind} {self.__name__!r}>"


# -- writing


class FunctionWriter:
    """Writes down a user's functions while a model is written; see ``fastbp.serialization.writing``.

    Parameters
    ----------
    units : int, optional
        Outputs of the model.
    """

    def __init__(self, units: int | None) -> None:
        self._units = units

    def __call__(self, value: Any) -> Any:
        if isinstance(value, Activation) and value.function is not None:
            return _function("activation", value.name, None, _activation_graphs(value.function))
        if type(value) is Custom:
            of = getattr(value.function, "__self__", None)
            owner, name = (of, "") if hasattr(of, "get_config") else (None, function_name(value.function))
            graphs = self._row_graphs(value.function)
            return _function("loss", name, owner, graphs, loss_name=value.name, reduction=value.reduction)
        if type(value) is MeanMetricWrapper and not is_built_in(value.function):
            options, name = dict(value.options), function_name(value.function)
            graphs = self._row_graphs(partial(value.function, **options) if options else value.function)
            written_down = _function("metric", name, None, graphs, options=serialize(options))
            return {"class_name": "MeanMetricWrapper", "config": {"name": value.name, "dtype": value.dtype, "fn": written_down}}
        if isinstance(value, LearningRateSchedule) and (type(value) is StepFunction or not _is_own(value)):
            return _schedule(value)
        if isinstance(value, LostInitializer):
            return _function("initializer", value.name, None, [])
        if isinstance(value, initializers.Custom):
            return self(value.function)
        if isinstance(value, Initializer):
            return None if _is_own(value) else _function("initializer", type(value).__name__, value, [])
        if callable(value) and not hasattr(value, "get_config") and not hasattr(value, "serialized"):
            return _function("initializer", function_name(value), None, [])
        return None

    def _row_graphs(self, function: Callable[..., Any]) -> list[dict[str, Any]]:
        """The formula for as many columns of targets as there are outputs, for one, and for those that are known."""
        graphs = []
        known = [graph["columns"][0] for graph in getattr(function, "graphs", ())]
        for count in dict.fromkeys((*known, self._units, 1)):
            if count is not None and self._units is not None:
                with suppress(*_NO_FORMULA):
                    nodes = written(trace_loss(function, count, self._units).value)
                    graphs.append({"columns": [count, self._units], "nodes": nodes})
        return graphs


def _activation_graphs(function: Callable[..., Any]) -> list[dict[str, Any]]:
    with suppress(*_NO_FORMULA):
        return [{"columns": [None], "nodes": written(trace_activation(function).value)}]
    return []


def _schedule(schedule: LearningRateSchedule) -> dict[str, Any]:
    """A function of the step; its formula only where that gives the same rates to the last digit."""
    function: Any = schedule.function if type(schedule) is StepFunction else schedule
    graphs: list[dict[str, Any]] = []
    with suppress(*_NO_FORMULA):
        tape = Tape()
        value = tape.lift(call(tape, function, tape.input("step")))
        found = [{"columns": [None], "nodes": written(tape.number(value))}] if value is not None else []
        steps = _CHECKED_STEPS
        if found and np.array_equal(schedule.of(steps), StepFunction(StoredFormula("schedule", "f", found)).of(steps)):
            graphs = found
    owner = None if function is not schedule else schedule
    written_down = _function("schedule", function_name(function), owner, graphs)
    return {"class_name": "StepFunction", "config": {"function": written_down}}


def _function(kind: str, name: str, owner: Any, graphs: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    """A function written down; ``owner``: the object of a class that it is, or is a method of."""
    if not graphs and name == "<lambda>" and kind != "initializer":
        raise TypeError(f"a {kind} that is no formula must have a name, so that a file can name it, got a lambda")
    config = {"kind": kind, "name": name, "graphs": graphs, **more}
    if owner is not None:
        config |= {"name": type(owner).__name__, "settings": owner.get_config()}
    return {"class_name": FUNCTION, "config": config}


def _is_own(value: Any) -> bool:
    """Whether an object is one of fastbp's."""
    return type(value).__module__.startswith("fastbp.")


# -- reading


class LostInitializer(Initializer):
    """An initializer that was a function: the weights that it has drawn are in the file, and it can draw no others.

    Parameters
    ----------
    name : str
    """

    def __init__(self, name: str) -> None:
        self.name = self.__name__ = name

    def __call__(self, shape: Any, *args: Any, **kwargs: Any) -> Any:
        raise ValueError(
            f"the initializer {self.name!r} was a function, which a file does not hold: to draw other weights, pass "
            f"custom_objects={{{self.name!r}: ...}} to load_model"
        )

    def serialized(self) -> Any:
        """The name of the function."""
        return self.name


def resolved(tree: Any, objects: Mapping[str, Any]) -> Any:
    """Settings with functions in the place of what ``FunctionWriter`` wrote; ``objects`` are the user's own by name."""
    if isinstance(tree, list):
        return [resolved(item, objects) for item in tree]
    if not isinstance(tree, dict):
        return tree
    if tree.get("class_name") == FUNCTION:
        return _found(tree["config"], {**known_objects, **objects})
    return {name: resolved(item, objects) for name, item in tree.items()}


def _found(config: Mapping[str, Any], objects: Mapping[str, Any]) -> Any:
    """What a function of a file becomes: the one of its name, else its formula."""
    kind, name = config["kind"], config["name"]
    if not isinstance(name, str) or kind not in (*_ARGUMENTS, "initializer"):
        raise ValueError(f"a function must have a kind and a name, got {kind!r} and {name!r}")
    function: Any
    if name in objects:
        function = objects[name]
        if isinstance(function, type):
            settings = config.get("settings", {})
            function = function.from_config(settings) if hasattr(function, "from_config") else function(**settings)
        if config.get("options"):
            function = partial(function, **config["options"])
    elif kind == "initializer":
        return LostInitializer(name)
    elif config["graphs"]:
        function = StoredFormula(kind, name, config["graphs"])
    else:
        raise ValueError(
            f"the {kind} {name!r} is a function of its writer's, and no formula that a file can hold: pass "
            f"custom_objects={{{name!r}: ...}} to load_model"
        )
    is_formula = kind == "loss" and not hasattr(function, "call")
    return Custom(function, config["loss_name"], config["reduction"]) if is_formula else function
