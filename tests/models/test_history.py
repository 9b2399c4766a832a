"""History, and what a fit shows while it runs."""

import io
import math
import re
import sys
import time
import types

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


@pytest.mark.parametrize("metrics", [(), ("accuracy",), ("mae", "auc")])
def test_several_epochs_of_a_call_are_as_many_epochs_one_by_one(metrics):
    """Short epochs may share a call into the kernel; what is told of each is its own."""
    together, alone = compiled(metrics), compiled(metrics)
    whole = together.fit(X, Y, batch_size=16, epochs=12, shuffle=False, verbose=0).history
    for epoch in range(12):
        one = alone.fit(X, Y, batch_size=16, epochs=epoch + 1, initial_epoch=epoch, shuffle=False, verbose=0).history
        assert {name: values[epoch] for name, values in whole.items()} == {name: value for name, (value,) in one.items()}


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


@pytest.mark.parametrize("interrupted_after", ["loss", "val_loss"])
def test_an_epoch_that_is_cut_short_is_completed_by_the_same_call(interrupted_after):
    class Cut(dict):
        """Stops when it has given out an item, once."""

        def items(self):
            for name, value in super().items():
                yield name, value
                if name == interrupted_after:
                    raise KeyboardInterrupt

    history = History()
    history.append(0, {"loss": 2.0, "val_loss": 3.0})
    with pytest.raises(KeyboardInterrupt):
        history.append(1, Cut(loss=1.0, val_loss=2.0))
    history.append(1, {"loss": 1.0, "val_loss": 2.0})
    assert history.history == {"loss": [2.0, 1.0], "val_loss": [3.0, 2.0]} and history.epoch == [0, 1]
    assert history.epochs_of == {"loss": [0, 1], "val_loss": [0, 1]}


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


class Terminal(io.StringIO):
    """A stream that can be written over."""

    def isatty(self):
        return True


@pytest.fixture
def terminal(monkeypatch):
    stream = Terminal(newline="")
    monkeypatch.setattr(progress, "sys", types.SimpleNamespace(stderr=stream, modules=sys.modules))  # pytest sets sys.stderr
    return stream


@pytest.mark.parametrize("verbose", ["auto", 1, True])
def test_a_bar(terminal, capfd, verbose):
    history = compiled().fit(X, Y, epochs=4, validation_data=(X, Y), verbose=verbose)
    (last,) = terminal.getvalue().strip().split("\n")
    last = last.split("\r")[-1]
    assert capfd.readouterr() == ("", "") and "Epoch 4/4" in last and "100%" in last
    assert f"loss: {history.history['loss'][-1]:.4g}" in last and "val_accuracy: " in last and "samples/s" in last
    assert re.search(r"\[\d\d:\d\d<\d\d:\d\d\]", last)


def test_a_bar_is_not_drawn_for_every_epoch(terminal):
    """Drawing must cost little beside thousands of epochs a second."""
    with progress.Progress(1, 20_000, 0) as shown:
        start = time.perf_counter()
        for epoch in range(20_000):
            shown.epoch_ended(epoch, {"loss": 1.0}, 1e6)
        seconds = time.perf_counter() - start
    assert 0 < terminal.getvalue().count("\r") < 10 + seconds / progress.REDRAW_SECONDS * 2


def test_a_bar_is_closed_when_the_fit_is_interrupted(terminal):
    with pytest.raises(KeyboardInterrupt), progress.Progress(1, 10, 0) as shown:
        shown.epoch_ended(0, {"loss": 1.0}, 1e6)
        shown.epoch_ended(1, {"loss": 0.5}, 1e6)
        raise KeyboardInterrupt
    error = terminal.getvalue()
    assert "Epoch 2/10" in error and "loss: 0.5" in error and error.endswith("\n")


def test_a_log_file_gets_lines_and_nothing_else(capfd):
    """Where nothing can be written over, a bar would fill the file with copies of itself."""
    history = compiled().fit(X, Y, epochs=400, validation_data=(X, Y), verbose=1)
    out, error = capfd.readouterr()
    *others, last = error.splitlines()
    assert not out and "\r" not in error and "\x1b" not in error and len(others) < 20
    assert last.startswith("Epoch 400/400 - loss: ") and f"val_loss: {history.history['val_loss'][-1]:.4g}" in last
    assert last.endswith(" samples/s")


def test_lines_of_a_log_become_rarer(capfd, monkeypatch):
    """An hour of epochs of a second each."""
    now = [0.0]
    monkeypatch.setattr(progress.time, "perf_counter", lambda: now[0])
    with progress.Progress(1, 3600, 0) as shown:
        for epoch in range(3600):
            now[0] += 1.01
            shown.epoch_ended(epoch, {"loss": 1.0}, 50.0)
    lines = capfd.readouterr().err.splitlines()
    numbers = [int(re.match(r"Epoch (\d+)/3600 - ", line)[1]) for line in lines]
    assert numbers[0] == 1 and numbers[-1] == 3600 and numbers == sorted(set(numbers))
    assert 50 < len(numbers) < 120


def test_a_log_has_the_last_epoch_of_a_fit_that_is_interrupted(capfd):
    with pytest.raises(KeyboardInterrupt), progress.Progress(1, 10, 0) as shown:
        for epoch in range(3):
            shown.epoch_ended(epoch, {"loss": 1.0 / (1 + epoch)}, 1e6)
        raise KeyboardInterrupt
    assert capfd.readouterr().err.splitlines()[-1] == "Epoch 3/10 - loss: 0.3333 - 1M samples/s"


@pytest.mark.parametrize(
    ("rate", "text"), [(3.14159, "3.14"), (999.0, "999"), (12_345.0, "12.3k"), (5e6, "5M"), (2.5e9, "2.5G")]
)
def test_rates(rate, text):
    assert progress.format_rate(rate) == f"{text} samples/s"


def test_a_rate_that_nobody_has_measured_is_not_shown(capfd):
    for rate in (0.0, math.nan):
        with progress.Progress(2, 1, 0) as shown:
            shown.epoch_ended(0, {"loss": 0.5}, rate)
        assert re.fullmatch(r"Epoch 1/1 - \d\.\d+s - loss: 0\.5\n", capfd.readouterr().out)


def test_evaluate_prints_one_line(capfd):
    model = compiled()
    model.build(3)
    loss, accuracy = model.evaluate(X, Y)
    assert capfd.readouterr().out == f"loss: {loss:.4g} - accuracy: {accuracy:.4g}\n"
