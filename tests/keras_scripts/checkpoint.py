"""The best model of a long fit, kept by ModelCheckpoint and loaded in the end; a churn-like table of two classes."""

import json
import os

import keras
import numpy as np
from keras import callbacks, layers

rng = np.random.default_rng(32)
x = rng.normal(size=(700, 8)).astype("float32")
y = (x[:, 0] * x[:, 1] + 0.5 * x[:, 2] + rng.normal(0, 0.3, 700) > 0).astype("float32")

model = keras.Sequential(
    [layers.Input(shape=(8,)), layers.Dense(32, "relu"), layers.Dense(16, "relu"), layers.Dense(1, "sigmoid")]
)
model.set_weights([rng.normal(0, 0.3, w.shape) for w in model.get_weights()])
model.compile(keras.optimizers.Adam(0.005), "binary_crossentropy", metrics=["accuracy"])
os.makedirs("checkpoints", exist_ok=True)
best = callbacks.ModelCheckpoint("best_model.keras", monitor="val_loss", save_best_only=True, verbose=0)
each = callbacks.ModelCheckpoint(
    filepath="checkpoints/{epoch:02d}.weights.h5", save_weights_only=True, monitor="val_accuracy", mode="max"
)
held_out = x[490:], y[490:]
history = model.fit(
    x[:490], y[:490], epochs=12, batch_size=35, validation_data=held_out, callbacks=[best, each], shuffle=False, verbose=0
)

kept = keras.models.load_model("best_model.keras")
loss, accuracy = kept.evaluate(*held_out, verbose=0)
assert abs(loss - min(history.history["val_loss"])) < 1e-5
model.load_weights("checkpoints/03.weights.h5")
third = model.evaluate(*held_out, verbose=0)[0]
files = sorted(os.listdir("checkpoints"))
print(json.dumps({**history.history, "best": [float(loss), float(accuracy)], "third": float(third), "files": files}))
