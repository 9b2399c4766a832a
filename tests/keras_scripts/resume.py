"""A fit that is interrupted and goes on from its backup, with a loss and an activation of one's own; control of a pendulum."""

import json

import keras
import numpy as np
from keras import layers, ops

rng = np.random.default_rng(33)
state, interrupted = rng.uniform(-2, 2, (600, 3)), []
torque = 3 * np.sin(state[:, :1]) - 0.5 * state[:, 1:2] + 0.1 * state[:, 2:]


def bounded(y_true, y_pred):
    return ops.mean(ops.log(1.0 + ops.square(y_true - y_pred)), axis=-1)


class Interrupt(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        if epoch == 3 and not interrupted:
            raise RuntimeError(interrupted.append(epoch))


def train():
    model = keras.Sequential([layers.Input((3,)), layers.Dense(16, "tanh"), layers.Dense(1)], name="controller")
    model.set_weights([np.linspace(-0.5, 0.5, w.size).reshape(w.shape) for w in model.get_weights()])
    model.compile("rmsprop", bounded)
    watching = [keras.callbacks.BackupAndRestore("backup"), Interrupt()]
    fit = model.fit(state, torque, epochs=6, batch_size=60, shuffle=False, verbose=0, callbacks=watching)
    model.save("controller.keras")
    return fit.history["loss"][-3:]


try:
    train()
except RuntimeError:
    losses = train()
score = keras.models.load_model("controller.keras", {"bounded": bounded}).evaluate(state, torque, verbose=0)
print(json.dumps({"losses": losses, "interrupted": interrupted, "score": float(score)}))
