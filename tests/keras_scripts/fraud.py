"""Rare frauds among many payments: class weights, counts of each kind of error, areas under curves."""

import json

import keras
import numpy as np

rng = np.random.default_rng(10)
fraud = (rng.uniform(size=2000) < 0.04).astype("float32")
features = rng.normal(size=(2000, 12)).astype("float32")
features[:, :3] += 1.2 * fraud[:, None]
train, test = slice(0, 1500), slice(1500, None)
positive = fraud[train].sum()
weight = {0: 1500 / (2 * (1500 - positive)), 1: 1500 / (2 * positive)}

model = keras.Sequential(
    [
        keras.layers.Input(shape=(12,)),
        keras.layers.Dense(16, activation="relu"),
        keras.layers.Dense(16, activation="relu"),
        keras.layers.Dense(1, activation="sigmoid"),
    ]
)
model.set_weights([rng.normal(0, 0.3, w.shape) for w in model.get_weights()])
counts = [keras.metrics.TruePositives(name="tp"), keras.metrics.FalsePositives(name="fp")]
counts += [keras.metrics.TrueNegatives(name="tn"), keras.metrics.FalseNegatives(name="fn")]
areas = [keras.metrics.AUC(name="auc"), keras.metrics.AUC(name="prc", curve="PR")]
model.compile(keras.optimizers.Adam(1e-2), loss=keras.losses.BinaryCrossentropy(), metrics=[*counts, *areas])
history = model.fit(
    features[train], fraud[train], batch_size=100, epochs=5, class_weight=weight, validation_data=(features[test], fraud[test]),
    shuffle=False, verbose=0,
)  # fmt: skip
results = model.evaluate(features[test], fraud[test], verbose=0, return_dict=True)
print("names", list(results))
shown = {name: values for name, values in history.history.items() if name not in ("tp", "fp", "tn", "fn")}
print(json.dumps({**shown, "test": results}))
