"""A metric that is a function of targets and predictions, beside those that have names and classes."""

import json

import keras
import numpy as np
from keras import ops
from keras.layers import Dense


def within_ten_percent(y_true, y_pred):
    return ops.mean(ops.cast(ops.abs(y_pred - y_true) < 0.1 * ops.abs(y_true), "float32"), axis=-1)


def spread(y_true, y_pred):
    return ops.mean(ops.square(y_pred - 1.5), axis=-1)


rng = np.random.default_rng(19)
x = rng.uniform(0, 1, (320, 4))
y = np.column_stack([2 + 3 * x[:, 0] * x[:, 1], 1 + 3 * x[:, 2] ** 2])
model = keras.Sequential([keras.Input((4,)), Dense(24, "tanh"), Dense(24, "tanh"), Dense(2)])
model.set_weights([rng.normal(0, 0.3, w.shape) for w in model.get_weights()])
named = ["mape", keras.metrics.MeanSquaredLogarithmicError(), keras.metrics.R2Score(), "cosine_similarity"]
model.compile(keras.optimizers.Adam(0.02), "mse", metrics=[within_ten_percent, spread, *named])
history = model.fit(x, y, batch_size=40, epochs=8, validation_split=0.25, shuffle=False, verbose=0)
print(list(history.history))
print(json.dumps({**history.history, "test": model.evaluate(x, y, batch_size=40, verbose=0)}))
