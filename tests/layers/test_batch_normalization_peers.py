"""BatchNormalization over several steps, beside PyTorch and Keras: the same weights, moving statistics and predictions."""

import numpy as np
import pytest

import fastbp
from fastbp import Dense, Input, Sequential
from fastbp.layers import Activation, BatchNormalization
from gradcheck import relative_error

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # of Keras's calls of NumPy

X = np.random.default_rng(0).normal(size=(70, 5)) * 3 + 1
Y = np.random.default_rng(1).random((70, 2))
EPOCHS, BATCH = 4, 32  # the last batch has 6 rows


def ours(momentum, epsilon, first):
    layers = [Dense(8, use_bias=False), BatchNormalization(momentum=momentum, epsilon=epsilon), Activation("tanh")]
    layers += [Dense(6, "relu"), BatchNormalization(scale=False), Dense(2)]
    layers = [BatchNormalization(), *layers] if first else layers
    model = Sequential([Input((5,)), *layers], seed=0, dtype="float64")
    model.compile(fastbp.SGD(0.1), "mse")
    return model


@pytest.mark.parametrize("first", [False, True])
def test_keras(first):
    keras = pytest.importorskip("keras")
    model, l = ours(0.8, 0.01, first), keras.layers  # noqa: E741
    layers = [l.Dense(8, use_bias=False), l.BatchNormalization(momentum=0.8, epsilon=0.01), l.Activation("tanh")]
    layers += [l.Dense(6, "relu"), l.BatchNormalization(scale=False), l.Dense(2)]
    theirs = keras.Sequential([keras.Input((5,)), *([l.BatchNormalization()] if first else []), *layers])
    theirs.set_weights(model.get_weights())
    theirs.compile(keras.optimizers.SGD(0.1), "mse")
    history = model.fit(X, Y, BATCH, EPOCHS, 0, shuffle=False).history["loss"]
    losses = theirs.fit(X, Y, BATCH, EPOCHS, 0, shuffle=False).history["loss"]
    assert history == pytest.approx([float(loss) for loss in losses], rel=1e-4)
    for mine, other in zip(model.get_weights(), theirs.get_weights(), strict=True):
        assert relative_error(mine, other, floor=1e-3) < 1e-4  # the first beta does not matter: the next mean takes it away
    assert relative_error(model.predict(X), theirs.predict(X, verbose=0)) < 1e-4
    assert model.evaluate(X, Y, verbose=0) == pytest.approx(theirs.evaluate(X, Y, verbose=0), rel=1e-4)
    assert [w.name for w in model.layers[1].weights] == [w.name for w in theirs.layers[1].weights]
    config, theirs_config = BatchNormalization().get_config(), l.BatchNormalization().get_config()
    assert config.keys() == theirs_config.keys()
    plain = [key for key, value in theirs_config.items() if not isinstance(value, dict) and key not in ("name", "dtype")]
    assert {key: config[key] for key in plain} == {key: theirs_config[key] for key in plain}
    copied = fastbp.layers.deserialize(keras.layers.serialize(l.BatchNormalization(momentum=0.3, scale=False)))
    assert copied.momentum == 0.3 and not copied.scale


def test_pytorch():
    """Whose moving variance alone is another: that of the population, n / (n - 1) times that of the batch."""
    torch = pytest.importorskip("torch")
    model = ours(0.8, 0.01, False)
    net = torch.nn.Sequential(
        torch.nn.Linear(5, 8, bias=False),
        torch.nn.BatchNorm1d(8, eps=0.01, momentum=0.2),
        torch.nn.Tanh(),
        torch.nn.Linear(8, 6),
        torch.nn.ReLU(),
        torch.nn.BatchNorm1d(6, eps=1e-3, momentum=0.01),
        torch.nn.Linear(6, 2),
    ).double()
    weights = [torch.from_numpy(w.T if w.ndim == 2 else w) for w in model.get_weights()]
    kernel, gamma, beta, _, _, kernel_2, bias_2, beta_2, _, _, kernel_3, bias_3 = weights
    parameters = [kernel, gamma, beta, kernel_2, bias_2, torch.ones(6), beta_2, kernel_3, bias_3]
    with torch.no_grad():
        for parameter, value in zip(net.parameters(), parameters, strict=True):
            parameter.copy_(value)
    net[5].weight.requires_grad_(False)
    optimizer, x, y = torch.optim.SGD(net.parameters(), 0.1), torch.from_numpy(X), torch.from_numpy(Y)
    losses = []
    for _ in range(EPOCHS):
        total = 0.0
        for start in range(0, len(X), BATCH):
            rows = slice(start, start + BATCH)
            optimizer.zero_grad()
            loss = torch.nn.functional.mse_loss(net(x[rows]), y[rows])
            loss.backward()
            optimizer.step()
            total += loss.item() * len(x[rows])
        losses.append(total / len(X))
    assert model.fit(X, Y, BATCH, EPOCHS, 0, shuffle=False).history["loss"] == pytest.approx(losses, rel=1e-9)
    found = [w.T if w.ndim == 2 else w for w in model.get_weights()]
    learnt = [found[i] for i in (0, 1, 2, 5, 6)] + [np.ones(6)] + [found[i] for i in (7, 10, 11)]
    for mine, other in zip(learnt, net.parameters(), strict=True):
        assert relative_error(mine, other.detach().numpy()) < 1e-9
    assert relative_error(found[3], net[1].running_mean.numpy()) < 1e-9
    assert relative_error(found[8], net[5].running_mean.numpy()) < 1e-9
