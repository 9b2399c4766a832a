"""What to write instead of methods and arguments that models of Keras have or had."""

from typing import TypeVar

from ..keywords import ANY, Advice, Table, keywords

Class = TypeVar("Class", bound=type)

_LATER = "it comes in a later version: model.save(path) keeps all of a model"
_WORKERS = dict.fromkeys(
    ("workers", "use_multiprocessing", "max_queue_size", "nb_worker", "pickle_safe", "max_q_size"), Advice("", ANY)
)
_OPTIMIZER = "give it to the optimizer, as in compile(fastbp.Adam(learning_rate=0.01), ...)"

METHODS = {
    **dict.fromkeys(("export", "quantize"), _LATER),
    "fit_generator": "use fit, which takes generators too",
    "evaluate_generator": "use evaluate, which takes generators too",
    "predict_generator": "use predict, which takes generators too",
    "predict_classes": "use predict(x).argmax(-1), or predict(x) > 0.5 for one output",
    "predict_proba": "use predict",
    "add_loss": "a layer has kernel_regularizer=, bias_regularizer= and activity_regularizer=",
    "add_metric": "use compile(..., metrics=[...])",
    "compute_loss": "use evaluate, or value_and_gradient for the loss with its gradient",
    "train_step": "use train_on_batch, or value_and_gradient and apply_gradients",
    "test_step": "use test_on_batch",
    "predict_step": "use predict_on_batch",
    "metrics": "use metrics_names, and the metrics themselves as they were given to compile",
}
ARGUMENTS: dict[str, Table] = {
    "fit": {
        "nb_epoch": "use epochs",
        "samples_per_epoch": "use steps_per_epoch",
        "nb_val_samples": "use validation_steps",
        "show_accuracy": "use compile(..., metrics=['accuracy'])",
        **_WORKERS,
    },
    "evaluate": {"show_accuracy": "use compile(..., metrics=['accuracy'])", **_WORKERS},
    "predict": _WORKERS,
    "save": {
        "include_optimizer": Advice("the optimizer's state is in the file; load_model(path, compile=False) leaves it", (True,)),
        **dict.fromkeys(("save_format", "zipped", "signatures", "options", "save_traces"), Advice("", ANY)),
    },
    "save_weights": dict.fromkeys(("save_format", "options", "max_shard_size"), Advice("", ANY)),
    "load_weights": {"by_name": Advice("layers are taken in order", (False,)), "options": Advice("", ANY)},
    "compile": {
        **dict.fromkeys(("lr", "learning_rate"), _OPTIMIZER),
        **dict.fromkeys(("sample_weight_mode", "target_tensors", "class_mode"), Advice("leave it out", (None,))),
    },
}


def explained(cls: Class) -> Class:
    """A class of models whose methods say which argument is meant by one that they do not have."""
    for method, advice in ARGUMENTS.items():
        setattr(cls, method, keywords(advice)(getattr(cls, method)))
    return cls
