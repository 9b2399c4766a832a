"""The metrics by name."""

from collections.abc import Mapping
from typing import Any

from ..arguments import function_name, unknown
from ..auto_names import snake_case
from ..engine.interrupts import import_to_end
from ..serialization import custom_objects as known_objects
from ..serialization import spelled
from .base import Metric
from .contents import CLASSES, FUNCTIONS, SHORT

_BY_SPELLING = {spelled(name): name for name in (*FUNCTIONS, *CLASSES)} | SHORT


def load(name: str) -> Any:
    """The class or function of its own name, whose module is imported with the first of them."""
    module = CLASSES.get(name) or FUNCTIONS[name]
    return getattr(import_to_end(f"{__package__}.{module}"), name)


def find(name: str, custom_objects: Mapping[str, Any] | None = None) -> Any:
    """The class or function of a name, the user's own first."""
    for own in (custom_objects or {}, known_objects):
        if name in own:
            return own[name]
    if spelled(name) not in _BY_SPELLING:
        raise unknown("metrics", name, [*map(snake_case, CLASSES), *SHORT])
    return load(_BY_SPELLING[spelled(name)])


def get(identifier: Any) -> Any:
    """The metric that a name, a class, a dict by ``serialize``, a ``Metric`` or a function stands for.

    Parameters
    ----------
    identifier : str, class, dict, Metric, callable or None
        Case and underscores do not matter in names.

    Returns
    -------
    Metric, function or None

    Raises
    ------
    TypeError, ValueError
        If there is no such metric.

    Examples
    --------
    >>> from fastbp import metrics
    >>> metrics.get("mean_squared_error")
    <MeanSquaredError name=mean_squared_error>
    """
    if isinstance(identifier, str | Mapping):
        identifier = deserialize(identifier)
    if isinstance(identifier, type) and issubclass(identifier, Metric):
        identifier = identifier()
    if identifier is None or isinstance(identifier, Metric):
        return identifier
    if not callable(identifier) or isinstance(identifier, type):
        raise TypeError(f"metrics must be a list of names, Metrics or functions, got {identifier!r} in it")
    return identifier


def serialize(metric: Any) -> Any:
    """A metric as what JSON can hold; a function gives its name.

    Examples
    --------
    >>> from fastbp import metrics
    >>> metrics.serialize(metrics.MeanIoU(2, name="iou"))["class_name"]
    'MeanIoU'
    """
    if isinstance(metric, Metric):
        return {"class_name": type(metric).__name__, "config": metric.get_config()}
    if not callable(metric):
        raise TypeError(f"metric must be a Metric or a function, got {metric!r}")
    return function_name(metric)


def deserialize(config: Any, custom_objects: Mapping[str, Any] | None = None) -> Any:
    """What ``serialize`` has written down.

    Parameters
    ----------
    config : dict or str
    custom_objects : dict, optional
        Classes and functions of the user's by name, besides those of ``fastbp.utils.get_custom_objects``.

    Examples
    --------
    >>> from fastbp import metrics
    >>> metrics.deserialize({"class_name": "BinaryAccuracy", "config": {"threshold": 0.25}}).threshold
    0.25
    """
    name, settings = (config, {}) if isinstance(config, str) else (config.get("class_name"), config.get("config") or {})
    if not isinstance(name, str):
        raise ValueError(f"config must be a name or a dict with class_name and config, got {config!r}")
    found = find(name, custom_objects)
    if not isinstance(found, type):
        return found
    if isinstance(settings.get("fn"), str):  # MeanMetricWrapper's
        function = settings["fn"]
        known = load(function) if function in FUNCTIONS else find(function, custom_objects)
        settings = {**settings, "fn": known}
    made: Any = found.from_config(settings) if hasattr(found, "from_config") else found(**settings)
    return made
