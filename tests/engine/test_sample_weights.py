"""The weights of samples: what their losses, and the gradients of these, are multiplied by."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import oracle
from bridge import assert_gradients_agree, every_layer
from fastbp import Dense, losses, optimizers
from fastbp.engine.engine import Engine
from fastbp.engine.epoch import Diverged
from fastbp.layers.stages import stages_of
from networks import PAIRINGS, describe
from random_problems import problems, tolerance


@given(problems(), st.integers(0, 2**32 - 1))
def test_weighted_values_and_gradients(problem, seed):
    weight = np.random.default_rng(seed).choice([0.0, 0.5, 1.0, 3.0], len(problem.x))
    engine, (x, y) = problem.engine(), problem.data
    arguments = problem.network, problem.weights, problem.loss, problem.x, problem.y
    expected, gradients = oracle.value_and_gradient(*arguments, weight)
    value, actual = engine.value_and_gradient(x, y, sample_weight=weight)
    assert value == pytest.approx(expected, rel=tolerance(problem, 1e-5), abs=1e-7)
    assert_gradients_agree(actual, gradients, tolerance(problem, 1e-4))
    assert engine.evaluate(x, y, sample_weight=weight).loss == pytest.approx(expected, rel=tolerance(problem, 1e-5), abs=1e-7)
    assert engine.value_and_gradient(x, y)[0] == problem.engine().value_and_gradient(x, y)[0]  # nothing stays behind


@pytest.mark.parametrize(("loss", "last"), PAIRINGS, ids=describe)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_weights_of_one_change_no_bit_and_of_two_double(loss, last, dtype):
    problem = every_layer("tanh", last, loss=loss["name"], dtype=dtype)
    problem.loss = loss
    engine, (x, y) = problem.engine(), problem.data
    value, gradients = engine.value_and_gradient(x, y)
    for factor in (1.0, 2.0, 0.25):
        weighted, actual = engine.value_and_gradient(x, y, sample_weight=np.full(len(x), factor))
        assert weighted == factor * value
        assert all(np.array_equal(a, factor * g) for a, g in zip(actual, gradients, strict=True))


def smooth(y_true, y_pred):
    return np.sqrt(1.3 + (y_true - y_pred) ** 2)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("units", [1, 3, 17])
def test_a_custom_loss_is_weighted(dtype, units):
    """Its gradient by the chain rule: that of the row times the row's weight."""
    random = np.random.default_rng(0)
    kernel, bias, x, y = (random.normal(size=shape).astype(dtype) for shape in ((5, units), units, (40, 5), (40, units)))
    weight = random.random(40)
    engine = Engine(stages_of([Dense(units)], 5), dtype)
    engine.configure(optimizers.SGD(0.1), losses.get(smooth))
    engine.set_weights([kernel, bias])
    error = y - (x @ kernel + bias)
    root = np.sqrt(1.3 + error.astype(float) ** 2)
    slopes = weight[:, None] * -error / root / units / 40
    value, gradients = engine.value_and_gradient(x, y, sample_weight=weight)
    allowed = 1e-12 if dtype == "float64" else 1e-5
    assert value == pytest.approx((weight * root.mean(axis=1)).mean(), rel=allowed)
    assert_gradients_agree(gradients, [x.T.astype(float) @ slopes, slopes.sum(axis=0)], allowed)


@pytest.mark.parametrize("batch_size", [4, 19])
def test_what_is_not_finite_stays_so_even_by_a_weight_of_zero(batch_size):
    """As in Keras, 0 times infinity is not a number: a weight does not hide that the model is broken there."""
    problem = every_layer("tanh")
    engine, (x, y) = problem.engine(), problem.data
    y[6] = np.inf
    weight = np.ones(len(x))
    weight[6] = 0.0
    with pytest.raises(Diverged) as error:
        engine.train_epoch(x, y, batch_size, shuffle=False, sample_weight=weight)
    assert error.value.step == 1 + 6 // batch_size
    y[6], engine = 1e100, problem.engine()
    assert engine.evaluate(x, y, sample_weight=weight).loss == pytest.approx(
        engine.evaluate(np.delete(x, 6, axis=0), np.delete(y, 6, axis=0)).loss * (len(x) - 1) / len(x)
    )
