"""DataFrames whose columns are not those that a model learnt from."""

import copy
import pickle

import numpy as np
import pandas as pd
import pytest

from fastbp import Dense, Sequential

RNG = np.random.default_rng(0)
FRAME = pd.DataFrame(RNG.normal(size=(30, 3)), columns=["age", "height", "weight"])
Y = RNG.normal(size=30)


class Polars:
    """What fastbp sees of a polars DataFrame: a list of names, and an array."""

    def __init__(self, frame):
        self.columns, self._values = list(frame.columns), frame.to_numpy()

    def __array__(self, dtype=None, copy=None):
        return np.asarray(self._values, dtype)


def fresh():
    model = Sequential([Dense(4, "tanh"), Dense(1)], seed=0)
    model.compile("sgd", "mse")
    return model


LEARN = {
    "fit": lambda model, x: model.fit(x, Y, verbose=0),
    "train_on_batch": lambda model, x: model.train_on_batch(x, Y),
}
CALLS = {
    **LEARN,
    "predict": lambda model, x: model.predict(x),
    "predict_on_batch": lambda model, x: model.predict_on_batch(x),
    "forward": lambda model, x: model.forward(x),
    "evaluate": lambda model, x: model.evaluate(x, Y, verbose=0),
    "test_on_batch": lambda model, x: model.test_on_batch(x, Y),
    "value_and_gradient": lambda model, x: model.value_and_gradient(x, Y),
    "validation": lambda model, x: model.fit(FRAME, Y, validation_data=(x, Y), verbose=0),
}
WRONG = {
    "order": (FRAME[["height", "age", "weight"]], r"another order: 'height', 'age', 'weight'"),
    "unseen": (FRAME.rename(columns={"age": "Age"}), r"unseen in fit: 'Age'; seen in fit, yet missing here: 'age'"),
    "missing": (FRAME[["age", "weight"]], r"missing here: 'height'$"),
    "more": (FRAME.assign(more=1.0), r"unseen in fit: 'more'$"),
}


@pytest.mark.parametrize("make", [lambda frame: frame, Polars], ids=["pandas", "polars"])
@pytest.mark.parametrize("learn", LEARN)
@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("wrong", WRONG)
def test_other_columns_are_refused(make, learn, call, wrong):
    model, (frame, text) = fresh(), WRONG[wrong]
    LEARN[learn](model, make(FRAME))
    prefix = "validation_data x" if call == "validation" else "x"
    with pytest.raises(ValueError, match=f"{prefix} must have the columns.*'age', 'height', 'weight', got columns.*{text}"):
        CALLS[call](model, make(frame))
    CALLS[call](model, make(FRAME))
    CALLS[call](model, FRAME.to_numpy())  # without names, as it comes


def test_validation_data_of_the_first_fit():
    model = fresh()
    with pytest.raises(ValueError, match="validation_data x must have the columns.*another order"):
        model.fit(FRAME, Y, validation_data=(FRAME[["weight", "height", "age"]], Y), verbose=0)
    model.fit(FRAME[["weight", "height", "age"]], Y, verbose=0)  # the fit that failed has left no names


def test_names_come_with_the_first_data_that_has_them():
    model = fresh()
    model.fit(FRAME.to_numpy(), Y, verbose=0)
    model.predict(FRAME[["weight", "height", "age"]])  # nothing is known of names so far
    model.fit(FRAME, Y, verbose=0)
    with pytest.raises(ValueError, match="another order"):
        model.predict(FRAME[["weight", "height", "age"]])


@pytest.mark.parametrize("columns", [[0, 1, 2], ["a", "b", 3]])
def test_columns_without_names(columns):
    frame = pd.DataFrame(FRAME.to_numpy(), columns=columns)
    model = fresh()
    model.fit(frame, Y, verbose=0)
    model.predict(frame[columns[::-1]])


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))])
def test_a_copy_remembers_them(duplicate):
    model = fresh()
    model.fit(FRAME, Y, verbose=0)
    with pytest.raises(ValueError, match="another order"):
        duplicate(model).predict(FRAME[["weight", "height", "age"]])


def test_many_names_are_cut_short():
    wide = pd.DataFrame(np.ones((30, 100)), columns=[f"c{i}" for i in range(100)])
    model = fresh()
    model.fit(wide, Y, verbose=0)
    with pytest.raises(ValueError, match=r"'c0'.*\(100 in all\)") as caught:
        model.predict(wide[wide.columns[::-1]])
    assert len(str(caught.value)) < 400
