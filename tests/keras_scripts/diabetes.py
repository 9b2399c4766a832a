"""Disease progression from ten measurements: layers added one by one, input_dim on the first."""

import json

import numpy as np
from keras.layers import Dense
from keras.models import Sequential
from sklearn.datasets import load_diabetes
from sklearn.model_selection import train_test_split

x, y = load_diabetes(return_X_y=True)
y = (y - y.mean()) / y.std()
x_train, x_test, y_train, y_test = train_test_split(10 * x, y, test_size=0.2, random_state=42)

model = Sequential()
model.add(Dense(32, input_dim=10, activation="relu"))
model.add(Dense(16, activation="relu"))
model.add(Dense(1))
rng = np.random.default_rng(0)
for layer in model.layers:
    layer.set_weights([rng.normal(0, 0.2, w.shape) for w in layer.get_weights()])

model.compile(loss="mean_squared_error", optimizer="adam", metrics=["mae"])
history = model.fit(x_train, y_train, epochs=15, batch_size=16, validation_split=0.2, shuffle=False, verbose=0)
loss, mae = model.evaluate(x_test, y_test, verbose=0)
predicted = model.predict(x_test, verbose=0).flatten()
print(f"R2 {1 - np.sum((predicted - y_test) ** 2) / np.sum((y_test - y_test.mean()) ** 2):.3f}")
print(json.dumps({**history.history, "test_loss": loss, "test_mae": mae, "first": float(predicted[0])}))
