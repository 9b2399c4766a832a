"""A network in place of Branin's function: a schedule for the rate, tanh, and how far off it is on a grid."""

import json

import keras
import numpy as np
from keras.optimizers.schedules import ExponentialDecay


def branin(u, v):
    u, v = 15 * u - 5, 15 * v
    return (v - 5.1 / (4 * np.pi**2) * u**2 + 5 / np.pi * u - 6) ** 2 + 10 * (1 - 1 / (8 * np.pi)) * np.cos(u) + 10


rng = np.random.default_rng(7)
x = rng.uniform(size=(1000, 2))
y = (branin(x[:, 0], x[:, 1]) - 54) / 51

model = keras.models.Sequential(name="surrogate")
model.add(keras.layers.Input(shape=(2,)))
for units in (32, 32):
    model.add(keras.layers.Dense(units, activation=keras.activations.tanh))
model.add(keras.layers.Dense(1, activation="linear"))
model.set_weights([rng.normal(0, 0.5, w.shape) for w in model.get_weights()])

schedule = ExponentialDecay(initial_learning_rate=0.01, decay_steps=40, decay_rate=0.9, staircase=True)
model.compile(optimizer=keras.optimizers.Adam(learning_rate=schedule), loss=keras.losses.MeanSquaredError())
history = model.fit(x, y, batch_size=50, epochs=25, shuffle=False, verbose=0)
grid = np.stack(np.meshgrid(np.linspace(0, 1, 21), np.linspace(0, 1, 21)), axis=-1).reshape(-1, 2)
error = model.predict(grid, batch_size=64, verbose=0)[:, 0] - (branin(grid[:, 0], grid[:, 1]) - 54) / 51
print(json.dumps({**history.history, "rmse": float(np.sqrt(np.mean(error**2)))}))
