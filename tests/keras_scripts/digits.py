"""Handwritten digits of 8 x 8 pixels: Rescaling, Flatten and activations as layers, from images to classes."""

import json

import keras
import numpy as np
from keras import layers
from sklearn.datasets import load_digits

digits = load_digits()
x, y = digits.images.astype("float32"), digits.target

model = keras.Sequential(
    [
        keras.Input(shape=(8, 8)),
        layers.Rescaling(1.0 / 16),
        layers.Flatten(),
        layers.Dense(64),
        layers.LeakyReLU(negative_slope=0.1),
        layers.Dense(32),
        layers.Activation("relu"),
        layers.Dense(10),
        layers.Softmax(),
    ]
)
rng = np.random.default_rng(5)
model.set_weights([rng.normal(0, 0.15, w.shape) for w in model.get_weights()])
model.compile(
    optimizer=keras.optimizers.Adam(learning_rate=1e-3),
    loss=keras.losses.SparseCategoricalCrossentropy(),
    metrics=["accuracy", keras.metrics.SparseTopKCategoricalAccuracy(k=3, name="top3")],
)
history = model.fit(x[:1200], y[:1200], batch_size=64, epochs=6, validation_split=0.1, shuffle=False, verbose=0)
scores = model.evaluate(x[1200:], y[1200:], verbose=0, return_dict=True)
probabilities = model.predict(x[1200:1203], verbose=0)
print("classes", probabilities.argmax(axis=-1), "true", y[1200:1203])
print(json.dumps({**history.history, "test": scores, "probabilities": probabilities.max(axis=1).tolist()}))
