"""Losses that are functions made by functions: quantiles by the pinball loss, one network for each."""

import json

import keras
import numpy as np
from keras import ops


def pinball(level):
    def loss(y_true, y_pred):
        error = y_true - y_pred
        return ops.mean(ops.maximum(level * error, (level - 1) * error))

    return loss


rng = np.random.default_rng(20)
x = rng.uniform(-1, 1, (600, 1)).astype("float32")
y = (x + (0.2 + 0.3 * np.abs(x)) * rng.normal(size=x.shape)).astype("float32")
start = [rng.normal(0, 0.7, shape) for shape in ((1, 16), (16,), (16, 1), (1,))]
results = {}
for level in (0.1, 0.5, 0.9):
    model = keras.Sequential([keras.layers.Input((1,)), keras.layers.Dense(16, "tanh"), keras.layers.Dense(1)])
    model.set_weights(start)
    model.compile(loss=pinball(level), optimizer=keras.optimizers.Adam(learning_rate=0.02))
    history = model.fit(x, y, epochs=12, batch_size=60, shuffle=False, verbose=0)
    below = float(np.mean(y < model.predict(x, verbose=0)))
    print(f"{below:.1%} below the quantile of {level:.0%}")
    results[str(level)] = {**history.history, "at_one": float(model.predict(np.ones((1, 1)), verbose=0)[0, 0])}
print(json.dumps(results))
