"""House prices from eight numbers: EarlyStopping that takes the best weights back, RMSprop, a held-out part."""

import json

import keras
import numpy as np
from keras import layers
from sklearn.preprocessing import StandardScaler

rng = np.random.default_rng(1)
income, age, rooms, people = rng.gamma(4, 1, 600), rng.uniform(1, 50, 600), rng.normal(5, 1, 600), rng.gamma(3, 1, 600)
place = rng.uniform(-1, 1, (600, 4))
price = 0.4 * income + 0.01 * age + 0.1 * rooms - 0.05 * people + np.sin(3 * place[:, 0]) * place[:, 1]
x = StandardScaler().fit_transform(np.column_stack([income, age, rooms, people, place]))
x_train, y_train, x_val, y_val = x[:400], price[:400], x[400:], price[400:]

model = keras.Sequential(
    [
        layers.Dense(30, activation="relu", input_shape=x_train.shape[1:]),
        layers.Dense(10, activation="relu"),
        layers.Dense(1),
    ]
)
model.set_weights([rng.normal(0, 0.3, w.shape) for w in model.get_weights()])
model.compile(
    loss="mse", optimizer=keras.optimizers.RMSprop(learning_rate=0.02), metrics=[keras.metrics.RootMeanSquaredError()]
)
stopping = keras.callbacks.EarlyStopping(monitor="val_loss", patience=3, restore_best_weights=True)
history = model.fit(x_train, y_train, epochs=40, validation_data=(x_val, y_val), callbacks=[stopping], shuffle=False, verbose=0)
print("stopped at", stopping.stopped_epoch, "best", stopping.best_epoch)
results = {"epochs": len(history.epoch), "stopped": stopping.stopped_epoch, "best": stopping.best}
results["restored"] = model.evaluate(x_val, y_val, verbose=0)
print(json.dumps({**history.history, **results}))
