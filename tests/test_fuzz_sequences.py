"""Random sequences of calls on one model, each checked against the oracle, which goes the same way in plain NumPy.

Between the calls come others that must change nothing: what is measured or predicted, what is refused, copies and files.
"""

import copy
import os
import pickle
import tempfile

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

import fastbp
import oracle
from bridge import make_layer, make_loss, make_optimizer
from fastbp import Input, Sequential
from fastbp.callbacks import Callback
from gradcheck import relative_error
from networks import NORMS, random_targets, random_weights

WIDTHS = st.integers(1, 20)
SMOOTH = ["linear", "tanh", "sigmoid", "softplus", "gelu"]
LOSSES = {
    "linear": [{"name": "mean_squared_error"}, {"name": "log_cosh"}],
    "sigmoid": [{"name": "binary_crossentropy"}, {"name": "mean_squared_error"}],
    "softmax": [{"name": "categorical_crossentropy"}, {"name": "sparse_categorical_crossentropy"}],
}
OPTIMIZERS = [
    {"name": "sgd"},
    {"name": "sgd", "momentum": 0.9, "nesterov": True},
    {"name": "rmsprop", "centered": True, "momentum": 0.5, "epsilon": 1e-3},
    {"name": "adam", "epsilon": 1e-3},
    {"name": "adam", "epsilon": 1e-3, "amsgrad": True, "clipnorm": 0.3},
    {"name": "adamw", "epsilon": 1e-3, "weight_decay": 0.1, "clipvalue": 0.01},
    {"name": "nadam", "epsilon": 1e-3, "gradient_accumulation_steps": 2},
    {"name": "adagrad", "epsilon": 1e-3, "global_clipnorm": 0.5},
    {"name": "adamax", "epsilon": 1e-3},
]
RATES = st.sampled_from([1e-4, 1e-3, 3e-3])
BAD = [
    lambda model, x, y: model.fit(x[:, :0], y, verbose=0),
    lambda model, x, y: model.fit(x, y[:-1], verbose=0),
    lambda model, x, y: model.fit(x, y, batch_size=0, verbose=0),
    lambda model, x, y: model.fit(x * np.nan, y, verbose=0),
    lambda model, x, y: model.fit(x, y, validation_data=(x, y[:0]), verbose=0),
    lambda model, x, y: model.predict(np.hstack([x, x]), verbose=0),
    lambda model, x, y: model.evaluate(x, None, verbose=0),
    lambda model, x, y: model.train_on_batch(x[0], y),
    lambda model, x, y: model.set_weights(model.get_weights()[1:]),
    lambda model, x, y: model.set_weights([w[None] for w in model.get_weights()]),
    lambda model, x, y: model.apply_gradients(model.get_weights()[:-1]),
    lambda model, x, y: model.compile("no such optimizer", "mse"),
    lambda model, x, y: model.load_weights(os.devnull),
]


class Stop(Exception):
    pass


class StopAt(Callback):
    """Raises after so many steps."""

    def __init__(self, steps):
        super().__init__()
        self.left = steps

    def on_train_batch_end(self, batch, logs=None):
        self.left -= 1
        if self.left == 0:
            raise Stop


class Calls(RuleBasedStateMachine):
    """A model, and what the oracle knows of it."""

    @initialize(widths=st.lists(WIDTHS, min_size=2, max_size=4), data=st.data(), seed=st.integers(0, 2**32 - 1))
    def begin(self, widths, data, seed):
        last = data.draw(st.sampled_from(list(LOSSES)))
        widths[-1] = max(2, widths[-1]) if last == "softmax" else widths[-1]
        self.widths, self.rng = widths, np.random.default_rng(seed)
        self.network = [{"activation": data.draw(st.sampled_from(SMOOTH)), "trainable": True} for _ in widths[2:]]
        for layer in self.network:
            layer["use_bias"] = data.draw(st.booleans())
            if data.draw(st.booleans()):
                layer["norm"] = data.draw(st.sampled_from([n for n in NORMS if n["kind"] != "unit"]))
        self.network.append({"activation": last, "trainable": True})
        self.groups = [make_layer(layer, units) for layer, units in zip(self.network, widths[1:], strict=True)]
        layers = [Input((widths[0],)), *(one for group in self.groups for one in group)]
        self.model = Sequential(layers, dtype="float64", seed=seed % 1000)
        self.loss, self.rule = None, None
        self.set_weights()

    @property
    def trained(self):
        """The network as the oracle trains it."""
        return [{**layer, "trainable": flag} for layer, flag in zip(self.network, self.flags, strict=True)]

    def sample(self, n):
        x = self.rng.normal(size=(n, self.widths[0]))
        return x, random_targets(self.loss or {"name": "mean_squared_error"}, n, self.widths[-1], self.rng)

    def learn(self, x, y, batch_size, epochs=1, steps=None):
        """The oracle's part of some steps."""
        steps = epochs * -(-len(x) // batch_size) if steps is None else steps
        parts = [(x[i : i + batch_size], y[i : i + batch_size]) for i in range(0, len(x), batch_size)] * epochs
        losses = []
        for part in parts[:steps]:
            arguments = self.loss, self.rule, *part, len(part[0])
            self.weights, loss = oracle.train_epoch(self.trained, self.weights, *arguments, learning_rates=[self.rate])
            losses.append(loss * len(part[0]))
        return sum(losses) / max(len(x) * epochs, 1)

    def expected_loss(self, x, y):
        return oracle.value_and_gradient(self.trained, self.weights, self.loss, x, y)[0]

    # -- what changes the model

    @rule(optimizer=st.sampled_from(OPTIMIZERS), rate=RATES, which=st.integers(0, 1))
    def compile(self, optimizer, rate, which):
        self.loss, self.rate = LOSSES[self.network[-1]["activation"]][which], rate
        known = {k: v for k, v in optimizer.items()}
        self.rule = oracle.Optimizer({**known, "learning_rate": rate})
        self.flags = [layer["trainable"] for layer in self.network]
        self.model.compile(make_optimizer({**known, "learning_rate": rate}), make_loss(self.loss))

    @rule()
    def set_weights(self):
        self.weights = random_weights(self.network, self.widths, self.rng)
        self.model.set_weights(self.weights)

    @precondition(lambda self: self.rule)
    @rule(n=st.integers(1, 70), batch_size=st.integers(1, 80), epochs=st.integers(1, 3), watched=st.booleans())
    def fit(self, n, batch_size, epochs, watched):
        x, y = self.sample(n)
        callbacks = [StopAt(-1)] if watched else []
        arguments = {"batch_size": batch_size, "epochs": epochs, "shuffle": False, "verbose": 0, "callbacks": callbacks}
        history = self.model.fit(x, y, **arguments).history
        assert np.isclose(np.mean(history["loss"]), self.learn(x, y, min(n, batch_size), epochs), rtol=1e-6, atol=1e-9)

    @precondition(lambda self: self.rule)
    @rule(n=st.integers(1, 70))
    def train_on_batch(self, n):
        x, y = self.sample(n)
        assert np.isclose(self.model.train_on_batch(x, y), self.learn(x, y, n), rtol=1e-6, atol=1e-9)

    @precondition(lambda self: self.rule)
    @rule(n=st.integers(2, 40), batch_size=st.integers(1, 10), steps=st.integers(1, 5))
    def fit_until_a_callback_raises(self, n, batch_size, steps):
        x, y = self.sample(n)
        arguments = {"batch_size": batch_size, "epochs": 2, "shuffle": False, "verbose": 0, "callbacks": [StopAt(steps)]}
        try:
            self.model.fit(x, y, **arguments)
        except Stop:
            self.learn(x, y, min(n, batch_size), 2, steps)
        else:
            self.learn(x, y, min(n, batch_size), 2)

    @precondition(lambda self: self.rule)
    @rule()
    def apply_gradients(self):
        gradients = [0.1 * g for g in random_weights(self.network, self.widths, self.rng)]
        self.model.apply_gradients(gradients)
        moved = self.rule.apply(self.weights, self.only_trained(gradients), self.rate)
        learns = oracle.trainable(self.trained)
        self.weights = [m if flag else w for m, w, flag in zip(moved, self.weights, learns, strict=True)]

    def only_trained(self, gradients):
        return [g if flag else 0 * g for g, flag in zip(gradients, oracle.trainable(self.trained), strict=True)]

    @precondition(lambda self: self.rule)
    @rule(rate=RATES)
    def change_the_learning_rate(self, rate):
        self.model.optimizer.learning_rate = self.rate = rate

    @rule(data=st.data(), flag=st.booleans())
    def freeze_or_thaw_a_layer(self, data, flag):
        """It is the next ``compile`` that sees it."""
        i = data.draw(st.integers(0, len(self.network) - 1))
        self.network[i]["trainable"] = flag
        for one in self.groups[i]:
            one.trainable = flag

    # -- what makes another model of it

    def take(self, model):
        self.model, layers = model, iter(model.layers)
        self.groups = [[next(layers) for _ in group] for group in self.groups]
        for layer, group in zip(self.network, self.groups, strict=True):
            for one in group:
                assert one.trainable == layer["trainable"]

    @rule(way=st.sampled_from([copy.deepcopy, copy.copy, lambda model: pickle.loads(pickle.dumps(model))]))
    def copy(self, way):
        self.take(way(self.model))

    @rule()
    def save_and_load(self):
        with tempfile.TemporaryDirectory() as folder:
            self.model.save(f"{folder}/model.keras")
            self.take(fastbp.load_model(f"{folder}/model.keras"))

    @rule()
    def save_and_load_weights(self):
        with tempfile.TemporaryDirectory() as folder:
            self.model.save_weights(f"{folder}/weights.safetensors")
            weights = self.model.get_weights()
            self.model.set_weights([w + 1 for w in weights])
            self.model.load_weights(f"{folder}/weights.safetensors")

    # -- what changes nothing

    @rule(call=st.sampled_from(BAD))
    def something_bad(self, call):
        x, y = self.sample(5)
        with pytest.raises((TypeError, ValueError, RuntimeError)):
            call(self.model, x, y)

    @rule(n=st.integers(1, 300), batch_size=st.integers(1, 300))
    def predict(self, n, batch_size):
        x, _ = self.sample(n)
        expected, _ = oracle.forward(self.network, self.weights, x)
        assert relative_error(self.model.predict(x, batch_size=batch_size, verbose=0), expected) < 1e-7
        assert relative_error(self.model(x), expected) < 1e-7

    @precondition(lambda self: self.rule)
    @rule(n=st.integers(1, 300), batch_size=st.integers(1, 300))
    def evaluate(self, n, batch_size):
        x, y = self.sample(n)
        found = self.model.evaluate(x, y, batch_size=batch_size, verbose=0)
        assert np.isclose(found, self.expected_loss(x, y), rtol=1e-6, atol=1e-9)
        assert np.isclose(self.model.test_on_batch(x, y), found, rtol=1e-9, atol=1e-12)

    @precondition(lambda self: self.rule)
    @rule(n=st.integers(1, 70))
    def value_and_gradient(self, n):
        x, y = self.sample(n)
        loss, gradients = self.model.value_and_gradient(x, y)
        expected, of_oracle = oracle.value_and_gradient(self.trained, self.weights, self.loss, x, y)
        assert np.isclose(loss, expected, rtol=1e-6, atol=1e-9)
        for one, other in zip(gradients, of_oracle, strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-7)

    @invariant()
    def the_weights_are_the_oracle_s(self):
        for one, other in zip(self.model.get_weights(), self.weights, strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-6, atol=1e-7)


TestCalls = Calls.TestCase
profile = settings.get_profile(os.environ.get("HYPOTHESIS_PROFILE", "local"))
TestCalls.settings = settings(profile, stateful_step_count=15, max_examples=max(profile.max_examples // 5, 1))
