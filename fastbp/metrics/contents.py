"""Which module of the package holds which metric. Each is imported with the first use of what it holds."""


def _module_of_each(names_of_modules: dict[str, str]) -> dict[str, str]:
    return {name: module for module, names in names_of_modules.items() for name in names.split()}


CLASSES = _module_of_each(
    {
        "accuracies": (
            "Accuracy BinaryAccuracy CategoricalAccuracy SparseCategoricalAccuracy SparseTopKCategoricalAccuracy "
            "TopKCategoricalAccuracy"
        ),
        "auc": "AUC",
        "classification": (
            "BinaryCrossentropy CategoricalCrossentropy CategoricalHinge Hinge KLDivergence Poisson "
            "SparseCategoricalCrossentropy SquaredHinge"
        ),
        "counts": "FalseNegatives FalsePositives Precision Recall TrueNegatives TruePositives",
        "f_score": "F1Score FBetaScore",
        "iou": "BinaryIoU IoU MeanIoU OneHotIoU OneHotMeanIoU",
        "operating_points": "PrecisionAtRecall RecallAtPrecision SensitivityAtSpecificity SpecificityAtSensitivity",
        "r2": "R2Score",
        "reductions": "Mean MeanMetricWrapper Sum",
        "regression": (
            "ConcordanceCorrelation CosineSimilarity LogCoshError MeanAbsoluteError MeanAbsolutePercentageError "
            "MeanSquaredError MeanSquaredLogarithmicError PearsonCorrelation RootMeanSquaredError"
        ),
    }
)
FUNCTIONS = _module_of_each(
    {
        "errors": (
            "concordance_correlation cosine_similarity huber log_cosh mean_absolute_error "
            "mean_absolute_percentage_error mean_squared_error mean_squared_logarithmic_error pearson_correlation"
        ),
        "matches": (
            "binary_accuracy categorical_accuracy sparse_categorical_accuracy sparse_top_k_categorical_accuracy "
            "top_k_categorical_accuracy"
        ),
        "probabilities": (
            "binary_crossentropy binary_focal_crossentropy categorical_crossentropy categorical_focal_crossentropy "
            "categorical_hinge hinge kl_divergence poisson sparse_categorical_crossentropy squared_hinge"
        ),
    }
)

# Shorter names for the classes.
SHORT = {
    "acc": "Accuracy",
    "bce": "BinaryCrossentropy",
    "kld": "KLDivergence",
    "mae": "MeanAbsoluteError",
    "mape": "MeanAbsolutePercentageError",
    "mse": "MeanSquaredError",
    "msle": "MeanSquaredLogarithmicError",
    "r2": "R2Score",
    "rmse": "RootMeanSquaredError",
}
