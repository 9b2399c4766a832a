"""The metrics by name."""

from collections.abc import Mapping
from typing import Any

from ..arguments import function_name, unknown
from ..auto_names import snake_case
from . import (
    accuracies,
    auc,
    classification,
    counts,
    errors,
    f_score,
    iou,
    matches,
    operating_points,
    probabilities,
    r2,
    regression,
)
from .base import Metric
from .reductions import Mean, MeanMetricWrapper, Sum

_CLASSES: tuple[type[Metric], ...] = (
    Mean,
    MeanMetricWrapper,
    Sum,
    accuracies.Accuracy,
    accuracies.BinaryAccuracy,
    accuracies.CategoricalAccuracy,
    accuracies.SparseCategoricalAccuracy,
    accuracies.SparseTopKCategoricalAccuracy,
    accuracies.TopKCategoricalAccuracy,
    auc.AUC,
    classification.BinaryCrossentropy,
    classification.CategoricalCrossentropy,
    classification.CategoricalHinge,
    classification.Hinge,
    classification.KLDivergence,
    classification.Poisson,
    classification.SparseCategoricalCrossentropy,
    classification.SquaredHinge,
    counts.FalseNegatives,
    counts.FalsePositives,
    counts.Precision,
    counts.Recall,
    counts.TrueNegatives,
    counts.TruePositives,
    f_score.F1Score,
    f_score.FBetaScore,
    iou.BinaryIoU,
    iou.IoU,
    iou.MeanIoU,
    iou.OneHotIoU,
    iou.OneHotMeanIoU,
    operating_points.PrecisionAtRecall,
    operating_points.RecallAtPrecision,
    operating_points.SensitivityAtSpecificity,
    operating_points.SpecificityAtSensitivity,
    r2.R2Score,
    regression.ConcordanceCorrelation,
    regression.CosineSimilarity,
    regression.LogCoshError,
    regression.MeanAbsoluteError,
    regression.MeanAbsolutePercentageError,
    regression.MeanSquaredError,
    regression.MeanSquaredLogarithmicError,
    regression.PearsonCorrelation,
    regression.RootMeanSquaredError,
)
_SHORT: dict[str, type[Metric]] = {
    "acc": accuracies.Accuracy,
    "bce": classification.BinaryCrossentropy,
    "kld": classification.KLDivergence,
    "mae": regression.MeanAbsoluteError,
    "mape": regression.MeanAbsolutePercentageError,
    "mse": regression.MeanSquaredError,
    "msle": regression.MeanSquaredLogarithmicError,
    "r2": r2.R2Score,
    "rmse": regression.RootMeanSquaredError,
}
NAMES: dict[str, type[Metric]] = {snake_case(kind.__name__): kind for kind in _CLASSES} | _SHORT
FUNCTIONS: dict[str, Any] = {
    name: function
    for module in (errors, matches, probabilities)
    for name, function in vars(module).items()
    if not name.startswith("_") and "y_true" in getattr(function, "__annotations__", ())
}


def _spelled(name: str) -> str:
    """A name without what does not matter in it: MeanSquaredError and mean_squared_error are one."""
    return name.lower().replace("_", "")


_BY_SPELLING: dict[str, Any] = {_spelled(name): found for name, found in {**FUNCTIONS, **NAMES}.items()}


def find(name: str, custom_objects: Mapping[str, Any] | None = None) -> Any:
    """The class or function of a name, the user's own first."""
    if custom_objects and name in custom_objects:
        return custom_objects[name]
    if _spelled(name) not in _BY_SPELLING:
        raise unknown("metrics", name, NAMES)
    return _BY_SPELLING[_spelled(name)]


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
        Classes and functions of the user's by name.

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
    if found is MeanMetricWrapper and isinstance(settings.get("fn"), str):
        settings = {**settings, "fn": find(settings["fn"], {**FUNCTIONS, **(custom_objects or {})})}
    made: Any = found.from_config(settings) if hasattr(found, "from_config") else found(**settings)
    return made
