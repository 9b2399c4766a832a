"""A model from its configuration: get_config, from_config, to_json, clone_model, and layers from theirs."""

import json

import keras
import numpy as np

model = keras.Sequential(name="net")
model.add(keras.Input(shape=(5,), name="five"))
model.add(keras.layers.Dense(12, activation="mish", kernel_initializer=keras.initializers.HeNormal(seed=1), name="wide"))
model.add(keras.layers.Dense(3, activation="softsign", bias_initializer="ones", name="narrow"))
again = keras.Sequential.from_config(model.get_config())
written = keras.models.model_from_json(model.to_json())
cloned = keras.models.clone_model(model)
assert [layer.name for layer in again.layers] == [layer.name for layer in written.layers] == ["wide", "narrow"]
assert again.name == cloned.name == "net" and cloned.input_shape == (None, 5) and cloned.output_shape == (None, 3)
layer = keras.layers.Dense.from_config(model.get_layer(index=0).get_config())
assert (layer.units, layer.name, layer.use_bias) == (12, "wide", True)
optimizer = keras.optimizers.get(keras.optimizers.serialize(keras.optimizers.Adam(learning_rate=0.02, beta_1=0.8)))
assert abs(float(optimizer.learning_rate) - 0.02) < 1e-8 and optimizer.get_config()["beta_1"] == 0.8

rng = np.random.default_rng(23)
x, results = rng.normal(size=(200, 5)), {}
y = np.tanh(x[:, :3] - x[:, 2:])
start = [rng.normal(0, 0.4, w.shape) for w in model.get_weights()]
for name, net in {"model": model, "again": again, "written": written, "cloned": cloned}.items():
    net.set_weights(start)
    net.compile(keras.optimizers.Adam.from_config(optimizer.get_config()), loss=keras.losses.get("log_cosh"))
    results[name] = net.fit(x, y, epochs=4, shuffle=False, verbose=0).history["loss"]
assert results["again"] == results["written"] == results["cloned"] == results["model"]
print(json.dumps(results))
