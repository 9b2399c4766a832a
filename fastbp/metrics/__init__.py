"""Metrics: how good predictions are, with Keras's names, as strings, classes and functions on arrays.

``accuracy`` becomes Keras's binary accuracy (the prediction is above 0.5) for one output, sparse categorical accuracy
for integer labels and categorical accuracy otherwise. Where the loss is the binary cross-entropy of logits
(``from_logits=True``), outputs are compared with 0, the logit of 0.5, instead. As in Keras, the training
metrics of an epoch come from the predictions made before each update, and of several metrics with the same name the second is
called ``name_1``, the third ``name_2``; "loss" is the loss's. All sums are taken in float64.

A function ``f(y_true, y_pred)`` is a metric too, the mean of what it returns for each sample; so is a subclass of ``Metric``.
"""

from typing import TYPE_CHECKING, Any

from .base import Metric
from .compiled import CompiledMetric, check_targets, get_all
from .contents import CLASSES as _CLASSES
from .contents import FUNCTIONS as _FUNCTIONS
from .logs import epoch_logs, needs_outputs, reset, results, to_count, update
from .registry import deserialize, get, load, serialize

if TYPE_CHECKING:  # the others are imported with their first use
    from .accuracies import (
        Accuracy,
        BinaryAccuracy,
        CategoricalAccuracy,
        SparseCategoricalAccuracy,
        SparseTopKCategoricalAccuracy,
        TopKCategoricalAccuracy,
    )
    from .auc import AUC
    from .classification import (
        BinaryCrossentropy,
        CategoricalCrossentropy,
        CategoricalHinge,
        Hinge,
        KLDivergence,
        Poisson,
        SparseCategoricalCrossentropy,
        SquaredHinge,
    )
    from .counts import FalseNegatives, FalsePositives, Precision, Recall, TrueNegatives, TruePositives
    from .errors import (
        concordance_correlation,
        cosine_similarity,
        huber,
        log_cosh,
        mean_absolute_error,
        mean_absolute_percentage_error,
        mean_squared_error,
        mean_squared_logarithmic_error,
        pearson_correlation,
    )
    from .errors import mean_absolute_error as mae
    from .errors import mean_absolute_percentage_error as mape
    from .errors import mean_squared_error as mse
    from .errors import mean_squared_logarithmic_error as msle
    from .f_score import F1Score, FBetaScore
    from .iou import BinaryIoU, IoU, MeanIoU, OneHotIoU, OneHotMeanIoU
    from .matches import (
        binary_accuracy,
        categorical_accuracy,
        sparse_categorical_accuracy,
        sparse_top_k_categorical_accuracy,
        top_k_categorical_accuracy,
    )
    from .operating_points import PrecisionAtRecall, RecallAtPrecision, SensitivityAtSpecificity, SpecificityAtSensitivity
    from .probabilities import (
        binary_crossentropy,
        binary_focal_crossentropy,
        categorical_crossentropy,
        categorical_focal_crossentropy,
        categorical_hinge,
        hinge,
        kl_divergence,
        poisson,
        sparse_categorical_crossentropy,
        squared_hinge,
    )
    from .r2 import R2Score
    from .reductions import Mean, MeanMetricWrapper, Sum
    from .regression import (
        ConcordanceCorrelation,
        CosineSimilarity,
        LogCoshError,
        MeanAbsoluteError,
        MeanAbsolutePercentageError,
        MeanSquaredError,
        MeanSquaredLogarithmicError,
        PearsonCorrelation,
        RootMeanSquaredError,
    )

__all__ = [
    "AUC",
    "Accuracy",
    "BinaryAccuracy",
    "BinaryCrossentropy",
    "BinaryIoU",
    "CategoricalAccuracy",
    "CategoricalCrossentropy",
    "CategoricalHinge",
    "CompiledMetric",
    "ConcordanceCorrelation",
    "CosineSimilarity",
    "F1Score",
    "FBetaScore",
    "FalseNegatives",
    "FalsePositives",
    "Hinge",
    "IoU",
    "KLDivergence",
    "LogCoshError",
    "Mean",
    "MeanAbsoluteError",
    "MeanAbsolutePercentageError",
    "MeanIoU",
    "MeanMetricWrapper",
    "MeanSquaredError",
    "MeanSquaredLogarithmicError",
    "Metric",
    "OneHotIoU",
    "OneHotMeanIoU",
    "PearsonCorrelation",
    "Poisson",
    "Precision",
    "PrecisionAtRecall",
    "R2Score",
    "Recall",
    "RecallAtPrecision",
    "RootMeanSquaredError",
    "SensitivityAtSpecificity",
    "SparseCategoricalAccuracy",
    "SparseCategoricalCrossentropy",
    "SparseTopKCategoricalAccuracy",
    "SpecificityAtSensitivity",
    "SquaredHinge",
    "Sum",
    "TopKCategoricalAccuracy",
    "TrueNegatives",
    "TruePositives",
    "binary_accuracy",
    "binary_crossentropy",
    "binary_focal_crossentropy",
    "categorical_accuracy",
    "categorical_crossentropy",
    "categorical_focal_crossentropy",
    "categorical_hinge",
    "check_targets",
    "concordance_correlation",
    "cosine_similarity",
    "deserialize",
    "epoch_logs",
    "get",
    "get_all",
    "hinge",
    "huber",
    "kl_divergence",
    "log_cosh",
    "mae",
    "mape",
    "mean_absolute_error",
    "mean_absolute_percentage_error",
    "mean_squared_error",
    "mean_squared_logarithmic_error",
    "mse",
    "msle",
    "needs_outputs",
    "pearson_correlation",
    "poisson",
    "reset",
    "results",
    "serialize",
    "sparse_categorical_accuracy",
    "sparse_categorical_crossentropy",
    "sparse_top_k_categorical_accuracy",
    "squared_hinge",
    "to_count",
    "top_k_categorical_accuracy",
    "update",
]

_SHORT_FUNCTIONS = {
    "mae": "mean_absolute_error",
    "mape": "mean_absolute_percentage_error",
    "mse": "mean_squared_error",
    "msle": "mean_squared_logarithmic_error",
}


def __getattr__(name: str) -> Any:
    full = _SHORT_FUNCTIONS.get(name, name)
    if full not in _CLASSES and full not in _FUNCTIONS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = found = load(full)
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
