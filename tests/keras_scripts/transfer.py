"""What was learnt for one task used for another: a base without its head, frozen, then fine-tuned."""

import json

import keras
import numpy as np
from keras import layers

rng = np.random.default_rng(21)
x = rng.normal(size=(600, 10))
hidden = np.tanh(x @ rng.normal(size=(10, 4)))
many, few = hidden @ rng.normal(size=(4, 3)), (hidden @ rng.normal(size=4) > 0).astype(int)[:200]


def start(model):
    model.set_weights([rng.normal(0, 0.3, w.shape) for w in model.get_weights()])


base = keras.Sequential([layers.Input((10,)), layers.Dense(32, "relu"), layers.Dense(16, "relu")], name="base")
teacher = keras.Sequential([base, layers.Dense(3)])
start(teacher)
teacher.compile("adam", "mse")
taught = teacher.fit(x, many, epochs=8, shuffle=False, verbose=0)

base.trainable = False
student = keras.Sequential([base, layers.Dense(1, "sigmoid", kernel_initializer="zeros")])
student.compile(keras.optimizers.Adam(0.02), "binary_crossentropy", metrics=["accuracy"])
before, counts = base.get_weights(), [len(student.trainable_weights), len(student.non_trainable_weights)]
head = student.fit(x[:200], few, epochs=5, shuffle=False, verbose=0)
assert all(np.array_equal(a, b) for a, b in zip(before, base.get_weights(), strict=True))
base.trainable = True
student.compile(keras.optimizers.Adam(1e-3), "binary_crossentropy", metrics=["accuracy"])
tuned = student.fit(x[:200], few, epochs=5, shuffle=False, verbose=0)
assert not np.array_equal(before[0], base.get_weights()[0])
print(json.dumps({"taught": taught.history, "head": head.history, "tuned": tuned.history, "counts": counts}))
