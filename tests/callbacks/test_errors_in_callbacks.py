"""An error in any hook of a callback leaves a model that stands at the last finished step and can go on."""

import numpy as np
import pytest

from fastbp import Dense, Sequential
from fastbp.callbacks import Callback

X = np.random.default_rng(0).normal(size=(64, 3)).astype("float32")
HOOKS = {
    "on_train_begin": 0,
    "on_epoch_begin": 0,
    "on_train_batch_begin": 0,
    "on_train_batch_end": 1,
    "on_test_begin": 3,
    "on_test_batch_end": 3,
    "on_epoch_end": 3,
    "on_train_end": 3,
}  # the steps that are taken before


def model():
    net = Sequential([Dense(4, "tanh"), Dense(1)], seed=0)
    net.compile("adam", "mse")
    net.build((None, 3))
    return net


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
@pytest.mark.parametrize("hook", HOOKS)
def test_an_error_in_a_hook(hook, error):
    def fail(*arguments):
        raise error("mine")

    net, same = model(), model()
    failing = Callback()
    setattr(failing, hook, fail)
    with pytest.raises(error, match="mine"):
        net.fit(X, X[:, :1], batch_size=16, validation_split=0.25, shuffle=False, verbose=0, callbacks=[failing])
    assert net.optimizer.iterations == HOOKS[hook]
    for step in range(HOOKS[hook]):
        same.train_on_batch(X[16 * step : 16 * step + 16], X[16 * step : 16 * step + 16, :1])
    assert all(a.tobytes() == b.tobytes() for a, b in zip(net.get_weights(), same.get_weights(), strict=True))
    losses = [one.fit(X, X[:, :1], batch_size=16, shuffle=False, verbose=0).history["loss"] for one in (net, same)]
    assert losses[0] == losses[1]
