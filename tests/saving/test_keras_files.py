"""Files that Keras wrote: by Keras itself where it is installed, else put together here in the same form."""

import io
import json
import os
import zipfile

import numpy as np
import pytest

import fastbp
from fastbp import layers
from fastbp.errors import ModelFileError
from fastbp.saving.keras_files import read_model, read_weights

h5py = pytest.importorskip("h5py")


def model():
    inner = fastbp.Sequential([fastbp.Dense(4), layers.PReLU(), layers.BatchNormalization()])
    found = fastbp.Sequential(
        [
            fastbp.Input((6,)),
            layers.Normalization(),
            fastbp.Dense(5, "relu"),
            layers.Dropout(0.3),
            layers.BatchNormalization(),
            inner,
            fastbp.Dense(2, kernel_regularizer="l2"),
        ]
    )
    random = np.random.default_rng(0)
    found.set_weights([random.uniform(0.5, 1, w.shape) for w in found.get_weights()])
    return found


def write_v3(group, source):
    """Weights as Keras 3 puts them into a group."""
    seen = {}
    for layer in source._layers:
        number = seen[layer.kind] = seen.get(layer.kind, -1) + 1
        own = group.create_group(f"layers/{layer.kind}_{number}" if number else f"layers/{layer.kind}")
        if hasattr(layer, "_layers"):
            write_v3(own, layer)
        else:
            variables = own.create_group("vars")
            for i, array in enumerate(layer.get_weights()):
                variables[str(i)] = array


def write_legacy(group, source):
    """Weights as Keras 2 puts them into a group: of a model within, first those that learn."""
    group.attrs["layer_names"] = [layer.name.encode() for layer in source._layers]
    for layer in source._layers:
        own = group.create_group(layer.name)
        pairs = [(w, spec.trainable) for leaf in layer.leaves() for w, spec in zip(leaf.weights, leaf._specs(), strict=True)]
        pairs.sort(key=lambda pair: not pair[1])
        own.attrs["weight_names"] = [f"{layer.name}/{i}:0".encode() for i in range(len(pairs))]
        for i, (weight, _) in enumerate(pairs):
            own[f"{layer.name}/{i}:0"] = weight.numpy()


def weights_file(path, source):
    with h5py.File(path, "w") as file:
        write_v3(file, source)
    return path


def archive(path, source, config=None, **parts):
    data = io.BytesIO()
    with h5py.File(data, "w") as file:
        write_v3(file, source)
    config = config or {
        **json.loads(source.to_json()),
        "compile_config": {"optimizer": "adam", "loss": "mse", "metrics": ["mae"]},
    }
    members = {"metadata.json": "{}", "config.json": json.dumps(config), "model.weights.h5": data.getvalue(), **parts}
    with zipfile.ZipFile(path, "w") as file:
        for name, content in members.items():
            if content is not None:
                file.writestr(name, content)
    return path


def legacy(path, source, config=True):
    with h5py.File(path, "w") as file:
        write_legacy(file.create_group("model_weights"), source)
        if config:
            file.attrs["model_config"] = source.to_json()
            training = {"loss": "mse", "metrics": ["mae"], "optimizer_config": {"class_name": "Adam", "config": {}}}
            file.attrs["training_config"] = json.dumps(training)
    return path


def equal(a, b):
    assert len(a) == len(b)
    for x, y in zip(a, b, strict=True):
        np.testing.assert_array_equal(x, y)


WRITE = {"w.weights.h5": weights_file, "m.keras": archive, "m.h5": legacy}


@pytest.mark.parametrize("name", WRITE)
def test_weights(tmp_path, name):
    source, other = model(), model()
    WRITE[name](tmp_path / name, source)
    other.set_weights([w * 0 for w in other.get_weights()])
    read_weights(other, tmp_path / name)
    equal(other.get_weights(), source.get_weights())


def test_weights_of_keras_2(tmp_path):
    """Weights alone, at the root of the file; the last ones of Keras 2 with another name for the group."""
    source = model()
    with h5py.File(tmp_path / "a.h5", "w") as file:
        write_legacy(file, source)
    with h5py.File(tmp_path / "b.h5", "w") as file:
        write_v3(file, source)
        file.move("layers", "_layer_checkpoint_dependencies")
    for name in ("a.h5", "b.h5"):
        other = model()
        other.set_weights([w * 0 for w in other.get_weights()])
        read_weights(other, tmp_path / name)
        equal(other.get_weights(), source.get_weights())


@pytest.mark.parametrize("name", ["m.keras", "m.h5"])
def test_models(tmp_path, name):
    source = model()
    WRITE[name](tmp_path / name, source)
    read = read_model(tmp_path / name)
    equal(read.get_weights(), source.get_weights())
    x = np.random.default_rng(1).normal(size=(5, 6))
    np.testing.assert_array_equal(read.predict(x, verbose=0), source.predict(x, verbose=0))
    assert read.optimizer.get_config()["name"] == "adam" and read.loss.name == "mean_squared_error"
    read.fit(x, np.zeros((5, 2)), verbose=0)
    assert read_model(tmp_path / name, compile=False).optimizer is None


def test_custom_objects(tmp_path):
    def wave(z):
        return np.sin(z)

    source = fastbp.Sequential([fastbp.Input((6,)), fastbp.Dense(3, wave)])
    archive(tmp_path / "m.keras", source)
    with pytest.raises(ModelFileError, match="wave"):
        read_model(tmp_path / "m.keras")
    read = read_model(tmp_path / "m.keras", {"wave": wave})
    np.testing.assert_array_equal(read.predict(np.ones((1, 6))), source.predict(np.ones((1, 6))))


# -- bad files

LAMBDA = {"module": "keras.layers", "class_name": "Lambda", "config": {"function": {"class_name": "__lambda__", "config": {}}}}


def with_layer(layer):
    config = json.loads(model().to_json())
    config["config"]["layers"][2] = layer
    return config


def huge_units():
    config = json.loads(model().to_json())
    config["config"]["layers"][-1]["config"]["units"] = 10**9
    return config


@pytest.mark.parametrize(
    ("config", "part"),
    [
        (with_layer(LAMBDA), "Lambda"),
        (with_layer({"module": "os", "class_name": "system", "config": {"command": "false"}}), "class_name must be a layer"),
        (with_layer({"module": "keras.layers", "class_name": "registry", "config": {}}), "class_name must be a layer"),
        (with_layer({"module": "keras.layers", "class_name": "Conv2D", "config": {}}), "Conv2D"),
        (huge_units(), "the model needs"),
        ({"class_name": "Dense", "config": {"units": 3}}, "no model"),
        ({"config": {}}, "class_name"),
        ([], "cannot be read"),
    ],
)
def test_hostile_settings(tmp_path, config, part):
    with pytest.raises(ModelFileError, match=part):
        read_model(archive(tmp_path / "m.keras", model(), config or [1]))


def test_damaged_archives(tmp_path):
    path = tmp_path / "m.keras"
    for parts, reason in [
        ({"config.json": None}, "without config.json"),
        ({"model.weights.h5": None}, "without model.weights.h5"),
        ({"config.json": "{"}, "cannot be read"),
        ({"config.json": "[" * 100_000}, "cannot be read"),
        ({"model.weights.h5": b"\x89HDF nothing"}, "cannot be read"),
    ]:
        with pytest.raises(ModelFileError, match=reason):
            read_model(archive(path, model(), **parts))
    whole = archive(path, model()).read_bytes()
    for length in (0, 3, 10, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:length])
        with pytest.raises(ModelFileError):
            read_model(path)


def test_other_files(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_model(tmp_path / "no.keras")
    with pytest.raises(IsADirectoryError):
        read_model(tmp_path)
    np.savez(tmp_path / "a.npz", x=np.ones(3))
    with pytest.raises(ModelFileError, match=r"without model.weights.h5"):
        read_model(tmp_path / "a.npz")
    with h5py.File(tmp_path / "b.h5", "w") as file:
        file["x"] = np.ones(3)
    with pytest.raises(ModelFileError, match="weights alone"):
        read_model(tmp_path / "b.h5")
    with pytest.raises(ModelFileError, match="none of weights that Keras wrote"):
        read_weights(model(), tmp_path / "b.h5")


def test_arrays_that_are_not_there(tmp_path):
    """An array that says to be large, links to other files, arrays in other files, texts as weights."""
    path = tmp_path / "w.weights.h5"
    secret = tmp_path / "secret.h5"
    with h5py.File(secret, "w") as file:
        file["kernel"] = np.ones((6, 5))

    def claimed(variables):
        variables.create_dataset("0", (10**7, 10**6), "f4", chunks=(1000, 1000), compression="gzip")

    def linked(variables):
        variables["0"] = h5py.ExternalLink(str(secret), "kernel")

    def soft(variables):
        variables["0"] = h5py.SoftLink("/layers/dense_1/vars/0")

    def external(variables):
        variables.create_dataset("0", (6, 5), "f4", external=[(str(secret), 0, 120)])

    def texts(variables):
        variables["0"] = np.full((6, 5), b"text")

    def other_shape(variables):
        variables["0"] = np.ones((5, 6))

    def missing(variables):
        pass

    for change in (claimed, linked, soft, external, texts, other_shape, missing):
        weights_file(path, model())
        with h5py.File(path, "a") as file:
            del file["layers/dense/vars/0"]
            change(file["layers/dense/vars"])
        before = model()
        with pytest.raises(ModelFileError):
            read_weights(before, path)
        equal(before.get_weights(), model().get_weights())


def test_a_model_that_is_not_built(tmp_path):
    with pytest.raises(ValueError, match="built"):
        read_weights(fastbp.Sequential([fastbp.Dense(1)]), weights_file(tmp_path / "w.weights.h5", model()))


# -- by Keras itself


@pytest.fixture(scope="module")
def keras():
    os.environ.setdefault("KERAS_BACKEND", "torch")
    pytest.importorskip("torch")
    return pytest.importorskip("keras")


@pytest.mark.filterwarnings("ignore")
def test_against_keras(tmp_path, keras):
    k = keras.layers
    dense = k.Dense(4, name="inner")
    source = keras.Sequential(
        [
            keras.Input((6,)),
            k.Normalization(),
            k.Rescaling(0.5, 0.1),
            k.Dense(5, "relu", kernel_regularizer="l2"),
            k.Dropout(0.3),
            k.BatchNormalization(),
            keras.Sequential([dense, k.PReLU(), k.BatchNormalization(), k.LayerNormalization()]),
            k.Dense(3),
            k.LeakyReLU(),
            k.Dense(2, keras.activations.softmax, use_bias=False),
        ]
    )
    dense.trainable = False
    x = keras.Input((6,))
    functional = keras.Model(x, k.Dense(2, "gelu")(k.Flatten()(k.Reshape((2, 2))(k.Dense(4, "tanh")(x)))))
    random = np.random.default_rng(0)
    data = random.normal(size=(16, 6)).astype("float32")
    for one in (source, functional):
        one.compile(keras.optimizers.Adam(0.01), keras.losses.Huber(0.5), metrics=["mae"])
        one.fit(data, random.uniform(size=(16, 2)), verbose=0)
        expected = one.predict(data, verbose=0)
        for name in ("m.keras", "m.h5"):
            one.save(tmp_path / name)
            read = read_model(tmp_path / name)
            np.testing.assert_allclose(read.predict(data, verbose=0), expected, 1e-5, 1e-6)
            assert read.optimizer.learning_rate == pytest.approx(0.01)
        one.save_weights(tmp_path / "w.weights.h5")
        read.set_weights([w * 0 for w in read.get_weights()])
        read_weights(read, tmp_path / "w.weights.h5")
        np.testing.assert_allclose(read.predict(data, verbose=0), expected, 1e-5, 1e-6)


@pytest.mark.filterwarnings("ignore")
def test_a_lambda_of_keras(tmp_path, keras):
    source = keras.Sequential([keras.Input((2,)), keras.layers.Lambda(lambda x: x + 1), keras.layers.Dense(1)])
    source.save(tmp_path / "m.keras")
    with pytest.raises(ModelFileError, match="Lambda"):
        read_model(tmp_path / "m.keras")
