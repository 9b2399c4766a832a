"""Networks as torch's modules, and back."""

import pickle

import numpy as np
import pytest

import fastbp
from interchange_networks import activated, all_activations, all_layers, model_of, samples_for

torch = pytest.importorskip("torch")
nn = torch.nn


def outputs(module, x):
    with torch.no_grad():
        return module(torch.from_numpy(x)).numpy()


def cases():
    found = {name: lambda a=activation, **s: activated(a, **s) for name, activation in all_activations().items()}
    del found["sparsemax"]
    for name in all_layers():
        found[name] = lambda n=name, dtype="float32": model_of(all_layers(dtype)[n], dtype)
    return found


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_there_and_back(dtype):
    for name, make in cases().items():
        model, x = make(dtype=dtype), samples_for(name, dtype=dtype)
        tolerance = 1e-5 if dtype == "float32" else 1e-10
        module = model.to_torch()
        assert isinstance(module, nn.Sequential) and not module.training
        expected = model.predict(x, verbose=0)
        np.testing.assert_allclose(outputs(module, x), expected, tolerance, tolerance, err_msg=name)
        back = fastbp.from_torch(pickle.loads(pickle.dumps(module)))
        assert back.dtype == dtype
        np.testing.assert_allclose(back.predict(x, verbose=0), expected, tolerance, tolerance, err_msg=name)


def test_sparsemax_is_refused():
    with pytest.raises(NotImplementedError, match="sparsemax"):
        model_of([fastbp.Dense(3, "sparsemax")]).to_torch()


def test_modules_are_torchs_own():
    module = model_of([fastbp.Dense(4, "relu"), fastbp.layers.LayerNormalization(), fastbp.Dense(2, "softmax")]).to_torch()
    assert [type(m).__name__ for m in module] == ["Linear", "ReLU", "LayerNorm", "Linear", "Softmax"]


def test_it_can_be_trained_further():
    model = model_of([fastbp.Dense(4, np.sin), fastbp.Dense(1)])
    module = model.to_torch()
    module(torch.ones(3, 6)).sum().backward()
    assert all(p.grad is not None for p in module.parameters())


def test_modules_of_torch():
    torch.manual_seed(0)
    norm = nn.BatchNorm1d(8, eps=1e-4, momentum=0.2)
    module = nn.Sequential(
        nn.Flatten(),
        nn.Linear(6, 8),
        norm,
        nn.Sequential(nn.ReLU6(), nn.Dropout(0.2), nn.Linear(8, 8, bias=False), nn.PReLU(), nn.Hardtanh(), nn.GLU()),
        nn.RMSNorm(4),
        nn.Linear(4, 3),
        nn.Softmax(dim=1),
    )
    module(torch.randn(50, 6))
    module.eval()
    x = np.random.default_rng(0).normal(size=(20, 6)).astype("float32")
    model = fastbp.from_torch(module)
    np.testing.assert_allclose(model.predict(x, verbose=0), outputs(module, x), 1e-5, 1e-6)
    layer = next(layer for layer in model.layers if layer.kind == "batch_normalization")
    assert layer.momentum == pytest.approx(0.8) and layer.epsilon == pytest.approx(1e-4)
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(x, np.zeros(20), verbose=0)


@pytest.mark.parametrize(
    ("module", "part"),
    [
        (nn.Conv1d(1, 1, 1), "Conv1d"),
        (nn.Softplus(beta=2), "beta must be 1"),
        (nn.Hardtanh(0, 1), "min_val"),
        (nn.Hardtanh(-1, 2), "Hardtanh"),
        (nn.Softmax(dim=0), "dim"),
        (nn.BatchNorm1d(6, track_running_stats=False), "running statistics"),
        (nn.LayerNorm((2, 3)), "one axis"),
        (nn.Bilinear(6, 6, 6), "Bilinear"),
    ],
)
def test_what_is_refused(module, part):
    with pytest.raises(ValueError, match=part):
        fastbp.from_torch(nn.Sequential(nn.Linear(6, 6), module))


def test_bad_arguments():
    with pytest.raises(TypeError, match="torch.nn.Sequential"):
        fastbp.from_torch(nn.Linear(2, 1))
    with pytest.raises(ValueError, match="float16"):
        fastbp.from_torch(nn.Sequential(nn.Linear(2, 1)).half())
    with pytest.raises(ValueError, match="how many inputs"):
        fastbp.from_torch(nn.Sequential(nn.ReLU()))


def test_a_class_of_the_same_name():
    class Linear(nn.Module):
        pass

    with pytest.raises(ValueError, match="cannot take"):
        fastbp.from_torch(nn.Sequential(Linear()))
