"""``losses``: what weights cost at present, by layer and by model."""

import numpy as np
import pytest

from fastbp import Dense, Input, Model, Sequential, layers, regularizers

X = np.random.default_rng(0).normal(size=(20, 3))
Y = X[:, :2]


def make(dtype="float32"):
    norm = layers.BatchNormalization(gamma_regularizer="l2")
    inner = Sequential([Dense(4, kernel_regularizer="l1"), norm], name="inner", dtype=dtype)
    first = Dense(5, "tanh", kernel_regularizer=regularizers.L1L2(0.1, 0.2), bias_regularizer="l2", bias_initializer="ones")
    return Sequential([Input((3,)), first, inner, Dense(2)], seed=0, dtype=dtype)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_they_are_what_the_loss_has_beside_that_of_the_data(dtype):
    model = make(dtype)
    model.compile("sgd", "mse")
    for _ in range(2):
        data = np.mean((model.predict(X) - Y) ** 2)
        assert model.evaluate(X, Y, verbose=0) == pytest.approx(data + sum(model.losses), rel=1e-5)
        model.fit(X, Y, verbose=0)
    kernel, bias = model.layers[0].get_weights()
    wanted = [0.1 * abs(kernel).sum() + 0.2 * (kernel**2).sum(), 0.01 * (bias**2).sum()]
    assert model.layers[0].losses == pytest.approx(wanted) and len(model.losses) == 4
    assert model.losses == model.layers[0].losses + model.get_layer("inner").losses


def test_what_is_not_trained_or_not_there_costs_nothing():
    model = make()
    model.layers[0].trainable = False
    assert len(model.losses) == 2 and model.layers[0].losses == [] and model.layers[2].losses == []
    assert Dense(2, kernel_regularizer="l2").losses == [] and Sequential([Dense(2, kernel_regularizer="l2")]).losses == []
    x = Input((3,))
    assert Model(x, Dense(1, activity_regularizer="l2")(x)).losses == []


def test_against_keras():
    keras = pytest.importorskip("keras")

    def losses(sequential, module):
        ones = {"kernel_initializer": "ones", "bias_initializer": "ones"}
        frozen = module.Dense(2, kernel_regularizer="l1", trainable=False)
        model = sequential(
            [module.Input((3,)), module.Dense(5, kernel_regularizer="l2", bias_regularizer="l1", **ones), frozen]
        )
        return [loss if isinstance(loss, float) else loss.item() for loss in model.losses]

    assert losses(Sequential, layers) == pytest.approx(losses(keras.Sequential, keras.layers))
