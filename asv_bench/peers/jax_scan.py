"""JAX: one jitted ``lax.scan`` over the steps of an epoch, its strongest form."""

from workloads import NORM_EPSILON

from .peer import EPSILON, Peer, use_threads

CHUNK = 4000  # rows of a large prediction that go through all layers together


class Scan(Peer):
    def make(self):
        use_threads(self.w.threads)
        import jax

        jax.config.update("jax_platforms", "cpu")
        jax.config.update("jax_enable_x64", self.w.dtype == "float64")
        import jax.numpy as jnp

        self.jax, self.jnp = jax, jnp
        self.x, self.y = jnp.asarray(self.x), jnp.asarray(self.y)
        self.one_step, self.one_epoch = jax.jit(self._step), jax.jit(self._epoch)
        self.outputs, self.measured = jax.jit(self._predict), jax.jit(self._loss)
        self.key = jax.random.PRNGKey(0)

    def restart(self):
        weights = [self.jnp.asarray(w) for w in self.weights]
        zeros = [self.jnp.zeros_like(w) for w in weights]
        self.state = (weights, zeros, zeros, self.jnp.zeros((), self.w.dtype), self.jax.random.PRNGKey(1))

    def _forward(self, weights, x, key=None):
        """The outputs; with a key, those of training, in which units are dropped."""
        activate = self.jnp.tanh if self.w.activation == "tanh" else self.jax.nn.relu
        *hidden, kernel, bias = weights
        step = 4 if self.w.normalizes else 2
        for i in range(0, len(hidden), step):
            x = activate(x @ hidden[i] + hidden[i + 1])
            if self.w.normalizes:
                x = x - x.mean(axis=1, keepdims=True)
                x = x / self.jnp.sqrt((x * x).mean(axis=1, keepdims=True) + NORM_EPSILON) * hidden[i + 2] + hidden[i + 3]
            if key is not None:
                key, use = self.jax.random.split(key)
                kept = self.jax.random.bernoulli(use, 1 - self.w.dropout, x.shape)
                x = self.jnp.where(kept, x / (1 - self.w.dropout), 0)
        return x @ kernel + bias

    def _loss(self, weights, x, y, key=None):
        jnp, outputs = self.jnp, self._forward(weights, x, key)
        if self.w.classes:
            return -jnp.mean(self.jax.nn.log_softmax(outputs)[jnp.arange(len(y)), y])
        return jnp.mean((outputs - y) ** 2)

    def _step(self, state, batch):
        jnp, (weights, m, v, t, key) = self.jnp, state
        key, use = self.jax.random.split(key) if self.w.dropout else (key, None)
        g = self.jax.grad(self._loss)(weights, *batch, use)
        t = t + 1
        if self.w.optimizer == "adam":
            m = [0.9 * a + 0.1 * b for a, b in zip(m, g, strict=True)]
            v = [0.999 * a + 0.001 * b * b for a, b in zip(v, g, strict=True)]
            alpha = self.rate * jnp.sqrt(1 - 0.999**t) / (1 - 0.9**t)
            weights = [w - alpha * a / (jnp.sqrt(b) + EPSILON) for w, a, b in zip(weights, m, v, strict=True)]
        else:
            momentum = 0.9 if self.w.optimizer == "momentum" else 0.0
            m = [momentum * a - self.rate * b for a, b in zip(m, g, strict=True)]
            weights = [w + a for w, a in zip(weights, m, strict=True)]
        return (weights, m, v, t, key), 0.0

    def _epoch(self, state, x, y, key):
        order = self.jax.random.permutation(key, len(x))
        x, y = x[order], y[order]
        batches = x.reshape(-1, self.w.batch, x.shape[1]), y.reshape(-1, self.w.batch, *y.shape[1:])
        return self.jax.lax.scan(self._step, state, batches)[0]

    def _predict(self, weights, x):
        if len(x) <= CHUNK or len(x) % CHUNK:
            return self._forward(weights, x)
        parts = x.reshape(-1, CHUNK, x.shape[1])
        return self.jax.lax.map(lambda part: self._forward(weights, part), parts).reshape(len(x), -1)

    def step(self, rows):
        self.state, _ = self.one_step(self.state, (self.x[rows], self.y[rows]))

    def train(self, epochs):
        for _ in range(epochs):
            self.key, use = self.jax.random.split(self.key)
            self.state = self.one_epoch(self.state, self.x, self.y, use)
        self.jax.block_until_ready(self.state)

    def loss(self):
        return self.measured(self.state[0], self.x, self.y)

    def predict(self):
        return self.outputs(self.state[0], self.x).block_until_ready()
