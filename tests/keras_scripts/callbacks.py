"""Callbacks of one's own: a class with hooks for epochs and batches, LambdaCallback, and a fit that stops itself."""

import json

import keras
import numpy as np


class Watch(keras.callbacks.Callback):
    def __init__(self, goal):
        super().__init__()
        self.goal, self.batches, self.seen = goal, 0, []

    def on_train_begin(self, logs=None):
        self.seen.append(f"begin {self.params['epochs']}")

    def on_train_batch_end(self, batch, logs=None):
        self.batches += 1

    def on_epoch_end(self, epoch, logs=None):
        self.seen.append(float(logs["loss"]))
        if logs["val_mae"] < self.goal:
            self.model.stop_training = True

    def on_train_end(self, logs=None):
        self.seen.append(sorted(logs))


rng = np.random.default_rng(12)
x = rng.uniform(-1, 1, (400, 3))
y = x @ [1.0, -2.0, 0.5] + 0.3 * x[:, 0] ** 2
model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(12, "softplus"), keras.layers.Dense(1)])
model.set_weights([rng.normal(0, 0.5, w.shape) for w in model.get_weights()])
model.compile("adamw", "mean_absolute_error", metrics=["mae"])
rates, watch = [], Watch(goal=0.25)
note = keras.callbacks.LambdaCallback(on_epoch_begin=lambda epoch, logs: rates.append(float(model.optimizer.learning_rate)))
history = model.fit(x, y, epochs=50, validation_split=0.25, callbacks=[watch, note], shuffle=False, verbose=0)
print(json.dumps({**history.history, "batches": watch.batches, "seen": watch.seen, "rates": rates}))
