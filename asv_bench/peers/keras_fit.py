"""Keras on TensorFlow, by ``fit`` from tensors in memory, steps compiled by XLA."""

import os

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import tensorflow as tf
from workloads import NORM_EPSILON

from .peer import EPSILON, Peer

CHUNK = 8192  # rows of a large prediction that go through all layers together


class Keras(Peer):
    def make(self):
        w = self.w
        tf.config.threading.set_intra_op_parallelism_threads(w.threads)
        tf.config.threading.set_inter_op_parallelism_threads(1)
        keras.backend.set_floatx(w.dtype)
        layers = [keras.Input((w.sizes[0],))]
        for units in w.sizes[1:-1]:
            layers.append(keras.layers.Dense(units, w.activation))
            if w.normalizes:
                layers.append(keras.layers.LayerNormalization(epsilon=NORM_EPSILON))
            if w.dropout:
                layers.append(keras.layers.Dropout(w.dropout))
        self.model = keras.Sequential([*layers, keras.layers.Dense(w.sizes[-1], "softmax" if w.classes else None)])
        data = tf.data.Dataset.from_tensor_slices((self.x, self.y))
        self.data = data.shuffle(len(self.x)).batch(w.batch, drop_remainder=True).prefetch(2)
        self.inputs = tf.constant(self.x)

    def restart(self):
        optimizer = {
            "adam": lambda: keras.optimizers.Adam(self.rate, epsilon=EPSILON),
            "sgd": lambda: keras.optimizers.SGD(self.rate),
            "momentum": lambda: keras.optimizers.SGD(self.rate, momentum=0.9),
        }[self.w.optimizer]()
        loss = "sparse_categorical_crossentropy" if self.w.classes else "mse"
        self.model.compile(optimizer, loss, jit_compile=True, steps_per_execution=self.w.steps)
        self.model.set_weights(self.weights)

    def step(self, rows):
        self.model.train_on_batch(self.x[rows], self.y[rows])

    def train(self, epochs):
        self.model.fit(self.data, epochs=epochs, verbose=0)

    def loss(self):
        return self.model.evaluate(self.x, self.y, batch_size=CHUNK, verbose=0)

    def predict(self):
        if len(self.x) == 1:
            return self.model.predict_on_batch(self.inputs)
        return self.model.predict(self.x, batch_size=CHUNK, verbose=0)
