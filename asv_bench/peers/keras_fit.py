"""Keras on TensorFlow, or on JAX where that is not there, by ``fit`` from arrays in memory, steps compiled by XLA."""

import os

from . import needs

os.environ.setdefault("KERAS_BACKEND", needs("keras"))
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
from workloads import NORM_EPSILON

from .peer import EPSILON, Peer, use_threads

CHUNK = 8192  # rows of a large prediction that go through all layers together


class Keras(Peer):
    def make(self):
        w = self.w
        prepare = {"tensorflow": self._prepare_tensorflow, "jax": self._prepare_jax}[keras.config.backend()]
        prepare()
        keras.backend.set_floatx(w.dtype)
        layers = [keras.Input((w.sizes[0],))]
        for units in w.sizes[1:-1]:
            layers.append(keras.layers.Dense(units, w.activation))
            if w.normalizes:
                layers.append(keras.layers.LayerNormalization(epsilon=NORM_EPSILON))
            if w.dropout:
                layers.append(keras.layers.Dropout(w.dropout))
        self.model = keras.Sequential([*layers, keras.layers.Dense(w.sizes[-1], "softmax" if w.classes else None)])

    def _prepare_tensorflow(self):
        import tensorflow as tf

        tf.config.threading.set_intra_op_parallelism_threads(self.w.threads)
        tf.config.threading.set_inter_op_parallelism_threads(1)
        data = tf.data.Dataset.from_tensor_slices((self.x, self.y))
        self.data = {"x": data.shuffle(len(self.x)).batch(self.w.batch, drop_remainder=True).prefetch(2)}
        self.inputs = tf.constant(self.x)

    def _prepare_jax(self):
        use_threads(self.w.threads)
        import jax

        jax.config.update("jax_platforms", "cpu")
        jax.config.update("jax_enable_x64", self.w.dtype == "float64")
        self.data, self.inputs = {"x": self.x, "y": self.y, "batch_size": self.w.batch}, self.x

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
        self.model.fit(**self.data, epochs=epochs, verbose=0)

    def loss(self):
        return self.model.evaluate(self.x, self.y, batch_size=CHUNK, verbose=0)

    def predict(self):
        if len(self.x) == 1:
            return self.model.predict_on_batch(self.inputs)
        return self.model.predict(self.x, batch_size=CHUNK, verbose=0)
