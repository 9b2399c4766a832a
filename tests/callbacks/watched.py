"""What a callback does with a sequence of losses, without a network: the same for ours and for Keras's."""

from types import SimpleNamespace

import numpy as np


class Watched:
    """Stands for a model: its weights are the number of the epoch."""

    def __init__(self, rate=1.0):
        self.stop_training, self.epoch = False, -1
        self.optimizer = SimpleNamespace(learning_rate=rate)
        self.restored = None

    def get_weights(self):
        return [np.array(self.epoch)]

    def set_weights(self, weights):
        self.restored = int(weights[0])


def decisions(callback, values, name="val_loss", attributes=("best",), rate=1.0):
    """What is decided after each epoch, until the fit would end, and the weights in the end.

    ``values`` holds None where the epoch has no such number.
    """
    model = Watched(rate)
    callback.set_model(model)
    callback.on_train_begin({})
    told = []
    for epoch, value in enumerate(values):
        model.epoch = epoch
        callback.on_epoch_begin(epoch, {})
        logs = {"loss": 1.0} | ({} if value is None else {name: value})
        callback.on_epoch_end(epoch, logs)
        told.append(
            (float(model.optimizer.learning_rate), logs.get("learning_rate"), *(getattr(callback, a) for a in attributes))
        )
        if model.stop_training:
            break
    callback.on_train_end({})
    return told, model.restored


def sequences(seed, count=40, longest=14):
    """Losses with ties, plateaus and now and then a NaN."""
    random = np.random.default_rng(seed)
    for _ in range(count):
        values = np.round(random.normal(size=random.integers(1, longest)) * 2) / 2 + 1.0
        if random.random() < 0.2:
            values[random.integers(len(values))] = np.nan
        yield values.tolist()
