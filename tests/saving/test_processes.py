"""Models go to other processes and come back: pickled by value or by reference, forked, spawned, through joblib."""

import copy
import io
import multiprocessing
import pickle

import numpy as np
import pytest

import fastbp
from fastbp import Dense, Sequential
from kept_models import X, Y, assert_same, trained


def go_on(model):
    """What another process does."""
    history = model.fit(X, Y, batch_size=16, epochs=2, verbose=0)
    return history.history, model


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_a_model_trains_in_another_process_as_here(method):
    if method not in multiprocessing.get_all_start_methods():
        pytest.skip("this system has no such processes")
    model = trained("noisy", epochs=1)
    with multiprocessing.get_context(method).Pool(1) as pool:
        losses, other = pool.apply(go_on, (model,))
    assert losses == go_on(model)[0]
    assert_same(model, other)


def test_cloudpickle_and_joblib(tmp_path):
    """Which scikit-learn brings along."""
    joblib = pytest.importorskip("joblib")
    cloudpickle = pytest.importorskip("cloudpickle")
    scale = np.linspace(0.5, 1.5, 3)
    model = Sequential([Dense(5, activation=lambda z: z / (1 + abs(z))), Dense(3)], seed=0)
    model.compile("adam", lambda y_true, y_pred: fastbp.mean(scale * (y_true - y_pred) ** 2, axis=-1))
    model.fit(X, Y, verbose=0)
    by_value = pickle.loads(cloudpickle.dumps(model))
    assert_same(copy.deepcopy(model), by_value)
    model = trained("custom loss")
    joblib.dump(model, tmp_path / "model.joblib")
    loaded = joblib.load(tmp_path / "model.joblib")
    assert_same(model, loaded)


def test_a_pickle_does_not_hold_the_engine_or_what_it_worked_on():
    model = trained("adam")
    size = len(pickle.dumps(model))
    model.fit(np.repeat(X, 50, axis=0), np.repeat(Y, 50, axis=0), epochs=1, verbose=0)
    assert len(pickle.dumps(model)) < size + 500


@pytest.mark.parametrize("way", [copy.copy, copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))])
def test_a_copy_goes_its_own_way(way):
    model = trained("normalized")
    weights = model.get_weights()
    other = way(model)
    other.fit(X, Y, epochs=1, verbose=0)
    assert all(a.tobytes() == b.tobytes() for a, b in zip(weights, model.get_weights(), strict=True))
    assert any(a.tobytes() != b.tobytes() for a, b in zip(weights, other.get_weights(), strict=True))
    third = way(way(model))  # one that was never used in between
    assert_same(way(model), third)


def test_a_model_that_refers_to_what_cannot_be_pickled_says_so():
    model = Sequential([Dense(1, activation=lambda z: z * 2)])
    with pytest.raises((pickle.PicklingError, AttributeError), match="lambda"):
        pickle.dump(model, io.BytesIO())
