"""Rows that count differently: weights in training and validation, and weighted metrics beside plain ones."""

import json

import keras
import numpy as np
from keras import layers

rng = np.random.default_rng(15)
x = np.sort(rng.uniform(-2, 2, (500, 1)), axis=0)
noise = 0.05 + 0.4 * (x > 0)
y = np.sin(2 * x) + noise * rng.normal(size=x.shape)
weight = (0.05 / noise[:, 0]) ** 2
held_out = slice(0, 500, 5)

model = keras.Sequential([layers.Input(shape=(1,)), layers.Dense(32, "tanh"), layers.Dense(32, "tanh"), layers.Dense(1)])
model.set_weights([rng.normal(0, 0.6, w.shape) for w in model.get_weights()])
model.compile(optimizer=keras.optimizers.Adam(5e-3), loss="mse", metrics=["mae"], weighted_metrics=["mse"])
history = model.fit(
    x,
    y,
    sample_weight=weight,
    batch_size=50,
    epochs=12,
    validation_data=(x[held_out], y[held_out], weight[held_out]),
    shuffle=False,
    verbose=0,
)
result = model.evaluate(x, y, sample_weight=weight, verbose=0, return_dict=True)
print(sorted(result))
print(json.dumps({**history.history, "result": {name: result[name] for name in sorted(result)}}))
