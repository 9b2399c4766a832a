"""Models of all kinds, to be saved, copied and gone on with."""

import numpy as np

import fastbp
from fastbp import Dense, Input, Sequential, layers, optimizers

RNG = np.random.default_rng(7)
X = RNG.normal(size=(70, 6)).astype("float32")
Y = np.stack([np.sin(X[:, 0]), X[:, 1] * X[:, 2], X.sum(axis=1)], axis=1).astype("float32")


def pinball(y_true, y_pred, level=0.8):
    error = y_true - y_pred
    return fastbp.mean(fastbp.maximum(level * error, (level - 1) * error), axis=-1)


def gaussian(z):
    return fastbp.exp(-(z**2))


def cubed(y_true, y_pred):
    return np.mean(np.abs(y_true - y_pred) ** 3, axis=-1)


def falling(step):
    return 0.02 / (1 + 0.1 * step)


def dense(optimizer="adam", loss="mse", metrics=("mae",), **settings):
    model = Sequential([Dense(9, "tanh"), Dense(5, "relu"), Dense(3)], seed=1, **settings)
    model.compile(optimizer, loss, metrics=list(metrics))
    return model


def of_layers(*chosen, **settings):
    model = Sequential([*chosen, Dense(3)], seed=2, **settings)
    model.compile(optimizers.Adam(0.01), "mse", metrics=["mae", "cosine_similarity"])
    return model


def without_decay():
    model = dense(optimizers.AdamW(0.01, weight_decay=0.1))
    model.optimizer.exclude_from_weight_decay(var_names=["bias"])
    return model


def functional():
    x = Input((6,), name="table")
    code = Dense(4, "tanh", name="code")(x)
    model = fastbp.Model(x, Dense(3)(code), seed=3, name="chain")
    model.compile("nadam", "mae")
    return model


def nested():
    encoder = Sequential([Dense(5, "tanh"), Dense(4, "relu")], name="encoder")
    model = Sequential([Input((6,)), encoder, Dense(3)], seed=4)
    model.compile(optimizers.SGD(0.05, momentum=0.9), "mse")
    return model


def frozen():
    model = Sequential([Input((6,)), Dense(8, "tanh", trainable=False), Dense(3)], seed=5)
    model.compile("adam", "mse")
    return model


MODELS = {
    "adam": dense,
    "float64": lambda: dense(dtype="float64"),
    "sgd": lambda: dense(optimizers.SGD(0.01)),
    "rmsprop": lambda: dense(optimizers.RMSprop(0.01, momentum=0.5, centered=True)),
    "adagrad": lambda: dense(optimizers.Adagrad(0.01, initial_accumulator_value=0.3, epsilon=0.0)),
    "adadelta": lambda: dense("adadelta"),
    "adamax": lambda: dense("adamax"),
    "amsgrad": lambda: dense(optimizers.Adam(0.01, amsgrad=True)),
    "lion": lambda: dense("lion"),
    "averaged": lambda: dense(optimizers.Adam(0.01, use_ema=True, gradient_accumulation_steps=3)),
    "clipped": lambda: dense(optimizers.Adam(0.01, clipnorm=0.1, use_ema=True, ema_overwrite_frequency=4)),
    "schedule": lambda: dense(optimizers.Adam(optimizers.schedules.CosineDecay(0.02, 40))),
    "without decay": without_decay,
    "formulas": lambda: of_layers(Dense(7, gaussian)),
    "custom loss": lambda: dense(optimizers.Adam(falling), pinball),
    "normalized": lambda: of_layers(Dense(8), layers.BatchNormalization(), layers.ReLU(), layers.LayerNormalization()),
    "noisy": lambda: of_layers(layers.GaussianNoise(0.1), Dense(8, "relu"), layers.Dropout(0.3)),
    "prelu": lambda: of_layers(Dense(8), layers.PReLU(), layers.UnitNormalization()),
    "penalties": lambda: of_layers(Dense(6, "tanh", kernel_regularizer="l2", kernel_constraint="max_norm")),
    "functional": functional,
    "nested": nested,
    "frozen": frozen,
    "alignment": lambda: dense(feedback="alignment"),
    "direct": lambda: dense(feedback="direct"),
    "sign": lambda: dense(feedback="sign"),
}


def trained(name, epochs=2):
    model = MODELS[name]()
    model.fit(X, Y, batch_size=16, epochs=epochs, verbose=0)
    return model


def assert_same(one, other):
    """That two models have the same weights, to the last bit, and go on alike."""
    for again in range(2):
        assert all(a.tobytes() == b.tobytes() for a, b in zip(one.get_weights(), other.get_weights(), strict=True))
        assert one.predict(X).tobytes() == other.predict(X).tobytes()
        if again or one.optimizer is None:
            return
        histories = [model.fit(X, Y, batch_size=16, epochs=2, verbose=0).history for model in (one, other)]
        assert histories[0] == histories[1]
        assert one.optimizer.iterations == other.optimizer.iterations
