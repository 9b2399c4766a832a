"""Penalties and constraints as Keras and PyTorch have them."""

import json

import numpy as np
import pytest

import fastbp

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # of Keras

X = np.random.default_rng(0).normal(size=(60, 6)).astype("float32")
Y = np.random.default_rng(1).normal(size=(60, 3)).astype("float32")
SETTINGS = {
    "l1": lambda bp: {"kernel_regularizer": "l1", "bias_regularizer": "l1"},
    "l2": lambda bp: {"kernel_regularizer": bp.regularizers.L2(0.02), "bias_regularizer": bp.regularizers.l2(0.1)},
    "both": lambda bp: {"kernel_regularizer": bp.regularizers.L1L2(0.01, 0.02), "bias_regularizer": bp.regularizers.l1_l2(0.1)},
    "activity": lambda bp: {"activity_regularizer": bp.regularizers.L1L2(0.01, 0.02)},
    "max_norm": lambda bp: {"kernel_constraint": bp.constraints.MaxNorm(0.8), "bias_constraint": bp.constraints.max_norm(0.1)},
    "max_norm of rows": lambda bp: {"kernel_constraint": bp.constraints.MaxNorm(0.8, axis=1)},
    "non_neg": lambda bp: {"kernel_constraint": "non_neg", "bias_constraint": bp.constraints.NonNeg()},
    "unit_norm": lambda bp: {"kernel_constraint": "unit_norm", "bias_constraint": bp.constraints.UnitNorm()},
    "min_max_norm": lambda bp: {"kernel_constraint": bp.constraints.MinMaxNorm(0.5, 0.9, 0.4)},
    "all": lambda bp: {
        "kernel_regularizer": "l2",
        "activity_regularizer": "l1",
        "kernel_constraint": bp.constraints.MaxNorm(1.0),
        "bias_constraint": "non_neg",
    },
}


def stack(bp, rules):
    return [
        bp.layers.Input((6,)),
        bp.layers.Dense(20, "tanh", **rules),
        bp.layers.ActivityRegularization(0.01, 0.02),
        bp.layers.Dense(16, **rules),
        bp.layers.PReLU(alpha_regularizer="l2", alpha_constraint="non_neg", activity_regularizer="l2"),
        bp.layers.Dense(3, **rules),
    ]


@pytest.mark.parametrize(("name", "optimizer"), list(zip(SETTINGS, ["sgd", "adam"] * 5, strict=True)))
def test_losses_and_weights_of_a_fit(name, optimizer):
    keras = pytest.importorskip("keras")
    ours, theirs = (bp.Sequential(stack(bp, SETTINGS[name](bp))) for bp in (fastbp, keras))
    weights = [w + 0.1 * np.random.default_rng(2).normal(size=w.shape) for w in theirs.get_weights()]
    histories = []
    for model in (ours, theirs):
        model.compile(optimizer, "mse", metrics=["mae"])
        model.optimizer.learning_rate = 0.02
        model.set_weights(weights)
        fit = model.fit(X, Y, batch_size=16, epochs=3, shuffle=False, verbose=0, validation_data=(X[:9], Y[:9]))
        histories.append(fit.history)
    for key in histories[1]:
        assert histories[0][key] == pytest.approx(histories[1][key], rel=1e-5), key
    for one, other in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        assert one == pytest.approx(other, abs=1e-4)


@pytest.mark.parametrize("name", SETTINGS)
def test_models_of_keras_are_read_and_written(name):
    keras = pytest.importorskip("keras")
    theirs = keras.Sequential(stack(keras, SETTINGS[name](keras)))
    read = fastbp.models.model_from_json(theirs.to_json())
    again = fastbp.models.model_from_json(read.to_json())
    written = keras.models.model_from_json(again.to_json())
    for other in (read, again, written):
        for layer, expected in zip(other.layers, theirs.layers, strict=True):
            assert plain(layer.get_config()) == plain(expected.get_config())


def plain(config):
    """Regularizers and constraints of a layer, as JSON, numbers as float32 has them."""
    kept = {key: value for key, value in config.items() if key.endswith(("regularizer", "constraint")) or key in ("l1", "l2")}
    found = {}
    for key, value in json.loads(json.dumps(kept)).items():
        settings = value["config"] if isinstance(value, dict) else value
        if isinstance(settings, dict):
            settings = {name: float(np.float32(number)) for name, number in settings.items()} | {"class": value["class_name"]}
        if settings is not None:
            found[key] = settings
    return found


def test_a_penalty_as_a_part_of_the_loss_of_pytorch():
    torch = pytest.importorskip("torch")
    rules = {"kernel_regularizer": fastbp.regularizers.L1L2(0.02, 0.05), "bias_regularizer": "l2", "activity_regularizer": "l1"}
    model = fastbp.Sequential(
        [fastbp.Input((6,)), fastbp.Dense(20, "tanh", **rules), fastbp.Dense(3, **rules)], dtype="float64"
    )
    model.compile("sgd", "mse")
    weights = [torch.tensor(w + 0.1, requires_grad=True) for w in model.get_weights()]
    model.set_weights([w.detach().numpy() for w in weights])
    hidden = torch.tanh(torch.tensor(X, dtype=torch.float64) @ weights[0] + weights[1])
    output = hidden @ weights[2] + weights[3]
    loss = torch.mean((output - torch.tensor(Y)) ** 2)
    loss = loss + 0.01 * (hidden.abs().sum() + output.abs().sum()) / len(X)
    for kernel, bias in (weights[:2], weights[2:]):
        loss = loss + 0.02 * kernel.abs().sum() + 0.05 * (kernel**2).sum() + 0.01 * (bias**2).sum()
    loss.backward()
    value, gradients = model.value_and_gradient(X, Y)
    assert value == pytest.approx(loss.item(), rel=1e-12)
    for found, weight in zip(gradients, weights, strict=True):
        assert found == pytest.approx(weight.grad.numpy(), rel=1e-10, abs=1e-14)
