"""The checks of what ``fit_many`` is given: a member that is wrong is named before anything trains."""

from collections.abc import Callable, Sequence
from copy import deepcopy
from typing import Any

import numpy as np

from ..arguments import boolean, integer, number
from ..conversion import describe
from ..data import Batches, Rows, prepare
from ..data.rows import split_at
from ..data.weights import require_weight, sample_weights
from ..engine.work import step_flop
from ..layers.held import trainable_flags
from ..layers.stages import stages_of
from ..models.model import Model
from .forms import Forms
from .job import Form, Job


def make_jobs(
    models: Any,
    x: Any,
    y: Any,
    *,
    epochs: Any = 1,
    batch_size: Any = None,
    rows: Any = None,
    data: Any = None,
    sample_weight: Any = None,
    validation: Any = None,
    callbacks: Any = None,
    shuffle: Any = True,
    class_weight: Any = None,
    check_finite: Any = True,
) -> tuple[list[Job], list[Form]]:
    """The work of each member, and the forms of the data that they share. Nothing has changed yet.

    Raises
    ------
    TypeError, ValueError
        Naming the member, as ``models[3]`` or ``rows[3]``, and what is wrong with it.
    """
    members = _models(models)
    count, settings = len(members), {"shuffle": boolean("shuffle", shuffle), "class_weight": class_weight}
    check_finite = boolean("check_finite", check_finite)
    lists = {
        "epochs": _each("epochs", list(epochs) if isinstance(epochs, tuple) else epochs, count),
        "batch_size": _each("batch_size", list(batch_size) if isinstance(batch_size, tuple) else batch_size, count),
        "rows": _one_for_each("rows", rows, count),
        "data": _one_for_each("data", data, count),
        "sample_weight": _weights_for_each(sample_weight, count),
        "validation": _each("validation", validation, count),
        "callbacks": _callbacks(callbacks, count),
    }
    if x is None and any(own is None for own in lists["data"]):
        missing = next(i for i, own in enumerate(lists["data"]) if own is None)
        raise ValueError(f"x must be the data of models[{missing}], which has none of its own, got None")
    shared_weight = None if _is_for_each(sample_weight, count) else sample_weight
    forms = Forms(x, y, shared_weight, class_weight, check_finite)
    jobs = []
    for i, model in enumerate(members):
        asked = {name: values[i] for name, values in lists.items()}
        jobs.append(_job(i, model, asked, forms, {**settings, "check_finite": check_finite}))
    return jobs, forms.made


# -- lists


def _models(models: Any) -> list[Any]:
    if isinstance(models, Model) or not isinstance(models, list | tuple):
        raise TypeError(f"models must be a list of models, got {describe(models)}")
    names: dict[str, int] = {}
    objects: dict[int, tuple[int, str]] = {}
    for i, model in enumerate(models):
        if not isinstance(model, Model):
            raise TypeError(f"models[{i}] must be a model of fastbp, got {describe(model)}")
        if model._given_name is not None and names.setdefault(model._given_name, i) != i:
            other = names[model._given_name]
            raise ValueError(f"models must have different names, got {model._given_name!r} for models[{other}] and models[{i}]")
        parts = [(model, "model"), *((leaf, f"layer {leaf.name!r}") for leaf in model.leaves()), (model.optimizer, "optimizer")]
        for part, what in parts:
            other, _ = objects.setdefault(id(part), (i, what))
            if part is not None and other != i:
                raise ValueError(
                    f"models must share nothing that training changes, got one {what} in models[{other}] and models[{i}]: "
                    "make one for each, or a copy (copy.deepcopy)"
                )
    return list(models)


def _each(name: str, value: Any, count: int) -> list[Any]:
    """One value for each member, given as a list, or one that is that of all."""
    if isinstance(value, list) or (isinstance(value, np.ndarray) and value.ndim == 1):
        return _of_length(name, list(value), count)
    return [value] * count


def _one_for_each(name: str, value: Any, count: int) -> list[Any]:
    if value is None:
        return [None] * count
    if not isinstance(value, list | tuple) and not (isinstance(value, np.ndarray) and value.ndim == 2):
        raise TypeError(f"{name} must be a list with an entry for each of the {count} models, got {describe(value)}")
    return _of_length(name, list(value), count)


def _is_for_each(weights: Any, count: int) -> bool:
    """Whether weights of samples are given for each member, rather than one for each sample."""
    if isinstance(weights, list | tuple):
        return any(entry is None or np.ndim(entry) > 0 for entry in weights)
    return isinstance(weights, np.ndarray) and weights.ndim == 2 and weights.shape[1] != 1


def _weights_for_each(weights: Any, count: int) -> list[Any]:
    return _one_for_each("sample_weight", weights if _is_for_each(weights, count) else None, count)


def _of_length(name: str, values: list[Any], count: int) -> list[Any]:
    if len(values) != count:
        raise ValueError(f"{name} must have an entry for each of the {count} models, got {len(values)}")
    return values


def _callbacks(callbacks: Any, count: int) -> list[list[Any]]:
    """Those of each member: copies of what all have, or what the list has for each."""
    if callbacks is None:
        return [[] for _ in range(count)]
    if not isinstance(callbacks, list | tuple):
        callbacks = [callbacks]
    if callbacks and all(own is None or isinstance(own, list | tuple) for own in callbacks):
        lists = [list(own or ()) for own in _of_length("callbacks", list(callbacks), count)]
        owners: dict[int, int] = {}
        for i, own in enumerate(lists):
            for callback in own:
                if owners.setdefault(id(callback), i) != i:
                    raise ValueError(
                        f"callbacks must be other objects for each model, got one {type(callback).__name__} in "
                        f"callbacks[{owners[id(callback)]}] and callbacks[{i}]"
                    )
        return lists
    return [[_copied(callback) for callback in callbacks] for _ in range(count)]


def _copied(callback: Any) -> Any:
    try:
        return deepcopy(callback)
    except Exception as error:
        raise TypeError(
            f"callbacks must be ones that can be copied for each model, got {describe(callback)} ({error}): "
            "give a list of lists, one for each model"
        ) from error


# -- a member


def _job(i: int, model: Any, asked: dict[str, Any], forms: Forms, settings: dict[str, Any]) -> Job:
    epochs = integer(f"epochs[{i}]", asked["epochs"], 0)
    size = asked["batch_size"]
    size = None if size is None else integer(f"batch_size[{i}]", size, 1)
    job = Job(i, model, None, epochs, size, callbacks=asked["callbacks"], settings=settings)
    whole: Form
    with_member = _naming(f"models[{i}]")
    if asked["data"] is None:
        job.form = with_member(lambda: forms.form_for(model))
        whole = forms.made[job.form]
    else:
        whole = _naming(f"data[{i}]")(lambda: _own_data(i, model, asked["data"], settings["check_finite"]))
        takes_some = asked["rows"] is not None or isinstance(asked["validation"], np.ndarray | list | range)
        job.data = whole if takes_some or _is_no_copy(whole, asked["data"]) else tuple(asked["data"])
    count = _rows_of(whole)
    if asked["rows"] is not None:
        job.rows = _row_numbers(f"rows[{i}]", asked["rows"], count)
    if asked["sample_weight"] is not None:
        if settings["class_weight"] is not None:
            raise ValueError("class_weight must be None where there is a sample_weight, got both")
        job.sample_weight = sample_weights(f"sample_weight[{i}]", asked["sample_weight"], count)
    used = count if job.rows is None else len(job.rows)
    job.validation, job.validation_form = _validation(i, model, asked["validation"], count, used, forms)
    with_member(lambda: _check(job, whole, forms.made))
    return job


def _check(job: Job, whole: Form, forms: Sequence[Form]) -> None:
    """Have the model look at what its fit will be called with, without copies of the rows it takes."""
    all_rows = Job(job.index, job.model, job.form, job.epochs, job.batch_size, None, job.data, job.sample_weight)
    all_rows.callbacks, all_rows.settings = job.callbacks, job.settings
    if job.validation_form is not None or not isinstance(job.validation, np.ndarray | float):
        all_rows.validation, all_rows.validation_form = job.validation, job.validation_form
    request = job.model._request(**all_rows.arguments(forms))
    if isinstance(request.train, Batches):
        raise TypeError("x must be data that can be gone through any number of times, got what yields batches")
    weights = request.train.sample_weight if isinstance(request.train, Rows) else None
    if weights is not None and job.rows is not None:
        require_weight("sample_weight" if job.settings["class_weight"] is None else "class_weight", weights[job.rows])
    samples = len(request.train) if job.rows is None else len(job.rows)
    leaves = list(job.model.leaves())
    job.stages = tuple(stages_of(leaves, request.train.width, job.model._trained or trainable_flags(leaves)))
    flop = step_flop(job.stages, 1)
    job.flop, job.step_flop = float(flop * samples * job.epochs), float(flop * min(request.batch_size, samples))


def _own_data(i: int, model: Any, own: Any, check_finite: bool) -> Form:
    if not isinstance(own, tuple | list) or len(own) not in (2, 3):
        raise TypeError(f"it must be a tuple (x, y) or (x, y, sample_weight), got {describe(own)}")
    found = prepare(*own, spec=model._spec(), check_finite=check_finite)
    return found if isinstance(found, Rows) else tuple(own)


def _is_no_copy(whole: Form, own: Sequence[Any]) -> bool:
    """Whether data is used where it lies: a copy is made again when its turn comes, so that there are few at a time."""
    if not isinstance(whole, Rows) or whole.y is None:
        return False
    given = own[:2]
    return all(isinstance(a, np.ndarray) for a in given) and all(map(np.may_share_memory, (whole.x, whole.y), given))


def _rows_of(whole: Form) -> int:
    return len(whole) if isinstance(whole, Rows) else int(whole[0].shape[0])


def _row_numbers(name: str, value: Any, count: int) -> np.ndarray:
    """Rows as the numbers of samples; a mask of all samples says which."""
    rows = np.asarray(value)
    if rows.dtype == bool and rows.shape == (count,):
        rows = np.flatnonzero(rows)
    if rows.ndim != 1 or not (rows.size == 0 or rows.dtype.kind in "iu"):
        raise TypeError(f"{name} must hold the numbers of rows, integers from 0 to {count - 1}, got {describe(value)}")
    if not rows.size:
        raise ValueError(f"{name} must hold at least one row, got none")
    if rows.min() < 0 or rows.max() >= count:
        wrong = rows[(rows < 0) | (rows >= count)][0]
        raise ValueError(f"{name} must hold the numbers of rows from 0 to {count - 1}, got {wrong}")
    return np.ascontiguousarray(rows, np.int64)


def _validation(i: int, model: Any, value: Any, count: int, used: int, forms: Forms) -> tuple[Any, int | None]:
    """What to validate on, and the form of the shared data that it is."""
    name = f"validation[{i}]"
    if value is None or (isinstance(value, tuple) and not value):
        return None, None
    if isinstance(value, tuple):
        return None, _naming(name)(lambda: forms.form_for(model, value))
    if isinstance(value, np.ndarray | list | range):
        return _row_numbers(name, value, count), None
    fraction = number(name, value, 0, 1, below=True)
    if fraction:
        _naming(name)(lambda: split_at(used, fraction))
    return fraction or None, None


def _naming(name: str) -> Callable[[Callable[[], Any]], Any]:
    """Call a function; what it refuses is told with the name of the member in front."""

    def call(function: Callable[[], Any]) -> Any:
        try:
            return function()
        except (TypeError, ValueError, NotImplementedError) as error:
            kind = type(error) if type(error) in (TypeError, ValueError, NotImplementedError) else ValueError
            raise kind(f"{name}: {error}") from error

    return call
