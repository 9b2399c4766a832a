"""A controller that copies a linear regulator: a loss of one's own with keras.ops, saturated outputs, a closed loop."""

import json

import keras
import numpy as np
from keras import layers, ops

rng = np.random.default_rng(8)
states = rng.uniform(-1, 1, (800, 4)).astype("float32")
gain = np.array([[1.0, -2.5, 1.8, 0.4]])
actions = np.clip(states @ gain.T, -1, 1)


def asymmetric(y_true, y_pred):
    """Too much costs more than too little."""
    error = y_pred - y_true
    return ops.mean(ops.where(error > 0, 2.0 * ops.square(error), ops.square(error)), axis=-1)


inputs = keras.Input(shape=(4,), name="state")
hidden = layers.Dense(24, activation="silu", name="first")(inputs)
hidden = layers.Dense(24, activation="silu", name="second")(hidden)
outputs = layers.Dense(1, activation="tanh", name="force")(hidden)
policy = keras.Model(inputs=inputs, outputs=outputs, name="policy")
policy.set_weights([rng.normal(0, 0.4, w.shape) for w in policy.get_weights()])
policy.compile(optimizer="adam", loss=asymmetric, metrics=["mae"])
history = policy.fit(states, actions, epochs=10, batch_size=40, shuffle=False, verbose=0)

state, dynamics, push = np.ones((1, 4), "float32"), 0.9 * np.eye(4), 0.1 * np.array([[0.1, 0.4, -0.3, 0.1]])
for _ in range(20):
    state = (state @ dynamics + policy.predict(state, verbose=0) @ push).astype("float32")
print(json.dumps({**history.history, "state": state[0].tolist()}))
