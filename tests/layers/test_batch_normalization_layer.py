"""BatchNormalization as an object: its weights, its settings, its copies."""

import copy
import pickle

import numpy as np
import pytest

from batch_norm_networks import STACKS, make_data, make_model
from fastbp import Dense, Input, Sequential
from fastbp.layers import BatchNormalization


def same(one, other):
    return all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


def test_a_model_counts_what_learns_apart():
    model = Sequential([Input((2,)), Dense(3), BatchNormalization()])
    lines = []
    model.summary(print_fn=lines.append)
    text = "\n".join(lines)
    assert "Total params: 21" in text and "Trainable params: 15" in text and "Non-trainable params: 6" in text
    assert [w.path for w in model.layers[1].non_trainable_weights] == [
        "batch_normalization/moving_mean",
        "batch_normalization/moving_variance",
    ]
    layer = model.layers[1]
    assert np.array_equal(layer.gamma, [1, 1, 1]) and np.array_equal(layer.moving_variance, [1, 1, 1])
    assert not np.any(layer.beta) and not np.any(layer.moving_mean)
    assert BatchNormalization(center=False, scale=False).gamma is None


def test_copies_go_on_alike():
    model, (x, y) = make_model(*STACKS["wide"]), make_data(43)
    model.fit(x, y, 16, 1, 0)
    for other in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        other.fit(x, y, 16, 1, 0)
        clone = copy.deepcopy(model)
        clone.fit(x, y, 16, 1, 0)
        assert same(other.get_weights(), clone.get_weights())
    layer = BatchNormalization(momentum=0.5, gamma_initializer="zeros", center=False)
    assert BatchNormalization.from_config(layer.get_config()).get_config() == layer.get_config()


def test_penalties_and_constraints():
    layer = BatchNormalization(gamma_regularizer="l2", beta_constraint="non_neg")
    model, without = (Sequential([Input((5,)), Dense(4), norm, Dense(3)]) for norm in (layer, BatchNormalization()))
    for each in (model, without):
        each.compile("sgd", "mse")
    without.set_weights(model.get_weights())
    x, y = make_data(20)
    assert model.evaluate(x, y, verbose=0) == pytest.approx(without.evaluate(x, y, verbose=0) + 0.01 * 4)
    layer.beta.assign(-1.0)
    model.fit(x, y, verbose=0)
    assert (layer.beta.numpy() >= 0).all() and not np.array_equal(layer.moving_mean, np.zeros(4))
    assert BatchNormalization.from_config(layer.get_config()).get_config() == layer.get_config()


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"axis": 0}, "axis must be -1.*got 0"),
        ({"axis": 1.0}, "axis must be an integer"),
        ({"momentum": 1.5}, r"momentum must be a finite number in \[0, 1\], got 1.5"),
        ({"momentum": None}, "momentum must be"),
        ({"epsilon": -1e-3}, "epsilon must be a finite number of at least 0, got -0.001"),
        ({"center": 1}, "center must be True or False, got 1"),
        ({"scale": "yes"}, "scale must be True or False"),
        ({"gamma_initializer": "onez"}, "gamma_initializer.*Did you mean 'one'"),
        ({"synchronized": True}, "synchronized must be False, got True"),
        ({"renorm": True}, "renorm must be False, got True"),
        ({"momentm": 0.9}, "momentm"),
    ],
)
def test_what_is_refused(arguments, text):
    with pytest.raises((TypeError, ValueError), match=text):
        BatchNormalization(**arguments)


def test_samples_of_several_axes_are_flattened_first():
    with pytest.raises(ValueError, match="Flatten"):
        Sequential([Input((2, 3)), BatchNormalization(), Dense(3)])
