"""Batches made one at a time by a class with a length: keras.utils.PyDataset, also for evaluate and predict."""

import json
import math

import keras
import numpy as np


class Windows(keras.utils.PyDataset):
    """The last ``width`` values of a series and the next one."""

    def __init__(self, series, width, batch_size):
        super().__init__()
        self.series, self.width, self.batch_size = series, width, batch_size

    def __len__(self):
        return math.ceil((len(self.series) - self.width) / self.batch_size)

    def __getitem__(self, index):
        starts = range(index * self.batch_size, min((index + 1) * self.batch_size, len(self.series) - self.width))
        x = np.stack([self.series[start : start + self.width] for start in starts])
        return x, np.array([self.series[start + self.width] for start in starts])


time, rng = np.arange(700), np.random.default_rng(17)
series = np.sin(time / 10) + 0.3 * np.sin(time / 3.1) + 0.05 * rng.normal(size=700)
train, test = Windows(series[:500], 20, 32), Windows(series[500:], 20, 32)
model = keras.Sequential([keras.Input((20,)), keras.layers.Dense(16, "relu"), keras.layers.Dense(1)])
model.set_weights([rng.normal(0, 0.2, w.shape) for w in model.get_weights()])
model.compile("adam", "mse", metrics=["mae"])
history = model.fit(train, epochs=8, validation_data=test, shuffle=False, verbose=0)
predicted = model.predict(test, verbose=0)
print("predicted", predicted.shape)
print(json.dumps({**history.history, "test": model.evaluate(test, verbose=0), "last": float(predicted[-1, 0])}))
