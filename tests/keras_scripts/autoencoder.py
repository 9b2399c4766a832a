"""Digits squeezed through six numbers: an autoencoder, and an encoder that has the same layers."""

import json

import numpy as np
from keras.layers import Dense, Input
from keras.models import Model
from sklearn.datasets import load_digits

x = load_digits().data.astype("float32") / 16
x_train, x_test = x[:1400], x[1400:]

pixels = Input(shape=(64,))
code = Dense(32, activation="relu")(pixels)
code = Dense(6, activation="linear", name="code")(code)
image = Dense(32, activation="relu")(code)
image = Dense(64, activation="sigmoid")(image)
autoencoder, encoder = Model(pixels, image), Model(pixels, code)

rng = np.random.default_rng(22)
autoencoder.set_weights([rng.normal(0, 0.2, w.shape) for w in autoencoder.get_weights()])
autoencoder.compile(optimizer="adam", loss="binary_crossentropy")
history = autoencoder.fit(
    x_train, x_train, epochs=6, batch_size=100, shuffle=False, validation_data=(x_test, x_test), verbose=0
)
codes = encoder.predict(x_test, verbose=0)
print("codes", codes.shape, "spread", codes.std(axis=0).round(2))
error = float(np.mean((autoencoder.predict(x_test, verbose=0) - x_test) ** 2))
print(json.dumps({**history.history, "error": error, "code": codes[0].tolist()}))
