"""Classes from logits: losses with from_logits, label smoothing, F1 score, and a softmax of the prediction by hand."""

import json

import keras
import numpy as np
from keras import layers, losses, metrics

rng = np.random.default_rng(24)
centres = rng.normal(0, 2, (4, 6))
labels = rng.integers(0, 4, 500)
x = centres[labels] + 1.5 * rng.normal(size=(500, 6))
one_hot = keras.utils.to_categorical(labels)

start, results = [rng.normal(0, 0.3, shape) for shape in ((6, 20), (20,), (20, 4), (4,))], {}
sparse = losses.SparseCategoricalCrossentropy(from_logits=True), labels, [metrics.SparseCategoricalAccuracy()]
smooth = losses.CategoricalCrossentropy(from_logits=True, label_smoothing=0.1), one_hot, ["accuracy"]
focal = losses.CategoricalFocalCrossentropy(from_logits=True), one_hot, [metrics.F1Score(average="macro")]
for name, (loss, targets, measured) in {"sparse": sparse, "smooth": smooth, "focal": focal}.items():
    model = keras.Sequential([layers.Input((6,)), layers.Dense(20, activation="relu6"), layers.Dense(4)])
    model.set_weights(start)
    model.compile(optimizer=keras.optimizers.Adam(0.01), loss=loss, metrics=measured)
    results[name] = model.fit(x, targets, epochs=6, batch_size=50, shuffle=False, verbose=0).history
logits = model.predict(x[:2], verbose=0)
probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
print(json.dumps({**results, "probabilities": probabilities.tolist()}))
