"""Miles per gallon of cars: a DataFrame as it is, RMSprop by its class, a model made by a function, initial_epoch."""

import json

import numpy as np
import pandas as pd
from keras import layers, models, optimizers

rng = np.random.default_rng(6)
cars = pd.DataFrame({"cylinders": rng.choice([4, 6, 8], 390), "horsepower": rng.normal(105, 38, 390).clip(45)})
cars["weight"] = 600 * cars.cylinders - 200 + rng.normal(0, 300, 390)
cars["acceleration"] = 25 - 0.09 * cars.horsepower + rng.normal(0, 1.5, 390)
cars["year"] = rng.integers(70, 83, 390)
mpg = 45 - 0.006 * cars.weight - 0.03 * cars.horsepower + 0.6 * (cars.year - 76) + rng.normal(0, 2, 390)
train, test = cars[:300], cars[300:]
mean, std = train.mean(), train.std()


def build_model():
    model = models.Sequential()
    model.add(layers.Dense(64, activation="relu", input_shape=[len(train.keys())]))
    model.add(layers.Dense(64, activation="relu"))
    model.add(layers.Dense(1))
    model.compile(loss="mse", optimizer=optimizers.RMSprop(0.001), metrics=["mae", "mse"])
    return model


model = build_model()
model.set_weights([rng.normal(0, 0.1, w.shape) for w in model.get_weights()])
options = {"validation_split": 0.2, "shuffle": False, "verbose": 0}
first = model.fit((train - mean) / std, mpg[:300], epochs=10, **options)
second = model.fit((train - mean) / std, mpg[:300], epochs=20, initial_epoch=10, **options)
frame = pd.DataFrame(second.history)
frame["epoch"] = second.epoch
print(frame.tail(3))
loss, mae, mse = model.evaluate((test - mean) / std, mpg[300:], verbose=0)
print(json.dumps({"first": first.history, "second": second.history, "epochs": second.epoch, "test": [loss, mae, mse]}))
