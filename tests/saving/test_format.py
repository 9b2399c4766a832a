"""Files that an early version of fastbp has written in format 1, kept as they are: all later versions read them.

They must never be made anew. Where the format gets another number, they stay, as long as format 1 is read.
"""

import json
from pathlib import Path

import numpy as np

import fastbp
from fastbp import Dense, Input, Sequential, layers
from fastbp.callbacks import BackupAndRestore, EarlyStopping

FILES = Path(__file__).parent / "format_1"
X = np.linspace(-1, 1, 48, dtype="float32").reshape(12, 4)
Y = X[:, :2] ** 2


def asymmetric(y_true, y_pred):
    error = y_true - y_pred
    return fastbp.mean(fastbp.maximum(0.9 * error, -0.1 * error), axis=-1)


def model():
    """What the files were made of."""
    made = [Dense(3, "tanh", name="first"), layers.BatchNormalization(name="norm"), layers.PReLU(name="slopes")]
    net = Sequential([Input((4,)), *made, layers.Dropout(0.25), Dense(2, name="last")], seed=7, name="kept")
    net.compile(fastbp.Adam(0.01, use_ema=True), asymmetric, metrics=["mae"])
    return net


def arrays_of(path):
    """What safetensors' own format says, read without fastbp."""
    data = path.read_bytes()
    start = 8 + int.from_bytes(data[:8], "little")
    header = json.loads(data[8:start])
    header.pop("__metadata__")
    found = {}
    for name, place in header.items():
        first, stop = place["data_offsets"]
        dtype = {"F32": "<f4", "F64": "<f8", "U8": "u1"}[place["dtype"]]
        found[name] = np.frombuffer(data[start + first : start + stop], dtype).reshape(place["shape"])
    return found


def test_a_model():
    loaded, kept = fastbp.load_model(FILES / "model.safetensors"), arrays_of(FILES / "model.safetensors")
    paths = ["first/kernel", "first/bias", "norm/gamma", "norm/beta", "slopes/alpha", "last/kernel", "last/bias"]
    assert [layer.name for layer in loaded.layers] == [layer.name for layer in model().layers]
    for path in [*paths, "norm/moving_mean", "norm/moving_variance"]:
        layer, name = path.split("/")
        (weight,) = (w for w in loaded.get_layer(layer).weights if w.name == name)
        np.testing.assert_array_equal(np.asarray(weight), kept[f"weights/{path}"])
    assert loaded.optimizer.iterations == 6 and loaded.optimizer.use_ema and loaded.name == "kept"
    np.testing.assert_allclose(loaded.predict(X[:3], verbose=0), PREDICTED, 1e-4, 1e-5)
    history = loaded.fit(X, Y, batch_size=4, epochs=2, verbose=0).history
    np.testing.assert_allclose(history["loss"], LOSSES, 1e-3)
    np.testing.assert_allclose(history["mae"], ERRORS, 1e-3)


def test_weights():
    net = model()
    net.load_weights(FILES / "weights.safetensors")
    kept = arrays_of(FILES / "weights.safetensors")
    for array, name in zip(net.get_weights(), kept, strict=False):
        assert array.shape == kept[name].shape
    np.testing.assert_allclose(net.predict(X[:3], verbose=0), PREDICTED, 1e-4, 1e-5)


def test_a_backup(tmp_path):
    """A fit of four epochs that was killed after two goes on."""
    (tmp_path / "backup.safetensors").write_bytes((FILES / "backup.safetensors").read_bytes())
    net = model()
    watching = [EarlyStopping("loss", patience=9), BackupAndRestore(tmp_path)]
    history = net.fit(X, Y, batch_size=4, epochs=4, verbose=0, callbacks=watching)
    assert history.epoch == [0, 1, 2, 3] and net.optimizer.iterations == 12
    np.testing.assert_allclose(history.history["loss"][2:], LOSSES, 1e-3)


PREDICTED = 0
LOSSES = 0
ERRORS = 0
