"""Epochs kept in a file: CSVLogger, then appended to by a second fit, and read again."""

import csv
import json
import os
import tempfile

import numpy as np
from keras.callbacks import CSVLogger
from keras.layers import Dense, Input
from keras.models import Sequential

rng = np.random.default_rng(14)
x = rng.normal(size=(256, 6))
y = np.maximum(x[:, 0], x[:, 1]) - x[:, 2]
model = Sequential([Input((6,)), Dense(20, "selu", kernel_initializer="lecun_normal"), Dense(1)])
model.set_weights([rng.normal(0, 0.3, w.shape) for w in model.get_weights()])
model.compile("adagrad", "mse", metrics=["mae"])
with tempfile.TemporaryDirectory() as folder:
    path = os.path.join(folder, "log.csv")
    options = {"validation_split": 0.25, "shuffle": False, "verbose": 0}
    model.fit(x, y, epochs=3, callbacks=[CSVLogger(path)], **options)
    model.fit(x, y, epochs=5, initial_epoch=3, callbacks=[CSVLogger(path, append=True)], **options)
    with open(path) as file:
        rows = list(csv.DictReader(file))
print(json.dumps({"names": list(rows[0]), "rows": [[float(number) for number in row.values()] for row in rows]}))
