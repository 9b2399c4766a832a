"""Networks as ONNX files, which onnxruntime computes with, and back."""

import numpy as np
import pytest
from interchange_networks import activated, all_activations, all_layers, model_of, rows, samples_for

import fastbp

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
