"""An arm's two joint angles from where its hand is: several outputs, validation now and then, Huber loss by its class."""

import json

import numpy as np
from keras import layers, losses, metrics, models, optimizers
from sklearn.model_selection import train_test_split

rng = np.random.default_rng(30)
angles = rng.uniform([0.2, 0.4], [1.4, 2.4], (900, 2))
hand = np.column_stack(
    [np.cos(angles[:, 0]) + 0.8 * np.cos(angles.sum(axis=1)), np.sin(angles[:, 0]) + 0.8 * np.sin(angles.sum(axis=1))]
)
x_train, x_val, y_train, y_val = train_test_split(hand, angles, test_size=1 / 3, random_state=1)

model = models.Sequential(
    [
        layers.Input(shape=(2,)),
        layers.Dense(40, activation="tanh"),
        layers.Dense(40, activation="swish"),
        layers.Dense(2),
    ]
)
model.set_weights([rng.normal(0, 0.4, w.shape) for w in model.get_weights()])
model.compile(
    optimizer=optimizers.Nadam(learning_rate=0.003),
    loss=losses.Huber(delta=0.5),
    metrics=[metrics.MeanSquaredError(), metrics.MeanAbsoluteError(name="radians")],
)
history = model.fit(
    x_train, y_train, epochs=9, batch_size=30, validation_data=(x_val, y_val), validation_freq=3, validation_batch_size=100,
    shuffle=False, verbose=0,
)  # fmt: skip
predicted = model.predict(x_val[:2], verbose=0)
print(predicted, y_val[:2])
print(json.dumps({**history.history, "predicted": predicted.tolist()}))
