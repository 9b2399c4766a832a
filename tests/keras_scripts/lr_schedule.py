"""A rate by the epoch: LearningRateScheduler, and the history of the rates."""

import json
import math

import numpy as np
from keras.callbacks import LearningRateScheduler
from keras.layers import Dense
from keras.models import Sequential
from keras.optimizers import SGD


def step_decay(epoch):
    return 0.1 * math.pow(0.5, math.floor((1 + epoch) / 4))


rng = np.random.default_rng(13)
x = rng.normal(size=(351, 34))
y = (x[:, :5].sum(axis=1) + 0.5 * rng.normal(size=351) > 0).astype(int)

model = Sequential()
model.add(Dense(34, input_shape=(34,), activation="relu"))
model.add(Dense(1, activation="sigmoid"))
model.set_weights([rng.normal(0, 0.2, w.shape) for w in model.get_weights()])
model.compile(loss="binary_crossentropy", optimizer=SGD(learning_rate=0.0, momentum=0.9, nesterov=True), metrics=["accuracy"])
rate = LearningRateScheduler(step_decay)
history = model.fit(x, y, validation_split=0.33, epochs=10, batch_size=28, callbacks=[rate], shuffle=False, verbose=0)

slower = LearningRateScheduler(lambda epoch, rate: rate * math.exp(-0.1))
further = model.fit(x, y, epochs=3, callbacks=[slower], shuffle=False, verbose=0)
print(json.dumps({**history.history, "further": further.history}))
