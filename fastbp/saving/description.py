"""A model's state as settings that JSON can hold and arrays by name, and back: what a file of a model has in it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Any

import numpy as np

from .. import losses, metrics, optimizers
from ..engine.state import TrainingRecord
from ..kernels.optimizer import RUNNING_PRODUCTS
from ..layers.store import AtRest
from ..metrics import CompiledMetric
from ..models.feedback import matrix_shapes
from ..models.trainable import Trainable
from ..optimizers.weight_decay import Exclusion
from ..serialization import serialize, writing
from .functions import FunctionWriter

WEIGHTS, OPTIMIZER, FEEDBACK = "weights", "optimizer", "feedback"  # the first parts of the names of arrays


@dataclass(frozen=True)
class Description:
    """A model as settings and arrays."""

    settings: dict[str, Any]
    arrays: dict[str, Any] = field(default_factory=dict)


# -- writing


def described(model: Trainable) -> Description:
    """All of a model but its history, to be written while it is ``held``."""
    record = model._training_record(stored=True)
    weights = weights_of(model)
    arrays = {f"{WEIGHTS}/{path}": array for path, array in weights.items()}
    for i, slot in enumerate(record.slots if record else ()):
        arrays |= {f"{OPTIMIZER}/{i}/{path}": array for path, array in zip(weights, slot, strict=True)}
    for i, matrix in enumerate(model._feedback_matrices or ()):
        arrays[f"{FEEDBACK}/{i}"] = matrix
    with writing(FunctionWriter(model._output_units)):
        settings = {
            "class_name": type(model).__name__,
            "kind": model.kind,
            "config": model.get_config(),
            "weights": list(weights),
            "feature_names": model._feature_names,
            "random": _random(model),
            "compiled": _compiled(model),
            "training": None if record is None else _training(model, record),
        }
    return Description(settings, arrays)


def weights_of(model: Trainable) -> dict[str, Any]:
    """A built model's weights by their paths, as "dense/kernel", in ``get_weights`` order, while it is ``held``."""
    places, engine = places_of(model), model._engine
    stores = [] if engine is not None else [leaf.located() for leaf in model.leaves()]
    arrays = [array for store in stores if store is not None for array in store.view()]
    return dict(zip(dict(places), arrays if engine is None else engine.stored_weights(), strict=True))


def places_of(model: Trainable) -> list[tuple[str, tuple[int, ...]]]:
    """The path and the shape of each of a model's weights; those within models after the model's: "encoder/dense/kernel"."""
    found = [(f"{path}/{spec.name}", tuple(spec.shape)) for path, leaf in model.leaves_by_path() for spec in leaf._specs()]
    paths = [path for path, _ in found]
    if len(set(paths)) < len(paths):
        double = next(path for path in paths if paths.count(path) > 1)
        raise ValueError(f"weights must have paths of their own to be saved, got two of {double!r}: rename a layer")
    return found


def _random(model: Trainable) -> dict[str, Any]:
    """What random numbers to come follow from."""
    return {
        "seed": model._seed,
        "shuffle_seed": model._shuffle_seed,
        "feedback_seed": model._feedback_seed,
        "weights": model._random.bit_generator.state,
    }


def _compiled(model: Trainable) -> dict[str, Any] | None:
    if model.optimizer is None or model.loss is None:
        return None
    excluded = model.optimizer.excluded
    return {
        "optimizer": serialize(model.optimizer),
        "without_decay": excluded and {"paths": sorted(excluded.paths), "words": list(excluded.words)},
        "loss": serialize(model.loss),
        "metrics": [
            {"name": m.name, "weighted": m.weighted, "is_known": m.is_known, "metric": m.metric and serialize(m.metric)}
            for m in model._metrics
        ],
        "trained": model._trained and list(model._trained),
    }


def _training(model: Trainable, record: TrainingRecord) -> dict[str, Any]:
    return {
        "steps": record.steps,
        "draws": record.draws,
        "shuffle": record.generator,
        "running_products": record.running_products.tolist(),
        "slots": len(record.slots),
        "averages_in_place": model._averages_in_place,
    }


# -- reading


def restore(model: Trainable, description: Description, compile: bool = True) -> None:
    """Have a model of the same layers, just made, be what the description says; its functions are resolved."""
    settings, first = description.settings, 0
    weights = _like(description, WEIGHTS, model)
    for leaf in model.leaves():
        count = len(leaf._specs())
        if count:
            leaf._store = AtRest.of(weights[first : first + count])
        first += count
    _restore_random(model, settings["random"])
    names = settings["feature_names"]
    model._feature_names = None if names is None else tuple(map(str, names))
    if model.feedback is not None:
        model._feedback_matrices = _feedback(model, description)
    is_compiled = compile and settings["compiled"] is not None
    if is_compiled:
        _compile(model, settings["compiled"])
    if settings["training"] is not None:
        record = model._record = record_of(model, description, is_compiled)
        model._averages_in_place = is_compiled and bool(settings["training"]["averages_in_place"])
        if model.optimizer is not None:
            model.optimizer.end_at(record.steps)


def return_to(model: Trainable, description: Description) -> None:
    """Have a model that is at work go back to how it was when it was described; it is compiled as it was then."""
    optimizer, engine = model.optimizer, model._need_engine("going back")
    assert optimizer is not None
    weights, record = _like(description, WEIGHTS, model), record_of(model, description, True)
    engine.set_weights(weights)
    engine.state.reset_optimizer(optimizer)
    engine.resume(record)
    _restore_random(model, description.settings["random"])
    model._averages_in_place, model._kept_rows = bool(description.settings["training"]["averages_in_place"]), 0
    if optimizer.takes_steps and optimizer.schedule is None:
        optimizer.learning_rate = description.settings["compiled"]["optimizer"]["config"]["learning_rate"]
    optimizer.end_at(record.steps)


def _like(description: Description, prefix: str, model: Trainable) -> list[np.ndarray]:
    """The arrays of a kind in the order of the model's weights, if they are of the same paths, shapes and dtype."""
    wanted = places_of(model)
    found = {name: description.arrays.get(f"{prefix}/{name}") for name in description.settings["weights"]}
    shapes = [(name, None if array is None else array.shape) for name, array in found.items()]
    if shapes != wanted:
        pairs = zip_longest(shapes, wanted)
        got, want = next((pair for pair in pairs if pair[0] != pair[1]), (None, None))
        raise ValueError(f"{prefix} must be those of the layers, got {got} in the place of {want}")
    arrays = [array for array in found.values() if array is not None]
    if any(array.dtype.name != model.dtype for array in arrays):
        raise ValueError(f"{prefix} must be of the model's dtype, {model.dtype}")
    return arrays


def _restore_random(model: Trainable, random: Mapping[str, Any]) -> None:
    seeds = [None if random[name] is None else int(random[name]) for name in ("seed", "shuffle_seed", "feedback_seed")]
    model._seed, model._shuffle_seed, model._feedback_seed = seeds[0], seeds[1] or 0, seeds[2] or 0
    model._random.bit_generator.state = random["weights"]


def _feedback(model: Trainable, description: Description) -> list[np.ndarray] | None:
    names = sorted((name for name in description.arrays if name.startswith(f"{FEEDBACK}/")), key=lambda name: (len(name), name))
    matrices = [description.arrays[name].astype(float) for name in names]
    shapes = matrix_shapes(model.feedback or "", model.leaves(), model._input_units or 0)
    if matrices and [matrix.shape for matrix in matrices] != shapes:
        raise ValueError(f"the matrices of the feedback must have the shapes {shapes}")
    return matrices or None


def _compile(model: Trainable, compiled: Mapping[str, Any]) -> None:
    optimizer, loss = optimizers.get(compiled["optimizer"]), losses.get(compiled["loss"])
    optimizer.check_loss(loss)
    without = compiled["without_decay"]
    if without is not None:
        object.__setattr__(optimizer, "excluded", Exclusion(frozenset(without["paths"]), tuple(without["words"])))
    found = []
    for entry in compiled["metrics"]:
        metric = None if entry["metric"] is None else metrics.get(entry["metric"])
        found.append(CompiledMetric(str(entry["name"]), metric, bool(entry["weighted"]), is_known=bool(entry["is_known"])))
    model._configure(optimizer, loss)
    model.optimizer, model.loss, model._metrics, model._fitted_metrics = optimizer, loss, tuple(found), None
    trained = compiled["trained"]
    if trained is not None:
        if len(trained) != len(list(model.leaves())):
            raise ValueError(f"'trained' must have a flag for each layer, got {trained!r}")
        model._trained = tuple(map(bool, trained))


def record_of(model: Trainable, description: Description, with_optimizer: bool) -> TrainingRecord:
    """What training had changed besides the weights, if it is what the model's optimizer keeps."""
    training, optimizer = description.settings["training"], model.optimizer
    steps, draws, shuffle, count = (int(training[name]) for name in ("steps", "draws", "shuffle", "slots"))
    products = np.array(training["running_products"], float)
    if not (0 <= steps < 1 << 62 and 0 <= draws < 1 << 62 and -(1 << 63) <= shuffle < 1 << 63):
        raise ValueError(f"counts of steps must be whole numbers of at least 0, got {steps} and {draws}")
    if products.shape != (RUNNING_PRODUCTS,):
        raise ValueError(f"there must be {RUNNING_PRODUCTS} running products, got {products.shape}")
    if not with_optimizer or optimizer is None:
        return TrainingRecord([], products, shuffle, steps, draws).before_training()
    if count != (optimizer.slots if steps else 0):
        raise ValueError(f"the optimizer's state must be {optimizer.slots} arrays for each weight, got {count}")
    slots = [_like(description, f"{OPTIMIZER}/{i}", model) for i in range(count)]
    return TrainingRecord(slots, products, shuffle, steps, draws)
