"""Regularizers and constraints as objects: their values, their names, and how they are written down."""

import json
import pickle

import numpy as np
import pytest

import fastbp
import oracle_rules
from fastbp import Dense, Input, Sequential, constraints, layers, regularizers

W = np.random.default_rng(0).normal(size=(5, 4))


@pytest.mark.parametrize(
    ("given", "pair"),
    [
        ("l1", (0.01, 0)),
        ("L2", (0, 0.01)),
        ("l1_l2", (0.01, 0.01)),
        ("L1L2", (0.01, 0.01)),
        (regularizers.L1, (0.01, 0)),
        (regularizers.L1L2(), (0, 0)),
        (regularizers.L1L2(l2=3), (0, 3)),
        (regularizers.L2(None), (0, 0.01)),
        (regularizers.l1(0.5), (0.5, 0)),
        ({"class_name": "L1L2", "config": {"l1": 0.1, "l2": 0.2}}, (0.1, 0.2)),
        ({"class_name": "L2", "config": {"l2": -0.0}}, (0, 0)),
    ],
)
def test_a_regularizer(given, pair):
    found = regularizers.get(given)
    assert (found.l1, found.l2) == pair and np.signbit([found.l1, found.l2]).sum() == 0
    assert found(W) == pytest.approx(oracle_rules.penalty(pair, W))
    assert regularizers.deserialize(json.loads(json.dumps(regularizers.serialize(found)))) == found
    assert pickle.loads(pickle.dumps(found)) == found and hash(found) == hash(regularizers.get(found))


@pytest.mark.parametrize(
    ("given", "rule"),
    [
        ("non_neg", {"name": "non_neg"}),
        ("MaxNorm", {"name": "max_norm"}),
        (constraints.UnitNorm, {"name": "unit_norm"}),
        (constraints.max_norm(0.5, axis=1), {"name": "max_norm", "max_value": 0.5, "axis": 1}),
        (constraints.UnitNorm(axis=[0]), {"name": "unit_norm"}),
        (
            constraints.MinMaxNorm(1, 2, 0.3, axis=-1),
            {"name": "min_max_norm", "min_value": 1, "max_value": 2, "rate": 0.3, "axis": 1},
        ),
        ({"class_name": "MaxNorm", "config": {"max_value": 1, "axis": 0}}, {"name": "max_norm", "max_value": 1}),
    ],
)
def test_a_constraint(given, rule):
    found = constraints.get(given)
    assert found(W) == pytest.approx(oracle_rules.constrain(rule, W), rel=1e-12)
    assert constraints.deserialize(json.loads(json.dumps(constraints.serialize(found)))) == found
    assert pickle.loads(pickle.dumps(found)) == found
    assert found(W.astype("float32")).dtype == "float32"


def test_nothing_is_nothing():
    assert (
        regularizers.get(None)
        is constraints.get(None)
        is regularizers.deserialize(None)
        is constraints.deserialize(None)
        is None
    )


class Mine(regularizers.Regularizer):
    def __call__(self, x):
        return 0.1 * np.sum(x**4)


class Ten(regularizers.L2):
    """A class of a user's that only has another default."""

    def __init__(self, l2=10.0):
        super().__init__(l2)


def test_a_users_class_with_settings_of_its_own():
    layer = Dense(2, kernel_regularizer=Ten())
    assert layer.kernel_regularizer.l2 == 10
    with fastbp.utils.custom_object_scope({"Ten": Ten}):
        assert Dense.from_config(layer.get_config()).kernel_regularizer == Ten()


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda: regularizers.L1(-0.1), ValueError, "l1 must be a finite number of at least 0, got -0.1"),
        (lambda: regularizers.L2(float("inf")), ValueError, "l2 must be a finite number of at least 0, got inf"),
        (lambda: regularizers.L1L2(0.1, "x"), TypeError, "l2 must be a finite number of at least 0, got 'x'"),
        (lambda: regularizers.get("orthogonal_regularizer"), ValueError, "regularizer 'orthogonal_regularizer' is not there: "),
        (lambda: regularizers.get(Mine()), NotImplementedError, "regularizer must be None, 'l1'.*got Mine.*not compiled"),
        (lambda: regularizers.get(Mine), NotImplementedError, "not compiled"),
        (lambda: regularizers.get(np.sum), NotImplementedError, "got <function sum.*not compiled"),
        (lambda: regularizers.get(0.01), TypeError, "regularizer must be None, 'l1', 'l2', 'l1_l2' or an object .*got 0.01"),
        (lambda: constraints.get("max_norms"), ValueError, "got 'max_norms'. Did you mean 'max_norm'"),
        (lambda: constraints.get(np.abs), NotImplementedError, "constraint must be None, 'max_norm', .*not compiled"),
        (lambda: constraints.MaxNorm(-1), ValueError, "max_value must be a finite number of at least 0, got -1"),
        (lambda: constraints.MaxNorm(1, axis=2), ValueError, "axis must be 0, .*got 2"),
        (lambda: constraints.UnitNorm(axis=[0, 1]), ValueError, r"axis must be 0.*got \[0, 1\]"),
        (lambda: constraints.MinMaxNorm(2, 1), ValueError, "min_value must be at most max_value, 1, got 2"),
        (lambda: constraints.MinMaxNorm(rate=1.5), ValueError, r"rate must be a finite number in \[0, 1\], got 1.5"),
        (lambda: Dense(2, bias_constraint=constraints.UnitNorm(1)), ValueError, "bias_constraint must have axis 0 or -1"),
        (
            lambda: layers.PReLU(alpha_constraint=constraints.UnitNorm(-2)),
            ValueError,
            "alpha_constraint must have axis 0 or -1",
        ),
        (lambda: layers.ActivityRegularization(l1=-1), ValueError, "l1 must be a finite number of at least 0, got -1"),
        (lambda: layers.ActivityRegularization(activity_regularizer="l1"), TypeError, "activity_regularizer"),
    ],
)
def test_what_is_refused(call, error, text):
    with pytest.raises(error, match=text):
        call()


def penalized():
    kernel, bias = (
        {"kernel_regularizer": "l2", "kernel_constraint": "unit_norm"},
        {"bias_regularizer": "l1", "bias_constraint": "non_neg"},
    )
    return Sequential(
        [
            Input((4,)),
            Dense(3, "tanh", **kernel, **bias, activity_regularizer=regularizers.L1L2(0.1)),
            layers.PReLU(alpha_regularizer="l1_l2", alpha_constraint=constraints.MinMaxNorm(0.1)),
            layers.ActivityRegularization(l2=0.3),
            layers.Softmax(activity_regularizer="l2"),
        ]
    )


def test_copies_of_models_have_the_same_rules():
    model = penalized()
    model.compile("adam", "mse")
    x, y = np.random.default_rng(0).normal(size=(30, 4)), np.random.default_rng(1).normal(size=(30, 3))
    loss = model.evaluate(x, y, verbose=0)
    copies = [
        fastbp.models.clone_model(model),
        Sequential.from_config(model.get_config()),
        fastbp.models.model_from_json(model.to_json()),
        pickle.loads(pickle.dumps(model)),
    ]
    expected = model.train_on_batch(x, y)
    assert loss == pytest.approx(expected) and loss > np.mean((model.predict(x) - y) ** 2)
    before = pickle.loads(pickle.dumps(copies[-1])).get_weights()
    for copy in copies:
        copy.compile("adam", "mse")
        copy.set_weights(before)
        assert copy.train_on_batch(x, y) == expected
        assert all(np.array_equal(a, b) for a, b in zip(copy.get_weights(), model.get_weights(), strict=True))
        assert [layer.get_config() for layer in copy.layers] == [layer.get_config() for layer in model.layers]


def test_an_activity_penalty_is_in_the_config_where_there_is_one():
    assert "activity_regularizer" not in layers.ReLU().get_config()
    written = layers.ReLU(activity_regularizer="l2").get_config()["activity_regularizer"]
    assert written == {"class_name": "L2", "config": {"l2": 0.01}}
    assert layers.ActivityRegularization(0.1).get_config() == {
        **{"name": "activity_regularization", "trainable": True, "dtype": None},
        **{"l1": 0.1, "l2": 0.0},
    }


def test_every_layer_says_what_keeps_its_weights_small():
    specs = penalized().weight_specs(4)
    assert [(spec.name, spec.regularizer, spec.constraint) for spec in specs] == [
        ("kernel", regularizers.L2(), constraints.UnitNorm()),
        ("bias", regularizers.L1(), constraints.NonNeg()),
        ("alpha", regularizers.L1L2(0.01, 0.01), constraints.MinMaxNorm(0.1)),
    ]
