"""History, and what a fit shows while it runs."""

import math
import time

import numpy as np
import pytest

from fastbp import Dense, History, Sequential
from fastbp.models import progress

X = np.random.default_rng(0).normal(size=(50, 3)).astype("float32")
Y = (X.sum(axis=1) > 0).astype("float32")


def compiled(metrics=("accuracy",)):
    model = Sequential([Dense(4, "tanh"), Dense(1, "sigmoid")], seed=0)
    model.compile("adam", "binary_crossentropy", metrics=list(metrics))
    return model


def test_one_entry_for_each_epoch():
    model = compiled()
    history = model.fit(X, Y, batch_size=16, epochs=3, validation_split=0.2, verbose=0)
    assert history is model.history and isinstance(history, History)
    assert set(history.history) == {"loss", "accuracy", "val_loss", "val_accuracy"}
    assert all(len(values) == 3 and all(type(v) is float for v in values) for values in history.history.values())
    assert history.epoch == [0, 1, 2]
    assert history.params == {"verbose": 0, "epochs": 3, "steps": 3, "dtype": "float32"}
    assert len(history.samples_per_second) == 3 and all(0 < r < math.inf for r in history.samples_per_second)
    assert "val_accuracy=" in repr(history) and "epochs=3" in repr(history)


def test_initial_epoch():
    model = compiled()
    assert model.fit(X, Y, epochs=5, initial_epoch=3, verbose=0).epoch == [3, 4]
    for settings in ({"epochs": 0}, {"epochs": 3, "initial_epoch": 3}, {"epochs": 1, "initial_epoch": 5}):
        for verbose in (0, 1, 2):
            history = model.fit(X, Y, **settings, verbose=verbose)
            assert history.epoch == [] and history.history == {}


def test_each_fit_has_a_history_of_its_own():
    model = compiled()
    first = model.fit(X, Y, epochs=2, verbose=0)
    second = model.fit(X, Y, epochs=1, verbose=0)
    assert len(first.epoch) == 2 and len(second.epoch) == 1


# --------------------------------------------------------------------------------------------------------- showing


def test_silent(capfd):
    compiled().fit(X, Y, epochs=2, verbose=0)
    assert capfd.readouterr() == ("", "")


def test_a_line_for_each_epoch(capfd):
    compiled().fit(X, Y, epochs=3, validation_data=(X, Y), verbose=2)
    out, error = capfd.readouterr()
    lines = out.splitlines()
    assert len(lines) == 3 and not error
    for i, line in enumerate(lines):
        assert line.startswith(f"Epoch {i + 1}/3 - ")
        for name in ("- loss: ", "- accuracy: ", "- val_loss: ", "- val_accuracy: ", " samples/s"):
            assert name in line


@pytest.mark.parametrize("verbose", ["auto", 1, True])
def test_a_bar(capfd, verbose):
    history = compiled().fit(X, Y, epochs=4, validation_data=(X, Y), verbose=verbose)
    out, error = capfd.readouterr()
    last = error.strip().splitlines()[-1].split("\r")[-1]
    assert not out and "Epoch 4/4" in last and "100%" in last
    assert f"loss: {history.history['loss'][-1]:.4g}" in last and "val_accuracy: " in last and "samples/s" in last


def test_a_bar_is_not_drawn_for_every_epoch(capfd):
    """Drawing must cost little beside thousands of epochs a second."""
    with progress.Progress(1, 20_000, 0) as shown:
        start = time.perf_counter()
        for epoch in range(20_000):
            shown.epoch_ended(epoch, {"loss": 1.0}, 1e6)
        seconds = time.perf_counter() - start
    assert capfd.readouterr().err.count("\r") < 10 + seconds / progress.REDRAW_SECONDS * 2


def test_a_bar_is_closed_when_the_fit_is_interrupted(capfd):
    with pytest.raises(KeyboardInterrupt), progress.Progress(1, 10, 0) as shown:
        shown.epoch_ended(0, {"loss": 1.0}, 1e6)
        shown.epoch_ended(1, {"loss": 0.5}, 1e6)
        raise KeyboardInterrupt
    error = capfd.readouterr().err
    assert "Epoch 2/10" in error and "loss: 0.5" in error and error.endswith("\n")


@pytest.mark.parametrize(
    ("rate", "text"), [(3.14159, "3.14"), (999.0, "999"), (12_345.0, "12.3k"), (5e6, "5M"), (2.5e9, "2.5G")]
)
def test_rates(rate, text):
    assert progress.format_rate(rate) == f"{text} samples/s"


def test_evaluate_prints_one_line(capfd):
    model = compiled()
    model.build(3)
    loss, accuracy = model.evaluate(X, Y)
    assert capfd.readouterr().out == f"loss: {loss:.4g} - accuracy: {accuracy:.4g}\n"
