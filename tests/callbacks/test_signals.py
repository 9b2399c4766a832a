"""InterruptOnSignal: a signal ends a fit as Ctrl-C does, the model goes on, and the handlers from before come back."""

import os
import pickle
import signal
import threading

import numpy as np
import pytest

import fastbp
from fastbp import Dense, Sequential
from fastbp.callbacks import InterruptOnSignal, LambdaCallback

X = np.random.default_rng(0).normal(size=(64, 3)).astype("float32")
Y = X[:, :1].copy()
RULES = {"batch_size": 16, "shuffle": False, "verbose": 0}


def model(optimizer="adam"):
    net = Sequential([Dense(4, "tanh"), Dense(1)], seed=0)
    net.compile(optimizer, "mse")
    net.build((None, 3))
    return net


def sender(hook="on_train_batch_end", at=2, number=signal.SIGTERM):
    return LambdaCallback(**{hook: lambda index, logs: signal.raise_signal(number) if index == at else None})


def same(one, other):
    return all(a.tobytes() == b.tobytes() for a, b in zip(one.get_weights(), other.get_weights(), strict=True))


@pytest.fixture(autouse=True)
def handlers():
    """The test's own, which must be there in the end."""
    own = {number: lambda *_: pytest.fail("a handler from before was called") for number in (signal.SIGTERM, signal.SIGUSR1)}
    before = {number: signal.signal(number, handler) for number, handler in own.items()}
    yield
    found = {number: signal.signal(number, handler) for number, handler in before.items()}
    assert all(found[number] in (handler, signal.SIG_DFL) for number, handler in own.items())


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGUSR1])
def test_the_model_is_at_the_last_finished_step_and_goes_on(number):
    net, other = model(), model()
    stopping = InterruptOnSignal(["SIGTERM", int(signal.SIGUSR1)])
    with pytest.raises(KeyboardInterrupt, match=number.name):
        net.fit(X, Y, epochs=3, callbacks=[stopping, sender(number=number)], **RULES)
    assert stopping.received == number.name and net.optimizer.iterations == 3
    for step in range(3):
        other.train_on_batch(X[16 * step :][:16], Y[16 * step :][:16])
    assert same(net, other)
    losses = [one.fit(X, Y, callbacks=[stopping], **RULES).history["loss"] for one in (net, other)]
    assert losses[0] == losses[1] and stopping.received is None


def test_from_outside_in_the_midst_of_compiled_code():
    net = model()
    timer = threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGTERM))
    timer.start()
    with pytest.raises(KeyboardInterrupt, match="SIGTERM"):
        net.fit(X, Y, epochs=10**8, callbacks=[InterruptOnSignal()], **RULES)
    timer.join()
    assert net.optimizer.iterations > 0 and net.history.epoch and np.isfinite(net.predict(X, verbose=0)).all()


def test_the_model_is_saved_and_further_signals_wait(tmp_path, monkeypatch, capfd):
    path, net, save = tmp_path / "new" / "model.keras", model(), Sequential.save

    def send_again(self, *arguments):
        signal.raise_signal(signal.SIGTERM)
        save(self, *arguments)

    monkeypatch.setattr(Sequential, "save", send_again)
    with pytest.raises(KeyboardInterrupt):
        net.fit(X, Y, epochs=3, callbacks=[InterruptOnSignal(filepath=path, verbose=1), sender()], **RULES)
    assert f"SIGTERM: the fit ends, saved to {path}" in capfd.readouterr().out
    loaded = fastbp.load_model(path)
    assert loaded.optimizer.iterations == 3 and same(net, loaded)
    path.unlink()
    with pytest.raises(KeyboardInterrupt, match="^$"):  # Ctrl-C, which is none of its signals
        net.fit(X, Y, callbacks=[InterruptOnSignal(filepath=path), sender(number=signal.SIGINT)], **RULES)
    net.fit(X, Y, callbacks=[InterruptOnSignal(filepath=path)], **RULES)
    assert not path.exists()


def test_the_handlers_come_back_whatever_ends_the_fit():
    def fail(*_):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        model().fit(X, Y, callbacks=[InterruptOnSignal(), InterruptOnSignal(), LambdaCallback(on_epoch_end=fail)], **RULES)


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_child_that_is_forked_meanwhile_is_not_concerned():
    """Pools end their workers by SIGTERM."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    children, (reader, writer) = [], os.pipe()

    def fork(*_):
        child = os.fork()
        if child == 0:
            os.write(writer, b"1")  # Python drops signals that come as it begins
            threading.Event().wait(60)
            os._exit(0)
        children.append(child)

    model().fit(X, Y, callbacks=[InterruptOnSignal(), LambdaCallback(on_epoch_end=fork)], **RULES)
    assert os.read(reader, 1) == b"1"
    os.close(reader), os.close(writer)
    os.kill(children[0], signal.SIGTERM)
    assert os.waitstatus_to_exitcode(os.waitpid(children[0], 0)[1]) == -signal.SIGTERM
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL


def test_a_fit_by_a_solver():
    pytest.importorskip("scipy")
    net = model("lbfgs")
    with pytest.raises(KeyboardInterrupt, match="SIGTERM"):
        net.fit(X, Y, epochs=9, verbose=0, callbacks=[InterruptOnSignal(), sender("on_epoch_end")])
    assert net.history.epoch == [0, 1, 2]


@pytest.mark.filterwarnings("ignore:Stochastic Optimizer")
def test_an_estimator_ends_as_by_control_c(tmp_path):
    pytest.importorskip("sklearn")
    estimator = fastbp.MLPRegressor(hidden_layer_sizes=8, max_iter=9, callbacks=[InterruptOnSignal(), sender("on_epoch_end")])
    with pytest.warns(UserWarning, match="Training interrupted by user"):
        estimator.fit(X, Y[:, 0])
    assert estimator.n_iter_ == 3 and np.isfinite(estimator.predict(X)).all()


def test_outside_of_the_main_thread():
    net, errors = model(), []
    before = net.get_weights()

    def work():
        try:
            net.fit(X, Y, callbacks=[InterruptOnSignal()], **RULES)
        except RuntimeError as error:
            errors.append(str(error))

    thread = threading.Thread(target=work, name="worker")
    thread.start()
    thread.join()
    assert "in the main thread alone" in errors[0] and "'worker'" in errors[0]
    assert all(a.tobytes() == b.tobytes() for a, b in zip(before, net.get_weights(), strict=True))
    net.fit(X, Y, **RULES)


def test_a_handler_that_is_not_of_python(monkeypatch):
    monkeypatch.setattr(signal, "getsignal", lambda number: None)
    with pytest.raises(RuntimeError, match="must have handlers of Python.*SIGTERM"):
        model().fit(X, Y, callbacks=[InterruptOnSignal()], **RULES)


def test_arguments(tmp_path):
    for value, error in (("SIGTEM", ValueError), ("SIGKILL", ValueError), (9, ValueError), ([], ValueError)):
        with pytest.raises(error, match="signals must"):
            InterruptOnSignal(value)
    for value in (True, None, [1.5]):
        with pytest.raises(TypeError, match="signals must be names or numbers"):
            InterruptOnSignal(value)
    with pytest.raises(TypeError):
        InterruptOnSignal(filepath=3)
    with pytest.raises(IsADirectoryError, match="filepath must be the path of a file"):
        model().fit(X, Y, callbacks=[InterruptOnSignal(filepath=tmp_path)], **RULES)
    assert pickle.loads(pickle.dumps(InterruptOnSignal("SIGINT"))).signals == [signal.SIGINT]
