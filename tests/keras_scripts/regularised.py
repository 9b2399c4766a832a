"""A small table and a net that could learn it by heart: penalties, norms within limits, and their part of the loss."""

import json

import numpy as np
from keras import constraints, regularizers
from keras.layers import ActivityRegularization, Dense, Input
from keras.models import Sequential, model_from_json

rng = np.random.default_rng(11)
x = rng.normal(size=(120, 8))
y = (x[:, 0] - x[:, 1] * x[:, 2] + 0.5 * rng.normal(size=120) > 0).astype(int)

model = Sequential(
    [
        Input(shape=(8,)),
        Dense(32, activation="relu", kernel_regularizer=regularizers.l2(0.002), bias_regularizer="l1"),
        ActivityRegularization(l1=1e-4),
        Dense(
            16,
            activation="relu",
            kernel_regularizer=regularizers.L1L2(l1=1e-4, l2=1e-3),
            kernel_constraint=constraints.MaxNorm(2),
        ),
        Dense(1, activation="sigmoid", activity_regularizer=regularizers.L2(0.01), kernel_constraint="unit_norm"),
    ]
)
model = model_from_json(model.to_json())
model.set_weights([rng.normal(0, 0.4, w.shape) for w in model.get_weights()])
model.compile(optimizer="adam", loss="binary_crossentropy", metrics=["accuracy"])
weights = {0: 1.0, 1: 2.0}
history = model.fit(
    x[:90], y[:90], epochs=12, batch_size=16, shuffle=False, verbose=0, class_weight=weights, validation_data=(x[90:], y[90:])
)
norms = [np.sqrt((w**2).sum(axis=0)).max() for w in model.get_weights()[::2]]
print(json.dumps({**history.history, "norms": np.array(norms).tolist(), "test": model.evaluate(x[90:], y[90:], verbose=0)}))
