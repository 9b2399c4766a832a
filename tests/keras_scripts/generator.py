"""Batches from a generator that never ends, with steps_per_epoch, and validation from another."""

import json

import numpy as np
from keras.layers import Dense, Input
from keras.models import Sequential


def batches(seed, size=32):
    rng = np.random.default_rng(seed)
    while True:
        x = rng.uniform(-1, 1, (size, 5)).astype("float32")
        yield x, (x[:, :1] * x[:, 1:2] > 0).astype("float32")


def always_the_same(seed):
    batch = next(batches(seed, 100))
    while True:
        yield batch


model = Sequential([Input(shape=(5,)), Dense(32, activation="relu"), Dense(1, activation="sigmoid")])
rng = np.random.default_rng(16)
model.set_weights([rng.normal(0, 0.4, w.shape) for w in model.get_weights()])
model.compile(optimizer="adam", loss="binary_crossentropy", metrics=["accuracy"])
history = model.fit(batches(1), steps_per_epoch=20, epochs=6, validation_data=always_the_same(2), validation_steps=5, verbose=0)
loss, accuracy = model.evaluate(batches(3), steps=10, verbose=0)
print(json.dumps({**history.history, "test": [loss, accuracy]}))
