"""Passengers of the next month from the last three: y of shape (n,), one row at a time, a rescaled prediction."""

import json
import math

import numpy as np
from keras.layers import Dense
from keras.models import Sequential
from sklearn.preprocessing import MinMaxScaler

month, rng = np.arange(144), np.random.default_rng(25)
passengers = 110 + 2.6 * month + (20 + 0.3 * month) * np.sin(2 * np.pi * month / 12) + 5 * rng.normal(size=144)
scaler = MinMaxScaler(feature_range=(0, 1))
series = scaler.fit_transform(passengers.reshape(-1, 1)).astype("float32")
train, test = series[:96], series[96:]


def create_dataset(dataset, look_back=1):
    x, y = [], []
    for i in range(len(dataset) - look_back - 1):
        x.append(dataset[i : (i + look_back), 0])
        y.append(dataset[i + look_back, 0])
    return np.array(x), np.array(y)


x_train, y_train = create_dataset(train, 3)
x_test, y_test = create_dataset(test, 3)
model = Sequential()
model.add(Dense(12, input_dim=3, activation="relu"))
model.add(Dense(8, activation="relu"))
model.add(Dense(1))
model.set_weights([rng.normal(0, 0.4, w.shape) for w in model.get_weights()])
model.compile(loss="mean_squared_error", optimizer="adam")
history = model.fit(x_train, y_train, epochs=10, batch_size=2, shuffle=False, verbose=0)
score = model.evaluate(x_test, y_test, verbose=0)
predicted = scaler.inverse_transform(model.predict(x_test, verbose=0))
print(f"test RMSE {math.sqrt(score):.3f}")
print(json.dumps({**history.history, "score": score, "last": float(predicted[-1, 0])}))
