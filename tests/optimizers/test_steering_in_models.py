"""What optimizers do beside their rules, as a fit shows it: averages in the end, decay of some weights, copies of a model."""

import copy
import pickle

import numpy as np
import pytest

from fastbp import SGD, Adam, AdamW, Dense, Input, Sequential, TrainingDiverged, fit_formula, mean
from fastbp.callbacks import EarlyStopping, LambdaCallback, StochasticWeightAveraging, SwapEMAWeights
from fastbp.layers import PReLU
from fastbp.optimizers import schedules

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(40, 3)), RNG.normal(size=(40, 1))
EMA = {"use_ema": True, "ema_momentum": 0.7}


def model(optimizer, layers=None):
    made = Sequential(layers or [Input((3,)), Dense(20, "tanh"), Dense(1)], seed=0, dtype="float64")
    made.compile(optimizer, "mse")
    return made


def equal(one, other):
    return all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


def by_hand(kind=Adam, epochs=2, batch=8):
    """The weights after each step of a fit without averages, and their average."""
    made, averages = model(kind(0.01)), None
    for _ in range(epochs):
        for first in range(0, 40, batch):
            made.train_on_batch(X[first : first + batch], Y[first : first + batch])
            weights = made.get_weights()
            averages = [0.7 * a + 0.3 * w for a, w in zip(averages or weights, weights, strict=True)]
    return weights, averages


# --------------------------------------------------------------------------------------------------------- averages


def test_a_fit_ends_with_the_averages():
    made, seen = model(Adam(0.01, **EMA)), []
    weights, averages = by_hand()

    def look(*_, **__):
        seen.append(made.get_weights())

    see = LambdaCallback(on_epoch_end=look, on_train_end=look)
    made.fit(X, Y, batch_size=8, epochs=2, shuffle=False, verbose=0, callbacks=[see])
    assert equal(seen[1], weights)
    for ours, wanted, last in zip(made.get_weights(), averages, seen[2], strict=True):
        assert ours == pytest.approx(wanted, rel=1e-9) and np.array_equal(ours, last)
    made.fit(X, Y, epochs=0, verbose=0)
    assert equal(made.get_weights(), seen[2])


def test_single_steps_leave_them_to_the_user():
    made = model(Adam(0.01, **EMA))
    for _ in range(2):
        for first in range(0, 40, 8):
            made.train_on_batch(X[first : first + 8], Y[first : first + 8])
    weights, averages = by_hand()
    assert equal(made.get_weights(), weights)
    assert [v.average for v in made.weights][0] == pytest.approx(averages[0], rel=1e-9)
    made.optimizer.finalize_variable_values(made.trainable_variables)
    assert all(a == pytest.approx(b, rel=1e-9) for a, b in zip(made.get_weights(), averages, strict=True))
    plain = model(Adam(0.01))
    before = plain.get_weights()
    plain.optimizer.finalize_variable_values(plain.trainable_variables)
    assert equal(plain.get_weights(), before) and np.array_equal(plain.weights[0].average, before[0])


def test_a_fit_of_no_steps_keeps_the_weights():
    made = model(Adam(0.01, **EMA))
    before = made.get_weights()
    made.fit(X, Y, epochs=2, initial_epoch=2, verbose=0)
    assert equal(made.get_weights(), before)


def test_the_best_weights_come_after_the_averages():
    made = model(Adam(0.01, **EMA))
    made.fit(X, Y, epochs=3, verbose=0, callbacks=[EarlyStopping("loss", restore_best_weights=True)])
    twin, seen = model(Adam(0.01)), []
    twin.fit(X, Y, epochs=3, verbose=0, callbacks=[LambdaCallback(on_epoch_end=lambda *_: seen.append(twin.get_weights()))])
    assert equal(made.get_weights(), seen[2])


def test_weights_that_do_not_learn_have_no_average():
    layers = [Input((3,)), Dense(20, "tanh", trainable=False), PReLU(), Dense(1)]
    made = model(Adam(0.01, **EMA), layers)
    before = made.get_weights()
    made.fit(X, Y, epochs=2, verbose=0)
    after = made.get_weights()
    assert equal(before[:2], after[:2]) and all(after[i].any() for i in (2, 3, 4))
    assert not np.array_equal(before[2], after[2])


@pytest.mark.parametrize("swap_on_epoch", [False, True])
def test_measuring_with_the_averages(swap_on_epoch):
    made, plain, seen = model(Adam(0.01, **EMA)), model(Adam(0.01, **EMA)), []
    see = LambdaCallback(on_epoch_end=lambda *_: seen.append(made.get_weights()))
    callbacks = [SwapEMAWeights(swap_on_epoch), see]
    history = made.fit(X, Y, epochs=3, validation_data=(X, Y), verbose=0, callbacks=callbacks)
    other, averages, weights = model(Adam(0.01, **EMA)), [], []

    def look(*_):
        weights.append(other.get_weights())
        averages.append([weight.average for weight in other.weights])

    other.fit(X, Y, epochs=3, verbose=0, callbacks=[LambdaCallback(on_epoch_end=look)])
    assert equal(made.get_weights(), other.get_weights()) and equal(made.get_weights(), averages[2])
    assert all(equal(a, b) for a, b in zip(seen, averages if swap_on_epoch else weights, strict=True))
    for epoch in range(3):
        plain.set_weights(averages[epoch])
        assert history.history["val_loss"][epoch] == pytest.approx(plain.evaluate(X, Y, verbose=0), rel=1e-12)


def test_swapping_needs_averages():
    with pytest.raises(ValueError, match=r"SwapEMAWeights needs an optimizer with use_ema=True, got Adam\("):
        model(Adam(0.01)).fit(X, Y, verbose=0, callbacks=[SwapEMAWeights()])


@pytest.mark.parametrize(("start", "frequency", "counted"), [(0, 1, [0, 1, 2, 3, 4]), (1, 2, [1, 3]), (7, 1, [])])
def test_stochastic_weight_averaging(start, frequency, counted):
    made, seen = model(SGD(0.05)), []
    averaging = StochasticWeightAveraging(start, frequency)
    see = LambdaCallback(on_epoch_end=lambda *_: seen.append(made.get_weights()))
    for _ in range(2):  # a second fit averages its own epochs
        seen.clear()
        made.fit(X, Y, epochs=5, verbose=0, callbacks=[averaging, see])
        assert averaging.averaged_epochs == len(counted)
        for i, ours in enumerate(made.get_weights()):
            wanted = np.mean([seen[epoch][i] for epoch in counted], axis=0) if counted else seen[-1][i]
            assert ours == pytest.approx(wanted, rel=1e-12)


# ------------------------------------------------------------------------------------------------------------- decay


def decayed(exclude):
    """Which weights shrank, after a step along a gradient of zeros."""
    made = model(AdamW(0.1, weight_decay=1.0), [Input((3,)), Dense(4, bias_initializer="ones"), PReLU("ones"), Dense(1)])
    exclude(made)
    before = made.get_weights()
    made.apply_gradients([np.zeros_like(w) for w in before])
    made.apply_gradients([np.zeros_like(w) for w in before])
    ratios = [a.ravel()[0] / b.ravel()[0] if b.any() else np.nan for a, b in zip(made.get_weights(), before, strict=True)]
    return [bool(ratio == pytest.approx(0.81)) for ratio in ratios[:4]]


@pytest.mark.parametrize(
    ("exclude", "wanted"),
    [
        (lambda made: None, [True, True, True, True]),
        (lambda made: made.optimizer.exclude_from_weight_decay(var_names=["bias"]), [True, False, True, True]),
        (lambda made: made.optimizer.exclude_from_weight_decay(var_names=["bias", "alpha"]), [True, False, False, True]),
        (lambda made: made.optimizer.exclude_from_weight_decay([made.layers[2].kernel]), [True, True, True, False]),
        (lambda made: made.optimizer.exclude_from_weight_decay(made.weights, ["none|kernel"]), [False] * 4),
        (lambda made: made.optimizer.exclude_from_weight_decay(), [True] * 4),
    ],
)
def test_weights_that_do_not_decay(exclude, wanted):
    assert decayed(exclude) == wanted


def test_exclusions_are_for_before_training():
    made = model(AdamW(0.1))
    made.optimizer.exclude_from_weight_decay(var_names=["bias"])
    twin = pickle.loads(pickle.dumps(made))
    assert twin.optimizer.excluded == made.optimizer.excluded
    made.train_on_batch(X, Y)
    with pytest.raises(ValueError, match="exclude_from_weight_decay must be called before training, got it after 1 steps"):
        made.optimizer.exclude_from_weight_decay(var_names=["kernel"])
    for wrong in ({"var_names": "bias"}, {"var_names": [1]}, {"var_list": [np.ones(3)]}):
        with pytest.raises(TypeError, match=f"{next(iter(wrong))} must be a list of"):
            AdamW().exclude_from_weight_decay(**wrong)


def test_words_that_no_weight_has():
    made = model(AdamW(0.1))
    made.optimizer.exclude_from_weight_decay(var_names=["biases"])
    with pytest.warns(UserWarning, match=r"var_names=\['biases'\]\) is no part of a weight's name: they are bias, kernel"):
        made.train_on_batch(X, Y)


# ------------------------------------------------------------------------------------------------------------ copies


EVERYTHING = {"global_clipnorm": 0.1, "gradient_accumulation_steps": 4, "ema_overwrite_frequency": 3, **EMA}


@pytest.mark.parametrize("twin_of", [copy.deepcopy, lambda made: pickle.loads(pickle.dumps(made))], ids=["deepcopy", "pickle"])
def test_copies_in_the_midst_of_an_accumulation(twin_of):
    made = model(AdamW(0.01, **EVERYTHING))
    made.optimizer.exclude_from_weight_decay([made.layers[0].kernel])
    for first in range(0, 40, 8):
        made.train_on_batch(X[first : first + 8], Y[first : first + 8])
    assert made.optimizer.iterations == 1
    twin = twin_of(made)
    for each in (made, twin):
        each.fit(X, Y, batch_size=8, epochs=3, verbose=0)
    assert equal(made.get_weights(), twin.get_weights()) and made.optimizer.iterations == twin.optimizer.iterations == 5


def test_after_divergence_a_fit_goes_on_as_if_nothing_had_been():
    made, other = model(AdamW(0.01, **EVERYTHING)), model(AdamW(0.01, **EVERYTHING))
    for each in (made, other):
        each.fit(X, Y, batch_size=8, epochs=1, verbose=0, shuffle=False)
    with pytest.raises(TrainingDiverged):
        made.fit(X, np.full_like(Y, 1e200), batch_size=8, epochs=2, verbose=0, shuffle=False)
    for each in (made, other):
        each.fit(X, Y, batch_size=8, epochs=2, verbose=0, shuffle=False)
    assert equal(made.get_weights(), other.get_weights())


def test_iterations_count_updates_and_rates_count_batches():
    rates = schedules.PiecewiseConstantDecay([2, 5], [0.0, 0.5, 0.0])
    made = model(SGD(rates, gradient_accumulation_steps=3))
    start = made.get_weights()
    made.fit(X, Y, batch_size=8, epochs=1, shuffle=False, verbose=0)  # batches 0 to 4, an update in that of number 2
    assert made.optimizer.iterations == 1 and equal(made.get_weights(), start)
    made.fit(X, Y, batch_size=8, epochs=1, shuffle=False, verbose=0)  # 5 to 9, updates in 5 and 8
    assert made.optimizer.iterations == 3 and made.optimizer.steps == 10
    assert not np.array_equal(made.get_weights()[0], start[0])


def test_formulas_refuse_it():
    with pytest.raises(ValueError, match=r"optimizer must neither clip, average nor add up .* got SGD\(.*clipvalue"):
        fit_formula(lambda p, x: mean((x - p) ** 2), X[:, 0], 0.0, SGD(0.1, clipvalue=1.0))
