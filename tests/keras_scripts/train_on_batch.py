"""A loop of one's own over batches: train_on_batch, test_on_batch, reset of nothing, the rate changed by hand."""

import json

import keras
import numpy as np

rng = np.random.default_rng(18)
x = rng.normal(size=(640, 8)).astype("float32")
y = (np.abs(x[:, :3]).argmax(axis=1)).astype("int32")
model = keras.models.Sequential()
model.add(keras.layers.InputLayer(shape=(8,)))
model.add(keras.layers.Dense(40, activation="relu"))
model.add(keras.layers.Dense(3, activation="softmax"))
model.set_weights([rng.normal(0, 0.3, w.shape) for w in model.get_weights()])
model.compile(keras.optimizers.Adam(0.01), loss="sparse_categorical_crossentropy", metrics=["acc"])

log = {"loss": [], "accuracy": [], "test": []}
for epoch in range(5):
    for start in range(0, 512, 64):
        loss, accuracy = model.train_on_batch(x[start : start + 64], y[start : start + 64])
        log["loss"].append(float(loss))
        log["accuracy"].append(float(accuracy))
    log["test"].append([float(number) for number in model.test_on_batch(x[512:], y[512:])])
    model.optimizer.learning_rate = 0.01 / (2 + epoch)
print("last", log["test"][-1])
print(json.dumps(log))
