"""GradientMonitor: what it keeps and shows, and that a fit with it is the fit without."""

import numpy as np
import pytest

import fastbp
from fastbp import Dense, Sequential
from fastbp.callbacks import Callback, GradientMonitor, TerminateOnNaN
from fastbp.callbacks.gradient_monitor import QUANTITIES

RNG = np.random.default_rng(0)
X = RNG.normal(size=(320, 5)).astype("float32")
Y = np.sin(X[:, :2])


def model_of(*layers, optimizer="adam", loss="mse"):
    model = Sequential(list(layers) or [Dense(12, "tanh"), Dense(2)], seed=2)
    model.compile(optimizer, loss)
    return model


def watched(x=X, y=Y, every=3, epochs=2, layers=(), callbacks=(), **settings):
    model, monitor = model_of(*layers), GradientMonitor(every)
    model.fit(x, y, epochs=epochs, verbose=0, callbacks=[monitor, *callbacks], **settings)
    return model, monitor


def assert_same(one, other):
    assert one.steps.tolist() == other.steps.tolist() and one.epochs.tolist() == other.epochs.tolist()
    for layer, numbers in one.history.items():
        for name, values in numbers.items():
            np.testing.assert_array_equal(values, other.history[layer][name])


def test_steps_and_epochs():
    _, monitor = watched(every=4, epochs=3, batch_size=32, initial_epoch=1)
    assert monitor.steps.tolist() == [0, 4, 8, 10, 14, 18] and monitor.epochs.tolist() == [1, 1, 1, 2, 2, 2]
    assert monitor.layers == ["dense", "dense_1"] and list(monitor.history["dense"]) == list(QUANTITIES)


def test_the_numbers_of_a_step():
    model, monitor = model_of(optimizer=fastbp.SGD(0.1)), GradientMonitor(1)
    model.build(5)
    before = model.get_weights()
    _, gradients = model.value_and_gradient(X, Y)
    outputs = np.tanh(X @ before[0] + before[1])
    model.fit(X, Y, batch_size=320, verbose=0, callbacks=monitor)
    numbers, size = monitor.history["dense"], np.sqrt(sum((g.astype(float) ** 2).sum() for g in gradients[:2]))
    weights = np.sqrt(sum((w.astype(float) ** 2).sum() for w in before[:2]))
    assert numbers["gradient_norm"] == pytest.approx(size, rel=1e-5)
    assert numbers["update_ratio"] == pytest.approx(0.1 * size / weights, rel=1e-3)
    assert numbers["activation_mean"] == pytest.approx(outputs.mean(), abs=1e-6)
    assert numbers["activation_std"] == pytest.approx(outputs.std(), rel=1e-5)
    assert numbers["saturated"] == pytest.approx((1 - outputs**2 < 0.05).mean()) and numbers["dead"] == 0
    assert np.isnan(monitor.history["dense_1"]["dead"]) and np.isnan(monitor.history["dense_1"]["saturated"])


def test_dead_units():
    model, monitor = model_of(Dense(8, "relu"), Dense(2)), GradientMonitor(1)
    model.build(5)
    weights = model.get_weights()
    weights[1][:3] = -1000
    model.set_weights(weights)
    model.fit(X, Y, batch_size=320, verbose=0, callbacks=monitor)
    assert monitor.history["dense"]["dead"] == pytest.approx(3 / 8)
    assert np.isnan(monitor.history["dense"]["saturated"])


def test_updates_are_told_as_they_are_after_constraints():
    """A constraint draws the weights together after the step, or between others."""
    for constraint in (fastbp.constraints.MaxNorm(0.1), fastbp.constraints.NonNeg()):
        model, monitor = model_of(Dense(12, "tanh", kernel_constraint=constraint), Dense(2)), GradientMonitor(1)
        model.build(5)
        before = np.concatenate([w.ravel() for w in model.layers[0].get_weights()])
        model.fit(X, Y, batch_size=320, verbose=0, callbacks=monitor, threads=2)
        after = np.concatenate([w.ravel() for w in model.layers[0].get_weights()])
        ratio = np.linalg.norm(after - before) / np.linalg.norm(before)
        assert monitor.history["dense"]["update_ratio"] == pytest.approx(ratio, rel=1e-4) and ratio > 0.1


def test_layers_that_do_something_else_while_learning():
    layers = Dense(24, "relu"), fastbp.layers.Dropout(0.5), fastbp.layers.BatchNormalization(), Dense(2)
    model, monitor = model_of(*layers), GradientMonitor(1)
    model.fit(X, Y, batch_size=320, verbose=0, callbacks=monitor)
    numbers = {name: {k: v[0] for k, v in found.items()} for name, found in monitor.history.items()}
    assert numbers["dropout"]["activation_mean"] == pytest.approx(numbers["dense"]["activation_mean"], rel=0.1)
    assert numbers["dropout"]["activation_std"] > 1.2 * numbers["dense"]["activation_std"]
    assert numbers["batch_normalization"]["activation_mean"] == pytest.approx(0, abs=1e-5)
    assert numbers["batch_normalization"]["activation_std"] == pytest.approx(1, abs=1e-2)
    assert numbers["batch_normalization"]["weight_norm"] == pytest.approx(np.sqrt(24))  # gamma and beta, not what moves along


def test_layers_of_several_stages_and_layers_without_any():
    layers = [
        *(fastbp.layers.Flatten(), Dense(6), fastbp.layers.Activation("tanh"), fastbp.layers.PReLU()),
        *(fastbp.layers.Activation("sigmoid"), Dense(2, "softmax")),
    ]
    model, monitor = model_of(*layers, loss="categorical_crossentropy"), GradientMonitor(2)
    model.fit(X, np.eye(2)[(X[:, 0] > 0).astype(int)], verbose=0, callbacks=monitor)
    assert monitor.layers == ["dense", "p_re_lu", "activation_1", "dense_1"]
    history = monitor.history
    assert np.isfinite(history["dense"]["saturated"]).all() and np.isfinite(history["activation_1"]["saturated"]).all()
    assert np.isnan(history["activation_1"]["gradient_norm"]).all() and (history["dense_1"]["gradient_norm"] > 0).all()
    assert history["p_re_lu"]["weight_norm"][0] == 0 and np.isinf(history["p_re_lu"]["update_ratio"][0])


def test_layers_of_the_same_name_are_told_apart():
    inner = [Sequential([fastbp.Input((5,)), Dense(5, "tanh", name="same")]) for _ in range(2)]
    _, monitor = watched(layers=(*inner, Dense(2)))
    assert monitor.layers == ["same", "same_1", "dense"]


def test_a_fit_is_the_same_without_it():
    for settings in ({}, {"validation_split": 0.2}, {"batch_size": 7}):
        model, _ = watched(epochs=3, **settings)
        plain = model_of()
        plain.fit(X, Y, epochs=3, verbose=0, **settings)
        assert all(np.array_equal(a, b) for a, b in zip(model.get_weights(), plain.get_weights(), strict=True))


def test_data_of_other_kinds_is_looked_at_in_the_same_steps():
    def batches():
        while True:
            for start in range(0, 320, 32):
                yield X[start : start + 32], Y[start : start + 32]

    class Looking(Callback):
        def on_train_batch_end(self, batch, logs=None):
            pass

    _, whole = watched(shuffle=False)
    _, generated = watched(x=batches(), y=None, steps_per_epoch=10)
    _, stepwise = watched(shuffle=False, callbacks=[Looking()])
    _, some = watched(shuffle=False, steps_per_epoch=10, batch_size=32)
    for other in (generated, stepwise, some):
        assert_same(whole, other)


def test_short_epochs_still_share_a_call(monkeypatch):
    from fastbp.engine.engine import Engine

    calls, train = [], Engine.train_epochs
    monkeypatch.setattr(Engine, "train_epochs", lambda self, count, *a, **k: (calls.append(count), train(self, count, *a, **k)))
    _, monitor = watched(x=X[:8], y=Y[:8], epochs=2000)
    assert len(calls) < 500 and sum(calls) == 2000
    assert monitor.epochs.tolist() == list(range(2000)) == monitor.steps.tolist()


def test_a_fit_that_diverges_is_seen_to_its_end():
    model, monitor = model_of(optimizer=fastbp.SGD(1e18)), GradientMonitor(1)
    model.fit(X, Y, epochs=50, verbose=0, callbacks=[monitor, TerminateOnNaN()])
    norms = monitor.history["dense_1"]["gradient_norm"]
    assert norms[-1] > 1e6 * norms[0] or not np.isfinite(norms[-1])
    assert monitor.steps.tolist() == sorted(set(monitor.steps.tolist()))


def test_a_monitor_keeps_the_last_fit():
    model, monitor = model_of(), GradientMonitor(5)
    model.fit(X, Y, verbose=0, callbacks=monitor)
    model.fit(X, Y, verbose=0, callbacks=monitor)
    assert monitor.steps.tolist() == [10, 15]
    model.fit(X, Y, epochs=0, verbose=0, callbacks=monitor)
    assert monitor.history == {} and repr(monitor) == "GradientMonitor(every=5, looks=0, layers=2)"


def test_to_look_at(tmp_path):
    pandas = pytest.importorskip("pandas")
    pytest.importorskip("matplotlib")
    _, monitor = watched(layers=(Dense(4, "relu"), Dense(4, "tanh"), Dense(2)))
    frame = monitor.to_frame()
    assert isinstance(frame, pandas.DataFrame) and list(frame) == ["epoch", "step", "layer", *QUANTITIES]
    one = frame[frame.layer == "dense_1"]
    assert one.step.tolist() == monitor.steps.tolist()
    np.testing.assert_array_equal(one.gradient_norm, monitor.history["dense_1"]["gradient_norm"])
    drawn = monitor.plot(tmp_path / "monitor.png")
    assert [axes.get_title() for axes in drawn] == [
        *("gradient norm", "update / weights", "spread of outputs"),
        *("dead units", "saturated outputs"),
    ]
    assert [axes.get_yscale() for axes in drawn] == ["log", "log", "linear", "linear", "linear"]
    np.testing.assert_array_equal(drawn[0].lines[0].get_ydata(), monitor.history["dense"]["gradient_norm"])
    assert (tmp_path / "monitor.png").read_bytes()[:4] == b"\x89PNG"
    html = monitor._repr_html_()
    assert html.count("<svg") == 3 and "dense_2" in html and "nan" not in html


def test_before_a_fit_there_is_nothing():
    monitor = GradientMonitor()
    assert repr(monitor) == "GradientMonitor(every=50, looks=0, layers=0)" and monitor.history == {}
    assert monitor._repr_html_() == "<p>GradientMonitor of 0 steps</p>"
    with pytest.raises(ValueError, match="must have seen at least one step"):
        monitor.plot()


@pytest.mark.parametrize("every", [0, -1, 1.5, None, True])
def test_every_must_be_a_whole_number(every):
    with pytest.raises((TypeError, ValueError), match="every must be an integer of at least 1"):
        GradientMonitor(every)


def test_there_is_at_most_one():
    model = model_of()
    model.build(5)
    before = model.get_weights()
    with pytest.raises(ValueError, match="at most one GradientMonitor, got 2"):
        model.fit(X, Y, verbose=0, callbacks=[GradientMonitor(), GradientMonitor()])
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True)) and model.history is None
