"""Models to train many of, each made as often as it is asked for."""

import numpy as np

import fastbp as bp

X = np.random.default_rng(0).uniform(-1, 1, (70, 5)).astype("f")
Y = (0.5 + 0.4 * np.sin(3 * X[:, :1]) * X[:, 1:2]).astype("f")
LABELS = (X[:, 0] > 0).astype(np.int64)
WEIGHTS = np.random.default_rng(1).uniform(0.1, 2, 70)


def ratio(y_true, y_pred):
    return (y_pred[:, 0] - y_true[:, 0]) ** 2 / (1 + y_true[:, 0])


# What tells one kind of network from another: layers, settings of compile, settings of the model.
LAYERS = {
    "plain": lambda: [bp.Dense(9, "tanh"), bp.Dense(1)],
    "deep": lambda: [bp.Dense(33, "relu"), bp.Dense(17, "gelu", use_bias=False), bp.Dense(5, "sigmoid"), bp.Dense(1)],
    "formula": lambda: [bp.Dense(7, lambda z: np.exp(-(z**2))), bp.Dense(1)],
    "noise": lambda: [bp.Dense(20, "relu"), bp.layers.Dropout(0.3), bp.layers.GaussianNoise(0.1), bp.Dense(1)],
    "norms": lambda: [
        bp.Dense(12),
        bp.layers.LayerNormalization(),
        bp.layers.PReLU(),
        bp.Dense(6, "glu"),
        bp.layers.BatchNormalization(),
        bp.Dense(1),
    ],
    "rules": lambda: [
        bp.Dense(9, "tanh", kernel_regularizer=bp.regularizers.L2(0.01), kernel_constraint=bp.constraints.MaxNorm(1.0)),
        bp.Dense(1, activity_regularizer=bp.regularizers.L1(0.01)),
    ],
    "frozen": lambda: [bp.Dense(9, "tanh", trainable=False), bp.Dense(1)],
    "logits": lambda: [bp.Dense(8, "tanh"), bp.Dense(1, "sigmoid")],
    "classes": lambda: [bp.Dense(8, "tanh"), bp.Dense(2, "softmax")],
}
OPTIMIZERS = {
    "adam": lambda rate: bp.Adam(rate),
    "sgd": lambda rate: bp.SGD(rate),
    "momentum": lambda rate: bp.SGD(rate, momentum=0.9, nesterov=True, weight_decay=0.01),
    "nadam": lambda rate: bp.Nadam(rate),
    "clipped": lambda rate: bp.Adam(rate, clipnorm=0.1),
    "added": lambda rate: bp.Adam(rate, gradient_accumulation_steps=3),
    "averaged": lambda rate: bp.Adam(rate, use_ema=True, ema_momentum=0.9),
    "adagrad": lambda rate: bp.Adagrad(rate, initial_accumulator_value=0.2),
    "schedule": lambda rate: bp.optimizers.RMSprop(bp.optimizers.schedules.ExponentialDecay(rate, 5, 0.8)),
}


def made(layers="plain", optimizer="adam", seed=0, loss=None, rate=0.01, metrics=None, **settings):
    model = bp.Sequential(LAYERS[layers](), seed=seed, **settings)
    default = {"logits": "binary_crossentropy", "classes": "sparse_categorical_crossentropy"}.get(layers, "mse")
    model.compile(OPTIMIZERS[optimizer](rate), loss or default, metrics=metrics)
    return model


def named(case):
    """A case as text, the same in each process."""
    return ",".join(f"{key}={getattr(value, '__name__', value)}" for key, value in case.items()) or "plain"


def state(model):
    """All that training changes, as bytes."""
    record = model._training_record()
    arrays = [*model.get_weights(), *(array for slot in record.slots for array in slot), record.running_products]
    return [array.tobytes() for array in arrays], record.generator, record.steps, model.optimizer.iterations


def assert_same(member, model):
    """A member has become what a model has that was trained alone."""
    assert member.error is None, member.error
    assert member.history.history == model.history.history
    assert member.history.epoch == model.history.epoch
    assert member.history.epochs_of == model.history.epochs_of
    assert {**member.history.params, "verbose": 0} == {**model.history.params, "verbose": 0}
    assert member.model.history is member.history
    assert member.model.stop_training == model.stop_training
    assert state(member.model) == state(model)
