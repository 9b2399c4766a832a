"""The library that this is about."""

from workloads import NORM_EPSILON

import fastbp

from .peer import EPSILON, Peer


class FastBP(Peer):
    def make(self):
        w = self.w
        layers = []
        for units in w.sizes[1:-1]:
            layers.append(fastbp.Dense(units, w.activation))
            if w.normalizes:
                layers.append(fastbp.layers.LayerNormalization(epsilon=NORM_EPSILON))
            if w.dropout:
                layers.append(fastbp.layers.Dropout(w.dropout))
        layers.append(fastbp.Dense(w.sizes[-1], "softmax" if w.classes else None))
        self.model = fastbp.Sequential(layers, seed=0, dtype=w.dtype)
        self.model.build(w.sizes[0])
        fastbp.set_num_threads(w.threads)

    def restart(self):
        optimizer = {
            "adam": lambda: fastbp.Adam(self.rate, epsilon=EPSILON),
            "sgd": lambda: fastbp.SGD(self.rate),
            "momentum": lambda: fastbp.SGD(self.rate, momentum=0.9),
            "lbfgs": lambda: fastbp.optimizers.LBFGS(gtol=0.0),
        }[self.w.optimizer]()
        self.model.compile(optimizer, "sparse_categorical_crossentropy" if self.w.classes else "mse")
        self.model.set_weights(self.weights)

    def step(self, rows):
        self.model.train_on_batch(self.x[rows], self.y[rows])

    def train(self, epochs):
        batch, threads = self.w.batch, self.w.threads
        self.model.fit(self.x, self.y, batch_size=batch, epochs=epochs, verbose=0, threads=threads, check_finite=False)

    def solve(self, iterations):
        self.model.fit(self.x, self.y, epochs=iterations, verbose=0, threads=self.w.threads, check_finite=False)

    def loss(self):
        return self.model.evaluate(self.x, self.y, verbose=0)

    def predict(self):
        return self.model.forward(self.x) if len(self.x) == 1 else self.model.predict(self.x, verbose=0)
