"""fastbp and its peers, each training one workload in a process of its own.

    python peers.py NAME WORKLOAD-AS-JSON

The process says "ready", then answers each line of standard input with a line: "loss" with the loss over all data after a
hundred steps from the initial weights in the order of the data, "time" with the seconds a step took in a short run.
"""

import json
import os
import sys
import time

import numpy as np
from workloads import LEARNING_RATES, Workload, make_data

CHECKED_STEPS = 100
EPSILON = 1e-7


class FastBP:
    """The library this is about."""

    def __init__(self, workload):
        import fastbp

        self.w, (self.x, self.y, weights) = workload, make_data(workload)
        layers = [fastbp.Dense(units, workload.activation) for units in workload.sizes[1:-1]]
        layers.append(fastbp.Dense(workload.sizes[-1], "softmax" if workload.classes else None))
        self.model = fastbp.Sequential(layers, seed=0, dtype=workload.dtype)
        self.model.build(workload.sizes[0])
        rate = LEARNING_RATES[workload.optimizer]
        optimizer = {
            "adam": lambda: fastbp.Adam(rate, epsilon=EPSILON),
            "sgd": lambda: fastbp.SGD(rate),
            "momentum": lambda: fastbp.SGD(rate, momentum=0.9),
        }[workload.optimizer]()
        self.model.compile(optimizer, "sparse_categorical_crossentropy" if workload.classes else "mse")
        self.model.set_weights(weights)

    def loss_after(self, steps):
        for i in range(steps):
            rows = slice((i * self.w.batch) % len(self.x), (i * self.w.batch) % len(self.x) + self.w.batch)
            self.model.train_on_batch(self.x[rows], self.y[rows])
        return self.model.evaluate(self.x, self.y, verbose=0)

    def run(self, epochs):
        self.model.fit(
            self.x, self.y, batch_size=self.w.batch, epochs=epochs, verbose=0, threads=self.w.threads, check_finite=False
        )


class Torch:
    """PyTorch, eager, with the fused Adam."""

    compiled = False

    def __init__(self, workload):
        import torch

        torch.set_num_threads(workload.threads)
        self.torch, self.w = torch, workload
        x, y, weights = make_data(workload)
        self.x, self.y = torch.from_numpy(x), torch.from_numpy(y)
        modules = []
        for i, (kernel, bias) in enumerate(zip(weights[::2], weights[1::2], strict=True)):
            layer = torch.nn.Linear(*kernel.shape, dtype=getattr(torch, workload.dtype))
            with torch.no_grad():
                layer.weight[:] = torch.from_numpy(kernel.T.copy())
                layer.bias[:] = torch.from_numpy(bias)
            modules.append(layer)
            if 2 * i + 2 < len(weights):
                modules.append(torch.nn.Tanh() if workload.activation == "tanh" else torch.nn.ReLU())
        self.net = torch.nn.Sequential(*modules)
        self.measure = torch.nn.CrossEntropyLoss() if workload.classes else torch.nn.MSELoss()
        rate, parameters = LEARNING_RATES[workload.optimizer], self.net.parameters()
        if workload.optimizer == "adam":
            self.optimizer = torch.optim.Adam(parameters, rate, eps=EPSILON, fused=True)
        else:
            momentum = 0.9 if workload.optimizer == "momentum" else 0.0
            self.optimizer = torch.optim.SGD(parameters, rate, momentum=momentum, fused=True)
        self.forward = torch.compile(self._loss) if self.compiled else self._loss

    def _loss(self, x, y):
        return self.measure(self.net(x), y)

    def _step(self, x, y):
        self.optimizer.zero_grad()
        self.forward(x, y).backward()
        self.optimizer.step()

    def loss_after(self, steps):
        for i in range(steps):
            first = (i * self.w.batch) % len(self.x)
            self._step(self.x[first : first + self.w.batch], self.y[first : first + self.w.batch])
        with self.torch.no_grad():
            return float(self._loss(self.x, self.y))

    def run(self, epochs):
        for _ in range(epochs):
            order = self.torch.randperm(len(self.x))
            x, y = self.x[order], self.y[order]
            for first in range(0, len(x), self.w.batch):
                self._step(x[first : first + self.w.batch], y[first : first + self.w.batch])


class TorchCompiled(Torch):
    """PyTorch with torch.compile over forward and loss (the backward pass is compiled with it)."""

    compiled = True


class Jax:
    """JAX: one jitted lax.scan over the steps of an epoch, its strongest form."""

    def __init__(self, workload):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: workload.threads])
        import jax

        jax.config.update("jax_platforms", "cpu")
        jax.config.update("jax_enable_x64", workload.dtype == "float64")
        import jax.numpy as jnp

        self.w, self.jax, self.jnp = workload, jax, jnp
        x, y, weights = make_data(workload)
        self.x, self.y, self.weights = jnp.asarray(x), jnp.asarray(y), [jnp.asarray(w) for w in weights]
        zeros = [jnp.zeros_like(w) for w in self.weights]
        self.state = (self.weights, zeros, zeros, jnp.zeros((), x.dtype))
        self.epoch = jax.jit(self._epoch)
        self.key = jax.random.PRNGKey(0)

    def _loss(self, weights, x, y):
        jnp, activate = self.jnp, self.jnp.tanh if self.w.activation == "tanh" else self.jax.nn.relu
        for i in range(0, len(weights), 2):
            x = x @ weights[i] + weights[i + 1]
            x = activate(x) if i + 2 < len(weights) else x
        if self.w.classes:
            return -jnp.mean(self.jax.nn.log_softmax(x)[jnp.arange(len(y)), y])
        return jnp.mean((x - y) ** 2)

    def _step(self, state, batch):
        jnp, (weights, m, v, t) = self.jnp, state
        g = self.jax.grad(self._loss)(weights, *batch)
        t, rate = t + 1, LEARNING_RATES[self.w.optimizer]
        if self.w.optimizer == "adam":
            m = [0.9 * a + 0.1 * b for a, b in zip(m, g, strict=True)]
            v = [0.999 * a + 0.001 * b * b for a, b in zip(v, g, strict=True)]
            alpha = rate * jnp.sqrt(1 - 0.999**t) / (1 - 0.9**t)
            weights = [w - alpha * a / (jnp.sqrt(b) + EPSILON) for w, a, b in zip(weights, m, v, strict=True)]
        else:
            momentum = 0.9 if self.w.optimizer == "momentum" else 0.0
            m = [momentum * a - rate * b for a, b in zip(m, g, strict=True)]
            weights = [w + a for w, a in zip(weights, m, strict=True)]
        return (weights, m, v, t), 0.0

    def _epoch(self, state, x, y, order):
        x, y = x[order], y[order]
        batches = x.reshape(-1, self.w.batch, x.shape[1]), y.reshape(-1, self.w.batch, *y.shape[1:])
        return self.jax.lax.scan(self._step, state, batches)[0]

    def loss_after(self, steps):
        step, state = self.jax.jit(self._step), self.state
        for i in range(steps):
            first = (i * self.w.batch) % len(self.x)
            state, _ = step(state, (self.x[first : first + self.w.batch], self.y[first : first + self.w.batch]))
        return float(self._loss(state[0], self.x, self.y))

    def run(self, epochs):
        for _ in range(epochs):
            self.key, use = self.jax.random.split(self.key)
            self.state = self.epoch(self.state, self.x, self.y, self.jax.random.permutation(use, len(self.x)))
        self.jax.block_until_ready(self.state)


class ScikitLearn:
    """scikit-learn's MLP, by ``fit``. Its squared loss is ours times outputs / 2, which the learning rate makes up for."""

    def __init__(self, workload):
        import warnings

        from sklearn.exceptions import ConvergenceWarning
        from sklearn.neural_network import MLPClassifier, MLPRegressor
        from threadpoolctl import threadpool_limits

        warnings.simplefilter("ignore", ConvergenceWarning)
        self.limits = threadpool_limits(workload.threads)
        self.w, (self.x, self.y, self.weights) = workload, make_data(workload)
        self.target = self.y if self.y.ndim == 1 or self.y.shape[1] > 1 else self.y.ravel()
        rate = LEARNING_RATES[workload.optimizer]
        if not workload.classes and workload.optimizer != "adam":
            rate *= 2 / workload.sizes[-1]
        self.model = (MLPClassifier if workload.classes else MLPRegressor)(
            hidden_layer_sizes=workload.sizes[1:-1],
            activation=workload.activation,
            solver="adam" if workload.optimizer == "adam" else "sgd",
            momentum=0.9 if workload.optimizer == "momentum" else 0.0,
            nesterovs_momentum=False,
            learning_rate_init=rate,
            epsilon=EPSILON,
            alpha=0.0,
            batch_size=workload.batch,
            max_iter=1,
            warm_start=True,
            n_iter_no_change=10**9,
            tol=0.0,
        )

    def loss_after(self, steps):
        classes = {"classes": np.arange(self.w.sizes[-1])} if self.w.classes else {}
        self.model.partial_fit(self.x[: self.w.batch], self.target[: self.w.batch], **classes)
        for own, given in zip(
            [*self.model.coefs_, *self.model.intercepts_], self.weights[::2] + self.weights[1::2], strict=True
        ):
            own[:] = given
        optimizer = self.model._optimizer
        for name in ("ms", "vs", "velocities"):
            for state in getattr(optimizer, name, ()):
                state[:] = 0
        optimizer.t = 0
        for i in range(steps):
            first = (i * self.w.batch) % len(self.x)
            self.model.partial_fit(self.x[first : first + self.w.batch], self.target[first : first + self.w.batch])
        if self.w.classes:
            p = self.model.predict_proba(self.x)[np.arange(len(self.y)), self.y]
            return float(-np.log(np.maximum(p, 1e-12)).mean())
        return float(((self.model.predict(self.x).reshape(self.y.shape) - self.y) ** 2).mean())

    def run(self, epochs):
        self.model.max_iter = epochs
        self.model.fit(self.x, self.target)


PEERS = {"fastbp": FastBP, "torch": Torch, "torch-compile": TorchCompiled, "jax": Jax, "scikit-learn": ScikitLearn}
NEEDS = {"fastbp": "fastbp", "torch": "torch", "torch-compile": "torch", "jax": "jax", "scikit-learn": "sklearn"}


def time_step(peer, seconds):
    """Seconds a step took, over as many epochs as fill about ``seconds``."""
    steps = len(peer.x) // peer.w.batch
    start = time.perf_counter()
    peer.run(1)
    epochs = max(1, round(seconds / (time.perf_counter() - start)))
    start = time.perf_counter()
    peer.run(epochs)
    return (time.perf_counter() - start) / (epochs * steps)


def main():
    name, described, seconds = sys.argv[1], json.loads(sys.argv[2]), float(sys.argv[3])
    described["sizes"] = tuple(described["sizes"])
    start = time.perf_counter()
    peer = PEERS[name](Workload(**described))
    loss = peer.loss_after(CHECKED_STEPS)
    peer.run(1)
    print(json.dumps({"loss": loss, "startup": time.perf_counter() - start}), flush=True)
    for _ in sys.stdin:
        print(json.dumps(time_step(peer, seconds)), flush=True)


if __name__ == "__main__":
    main()
