"""A rate that is far too high: TerminateOnNaN ends the fit, and a smaller one goes on from fresh weights."""

import json
import math

import keras
import numpy as np

rng = np.random.default_rng(29)
x = rng.normal(size=(128, 4)).astype("float32")
y = (x**2).sum(axis=1)
model = keras.Sequential([keras.layers.Input((4,)), keras.layers.Dense(32, "relu"), keras.layers.Dense(1)])
start = [rng.normal(0, 0.5, w.shape) for w in model.get_weights()]
ended = {}
for rate in (1e6, 1e-3):
    model.set_weights(start)
    model.compile(keras.optimizers.SGD(rate), "mse")
    history = model.fit(x, y, epochs=6, callbacks=[keras.callbacks.TerminateOnNaN()], shuffle=False, verbose=0)
    losses = history.history["loss"]
    print(rate, len(losses), losses[-1])
    ended[str(rate)] = [len(losses), *(loss for loss in losses if math.isfinite(loss))]
print(json.dumps(ended))
