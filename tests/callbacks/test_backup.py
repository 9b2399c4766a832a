"""A fit that was killed goes on as if it had not been: the same bits, history and files in the end."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pytest

import fastbp
from fastbp import Dense, ModelFileError, Sequential, layers
from fastbp.callbacks import (
    BackupAndRestore,
    Callback,
    CSVLogger,
    EarlyStopping,
    GradientMonitor,
    LearningRateScheduler,
    ModelCheckpoint,
    ReduceLROnPlateau,
    StochasticWeightAveraging,
    TqdmCallback,
)
from paths import ROOT

RNG = np.random.default_rng(3)
X, Y = RNG.normal(size=(90, 5)), RNG.normal(size=(90, 2))


class Killed(BaseException):
    pass


class Kill(Callback):
    """Ends the process, as far as the model can tell, after so many batches of this process."""

    def __init__(self, after):
        self.after, self.losses, self.here = after, [], after

    def on_train_begin(self, logs=None):
        self.losses = []
        self.here = self.after

    def get_state(self):
        return {"losses": list(self.losses)}

    def set_state(self, state):
        self.losses = state["losses"]

    def on_train_batch_end(self, batch, logs=None):
        self.losses.append(logs["loss"])
        self.here = None if self.here is None else self.here - 1
        if self.here == 0:
            raise Killed


def model(optimizer=None):
    net = Sequential([Dense(7, "tanh"), layers.BatchNormalization(), layers.Dropout(0.2), Dense(2)], seed=3)
    net.compile(optimizer or fastbp.Adam(0.02), "mse", metrics=["mae", "cosine_similarity"])
    return net


def batches():
    rng = np.random.default_rng(5)
    while True:
        rows = rng.integers(0, 90, 20)
        yield X[rows], Y[rows]


class Numbered(fastbp.utils.PyDataset):
    def __len__(self):
        return 5

    def __getitem__(self, number):
        return X[18 * number : 18 * number + 18], Y[18 * number : 18 * number + 18]


DATA = {
    "rows": lambda: {"x": X, "y": Y, "batch_size": 20},
    "weighted": lambda: {"x": X, "y": Y, "batch_size": 20, "sample_weight": np.linspace(0.1, 1, 90)},
    "validated": lambda: {"x": X, "y": Y, "batch_size": 20, "validation_split": 0.3},
    "some steps": lambda: {"x": X, "y": Y, "batch_size": 20, "steps_per_epoch": 3},
    "generator": lambda: {"x": batches(), "steps_per_epoch": 4},
    "numbered": lambda: {"x": Numbered()},
}


def run(folder, data, after=None, frequency="epoch", epochs=4, optimizer=None, more=(), **settings):
    """A script's fit; the losses of all batches, the history and the model, or None where it was killed."""
    net, kill = model(optimizer and optimizer()), Kill(after)
    others = [EarlyStopping("loss", patience=9, restore_best_weights=True), kill, *(make() for make in more)]
    backup = [] if folder is None else [BackupAndRestore(folder, frequency, **settings)]
    try:
        net.fit(epochs=epochs, verbose=0, callbacks=[*others[:1], *backup, *others[1:]], **DATA[data]())
    except Killed:
        return None
    return net, kill.losses, [vars(one) for one in others[2:]]


def assert_same(one, other):
    (net, losses, _), (net_2, losses_2, _) = one, other
    assert losses == losses_2 and net.history.history == net_2.history.history and net.history.epoch == net_2.history.epoch
    assert all(a.tobytes() == b.tobytes() for a, b in zip(net.get_weights(), net_2.get_weights(), strict=True))
    assert net.optimizer.iterations == net_2.optimizer.iterations
    assert net.optimizer.learning_rate == net_2.optimizer.learning_rate


@pytest.mark.filterwarnings("ignore:x ran out of data")
@pytest.mark.parametrize("data", DATA)
def test_the_same_bits_wherever_it_is_killed(data, tmp_path):
    whole = run(None, data)
    for frequency, kills in (("epoch", (1, 5, 9)), (1, (1, 6, 10)), (3, (2, 8))):
        for after in kills:
            folder = tmp_path / f"{frequency}-{after}"
            assert run(folder, data, after, frequency) is None
            assert_same(whole, run(folder, data, None, frequency))
            assert not folder.exists()


def test_killed_again_and_again(tmp_path):
    whole = run(None, "rows")
    for frequency in (1, 2):
        for _ in range(10):
            if run(tmp_path, "rows", 3, frequency) is not None:
                break
        else:
            raise AssertionError("it never comes to its end")
        finished = run(tmp_path, "rows", None, frequency)  # from the start, as the backup is gone
        assert_same(whole, finished)


@pytest.mark.parametrize("frequency", ["epoch", 3])
def test_what_other_callbacks_remember(frequency, tmp_path):
    def more(place):
        return [
            lambda: ReduceLROnPlateau("loss", patience=1, min_delta=1.0, factor=0.5),
            lambda: CSVLogger(place / "log.csv"),
            lambda: ModelCheckpoint(place / "best.keras", "loss", save_best_only=True),
            lambda: GradientMonitor(every=2),
            lambda: StochasticWeightAveraging(1),
            lambda: TqdmCallback(batches=True, disable=True),
        ]

    places = [tmp_path / "whole", tmp_path / "parts"]
    for place in places:
        place.mkdir()
    whole = run(None, "rows", more=more(places[0]))
    assert run(places[1] / "backup", "rows", 12, frequency, more=more(places[1])) is None
    parts = run(places[1] / "backup", "rows", None, frequency, more=more(places[1]))
    assert_same(whole, parts)
    assert (places[0] / "log.csv").read_bytes() == (places[1] / "log.csv").read_bytes()
    best = [fastbp.load_model(place / "best.keras").get_weights() for place in places]
    assert all(a.tobytes() == b.tobytes() for a, b in zip(*best, strict=True))
    plateau, _, checkpoint, monitor = range(4)
    for number, names in ((plateau, ("best", "wait", "cooldown_counter")), (checkpoint, ("best",))):
        assert [whole[2][number][n] for n in names] == [parts[2][number][n] for n in names]
    looks = [np.concatenate([look[2] for look in states[2][monitor]["_looks"]]) for states in (whole, parts)]
    assert looks[0].tobytes() == looks[1].tobytes()
    steps = [sum((look[1] for look in states[2][monitor]["_looks"]), []) for states in (whole, parts)]
    assert steps[0] == steps[1]


def test_a_schedule_and_averages(tmp_path):
    def optimizer():
        return fastbp.Adam(fastbp.optimizers.schedules.CosineDecay(0.05, 20), use_ema=True, ema_momentum=0.7, clipnorm=1.0)

    whole = run(None, "rows", optimizer=optimizer)
    assert run(tmp_path, "rows", 11, 2, optimizer=optimizer) is None
    assert_same(whole, run(tmp_path, "rows", None, 2, optimizer=optimizer))


def test_a_hook_is_called_once_for_each_epoch(tmp_path):
    """A rate that is halved as each epoch begins is not halved twice in the one that was cut short."""
    more = [lambda: LearningRateScheduler(lambda epoch, rate: rate / 2)]
    whole = run(None, "rows", more=more)
    assert run(tmp_path, "rows", 8, 1, more=more) is None
    parts = run(tmp_path, "rows", None, 1, more=more)
    assert_same(whole, parts)
    assert parts[0].history.history["learning_rate"] == [0.01, 0.005, 0.0025, 0.00125]


def test_a_fit_that_was_stopped_or_is_at_its_end(tmp_path):
    class Stop(Callback):
        def on_epoch_end(self, epoch, logs=None):
            self.model.stop_training = epoch == 1

    def raise_killed(self, logs=None):
        raise Killed

    class KillAtTheEnd(Callback):
        on_train_end = raise_killed

    ends = []
    for more in ([Stop], []):
        whole = run(None, "rows", more=[*more, Callback])
        for _ in range(2):  # the second goes on at the end, and does not get further
            assert run(tmp_path, "rows", more=[*more, KillAtTheEnd]) is None
        KillAtTheEnd.on_train_end = lambda self, logs=None: ends.append(logs)
        assert_same(whole, run(tmp_path, "rows", more=[*more, KillAtTheEnd]))
        assert ends.pop()["loss"] == whole[0].history.history["loss"][-1]
        KillAtTheEnd.on_train_end = raise_killed


def test_more_epochs_go_on_from_a_kept_backup(tmp_path):
    whole = run(None, "rows", epochs=5)
    run(tmp_path, "rows", epochs=2, delete_checkpoint=False)
    assert_same(whole, run(tmp_path, "rows", epochs=5, delete_checkpoint=False))


def test_two_backups(tmp_path, capfd):
    whole = run(None, "rows")
    assert run(tmp_path, "rows", 9, 2, double_checkpoint=True) is None
    assert sorted(os.listdir(tmp_path)) == ["backup.previous.safetensors", "backup.safetensors"]
    last = tmp_path / "backup.safetensors"
    last.write_bytes(last.read_bytes()[:-100])
    assert_same(whole, run(tmp_path, "rows", None, 2, double_checkpoint=True))
    assert "the backup before it is used" in capfd.readouterr().out
    assert not tmp_path.exists() or not os.listdir(tmp_path)


def test_what_is_no_backup_of_this_fit(tmp_path):
    assert run(tmp_path, "rows", 9, delete_checkpoint=False) is None
    with pytest.raises(ValueError, match="backup_dir must be that of this fit"):
        run(tmp_path, "rows", optimizer=lambda: fastbp.SGD(0.1))
    with pytest.raises(ValueError, match="callbacks must be those of the fit"):
        run(tmp_path, "rows", more=[lambda: ReduceLROnPlateau("loss")])
    with pytest.raises(ModelFileError, match="is a file of 'training', not of 'model': fit with the same BackupAndRestore"):
        fastbp.load_model(tmp_path / "backup.safetensors")
    (tmp_path / "backup.safetensors").write_bytes(b"")
    with pytest.raises(ModelFileError, match="is an empty file"):
        run(tmp_path, "rows")


def test_what_a_killed_process_was_writing_is_removed(tmp_path):
    (tmp_path / ".backup.safetensors.1.0.fastbp-tmp").write_bytes(b"half")
    (tmp_path / "other").write_bytes(b"mine")
    assert run(tmp_path, "rows", 9) is None
    assert sorted(os.listdir(tmp_path)) == ["backup.safetensors", "other"]
    run(tmp_path, "rows")
    assert os.listdir(tmp_path) == ["other"]


def test_arguments(tmp_path):
    for folder in ("", None):
        with pytest.raises(ValueError, match="backup_dir must be a folder"):
            BackupAndRestore(folder)
    for frequency, error in (("batch", ValueError), (0, ValueError), (1.5, TypeError)):
        with pytest.raises(error, match="save_freq"):
            BackupAndRestore(tmp_path, frequency)
    pytest.importorskip("scipy")
    net = Sequential([Dense(1)])
    net.compile("lbfgs", "mse")
    with pytest.raises(ValueError, match="callbacks must not go on with a fit by LBFGS"):
        net.fit(X, Y[:, 0], verbose=0, callbacks=[BackupAndRestore(tmp_path)])


# ------------------------------------------------------------------------------------------------------- real kills

SCRIPT = """
import sys
import numpy as np
import fastbp
from fastbp import Dense, Sequential, callbacks, layers

folder, out, frequency = sys.argv[1], sys.argv[2], sys.argv[3]
rng = np.random.default_rng(0)
x, y = rng.normal(size=(2000, 8)), rng.normal(size=(2000, 1))
model = Sequential([Dense(16, "tanh"), layers.Dropout(0.1), Dense(1)], seed=0)
model.compile(fastbp.Adam(fastbp.optimizers.schedules.CosineDecay(0.01, 3000)), "mse", metrics=["mae"])
watching = [callbacks.EarlyStopping("val_loss", patience=50, restore_best_weights=True), callbacks.CSVLogger(out + ".csv")]
if folder:
    watching.append(callbacks.BackupAndRestore(folder, frequency if frequency == "epoch" else int(frequency)))
model.fit(x, y, epochs=40, batch_size=50, validation_split=0.2, verbose=0, callbacks=watching)
model.save(out)
np.savez(out + ".npz", **{name: np.array(values) for name, values in model.history.history.items()})
"""


def start(script, *arguments):
    return subprocess.Popen([sys.executable, "-c", script, *map(str, arguments)], env={**os.environ, "PYTHONPATH": str(ROOT)})


def killed_at_random(folder, count, frequency, rng, longest):
    """Run the script, kill it ``count`` times, let it end; what it leaves, and how often there was a backup to go on from."""
    out, found = folder / "out", 0
    for _ in range(count):
        process = start(SCRIPT, folder / "backup", out, frequency)
        deadline = time.time() + 120
        while not found and process.poll() is None and not list(folder.glob("backup/backup.*")) and time.time() < deadline:
            time.sleep(0.005)  # the first one is let come so far
        time.sleep(rng.uniform(0, longest))
        process.send_signal(signal.SIGKILL)
        if process.wait() == 0:
            break
        found += (folder / "backup" / "backup.safetensors").exists()
    assert start(SCRIPT, folder / "backup", out, frequency).wait() == 0
    return (out.read_bytes(), (folder / "out.csv").read_bytes(), dict(np.load(f"{out}.npz"))), found


def check_kills(count, frequency, seed, longest):
    with tempfile.TemporaryDirectory() as name:
        whole = Path(name) / "whole"
        whole.mkdir()
        assert start(SCRIPT, "", whole / "out", frequency).wait() == 0
        wanted = (whole / "out").read_bytes(), (whole / "out.csv").read_bytes(), dict(np.load(whole / "out.npz"))
        parts = Path(name) / "parts"
        parts.mkdir()
        got, found = killed_at_random(parts, count, frequency, np.random.default_rng(seed), longest)
        assert found
        assert got[:2] == wanted[:2]
        assert all(got[2][column].tobytes() == values.tobytes() for column, values in wanted[2].items())
        assert not (parts / "backup").exists()


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="there is no kill -9")
def test_killed_at_a_random_moment():
    check_kills(1, "7", 0, 0.05)


@pytest.mark.soak
@pytest.mark.parametrize("frequency", ["epoch", "1", "7"])
def test_killed_at_many_random_moments(frequency):
    for seed in range(10):
        check_kills(12, frequency, seed, 2.5)
