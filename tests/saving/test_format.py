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

# What fastbp 0.1.0 found: predictions of the model and the weights, and two more epochs, by ``fit`` and from the backup.
PREDICTED = [[-0.8447765, 1.0872102], [-0.8448063, 1.0069596], [-0.8199327, 0.9059750]]
FITTED = {"loss": [0.7118916, 0.5028279], "mae": [0.9094624, 0.7701372]}
RESUMED = {"loss": [0.5753589, 0.3950367], "mae": [0.7610431, 0.6666015]}


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
    for name, values in FITTED.items():
        np.testing.assert_allclose(history[name], values, 1e-3)


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
    for name, values in RESUMED.items():
        np.testing.assert_allclose(history.history[name][2:], values, 1e-3)
