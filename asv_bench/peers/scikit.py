"""scikit-learn's multi-layer perceptrons, by ``fit``."""

import warnings

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier, MLPRegressor
from threadpoolctl import threadpool_limits

from .peer import EPSILON, Peer


class ScikitLearn(Peer):
    """Its squared loss is ours times outputs / 2; where that matters (plain descent) the learning rate makes up for it."""

    def make(self):
        w = self.w
        if w.normalizes:
            raise NotImplementedError("scikit-learn has no layers that normalize")
        warnings.simplefilter("ignore", ConvergenceWarning)  # an epoch at a time never converges
        self.limits = threadpool_limits(w.threads)
        self.target = self.y if self.y.ndim == 1 or self.y.shape[1] > 1 else self.y.ravel()
        scale = 1.0 if w.classes or w.optimizer in ("adam", "lbfgs") else 2 / w.sizes[-1]
        self.model = (MLPClassifier if w.classes else MLPRegressor)(
            hidden_layer_sizes=w.sizes[1:-1],
            activation=w.activation,
            solver=w.optimizer if w.optimizer in ("adam", "lbfgs") else "sgd",
            momentum=0.9 if w.optimizer == "momentum" else 0.0,
            nesterovs_momentum=False,
            learning_rate_init=(self.rate or 1.0) * scale,
            epsilon=EPSILON,
            alpha=0.0,
            batch_size=w.batch,
            max_iter=1,
            warm_start=True,
            n_iter_no_change=10**9,
            tol=0.0,
        )
        # The network is made by the first samples it sees; ``restart`` then sets its weights.
        if w.iterations:
            self.model.fit(self.x, self.target)
            return
        classes = {"classes": np.arange(w.sizes[-1])} if w.classes else {}
        self.model.partial_fit(self.x[: w.batch], self.target[: w.batch], **classes)

    def restart(self):
        own = [*self.model.coefs_, *self.model.intercepts_]
        for array, initial in zip(own, self.weights[::2] + self.weights[1::2], strict=True):
            array[:] = initial
        if self.w.iterations:
            return
        optimizer = self.model._optimizer
        for name in ("ms", "vs", "velocities"):
            for state in getattr(optimizer, name, ()):
                state[:] = 0
        optimizer.t = 0

    def step(self, rows):
        self.model.partial_fit(self.x[rows], self.target[rows])

    def train(self, epochs):
        # ``fit`` begins with a new optimizer: no matter for the time.
        self.model.max_iter = epochs
        self.model.fit(self.x, self.target)

    def solve(self, iterations):
        self.model.max_iter = iterations
        self.model.fit(self.x, self.target)

    def epoch(self):
        self.model.partial_fit(self.x, self.target)  # keeps the optimizer

    def loss(self):
        if self.w.classes:
            p = self.model.predict_proba(self.x)[np.arange(len(self.y)), self.y]
            return -np.log(np.maximum(p, 1e-12)).mean()
        return ((self.model.predict(self.x).reshape(self.y.shape) - self.y) ** 2).mean()

    def predict(self):
        return self.model.predict(self.x)
