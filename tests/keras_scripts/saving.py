"""Train, save, load in a new place, compare, train on; weights alone into a model made anew."""

import json
import os

import keras
import numpy as np
from keras.layers import Dense, Input

rng = np.random.default_rng(31)
x = rng.uniform(-1, 1, (500, 6))
y = np.sin(3 * x[:, :1]) + x[:, 1:2] * x[:, 2:3]


def build():
    model = keras.Sequential([Input((6,)), Dense(24, activation="tanh"), Dense(12, activation="relu"), Dense(1)])
    model.compile(optimizer=keras.optimizers.Adam(learning_rate=0.01), loss="mse", metrics=["mae"])
    return model


model = build()
model.set_weights([rng.normal(0, 0.4, w.shape) for w in model.get_weights()])
first = model.fit(x, y, epochs=4, batch_size=50, shuffle=False, verbose=0)
model.save("surrogate.keras")
assert os.path.exists("surrogate.keras")

loaded = keras.models.load_model("surrogate.keras")
assert np.allclose(model.predict(x, verbose=0), loaded.predict(x, verbose=0), atol=1e-6)
second = loaded.fit(x, y, epochs=4, batch_size=50, shuffle=False, verbose=0)

loaded.save_weights("surrogate.weights.h5")
fresh = build()
fresh.load_weights("surrogate.weights.h5")
score = fresh.evaluate(x, y, verbose=0)
same = keras.models.model_from_json(loaded.to_json()).count_params() == loaded.count_params()
print(json.dumps({"first": first.history, "second": second.history, "score": [float(s) for s in score], "same": same}))
