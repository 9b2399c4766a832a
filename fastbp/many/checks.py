"""The checks of what ``fit_many`` is given: a member that is wrong is named before anything trains."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..arguments import boolean, integer, number
from ..conversion import describe
from ..data import Batches, Rows, prepare
from ..data.rows import split_at
from ..data.weights import require_weight, sample_weights
from ..losses import Custom
from ..models.evaluation import BATCH_SIZE
from ..models.fit_request import FitRequest
from .forms import Forms
from .job import Form, Job
from .lists import callbacks_for_each, each, is_for_each, members_of, one_for_each, weights_for_each
from .networks import Networks


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
    members = members_of(models)
    count, settings = len(members), {"shuffle": boolean("shuffle", shuffle), "class_weight": class_weight}
    check_finite = boolean("check_finite", check_finite)
    lists = {
        "epochs": each("epochs", list(epochs) if isinstance(epochs, tuple) else epochs, count),
        "batch_size": each("batch_size", list(batch_size) if isinstance(batch_size, tuple) else batch_size, count),
        "rows": one_for_each("rows", rows, count),
        "data": one_for_each("data", data, count),
        "sample_weight": weights_for_each(sample_weight, count),
        "validation": each("validation", validation, count),
        "callbacks": callbacks_for_each(callbacks, count),
    }
    if x is None and any(own is None for own in lists["data"]):
        missing = next(i for i, own in enumerate(lists["data"]) if own is None)
        raise ValueError(f"x must be the data of models[{missing}], which has none of its own, got None")
    shared_weight = None if is_for_each(sample_weight, count) else sample_weight
    forms = Forms(x, y, shared_weight, class_weight, check_finite)
    checked, jobs = _Checked(forms), []
    settings["check_finite"] = check_finite
    for i, model in enumerate(members):
        asked = {name: values[i] for name, values in lists.items()}
        jobs.append(_job(i, model, asked, checked, settings))
    return jobs, forms.made


class _Checked:
    """What has been looked at."""

    def __init__(self, forms: Forms) -> None:
        self.forms, self.networks = forms, Networks()
        self.alike: set[Any] = set()  # what plain members have in common whose data has been looked at


def _job(i: int, model: Any, asked: dict[str, Any], checked: _Checked, settings: dict[str, Any]) -> Job:
    epochs = integer(f"epochs[{i}]", asked["epochs"], 0)
    size = asked["batch_size"]
    size = None if size is None else integer(f"batch_size[{i}]", size, 1)
    job = Job(i, model, None, epochs, size, callbacks=asked["callbacks"], settings=settings)
    whole: Form
    forms = checked.forms
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
    with_member(lambda: _check(job, whole, checked))
    return job


def _check(job: Job, whole: Form, checked: _Checked) -> None:
    """Have the model look at what its fit will be called with, unless one of the same kind has."""
    model, weights = job.model, whole.sample_weight if isinstance(whole, Rows) else None
    samples = _rows_of(whole) if job.rows is None else len(job.rows)
    if job.sample_weight is not None:
        weights = job.sample_weight
    if weights is not None and job.rows is not None:
        require_weight("sample_weight", weights[job.rows])
    is_plain = job.data is None and not job.callbacks and model.optimizer.takes_steps and not isinstance(model.loss, Custom)
    key = job.form, job.validation_form, type(job.validation), weights is None, model.feedback
    if not is_plain or key not in checked.alike:
        request = _request(job, checked.forms.made)
        train = request.train
        if job.rows is not None and isinstance(train, Rows) and train.sample_weight is not None:  # with the weights of classes
            require_weight("class_weight", train.sample_weight[job.rows])
        if is_plain:
            checked.alike.add(key)
    job.network = checked.networks.of(model, job.width(checked.forms.made))
    size = samples if not model.optimizer.takes_steps else min(job.batch_size or BATCH_SIZE, samples)
    job.flop, job.step_flop = float(job.network.flop * samples * job.epochs), float(job.network.flop * size)


def _request(job: Job, forms: Sequence[Form]) -> FitRequest:
    """What its fit would be asked for, without copies of the rows it takes."""
    all_rows = Job(job.index, job.model, job.form, job.epochs, job.batch_size, None, job.data, job.sample_weight)
    all_rows.callbacks, all_rows.settings = job.callbacks, job.settings
    if job.validation_form is not None or not isinstance(job.validation, np.ndarray | float):
        all_rows.validation, all_rows.validation_form = job.validation, job.validation_form
    request: FitRequest = job.model._request(**all_rows.arguments(forms))
    return request


def _own_data(i: int, model: Any, own: Any, check_finite: bool) -> Form:
    if not isinstance(own, tuple | list) or len(own) not in (2, 3):
        raise TypeError(f"it must be a tuple (x, y) or (x, y, sample_weight), got {describe(own)}")
    found = prepare(*own, spec=model._spec(), check_finite=check_finite)
    if isinstance(found, Batches):
        raise TypeError(f"x must be data that can be gone through any number of times, got {describe(own[0])}")
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
