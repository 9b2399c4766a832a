"""Networks of every kind of layer and activation, for the tests of what takes networks elsewhere."""

import numpy as np

import fastbp
from fastbp import activations, layers
from fastbp.activations.kinds import KINDS, REQUIRED

SETTINGS = {
    "threshold": [{"threshold": 0.3, "default_value": -2.0}],
    "relu": [{"negative_slope": 0.1}, {"max_value": 0.5}, {"max_value": 1.0, "negative_slope": 0.2, "threshold": 0.25}],
    "leaky_relu": [{"negative_slope": 0.05}],
    "elu": [{"alpha": 0.5}],
    "celu": [{"alpha": 0.5}],
    "squareplus": [{"b": 2.0}],
    "gelu": [{"approximate": True}],
    "hard_shrink": [{"threshold": 0.1}],
    "soft_shrink": [{"threshold": 0.1}],
}


def all_activations():
    """Each activation with its defaults, and some with other settings; by name."""
    found = {}
    for name, kind in KINDS.items():
        if REQUIRED not in kind.defaults.values():
            found[name] = getattr(activations, name)
        for i, settings in enumerate(SETTINGS.get(name, ())):
            found[f"{name}-{i + 1}"] = getattr(activations, name)(**settings)
    return found


class Wave:
    """A formula of one's own, which pickle can take."""

    def __call__(self, z):
        return np.where(z > 0.1, np.sin(3 * z) + np.log1p(np.abs(z)), np.minimum(z * 0.3, -0.2) * fastbp.erf(z))


def normalization(*, axis=-1, given=False, invert=False):
    if given:
        return layers.Normalization(mean=[0.5] * 6, variance=[2.0, 0.5, 1.0, 1e-20, 3.0, 0.25], invert=invert)
    layer = layers.Normalization(axis=axis, invert=invert)
    layer.adapt(np.random.default_rng(1).normal(1, 2, (50, 6)))
    return layer


def all_layers(dtype="float32"):
    """Lists of layers for six inputs, by name."""
    return {
        "dense": [fastbp.Dense(4)],
        "without bias": [fastbp.Dense(4, "tanh", use_bias=False), fastbp.Dense(3)],
        "custom": [fastbp.Dense(5, Wave()), fastbp.Dense(2, Wave())],
        "activation": [layers.Activation("tanh"), fastbp.Dense(3), layers.Activation(Wave())],
        "softmax inside": [fastbp.Dense(5, "softmax"), fastbp.Dense(3, "log_softmax"), layers.Softmax()],
        "layers of activations": [
            fastbp.Dense(5),
            layers.ReLU(max_value=1.0, negative_slope=0.1),
            fastbp.Dense(5),
            layers.LeakyReLU(),
            fastbp.Dense(4),
            layers.ELU(0.7),
        ],
        "prelu": [layers.PReLU("glorot_uniform"), fastbp.Dense(4), layers.PReLU("glorot_uniform")],
        "layer norm": [fastbp.Dense(5), layers.LayerNormalization(), layers.ReLU(), fastbp.Dense(2)],
        "plain layer norm": [layers.LayerNormalization(center=False, scale=False), fastbp.Dense(2)],
        "scaled layer norm": [layers.LayerNormalization(center=False, epsilon=1e-5), fastbp.Dense(2)],
        "rms norm": [fastbp.Dense(5, "relu"), layers.RMSNormalization(), fastbp.Dense(2)],
        "unit norm": [fastbp.Dense(5), layers.UnitNormalization(), fastbp.Dense(2), layers.UnitNormalization()],
        "batch norm": [layers.BatchNormalization(), fastbp.Dense(5), layers.BatchNormalization(), fastbp.Dense(2, "tanh")],
        "plain batch norm": [layers.BatchNormalization(center=False, scale=False), fastbp.Dense(2)],
        "batch norm after relu": [fastbp.Dense(5, "relu"), layers.BatchNormalization(epsilon=1e-5), fastbp.Dense(2)],
        "rescaling": [layers.Rescaling(0.5, -1.0), fastbp.Dense(3)],
        "normalization": [normalization(), fastbp.Dense(3)],
        "one mean": [normalization(axis=None), fastbp.Dense(3)],
        "given normalization": [normalization(given=True), fastbp.Dense(6), normalization(given=True, invert=True)],
        "inverse": [fastbp.Dense(6), normalization(invert=True)],
        "glu": [fastbp.Dense(8, "glu"), layers.Activation("glu"), fastbp.Dense(2)],
        "noise": [
            layers.GaussianNoise(0.5),
            fastbp.Dense(5),
            layers.Dropout(0.5),
            layers.AlphaDropout(0.2),
            fastbp.Dense(2),
            layers.GaussianDropout(0.3),
        ],
        "nothing": [layers.Identity(), fastbp.Dense(3), layers.ActivityRegularization(0.1)],
        "shapes": [layers.Reshape((2, 3)), layers.Flatten(), fastbp.Dense(3)],
        "within": [fastbp.Sequential([fastbp.Dense(5, "relu"), layers.LayerNormalization()], dtype=dtype), fastbp.Dense(2)],
    }


def model_of(layers, dtype="float32", seed=0, inputs=6):
    """A built model whose weights are drawn at random, biases and statistics too."""
    model = fastbp.Sequential([fastbp.Input((inputs,)), *layers], seed=seed, dtype=dtype)
    random = np.random.default_rng(seed)
    for weight in model.weights:
        if weight.name in ("bias", "beta", "gamma", "moving_mean", "alpha", "scale"):
            weight.assign(random.uniform(-1, 1, weight.shape))
        elif weight.name == "moving_variance":
            weight.assign(random.uniform(0.1, 3, weight.shape))
    return model


def activated(activation, dtype="float32"):
    """A network that has an activation within it, and at its end, where large numbers come to it."""
    return model_of([fastbp.Dense(8, activation), fastbp.Dense(4), layers.Activation(activation)], dtype)


def samples_for(name, **settings):
    """``rows``, but for what multiplies errors of rounding."""
    x = rows(**settings)
    return np.clip(x, -1, 1) if "exponential" in name else x


def rows(count=40, inputs=6, dtype="float32"):
    """Samples of many sizes, with zeros and the borders of pieces among them."""
    random = np.random.default_rng(7)
    x = random.normal(size=(count, inputs)) * 10.0 ** random.uniform(-2, 1, (count, 1))
    x[:2] = np.array([[0], [1]])[:count]
    return x.astype(dtype)
