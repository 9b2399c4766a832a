"""A functional model, layer called on layer: its summary, its layers by name, and the model called like a function."""

import json

import numpy as np
from keras.layers import Activation, Dense, Input
from keras.models import Model
from keras.ops import convert_to_numpy
from sklearn.datasets import load_breast_cancer

x, y = load_breast_cancer(return_X_y=True)
x = (x - x.mean(axis=0)) / x.std(axis=0)

inputs = Input(shape=(30,))
z = Dense(16, name="compress")(inputs)
z = Activation("elu")(z)
z = Dense(8, activation="gelu", name="features")(z)
outputs = Dense(1, activation="sigmoid", name="malignant")(z)
model = Model(inputs, outputs)
rng = np.random.default_rng(11)
model.set_weights([rng.normal(0, 0.25, w.shape) for w in model.get_weights()])
model.summary()
print([layer.name for layer in model.layers if layer.get_weights()], model.count_params())

model.compile(optimizer="nadam", loss="binary_crossentropy", metrics=["binary_accuracy", "mse"])
history = model.fit(x[:450], y[:450], batch_size=25, epochs=6, validation_data=(x[450:], y[450:]), shuffle=False, verbose=0)
kernel, bias = model.get_layer("features").get_weights()
called = convert_to_numpy(model(x[:3].astype("float32")))
assert np.allclose(called, model.predict(x[:3], verbose=0), atol=1e-6)
results = {"norm": float(np.linalg.norm(kernel)), "bias": float(bias.sum()), "shape": list(kernel.shape)}
print(json.dumps({**history.history, **results, "params": model.count_params()}))
