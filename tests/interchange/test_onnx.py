"""Networks as ONNX files, which onnxruntime computes with, and back."""

import contextlib

import numpy as np
import pytest

import fastbp
from interchange_networks import activated, all_activations, all_layers, model_of, rows, samples_for

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")


def outputs(path, x):
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    return session.run(None, {"x": x})[0]


@pytest.mark.parametrize("name", all_activations())
def test_every_activation(tmp_path, name):
    model, x = activated(all_activations()[name]), samples_for(name)
    model.export_onnx(tmp_path / "net.onnx")
    onnx.checker.check_model(str(tmp_path / "net.onnx"), full_check=True)
    np.testing.assert_allclose(outputs(tmp_path / "net.onnx", x), model.predict(x, verbose=0), 1e-5, 1e-5)


@pytest.mark.parametrize("name", all_layers())
def test_every_layer(tmp_path, name):
    model, x = model_of(all_layers()[name]), rows()
    model.export_onnx(tmp_path / "net.onnx")
    np.testing.assert_allclose(outputs(tmp_path / "net.onnx", x), model.predict(x, verbose=0), 1e-5, 1e-5)


def there_and_back(model, path):
    model.export_onnx(path)
    back = fastbp.from_onnx(path)
    assert back.input_shape == model.input_shape and back.dtype == model.dtype
    return back


@pytest.mark.parametrize("name", all_activations())
def test_activations_come_back(tmp_path, name):
    model, x = activated(all_activations()[name]), samples_for(name)
    back = there_and_back(model, tmp_path / "net.onnx")
    np.testing.assert_allclose(back.predict(x, verbose=0), model.predict(x, verbose=0), 1e-5, 1e-5)


@pytest.mark.parametrize("name", all_layers())
def test_layers_come_back(tmp_path, name):
    model, x = model_of(all_layers()[name]), rows()
    back = there_and_back(model, tmp_path / "net.onnx")
    np.testing.assert_allclose(back.predict(x, verbose=0), model.predict(x, verbose=0), 1e-5, 1e-5)


def test_layers_come_back_as_themselves(tmp_path):
    """With their names and settings, not only as what they compute."""
    made = [
        fastbp.Dense(8, "elu"),
        fastbp.layers.LayerNormalization(epsilon=1e-4),
        fastbp.Dense(8, use_bias=False),
        fastbp.layers.BatchNormalization(),
        fastbp.layers.LeakyReLU(0.2),
        fastbp.Dense(8, "sparsemax"),
        fastbp.layers.RMSNormalization(),
        fastbp.layers.PReLU(),
        fastbp.layers.Activation("glu"),
        fastbp.layers.UnitNormalization(),
        fastbp.Dense(3, "softmax"),
    ]
    model = model_of(made)
    back = there_and_back(model, tmp_path / "net.onnx")
    kinds = [layer.kind for layer in back.layers if layer.kind != "activation"]
    assert kinds == [layer.kind for layer in model.layers if layer.kind not in ("activation", "leaky_re_lu")]
    names = [layer.activation.name for layer in back.layers if layer.kind == "activation"]
    assert names == ["elu", "leaky_relu", "sparsemax", "glu", "softmax"]
    assert back.layers[2].epsilon == pytest.approx(1e-4)
    for mine, others in zip(back.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(mine, others)


# -- files of others, and bad ones


def file_of(path, nodes, arrays, width=3, domain="", outputs=("y",)):
    h = onnx.helper
    kind = onnx.TensorProto.FLOAT
    values = [onnx.numpy_helper.from_array(np.asarray(a), name) for name, a in arrays.items()]
    graph = h.make_graph(
        [h.make_node(*node[:3], domain=domain, **(node[3] if len(node) > 3 else {})) for node in nodes],
        "graph",
        [h.make_tensor_value_info("x", kind, ["n", width])],
        [h.make_tensor_value_info(name, kind, ["n", "units"]) for name in outputs],
        values,
    )
    imports = [h.make_opsetid("", 18), *([h.make_opsetid(domain, 1)] if domain else [])]
    path.write_bytes(h.make_model(graph, opset_imports=imports, ir_version=8).SerializeToString())
    return path


F = np.float32
K = np.arange(6, dtype=F).reshape(3, 2) / 10
FOREIGN = {
    "torch": ([("Gemm", ["x", "k", "b"], ["y"], {"transB": 1, "alpha": 0.5, "beta": 2.0})], {"k": K.T.copy(), "b": F([1, 2])}),
    "tensorflow": ([("MatMul", ["x", "k"], ["z"]), ("Add", ["b", "z"], ["y"])], {"k": K, "b": F([1, 2])}),
    "row": ([("MatMul", ["x", "k"], ["z"]), ("Add", ["z", "b"], ["y"])], {"k": K, "b": F([[1, 2]])}),
    "swish": (
        [("MatMul", ["x", "k"], ["z"]), ("Sigmoid", ["z"], ["s"]), ("Mul", ["z", "s"], ["y"])],
        {"k": K},
    ),
    "hard swish": (
        [
            ("MatMul", ["x", "k"], ["z"]),
            ("Add", ["z", "three"], ["a"]),
            ("Clip", ["a", "zero", "six"], ["c"]),
            ("Mul", ["z", "c"], ["m"]),
            ("Div", ["m", "six"], ["y"]),
        ],
        {"k": K, "three": F(3), "zero": F(0), "six": F([6])},
    ),
    "scaled": (
        [
            ("Sub", ["x", "m"], ["a"]),
            ("Mul", ["a", "s"], ["b"]),
            ("Add", ["b", "t"], ["c"]),
            ("MatMul", ["c", "k"], ["y"]),
        ],
        {"k": K, "m": F([1, 2, 3]), "s": F([-1, 2, 0.5]), "t": F([0, 1, 2])},
    ),
    "times then minus": (
        [("Mul", ["x", "s"], ["b"]), ("Sub", ["b", "t"], ["c"]), ("MatMul", ["c", "k"], ["y"])],
        {"k": K, "s": F([-1, 2, 0.5]), "t": F([0, 1, 2])},
    ),
    "plus": ([("Add", ["x", "t"], ["c"]), ("MatMul", ["c", "k"], ["y"])], {"k": K, "t": F([0, 1, 2])}),
    "operators with settings": (
        [
            ("MatMul", ["x", "k"], ["a"]),
            ("LeakyRelu", ["a"], ["b"]),
            ("HardSigmoid", ["b"], ["c"], {"alpha": 0.3}),
            ("Elu", ["c"], ["d"], {"alpha": 0.5}),
            ("ThresholdedRelu", ["d"], ["e"], {"alpha": 0.4}),
            ("Selu", ["e"], ["f"]),
            ("Mish", ["f"], ["g"]),
            ("Reciprocal", ["g"], ["h"]),
            ("Max", ["h", "one", "two"], ["y"]),
        ],
        {"k": K, "one": F(0.1), "two": F(0.2)},
    ),
    "slopes": ([("MatMul", ["x", "k"], ["a"]), ("PRelu", ["a", "s"], ["y"])], {"k": K - F(0.3), "s": F([0.2])}),
}


@pytest.mark.parametrize("name", FOREIGN)
def test_files_of_others(tmp_path, name):
    path = file_of(tmp_path / "net.onnx", *FOREIGN[name])
    x = np.random.default_rng(0).normal(size=(20, 3)).astype(F)
    np.testing.assert_allclose(fastbp.from_onnx(path).predict(x, verbose=0), outputs(path, x), 1e-5, 1e-6)


REFUSED = {
    "branch": (
        [("MatMul", ["x", "k"], ["a"]), ("MatMul", ["x", "k"], ["b"]), ("Add", ["a", "b"], ["y"])],
        {"k": K},
        "MatMul",
    ),
    "two tensors": ([("MatMul", ["x", "k"], ["a"]), ("Mul", ["a", "x"], ["y"])], {"k": np.eye(3, dtype=F)}, "Mul|MatMul"),
    "operator": ([("Conv", ["x", "k"], ["y"])], {"k": K}, "Conv"),
    "softmax of columns": ([("Softmax", ["x"], ["y"], {"axis": 0})], {}, "another axis"),
    "wrong width": ([("MatMul", ["x", "k"], ["y"])], {"k": K.T.copy()}, "a sample has 3 numbers"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused(tmp_path, name):
    nodes, arrays, part = REFUSED[name]
    with pytest.raises(fastbp.ModelFileError, match=part):
        fastbp.from_onnx(file_of(tmp_path / "net.onnx", nodes, arrays))


def test_bad_files(tmp_path):
    path = tmp_path / "net.onnx"
    model_of([fastbp.Dense(3)]).export_onnx(path)
    whole = path.read_bytes()
    for content in (b"", b"PK\x03\x04", whole[: len(whole) // 2], whole[:-5], np.random.default_rng(0).bytes(500)):
        path.write_bytes(content)
        with pytest.raises(fastbp.ModelFileError):
            fastbp.from_onnx(path)
    with pytest.raises(FileNotFoundError):
        fastbp.from_onnx(tmp_path / "no.onnx")
    with pytest.raises(fastbp.ModelFileError, match="does not know|damaged"):
        fastbp.from_onnx(file_of(path, [("Evil", ["x"], ["y"])], {}, domain="other"))


def test_weights_in_other_files(tmp_path):
    path = tmp_path / "net.onnx"
    model_of([fastbp.Dense(300)]).export_onnx(path)
    onnx.save_model(onnx.load(path), path, save_as_external_data=True, location="secret.bin", size_threshold=10)
    with pytest.raises(fastbp.ModelFileError):
        fastbp.from_onnx(path)


def test_changed_bytes(tmp_path):
    """A file with a byte changed is read, or refused as a whole."""
    path, random = tmp_path / "net.onnx", np.random.default_rng(0)
    model_of([fastbp.Dense(4, "gelu"), fastbp.layers.RMSNormalization(), fastbp.Dense(2, "tanh")]).export_onnx(path)
    whole = path.read_bytes()
    for _ in range(200):
        content = bytearray(whole)
        content[random.integers(len(content))] = random.integers(256)
        path.write_bytes(content)
        with contextlib.suppress(fastbp.ModelFileError):
            fastbp.from_onnx(path)


@pytest.mark.parametrize("name", ["relu", "tanh", "silu", "hard_shrink", "softmax"])
def test_double(tmp_path, name):
    model, x = activated(all_activations()[name], "float64"), samples_for(name, dtype="float64")
    back = there_and_back(model, tmp_path / "net.onnx")
    np.testing.assert_allclose(back.predict(x, verbose=0), model.predict(x, verbose=0), 1e-12, 1e-12)
    np.testing.assert_allclose(outputs(tmp_path / "net.onnx", x), model.predict(x, verbose=0), 1e-6, 1e-6)


def test_samples_of_several_axes(tmp_path):
    model = fastbp.Sequential([fastbp.layers.Flatten(input_shape=(2, 3)), fastbp.Dense(4)])
    x = np.random.default_rng(0).normal(size=(5, 2, 3)).astype(F)
    back = there_and_back(model, tmp_path / "net.onnx")
    np.testing.assert_allclose(outputs(tmp_path / "net.onnx", x), model.predict(x, verbose=0), 1e-5, 1e-6)
    np.testing.assert_array_equal(back.predict(x, verbose=0), model.predict(x, verbose=0))


def test_a_model_that_is_not_built(tmp_path):
    with pytest.raises(ValueError, match="export_onnx needs a built model"):
        fastbp.Sequential([fastbp.Dense(1)]).export_onnx(tmp_path / "net.onnx")
