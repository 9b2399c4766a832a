"""A metric that is a function of targets and predictions, beside those that have names and classes."""

import json

import keras
import numpy as np
from keras import ops
from keras.layers import Dense


def within_ten_percent(y_true, y_pred):
    return ops.mean(ops.cast(ops.abs(y_pred - y_true) < 0.1 * ops.abs(y_true), "float32"), axis=-1)


def bias(y_true, y_pred):
    return ops.mean(y_pred - y_true)


rng = np.random.default_rng(19)
x = rng.uniform(0, 1, (320, 4))
y = np.column_stack([2 + x[:, 0] * x[:, 1], 1 + x[:, 2] ** 2])
model = keras.Sequential([keras.Input((4,)), Dense(24, "relu"), Dense(24, "relu"), Dense(2)])
model.set_weights([rng.normal(0, 0.3, w.shape) for w in model.get_weights()])
named = ["mape", keras.metrics.MeanSquaredLogarithmicError(), keras.metrics.R2Score(), "cosine_similarity"]
model.compile(keras.optimizers.Adam(0.005), "mse", metrics=[within_ten_percent, bias, *named])
history = model.fit(x, y, batch_size=40, epochs=8, validation_split=0.25, shuffle=False, verbose=0)
print(list(history.history))
print(json.dumps({**history.history, "test": model.evaluate(x, y, batch_size=40, verbose=0)}))
