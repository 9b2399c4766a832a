"""What is wrong is named by the number of the member, and nothing has changed then."""

import re

import numpy as np
import pytest

import fastbp as bp
from fastbp.callbacks import EarlyStopping, LambdaCallback
from many_members import WEIGHTS, X, Y, made


def uncompiled():
    return bp.Sequential([bp.Dense(1)])


def shares_a_layer(models):
    layer = models[0].layers[0]
    models[2] = bp.Sequential([layer, bp.Dense(1)])
    models[2].compile("adam", "mse")


def shares_an_optimizer(models):
    models[2].compile(models[0].optimizer, "mse")


def shares_a_name(models):
    for i in (0, 2):
        models[i] = made(name="twin")


def wide(models):
    models[1] = bp.Sequential([bp.Input((4,)), bp.Dense(1)])
    models[1].compile("adam", "mse")


def two_outputs(models):
    models[1] = bp.Sequential([bp.Dense(2)])
    models[1].compile("adam", "mse")


def solver(models):
    models[1] = bp.Sequential([bp.Dense(3), bp.layers.Dropout(0.5), bp.Dense(1)])
    models[1].compile("lm", "mse")


@pytest.mark.parametrize(
    ("change", "settings", "error", "text"),
    [
        (None, {"epochs": [1, 2]}, ValueError, "epochs must have an entry for each of the 3 models, got 2"),
        (None, {"epochs": [1, -2, 1]}, ValueError, "epochs[1] must be an integer of at least 0, got -2"),
        (None, {"epochs": 1.5}, TypeError, "epochs[0] must be an integer"),
        (None, {"batch_size": [1, 1, 0]}, ValueError, "batch_size[2] must be an integer of at least 1, got 0"),
        (None, {"rows": [[0], [], [1]]}, ValueError, "rows[1] must hold at least one row, got none"),
        (None, {"rows": [[0], [70], [1]]}, ValueError, "rows[1] must hold the numbers of rows from 0 to 69, got 70"),
        (None, {"rows": [[0], [1], [-1]]}, ValueError, "rows[2] must hold the numbers of rows from 0 to 69, got -1"),
        (None, {"rows": [[0], [0.5], [1]]}, TypeError, "rows[1] must hold the numbers of rows, integers from 0 to 69"),
        (None, {"rows": [[0]]}, ValueError, "rows must have an entry for each of the 3 models, got 1"),
        (None, {"rows": 3}, TypeError, "rows must be a list with an entry for each of the 3 models, got"),
        (None, {"data": [None, X, None]}, TypeError, "data[1]: it must be a tuple (x, y) or (x, y, sample_weight)"),
        (None, {"data": [None, (X, Y[:3]), None]}, ValueError, "data[1]: x and y must have the same number of rows"),
        (None, {"x": None, "data": [(X, Y), None, (X, Y)]}, ValueError, "x must be the data of models[1], which has none"),
        (None, {"sample_weight": WEIGHTS[:5]}, ValueError, "models[0]: sample_weight must have shape (70,)"),
        (None, {"sample_weight": [WEIGHTS, WEIGHTS[:5], WEIGHTS]}, ValueError, "sample_weight[1] must have shape (70,)"),
        (None, {"sample_weight": [WEIGHTS, -WEIGHTS, WEIGHTS]}, ValueError, "sample_weight[1] must be at least 0, got"),
        (None, {"sample_weight": WEIGHTS, "class_weight": {0: 1}}, ValueError, "class_weight must be None where there is"),
        (None, {"validation": [0.1, 1.5, 0.1]}, ValueError, "validation[1] must be a finite number in [0, 1), got 1.5"),
        (None, {"validation": 0.999}, ValueError, "validation[0]: validation_split must leave samples on both sides"),
        (None, {"validation": (X,)}, ValueError, "validation[0]: validation_data must be a tuple (x, y)"),
        (None, {"validation": [None, [99], None]}, ValueError, "validation[1] must hold the numbers of rows from 0 to 69"),
        (None, {"validation": "some"}, TypeError, "validation[0] must be a finite number in [0, 1), got 'some'"),
        (None, {"callbacks": [[], []]}, ValueError, "callbacks must have an entry for each of the 3 models, got 2"),
        (None, {"callbacks": [[], ["loss"], []]}, TypeError, "models[1]: callbacks must be a list of"),
        (None, {"callbacks": EarlyStopping}, TypeError, "models[0]: callbacks must be callback objects"),
        (None, {"time_budget": -1}, ValueError, "time_budget must be a finite number of at least 0, got -1"),
        (None, {"threads": 0}, ValueError, "threads must be at least 1, got 0"),
        (None, {"verbose": 7}, ValueError, "verbose must be 'auto', 0, 1 or 2, got 7"),
        (None, {"shuffle": 3}, TypeError, "shuffle must be True or False, got 3"),
        (None, {"x": np.where(X > 0.5, np.nan, X)}, ValueError, "models[0]: x must be finite"),
        (None, {"y": Y[:9]}, ValueError, "models[0]: x and y must have the same number of rows, got 70 and 9"),
        (None, {"x": (row for row in X), "y": None}, TypeError, "x must be data that can be gone through any number of times"),
        (None, {"client": 1, "executor": 2}, ValueError, "client and executor must not both be given"),
        (lambda models: models.append(3), {}, TypeError, "models[3] must be a model of fastbp, got"),
        (lambda models: models.append(models[0]), {}, ValueError, "got one model in models[0] and models[3]"),
        (lambda models: models.append(uncompiled()), {}, ValueError, "models[3]: the model must be compiled first"),
        (shares_a_layer, {}, ValueError, "got one layer 'dense' in models[0] and models[2]"),
        (shares_an_optimizer, {}, ValueError, "got one optimizer in models[0] and models[2]"),
        (shares_a_name, {}, ValueError, "got 'twin' for models[0] and models[2]"),
        (wide, {}, ValueError, "models[1]: x must have shape (samples, 4), got (70, 5)"),
        (two_outputs, {}, ValueError, "models[1]: y must have shape (70, 2), got (70, 1)"),
        (solver, {}, ValueError, "models[1]: "),
    ],
)
def test_bad_input(change, settings, error, text):
    models = [made(seed=i) for i in range(3)]
    weights = [model.get_weights() for model in models if model.build((None, 5)) is None]
    kept = list(models)
    if change is not None:
        change(models)
    given = {"x": X, "y": Y, "verbose": 0, **settings}
    with pytest.raises(error, match=re.escape(text)):
        bp.fit_many(models, given.pop("x"), given.pop("y"), **given)
    for model, before in zip(kept, weights, strict=True):
        assert model.history is None
        assert all(map(np.array_equal, model.get_weights(), before))


def test_one_model_is_no_list():
    with pytest.raises(TypeError, match="models must be a list of models, got"):
        bp.fit_many(made(), X, Y)


def test_callbacks_that_cannot_be_copied():
    def gone():
        yield

    callback = LambdaCallback()
    callback.stream = gone()
    with pytest.raises(TypeError, match="callbacks must be ones that can be copied for each model, got"):
        bp.fit_many([made()], X, Y, callbacks=callback)
    own = EarlyStopping()
    with pytest.raises(ValueError, match=r"callbacks must be other objects for each model, got one EarlyStopping"):
        bp.fit_many([made(seed=0), made(seed=1)], X, Y, callbacks=[[own], [own]])
