"""Three kinds of iris: one-hot targets, SGD with momentum, argmax of the prediction."""

import json

import keras
import numpy as np
from keras.layers import Dense
from keras.models import Sequential
from keras.optimizers import SGD
from keras.utils import to_categorical
from sklearn.datasets import load_iris

x, y = load_iris(return_X_y=True)
order = np.random.default_rng(3).permutation(len(x))
x, y = (x[order] - x.mean(axis=0)) / x.std(axis=0), y[order]
targets = to_categorical(y, num_classes=3)

keras.utils.set_random_seed(3)
model = Sequential()
model.add(Dense(8, input_shape=(4,), activation="tanh", name="hidden"))
model.add(Dense(3, activation="softmax", name="kinds"))
rng = np.random.default_rng(3)
model.get_layer("hidden").set_weights([rng.normal(0, 0.5, (4, 8)), np.zeros(8)])
model.get_layer("kinds").set_weights([rng.normal(0, 0.5, (8, 3)), np.zeros(3)])
model.compile(loss="categorical_crossentropy", optimizer=SGD(learning_rate=0.05, momentum=0.9), metrics=["accuracy"])
history = model.fit(x[:120], targets[:120], epochs=20, batch_size=5, shuffle=False, verbose=0)
classes = np.argmax(model.predict(x[120:], verbose=0), axis=1)
loss, accuracy = model.evaluate(x[120:], targets[120:], verbose=0)
print("classes", classes, "true", y[120:])
print(json.dumps({**history.history, "test": [loss, accuracy], "right": int(np.sum(classes == y[120:]))}))
