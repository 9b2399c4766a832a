"""What a person who knows Keras and pandas tries first, seen from outside."""

import numpy as np
import pandas as pd
import pytest

import fastbp
from fastbp import Dense, Input, Sequential

X = np.random.default_rng(0).normal(size=(20, 3)).astype("float32")
Y = X.sum(axis=1, keepdims=True)


def compiled():
    model = Sequential([Input((3,)), Dense(4, "tanh"), Dense(1)], seed=0)
    model.compile("adam", "mse")
    return model


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        ({"batch_size": 0}, ValueError, "batch_size must be an integer of at least 1, got 0"),
        ({"batch_size": "32"}, TypeError, "batch_size.*'32'"),
        ({"verbose": 7}, ValueError, "verbose must be 'auto', 0, 1 or 2, got 7"),
    ],
)
def test_predict_checks_what_it_does_not_need(arguments, error, text):
    with pytest.raises(error, match=text):
        compiled().predict(X, **arguments)


def test_no_batch_size_is_keras_s():
    model, other = compiled(), compiled()
    x, y = np.tile(X, (4, 1)), np.tile(Y, (4, 1))
    losses = model.fit(x, y, batch_size=None, epochs=2, verbose=0).history
    assert losses == other.fit(x, y, batch_size=32, epochs=2, verbose=0).history


def test_too_many_threads_are_refused_before_any_is_started():
    model = compiled()
    with pytest.raises(ValueError, match="threads must be at most 1024, got 100000"):
        model.fit(X, Y, threads=100_000, verbose=0)
    with pytest.raises(ValueError, match="n must be at most 1024, got 100000"):
        fastbp.set_num_threads(100_000)
    assert all(np.array_equal(a, b) for a, b in zip(model.get_weights(), compiled().get_weights(), strict=True))


def test_the_environment_asks_for_too_many_threads(monkeypatch):
    monkeypatch.setenv("FASTBP_NUM_THREADS", "100000")
    with pytest.raises(ValueError, match="FASTBP_NUM_THREADS must be at most 1024, got 100000"):
        fastbp.get_num_threads()


@pytest.mark.parametrize(
    "dtypes", [{"a": "int64", "b": "bool", "c": "float32"}, {"a": "Int64", "b": "boolean", "c": "Float32"}]
)
def test_columns_of_several_dtypes(dtypes):
    frame = pd.DataFrame({"a": range(20), "b": X[:, 1] > 0, "c": X[:, 2]}).astype(dtypes)
    plain = np.column_stack([np.arange(20), X[:, 1] > 0, X[:, 2]]).astype("float32")
    assert np.array_equal(compiled().predict(frame), compiled().predict(plain))


def test_targets_of_a_nullable_dtype():
    y = pd.Series(range(20), dtype="Int64")
    assert compiled().evaluate(X, y, verbose=0) == compiled().evaluate(X, np.arange(20), verbose=0)


def test_a_missing_value_of_pandas_is_no_number():
    frame = pd.DataFrame({"a": pd.array([1, None] * 10, dtype="Int64"), "b": 1.0, "c": 2.0})
    with pytest.raises(ValueError, match="x must be finite, got nan .* at row 1, column 0"):
        compiled().fit(frame, Y, verbose=0)


def test_text_in_a_column_is_no_number():
    frame = pd.DataFrame({"a": list("xyzx") * 5, "b": 1.0, "c": 2.0})
    with pytest.raises(TypeError, match="x must hold real numbers, got 'x' at row 0, column 'a'"):
        compiled().fit(frame, Y, verbose=0)
