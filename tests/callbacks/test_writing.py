"""Callbacks that write: logs to a file, models to files, bars to the screen; and those made of functions."""

import copy
import csv
import io
import math
import re

import numpy as np
import pytest

import fastbp
from fastbp import Dense, Sequential, callbacks
from fastbp.callbacks import CSVLogger, LambdaCallback, ModelCheckpoint, TqdmCallback

X = np.linspace(-1, 1, 64, dtype="float32").reshape(-1, 1)


class Saving(Sequential):
    """A model that notes down what it is asked to save."""

    def __init__(self, *arguments, **settings):
        super().__init__(*arguments, **settings)
        self.saved = []

    def save(self, filepath, overwrite=True):
        self.saved.append((str(filepath), [w.copy() for w in self.get_weights()]))

    def save_weights(self, filepath, overwrite=True):
        self.saved.append(("weights of " + str(filepath), None))


def model(kind=Sequential):
    net = kind([Dense(4, "tanh"), Dense(1)], seed=0)
    net.build(1)
    net.compile("adam", "mse", metrics=["mae"])
    return net


def table(path, delimiter=","):
    with open(path, newline="") as file:
        return list(csv.reader(file, delimiter=delimiter))


# -------------------------------------------------------------------------------------------------------------- CSV


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_a_row_for_each_epoch(tmp_path, separator):
    path = tmp_path / "log.csv"
    history = model().fit(X, X, epochs=3, verbose=0, validation_split=0.5, callbacks=[CSVLogger(path, separator)])
    head, *rows = table(path, separator)
    assert head == ["epoch", "loss", "mae", "val_loss", "val_mae"]
    for epoch, row in enumerate(rows):
        assert [float(value) for value in row] == [epoch, *(history.history[name][epoch] for name in head[1:])]
    assert len(rows) == 3


def test_what_is_there_is_replaced_or_gone_on_with(tmp_path):
    path, net = str(tmp_path / "log.csv"), model()
    for append, rows in ((False, 3), (False, 3), (True, 5), (True, 7)):
        net.fit(X, X, epochs=2, verbose=0, callbacks=[CSVLogger(path, append=append)])
        assert len(table(path)) == rows
    assert [row[0] for row in table(path)] == ["epoch", "0", "1", "0", "1", "0", "1"]


LOGS = [
    [{"loss": 0.5, "mae": 0.25}, {"loss": 1e-20, "mae": math.nan}],
    [{"loss": 0.5, "val_loss": 0.25}, {"loss": 0.5}],
    [{"loss": 0.5}, {"loss": 0.5, "val_loss": 0.25}],
    [{"b": np.array(3.0), "a": "text", "loss": [1, 2]}, {"loss": np.array([1.5, 2.5])}],
    [{}, {"loss": 1.0}],
]


@pytest.mark.parametrize("logs", LOGS)
def test_the_file_is_that_of_keras(logs, tmp_path):
    keras = pytest.importorskip("keras")
    files = tmp_path / "ours.csv", tmp_path / "theirs.csv"
    for append in (False, True):
        for path, kind in zip(files, (CSVLogger, keras.callbacks.CSVLogger), strict=True):
            logger = kind(str(path), append=append)
            logger.on_train_begin()
            for epoch, values in enumerate(logs):
                logger.on_epoch_end(epoch, values)
            logger.on_train_end()
        assert table(files[0]) == table(files[1])


def test_later_columns_and_lists(tmp_path):
    logger = CSVLogger(tmp_path / "log.csv")
    logger.on_train_begin()
    logger.on_epoch_end(0, {"loss": [1, 2]})
    logger.on_epoch_end(1, {"loss": 0.5, "val_loss": 2.0, "more": 1})
    assert table(tmp_path / "log.csv") == [["epoch", "loss", "val_loss"], ["0", '"[1, 2]"', "NA"], ["1", "0.5", "2.0"]]


def test_bad_files(tmp_path):
    with pytest.raises(OSError):
        model().fit(X, X, verbose=0, callbacks=[CSVLogger(tmp_path / "nowhere" / "log.csv")])
    for separator in ("", ",,", 3):
        with pytest.raises(ValueError, match="separator"):
            CSVLogger("log.csv", separator)


# ------------------------------------------------------------------------------------------------------ checkpoints


def test_a_model_is_saved_after_each_epoch(tmp_path):
    net = model(Saving)
    path = tmp_path / "new" / "m-{epoch:02d}-{loss:.3f}.keras"
    history = net.fit(X, X, epochs=3, verbose=0, callbacks=[ModelCheckpoint(path)])
    expected = [str(tmp_path / "new" / f"m-{i + 1:02d}-{loss:.3f}.keras") for i, loss in enumerate(history.history["loss"])]
    assert [name for name, _ in net.saved] == expected and (tmp_path / "new").is_dir()
    assert all((a == b).all() for a, b in zip(net.saved[-1][1], net.get_weights(), strict=True))


@pytest.mark.parametrize(
    ("settings", "losses", "epochs"),
    [
        ({}, [3, 4, 2, 2, 1], [1, 3, 5]),
        ({"mode": "max"}, [3, 4, 2, 5], [1, 2, 4]),
        ({"initial_value_threshold": 2.5}, [3, 4, 2, 1], [3, 4]),
    ],
)
def test_only_the_best_are_saved(settings, losses, epochs, tmp_path):
    net, keeping = model(Saving), ModelCheckpoint(str(tmp_path / "{epoch}.keras"), save_best_only=True, **settings)
    keeping.set_model(net)
    keeping.on_train_begin()
    for epoch, loss in enumerate(losses):
        keeping.on_epoch_end(epoch, {"val_loss": loss})
    assert [name for name, _ in net.saved] == [str(tmp_path / f"{epoch}.keras") for epoch in epochs]


@pytest.mark.parametrize("every", [1, 3, 4, 5])
def test_a_model_is_saved_after_some_batches(every, tmp_path):
    """They are counted over epochs, of which each has 4."""
    net = model(Saving)
    path = str(tmp_path / "{epoch}-{batch}.weights.h5")
    net.fit(
        X, X, batch_size=16, epochs=3, verbose=0, callbacks=[ModelCheckpoint(path, save_weights_only=True, save_freq=every)]
    )
    expected = [divmod(count - 1, 4) for count in range(every, 13, every)]
    assert [name for name, _ in net.saved] == [
        "weights of " + str(tmp_path / f"{epoch + 1}-{batch + 1}.weights.h5") for epoch, batch in expected
    ]


def test_when_keras_saves(tmp_path):
    keras = pytest.importorskip("keras")
    losses = np.round(np.random.default_rng(0).normal(size=30) * 2) / 2
    choices = ({}, {"save_best_only": True}, {"save_best_only": True, "mode": "max", "initial_value_threshold": 0.0})
    for settings in (*choices, {"save_freq": 3}, {"save_freq": 5}):
        saved = []
        for kind in (ModelCheckpoint, keras.callbacks.ModelCheckpoint):
            net = model(Saving)
            keeping = kind(str(tmp_path / "{epoch}.keras"), **settings)
            keeping.set_model(net)
            keeping.on_train_begin()
            for epoch, loss in enumerate(losses):
                keeping.on_epoch_begin(epoch)
                for batch in range(4):
                    keeping.on_train_batch_end(batch, {"loss": 1.0})
                keeping.on_epoch_end(epoch, {"val_loss": float(loss)})
            saved.append([name for name, _ in net.saved])
        assert saved[0] == saved[1] and saved[0]


def test_what_cannot_be_saved(tmp_path):
    with pytest.raises(KeyError, match=r"filepath must name what the logs have \(epoch, loss, mae\), got 'val_loss'"):
        model(Saving).fit(X, X, verbose=0, callbacks=[ModelCheckpoint("{val_loss}.keras")])
    with pytest.warns(UserWarning, match="ModelCheckpoint saves by 'val_loss', which is not in the logs"):
        model(Saving).fit(X, X, verbose=0, callbacks=[ModelCheckpoint(tmp_path / "m.keras", save_best_only=True)])
    for frequency, error in (("batch", ValueError), (0, ValueError), (1.5, TypeError)):
        with pytest.raises(error, match="save_freq"):
            ModelCheckpoint("m.keras", save_freq=frequency)


# --------------------------------------------------------------------------------------------------- the other ones


def test_functions_as_callbacks():
    seen = []
    made = LambdaCallback(
        on_epoch_begin=lambda epoch, logs: seen.append(("epoch", epoch)),
        on_train_end=lambda logs: seen.append(("end", sorted(logs))),
        on_test_begin=lambda logs: seen.append("test"),
    )
    model().fit(X, X, epochs=2, verbose=0, validation_split=0.5, callbacks=[copy.copy(made)])
    assert seen == [("epoch", 0), "test", ("epoch", 1), "test", ("end", ["loss", "mae", "val_loss", "val_mae"])]
    with pytest.raises(ValueError, match="hooks must be one of .*on_train_end.*, got 'on_epoch_ends'"):
        LambdaCallback(on_epoch_ends=print)
    with pytest.raises(TypeError, match="on_epoch_end must be a function, got 3"):
        LambdaCallback(on_epoch_end=3)


@pytest.mark.parametrize("batches", [False, True])
def test_a_bar_of_tqdm(batches):
    file = io.StringIO()
    history = model().fit(
        X, X, batch_size=16, epochs=3, verbose=0, callbacks=[TqdmCallback(batches, file=file, mininterval=0, ncols=120)]
    )
    shown = re.split(r"[\r\n]+", file.getvalue().strip())
    assert "3/3" in shown[-1] and f"loss={history.history['loss'][-1]:.3g}"[:9] in shown[-1]
    assert ("batches" in file.getvalue()) == batches


def test_the_bar_of_fit_is_not_shown_twice(capfd):
    model().fit(X, X, epochs=3, verbose=1, callbacks=[callbacks.ProgbarLogger()])
    assert capfd.readouterr().err.count("Epoch 3/3") == 1


@pytest.mark.parametrize("name", ["TensorBoard", "RemoteMonitor", "OrbaxCheckpoint"])
def test_what_is_not_there_says_what_to_use(name):
    with pytest.raises(NotImplementedError, match=f"fastbp has no {name}: "):
        getattr(fastbp.callbacks, name)("logs", histogram_freq=1)
