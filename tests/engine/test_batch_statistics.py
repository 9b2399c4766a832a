"""Layers that need the whole batch, as parts of the engine: threads, steps, large batches, freezing, going back."""

import numpy as np
import pytest

import fastbp
import oracle_batch_norm as oracle
from batch_norm_networks import MSE, STACKS, engine_of, make_data, make_model
from bridge import assert_gradients_agree, assert_weights_agree
from gradcheck import relative_error


def learnt(stack, threads=None, dtype="float32", batch=16, rows=75, cut=None):
    network, widths = STACKS[stack]
    model, (x, y) = make_model(network, widths, dtype), make_data(rows)
    if cut is not None:
        model.fit(x, y, batch, 2, 0, threads=threads, callbacks=[fastbp.callbacks.LambdaCallback(on_batch_end=cut)])
    else:
        model.fit(x, y, batch, 2, 0, threads=threads)
    return [*model.get_weights(), model.predict(x), *map(np.float64, model.history.history["loss"])]


def same(one, other):
    return all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize("stack", STACKS)
def test_the_same_bits_for_any_number_of_threads(stack):
    first = learnt(stack, 1)
    for threads in (2, 3, 8):
        assert same(first, learnt(stack, threads))


@pytest.mark.parametrize("threads", [2, 3])
def test_the_same_bits_for_any_number_of_threads_and_blocks(threads):
    assert same(learnt("wide", 1, batch=1000, rows=1700), learnt("wide", threads, batch=1000, rows=1700))


@pytest.mark.parametrize("threads", [1, 3])
def test_the_bits_of_one_call_when_batches_are_looked_at(threads):
    assert same(learnt("wide", threads), learnt("wide", threads, cut=lambda batch, logs: None))


@pytest.mark.parametrize("ranges", [[(0, 5)], [(0, 1), (1, 5)], [(i, i + 1) for i in range(5)]])
def test_ranges_of_steps_have_the_bits_of_one_call(ranges):
    whole, parts = (make_model(*STACKS["wide"], "float32") for _ in range(2))
    x, y = (a.astype("float32") for a in make_data(75))
    engine_of(whole).train_epoch(x, y, 16)
    for first, stop in ranges:
        engine_of(parts).train_steps(first, stop, [], x, y, 16)
        engine_of(parts).evaluate(x, y)
        engine_of(parts).forward(x[:16])
        engine_of(parts).value_and_gradient(x[:16], y[:16])
    assert same(whole.get_weights(), parts.get_weights())


def test_a_large_batch_is_kept_whole():
    """Without normalization it is cut into groups: statistics are of all of it."""
    network, widths = STACKS["before the activation"]
    optimizer = {"name": "sgd", "learning_rate": 0.1}
    model, (x, y) = make_model(network, widths, optimizer=optimizer), make_data(10_001)
    start = model.get_weights()
    expected, _ = oracle.train(network, start, MSE, optimizer, x, y, 10_000, 1)
    model.fit(x, y, 10_000, 1, 0, shuffle=False, threads=2)
    assert_weights_agree(model.get_weights(), expected, start, 1e-9)
    for training in (False, True):  # the former in groups
        value, gradients = engine_of(model).value_and_gradient(x, y, training=training)
        expected = oracle.value_and_gradient(network, model.get_weights(), MSE, x, y, training)
        assert value == pytest.approx(expected[0])
        assert_gradients_agree(gradients, expected[1], 1e-10)


def test_validation_uses_the_moving_statistics():
    network, widths = STACKS["before the activation"]
    model, (x, y) = make_model(network, widths), make_data(43)
    history = model.fit(x, y, 16, 2, 0, validation_data=(x, y)).history
    assert history["val_loss"][-1] == model.evaluate(x, y, verbose=0)
    assert history["val_loss"][-1] == pytest.approx(oracle.value_and_gradient(network, model.get_weights(), MSE, x, y)[0])


def test_frozen_it_stays_as_it_is():
    network, widths = STACKS["before the activation"]
    model, (x, y) = make_model(network, widths), make_data(43)
    layer = model.layers[1]
    layer.trainable = False
    model.compile("adam", "mse")
    before = layer.get_weights()
    model.fit(x, y, 16, 2, 0)
    assert same(before, layer.get_weights()) and layer.trainable_weights == []
    layer.trainable = True
    model.compile("adam", "mse")
    model.fit(x, y, 16, 2, 0)
    assert not any(np.array_equal(a, b) for a, b in zip(before, layer.get_weights(), strict=True))


def test_freezing_in_the_engine():
    model, (x, y) = make_model(*STACKS["neither"]), make_data(43)
    engine, before = engine_of(model), model.get_weights()
    engine.set_trainable([True, False, True])
    engine.train_epoch(x, y, 16)
    assert same(before[2:4], engine.get_weights()[2:4])
    engine.set_trainable([False, True, False])  # nothing learns by a gradient, and yet the statistics move
    engine.train_epoch(x, y, 16)
    after = engine.get_weights()
    assert not np.array_equal(before[2], after[2]) and not np.array_equal(before[3], after[3])


def test_a_fit_that_diverges_leaves_the_statistics_too():
    model, (x, y) = make_model(*STACKS["before the activation"]), make_data(43)
    model.fit(x, y, 16, 1, 0)
    before = model.get_weights()
    x[20] = 1e200
    with pytest.raises(fastbp.TrainingDiverged):
        model.fit(x, y * np.inf, 16, 1, 0, check_finite=False)
    assert same(before, model.get_weights())


def test_a_snapshot_has_the_statistics():
    model, (x, y) = make_model(*STACKS["wide"]), make_data(43)
    engine = engine_of(model)
    engine.train_epoch(x, y, 16)
    snapshot, weights = engine.snapshot(), engine.copy_weights()
    first = engine.get_weights()
    engine.train_epoch(x, y, 16)
    second = engine.get_weights()
    engine.restore(snapshot)
    assert same(first, engine.get_weights())
    engine.train_epoch(x, y, 16)
    assert same(second, engine.get_weights())
    engine.restore_weights(weights)
    assert same(first, engine.get_weights())


@pytest.mark.parametrize("stack", STACKS)
@pytest.mark.parametrize("training", [False, True])
def test_forward_and_backward_of_the_kept_batch(stack, training):
    network, widths = STACKS[stack]
    model, (x, y) = make_model(network, widths), make_data(19)
    before = model.get_weights()
    output, tape = oracle.forward(network, before, x, training)
    for threads in (1, 3):
        assert model.predict(x, training=training, threads=threads) == pytest.approx(output)
    assert model.forward(x, training) == pytest.approx(output)
    dx, gradients = oracle.backward(network, before, tape, y, training)
    assert relative_error(model.backward(y), dx) < 1e-10
    gradients = [g if learn else 0 * g for g, learn in zip(gradients, oracle.learns(network), strict=True)]
    assert_gradients_agree(model.gradients, gradients, 1e-10)
    assert model(x, training) == pytest.approx(output) and same(before, model.get_weights())


def test_predictions_as_in_training_take_all_rows_as_one_batch():
    network, widths = STACKS["first"]
    model, (x, _) = make_model(network, widths), make_data(9000)
    assert model.predict(x, training=True) == pytest.approx(oracle.forward(network, model.get_weights(), x, True)[0])
    assert model.layers[0](x, training=True) == pytest.approx(
        oracle.forward(network[:1], model.layers[0].get_weights(), x, True)[0]
    )


def test_given_gradients_leave_the_statistics_alone():
    model, before = make_model(*STACKS["before the activation"], optimizer={"name": "adamw"}), None
    before = model.get_weights()
    model.apply_gradients([np.ones_like(w) for w in before])
    kept = [np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True)]
    assert kept == [False, False, False, False, True, True, False, False]
