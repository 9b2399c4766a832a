"""One model and several threads: what only reads sees whole steps, what would spoil another thread's fit is refused."""

import copy
import pickle
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import fastbp
from fastbp.callbacks import LambdaCallback

X = np.random.default_rng(0).normal(size=(256, 6)).astype("f")
Y = X[:, :1] * X[:, 1:2]


def made(seed=0, optimizer="adam", units=8):
    model = fastbp.Sequential([fastbp.Input((6,)), fastbp.Dense(units, "tanh"), fastbp.Dense(1)], seed=seed)
    model.compile(optimizer, "mse")
    return model


def together(function, count):
    """What ``function(i)`` gives in each of so many threads that begin at once."""
    gate = threading.Barrier(count)

    def begin(i):
        gate.wait()
        return function(i)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(begin, range(count)))


@pytest.fixture
def fitted():
    """A model while another thread is amid a fit of it, in a callback between two epochs."""
    model, inside, leave = made(), threading.Event(), threading.Event()

    def pause(epoch, logs):
        inside.set()
        leave.wait(60)

    def work():
        model.fit(X, Y, epochs=2, verbose=0, callbacks=[LambdaCallback(on_epoch_end=pause)])

    thread = threading.Thread(target=work, name="the fitter")
    thread.start()
    assert inside.wait(60)
    yield model
    leave.set()
    thread.join(60)
    assert not thread.is_alive()
    assert model.history.epoch == [0, 1]
    model.fit(X, Y, verbose=0)  # it is free again
    alone = made()
    alone.fit(X, Y, epochs=2, verbose=0)
    alone.fit(X, Y, verbose=0)
    for a, b in zip(model.get_weights(), alone.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_sixteen_threads_predict_with_a_model_that_nobody_has_used():
    model, rows = made(), X[:5]
    expected = made().predict(rows)
    for outputs in together(lambda i: [model.predict(rows) for _ in range(20)], 16):
        assert all(np.array_equal(output, expected) for output in outputs)


def test_sixteen_threads_meet_a_model_without_weights():
    model = fastbp.Sequential([fastbp.Dense(8, "tanh"), fastbp.Dense(1)], seed=0)
    expected = made().predict(X)
    assert all(np.array_equal(output, expected) for output in together(lambda i: model.predict(X), 16))


def test_eight_threads_fit_eight_models():
    def fit(i):
        model = made(i)
        model.fit(X, Y, epochs=3, verbose=0)
        return model.get_weights()

    for one, other in zip(together(fit, 8), map(fit, range(8)), strict=True):
        assert all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


def test_what_only_reads_goes_on_during_a_fit(fitted):
    expected, weights = fitted.predict(X), fitted.get_weights()
    assert np.isfinite(fitted.evaluate(X, Y, verbose=0))
    for other in (copy.deepcopy(fitted), pickle.loads(pickle.dumps(fitted))):
        np.testing.assert_array_equal(other.predict(X), expected)
        other.fit(X, Y, verbose=0)  # a copy is nobody's
    assert all(np.array_equal(a, b) for a, b in zip(weights, fitted.get_weights(), strict=True))


CHANGES = {
    "fit": lambda model: model.fit(X, Y, verbose=0),
    "train_on_batch": lambda model: model.train_on_batch(X, Y),
    "apply_gradients": lambda model: model.apply_gradients(model.value_and_gradient(X, Y)[1]),
    "set_weights": lambda model: model.set_weights(model.get_weights()),
    "compile": lambda model: model.compile("sgd", "mse"),
    "_append": lambda model: model.add(fastbp.Dense(1)),
    "_remove_last": lambda model: model.pop(),
    "find_learning_rate": lambda model: model.find_learning_rate(X, Y, steps=5),
    "layer": lambda model: model.layers[0].set_weights(model.layers[0].get_weights()),
    "another model": lambda model: fastbp.Sequential([fastbp.Input((6,)), model.layers[0]]).predict(X),
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_would_spoil_a_fit_is_refused(fitted, change):
    with pytest.raises(RuntimeError, match="which thread 'the fitter' is fitting: wait until that fit has ended"):
        CHANGES[change](fitted)


def test_a_callback_may_do_all_that():
    """The thread that fits has the model, whatever it does with it."""
    model = made()

    def use(epoch, logs):
        model.predict(X)
        model.train_on_batch(X, Y)
        model.set_weights([0.5 * weight for weight in model.get_weights()])
        pickle.dumps(model)
        if epoch == 0:
            model.fit(X, Y, verbose=0)

    model.fit(X, Y, epochs=2, verbose=0, callbacks=[LambdaCallback(on_epoch_end=use)])
    assert together(lambda i: model.train_on_batch(X, Y), 2)  # and leaves it free


def test_a_fit_that_fails_leaves_the_model_free():
    model = made()
    with pytest.raises(ZeroDivisionError):
        model.fit(X, Y, verbose=0, callbacks=[LambdaCallback(on_epoch_end=lambda epoch, logs: 1 / 0)])
    assert len(together(lambda i: model.train_on_batch(X, Y), 2)) == 2


def test_single_steps_of_several_threads_wait_for_each_other():
    """The same data each time: as many steps as by one thread, in whatever order."""
    model, alone = made(), made()
    together(lambda i: [model.train_on_batch(X, Y) for _ in range(10)], 4)
    for _ in range(40):
        alone.train_on_batch(X, Y)
    assert all(np.array_equal(a, b) for a, b in zip(model.get_weights(), alone.get_weights(), strict=True))


def test_backward_is_of_the_same_thread_as_forward():
    """Another thread's forward in between would give the gradient for other data."""
    model = made()
    model.forward(X)
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(model.forward, X[:3]).result().shape == (3, 1)
        with pytest.raises(ValueError, match="of the same thread"):
            model.backward(np.ones((3, 1)))
        assert pool.submit(model.backward, np.ones((3, 1))).result().shape == (3, 6)


def test_a_copy_during_a_fit_is_of_one_moment():
    """Weights and optimizer's state belong together: a copy goes on as the model did."""
    model, copies, stop = made(), [], threading.Event()

    def take():
        while not stop.is_set() and len(copies) < 20:
            copies.append(copy.deepcopy(model))

    model.train_on_batch(X, Y)
    thread = threading.Thread(target=take)
    thread.start()
    model.fit(X, Y, batch_size=256, epochs=300, verbose=0)
    stop.set()
    thread.join(60)
    replayed, at = made(), {}
    for _ in range(301):
        replayed.train_on_batch(X, Y)
        at[replayed._engine.steps] = replayed.get_weights()
    assert copies
    for one in copies:
        steps = one._training_record().steps
        assert all(np.array_equal(a, b) for a, b in zip(one.get_weights(), at[steps], strict=True))
