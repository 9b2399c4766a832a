"""Weights read and written layer by layer: kernel and bias as arrays, a perceptron put together by hand."""

import json

import numpy as np
from keras.layers import Dense
from keras.models import Sequential

x = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], dtype="float32")
y = np.array([0, 1, 1, 0], dtype="float32")
model = Sequential([Dense(4, activation="sigmoid", use_bias=True), Dense(1, activation="sigmoid")])
model.build(input_shape=(None, 2))
first, last = model.layers
first.set_weights([np.array([[4.0, -3.0, 1.0, 0.5], [4.2, -3.1, -1.0, 0.3]]), np.array([-2.0, 4.0, 0.1, -0.2])])
last.set_weights([np.array([[3.0], [3.2], [0.5], [-0.5]]), np.array([-4.0])])
model.compile(loss="binary_crossentropy", optimizer="sgd", metrics=["accuracy"])
history = model.fit(x, y, epochs=200, batch_size=1, shuffle=False, verbose=0)

kernel, bias = np.array(first.kernel), np.array(first.bias)
assert np.array_equal(kernel, first.get_weights()[0]) and kernel.shape == first.weights[0].shape == (2, 4)
hidden = 1 / (1 + np.exp(-(x @ kernel + bias)))
output = 1 / (1 + np.exp(-(hidden @ last.get_weights()[0] + last.get_weights()[1])))
assert np.allclose(output, model.predict(x, verbose=0), atol=1e-5)
names = [(weight.name, list(weight.shape)) for weight in model.trainable_weights]
print(names, len(model.non_trainable_weights), output.round().ravel())
last.bias.assign(np.zeros(1))
moved = model.predict(x, verbose=0)
print(
    json.dumps(
        {"loss": history.history["loss"][::20], "names": names, "output": output.ravel().tolist(), "moved": moved.tolist()}
    )
)
