"""What ``fit`` does with a solver: epochs, callbacks, history, and what happens when it does not go well."""

import pickle
import sys

import numpy as np
import pytest

import fastbp
from fastbp import Dense, Input, Sequential, TrainingDiverged, callbacks, layers, optimizers
from fastbp.engine.objective import Objective

SOLVERS = ["lbfgs", "lm"]
RNG = np.random.default_rng(0)
X = RNG.normal(size=(80, 3))
Y = np.sin(X[:, :1]) + X[:, 1:2] * X[:, 2:]


def network(solver, metrics=(), dtype="float64"):
    model = Sequential([Input((3,)), Dense(6, "tanh"), Dense(1)], seed=0, dtype=dtype)
    model.compile(solver, "mse", metrics=list(metrics))
    return model


class Watching(callbacks.Callback):
    """Writes down which hooks are called, and the loss of the weights that there are then."""

    def __init__(self, stop_after=None):
        self.calls, self.losses, self.stop_after = [], [], stop_after

    def on_train_begin(self, logs=None):
        self.calls.append("train")

    def on_train_end(self, logs=None):
        self.calls.append(("end", logs["loss"]))

    def on_epoch_begin(self, epoch, logs=None):
        self.calls.append(("begins", epoch))

    def on_train_batch_begin(self, batch, logs=None):
        self.calls.append(("batch begins", batch))

    def on_train_batch_end(self, batch, logs=None):
        self.calls.append(("batch", batch, logs["loss"]))

    def on_epoch_end(self, epoch, logs=None):
        self.calls.append(("ends", epoch, logs["loss"]))
        self.losses.append(self.model.evaluate(X, Y, verbose=0))
        if epoch == self.stop_after:
            self.model.stop_training = True


@pytest.mark.parametrize("solver", SOLVERS)
def test_an_iteration_is_an_epoch(solver):
    model, watching = network(solver), Watching()
    history = model.fit(X, Y, epochs=6, initial_epoch=2, verbose=0, callbacks=[watching])
    losses = history.history["loss"]
    expected = ["train"]
    for epoch, loss in zip(range(2, 6), losses, strict=True):
        expected += [("begins", epoch), ("batch begins", 0), ("batch", 0, loss), ("ends", epoch, loss)]
    assert watching.calls == [*expected, ("end", losses[-1])]
    assert history.epoch == [2, 3, 4, 5] and history.params["steps"] == 1
    assert watching.losses == pytest.approx(losses, rel=1e-12)
    assert model.optimizer.iterations == 4
    assert history.converged is False and "4" in history.message or "LIMIT" in history.message
    assert all(rate > 0 for rate in history.samples_per_second) and len(history.gflops) == len(history.threads) == 4


@pytest.mark.parametrize("solver", SOLVERS)
def test_callbacks_and_the_clock_change_nothing(solver):
    alone, watched = network(solver), network(solver)
    plain = alone.fit(X, Y, epochs=8, verbose=0)
    other = watched.fit(X, Y, epochs=8, verbose=0, callbacks=[Watching()], validation_data=(X, Y))
    assert plain.history["loss"] == other.history["loss"]
    assert other.history["val_loss"] == pytest.approx(other.history["loss"])
    for a, b in zip(alone.get_weights(), watched.get_weights(), strict=True):
        assert np.array_equal(a, b)


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_same_bits_for_any_number_of_threads(solver, dtype):
    x, y, found = np.tile(X, (20, 1)), np.tile(Y, (20, 1)), []
    for threads in (1, 2, 3, 8):
        model = network(solver, dtype=dtype)
        history = model.fit(x, y, epochs=4, verbose=0, threads=threads)
        found.append((history.history["loss"], *(w.tobytes() for w in model.get_weights())))
        assert history.threads == [threads] * 4
    assert found[1:] == found[:-1]


@pytest.mark.parametrize("solver", SOLVERS)
def test_metrics_and_weights_of_samples(solver):
    weights, model = RNG.uniform(0, 2, 80), network(solver, ["mae", "r2"])
    history = model.fit(X, Y, epochs=5, verbose=0, sample_weight=weights, validation_split=0.25, validation_freq=2)
    loss, mae, r2 = model.evaluate(X[:60], Y[:60], verbose=0, sample_weight=weights[:60])
    assert [history.history[name][-1] for name in ("loss", "mae", "r2")] == pytest.approx([loss, mae, r2])
    assert len(history.history["val_loss"]) == 2 and history.epochs_of["val_mae"] == [1, 3]
    others = network(solver)
    others.fit(X[:60], Y[:60], epochs=5, verbose=0)
    assert others.evaluate(X[:60], Y[:60], verbose=0) != pytest.approx(loss)


@pytest.mark.parametrize("solver", SOLVERS)
def test_callbacks_end_it(solver):
    watching = Watching(stop_after=2)
    model = network(solver)
    history = model.fit(X, Y, epochs=50, verbose=0, callbacks=[watching])
    assert history.epoch == [0, 1, 2] and not history.converged and "callback" in history.message
    assert model.evaluate(X, Y, verbose=0) == pytest.approx(history.history["loss"][-1], rel=1e-12)
    stopping = callbacks.EarlyStopping("loss", patience=2, min_delta=1e9, restore_best_weights=True)
    before = network(solver)
    before.fit(X, Y, epochs=1, verbose=0)
    model = network(solver)
    history = model.fit(X, Y, epochs=50, verbose=0, callbacks=[stopping])
    assert len(history.epoch) == 3
    assert np.array_equal(model.get_weights()[0], before.get_weights()[0])
    budget = callbacks.TimeBudget(0.0)  # it is looked at after the first evaluation
    model = network(solver)
    start = model.get_weights()
    history = model.fit(X, Y, epochs=10**9, verbose=0, callbacks=[budget])
    assert history.epoch == [0] and history.history["loss"] == [pytest.approx(model.evaluate(X, Y, verbose=0))]
    assert all(np.array_equal(a, b) for a, b in zip(model.get_weights(), start, strict=True))


@pytest.mark.parametrize("solver", SOLVERS)
def test_a_fit_that_begins_at_a_minimum_has_one_epoch(solver):
    model, watching = network(solver), Watching()
    history = model.fit(X, model.predict(X), epochs=9, verbose=0, callbacks=[watching])
    assert history.converged and history.message and history.history["loss"] == [0.0]
    assert [call[0] for call in watching.calls[1:]] == ["begins", "batch begins", "batch", "ends", "end"]


@pytest.mark.parametrize("solver", SOLVERS)
def test_fits_follow_each_other(solver):
    model = network(solver)
    first = model.fit(X, Y, epochs=3, verbose=0)
    second = model.fit(X, Y, epochs=3, verbose=0)
    assert second.history["loss"][0] < first.history["loss"][-1] and model.optimizer.iterations == 6
    assert model.fit(X, Y, epochs=0, verbose=0).epoch == [] and model.history.converged is None
    assert fastbp.Sequential([Dense(1)]).history is None
    model.compile("adam", "mse")
    history = model.fit(X, Y, epochs=2, verbose=0)
    assert history.converged is None and history.message == ""


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("when", ["in a callback", "in an evaluation"])
def test_an_interrupt_leaves_the_last_iteration(solver, when, monkeypatch):
    class Interrupting(callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            if epoch == 3:
                raise KeyboardInterrupt

    reference = network(solver)
    reference.fit(X, Y, epochs=4 if when == "in a callback" else 3, verbose=0)
    model = network(solver)
    if when == "in an evaluation":
        name = "_run" if solver == "lbfgs" else "residuals"
        original = getattr(Objective, name)

        def interrupted(self, *arguments):
            found = original(self, *arguments)
            if model.optimizer.iterations == 3:
                raise KeyboardInterrupt
            return found

        monkeypatch.setattr(Objective, name, interrupted)
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, Y, epochs=50, verbose=0, callbacks=[Interrupting()])
    assert len(model.history.epoch) == len(reference.history.epoch)
    assert model.history.history == reference.history.history
    for a, b in zip(model.get_weights(), reference.get_weights(), strict=True):
        assert np.array_equal(a, b)


@pytest.mark.parametrize("solver", SOLVERS)
def test_where_the_loss_is_not_finite_there_is_no_way(solver):
    model = network(solver)
    start = [w * 0 + 1e200 for w in model.get_weights()]
    model.set_weights(start)
    with pytest.raises(TrainingDiverged, match="epoch 1, step 1; .* from before this epoch. Data scaled"):
        model.fit(X, Y, epochs=3, verbose=0)
    assert all(np.array_equal(a, b) for a, b in zip(model.get_weights(), start, strict=True))
    assert model.history.epoch == [] and not model.history.converged
    model.set_weights([w * np.nan for w in start])
    with pytest.raises(TrainingDiverged, match="which were not finite either") as caught:
        model.fit(X, Y, epochs=3, verbose=0)
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)
    history = model.fit(X, Y, epochs=3, verbose=0, callbacks=[callbacks.TerminateOnNaN()])
    assert history.epoch == [0] and np.isnan(history.history["loss"]).all()
    model = network(solver)
    with pytest.raises(ValueError, match="y must be finite, got nan"):
        model.fit(X, Y * np.nan, verbose=0)
    with pytest.raises(TrainingDiverged, match="Data scaled"):
        model.fit(X + np.inf, Y, verbose=0, check_finite=False)


@pytest.mark.parametrize("solver", SOLVERS)
def test_what_does_not_go_with_a_solver(solver, monkeypatch):
    model, name = network(solver), type(optimizers.get(solver)).__name__
    before = model.get_weights()
    for call, error, text in [
        (lambda: model.fit(X, Y, batch_size=79), ValueError, f"batch_size must be None, .* 80 samples that {name} .* got 79"),
        (lambda: model.fit(X, Y, steps_per_epoch=2), ValueError, f"steps_per_epoch must be None or 1 for {name}.* got 2"),
        (lambda: model.fit([(X, Y)]), ValueError, f"x must .*{name}|x must"),
        (lambda: model.fit(iter([(X, Y)])), ValueError, f"x must be an array in memory for {name}"),
        (lambda: model.train_on_batch(X, Y), TypeError, f"train_on_batch takes a single step, but {name}"),
        (lambda: model.apply_gradients(before), TypeError, f"apply_gradients takes a single step, but {name}"),
        (lambda: setattr(model.optimizer, "learning_rate", 0.1), AttributeError, f"{name} has no learning_rate, got 0.1"),
        (lambda: type(model.optimizer)(learning_rate=0.1), TypeError, "learning_rate.*length of its steps"),
        (lambda: type(model.optimizer)(gtol=-1), ValueError, "gtol must be .* got -1"),
        (lambda: fastbp.fit_formula(lambda p, x: p * x, X[:, 0], 1.0, solver), ValueError, f"optimizer must .* {name}"),
    ]:
        with pytest.raises(error, match=text):
            call()
    reducing = callbacks.ReduceLROnPlateau("loss")
    with pytest.raises(AttributeError, match=f"{name} has no learning_rate: a solver"):
        model.fit(X, Y, verbose=0, callbacks=[reducing])
    model.set_weights(before)
    model.fit(X, Y, verbose=0, batch_size=80, steps_per_epoch=1)
    for layer in model.layers:
        layer.trainable = False
    model.compile(solver, "mse")
    with pytest.raises(ValueError, match=f"weights to learn for {name}"):
        model.fit(X, Y, verbose=0)
    unbuilt = Sequential([Dense(1)])
    unbuilt.compile(solver, "mse")
    monkeypatch.setitem(sys.modules, "scipy", None)
    with pytest.raises(ImportError, match=f"{name} needs scipy, which pip install"):
        unbuilt.fit(X, Y, verbose=0)
    assert not unbuilt.built


@pytest.mark.parametrize("solver", SOLVERS)
def test_layers_that_do_not_go_with_a_solver(solver):
    """What is another one each time, what is no gradient, and what the steps would have to keep to."""
    name = type(optimizers.get(solver)).__name__

    def refused(layer, text, **settings):
        model = Sequential([Input((3,)), Dense(4, "tanh"), layer, Dense(1)], seed=0, **settings)
        model.compile(solver, "mse")
        before = model.get_weights()
        with pytest.raises(ValueError, match=text):
            model.fit(X, Y, verbose=0)
        assert all(np.array_equal(a, b) for a, b in zip(model.get_weights(), before, strict=True))
        return model

    monitor = callbacks.GradientMonitor()
    with pytest.raises(ValueError, match=f"callbacks must not look into single steps of {name}, got GradientMonitor"):
        network(solver).fit(X, Y, verbose=0, callbacks=[monitor])
    refused(layers.Dropout(0.5), f"layers must do the same in training for {name}.*Dropout")
    model = refused(layers.BatchNormalization(), f"layers must do the same in training for {name}.*BatchNormalization")
    refused(Dense(2), f"feedback must be None for {name}.*'alignment'", feedback="alignment")
    model.layers[1].trainable = False
    model.compile(solver, "mse")
    assert model.fit(X, Y, epochs=30, verbose=0).history["loss"][-1] < 0.5


@pytest.mark.parametrize("solver", SOLVERS)
def test_predictions_of_a_frozen_batch_normalization_follow(solver):
    """They are made by a copy in which it is part of a dense layer."""
    norm = layers.BatchNormalization(trainable=False)
    model = Sequential([Input((3,)), Dense(5, "tanh"), norm, Dense(1)], seed=0, dtype="float64")
    model.compile(solver, "mse")
    model.predict(X)
    errors = []

    class Predicting(callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            errors.append(np.mean((self.model.predict(X) - Y) ** 2))

    history = model.fit(X, Y, epochs=5, verbose=0, callbacks=[Predicting()])
    assert errors == pytest.approx(history.history["loss"], rel=1e-9)


@pytest.mark.parametrize("solver", SOLVERS)
def test_a_diagnosis_has_no_word_on_the_rate(solver):
    found = network(solver).diagnose(X, Y)
    assert "learning_rate" not in str(found)


@pytest.mark.parametrize("solver", SOLVERS)
def test_normalized_layers(solver):
    model = Sequential([Dense(6, "tanh"), layers.LayerNormalization(), layers.PReLU(), Dense(1)], seed=0, dtype="float64")
    model.compile(solver, "mse")
    history = model.fit(X, Y, epochs=60, verbose=0)
    assert history.history["loss"][-1] < 0.1
    assert model.evaluate(X, Y, verbose=0) == pytest.approx(history.history["loss"][-1], rel=1e-9)


@pytest.mark.parametrize("solver", [optimizers.LBFGS(maxcor=3, gtol=1e-3), optimizers.LevenbergMarquardt(damping=0.5)])
def test_settings_can_be_written_down(solver):
    config = optimizers.serialize(solver)
    assert optimizers.deserialize(config) == solver and "learning_rate" not in config["config"]
    assert optimizers.get(type(solver).__name__) == type(solver)()
    with pytest.raises(AttributeError, match="final"):
        solver.gtol = 1.0
    with pytest.raises(AttributeError, match="has no attribute 'slot_count'"):
        _ = solver.slot_count
    model = network(solver)
    model.fit(X, Y, epochs=2, verbose=0)
    copy = pickle.loads(pickle.dumps(model))
    assert copy.optimizer == model.optimizer and copy.optimizer.iterations == 2
    assert copy.fit(X, Y, epochs=3, verbose=0).history["loss"] == model.fit(X, Y, epochs=3, verbose=0).history["loss"]


@pytest.mark.parametrize("solver", SOLVERS)
def test_layers_of_another_model(solver):
    """A callback predicts with a model of the same layers, which takes their weights with it."""
    model = network(solver)
    part = fastbp.models.Model(model.input, model.layers[0].output, dtype="float64")

    class Using(callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            self.hidden = part.predict(X)

    using, alone = Using(), network(solver)
    model.fit(X, Y, epochs=5, verbose=0, callbacks=[using])
    alone.fit(X, Y, epochs=5, verbose=0)
    for a, b in zip(model.get_weights(), alone.get_weights(), strict=True):
        assert np.array_equal(a, b)
    assert part.predict(X) == pytest.approx(using.hidden)
