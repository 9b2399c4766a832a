"""Arguments that layers do not have: the error names the right one; layers as dicts."""

import json

import pytest

import fastbp
from fastbp import layers


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: layers.Dense(3, init="uniform"), "Dense has no argument 'init': use kernel_initializer"),
        (lambda: layers.Dense(output_dim=3), "Dense has no argument 'output_dim': use units"),
        (lambda: layers.Dense(3, activations="relu"), "Dense has no argument 'activations'. Did you mean 'activation'"),
        (lambda: layers.Dense(3, W_regularizer="l2"), "Dense has no argument 'W_regularizer': use kernel_regularizer"),
        (lambda: layers.ReLU(kernel_constraint="l2"), "ReLU has no argument 'kernel_constraint': it has no kernel"),
        (lambda: layers.Activation(function="relu"), "Activation has no argument 'function'"),
        (lambda: layers.Flatten(units=3), "Flatten has no argument 'units'"),
        (lambda: layers.ReLU(negative_slop=3), "ReLU has no argument 'negative_slop'. Did you mean 'negative_slope'"),
        (lambda: fastbp.Sequential(layer=[]), "Sequential has no argument 'layer'. Did you mean 'layers'"),
        (lambda: fastbp.models.Model(input=1, output=2), "Model has no argument 'input'|Model has no argument 'output'"),
    ],
)
def test_unknown_arguments(call, text):
    with pytest.raises(TypeError, match=text):
        call()


def test_arguments_without_effect():
    layer = layers.Dense(3, weights=None, kernel_regularizer=None, autocast=True, input_dim=2)
    assert layer.units == 3


class Doubled(layers.Dense):
    """A user's layer, whose arguments are its own business."""

    def __init__(self, units, **settings):
        self._factor = settings.pop("factor", 2)
        super().__init__(self._factor * units, **settings)


def test_a_users_layer():
    assert Doubled(3, factor=3).units == 9 and Doubled(3, use_bias=False).use_bias is False
    with pytest.raises(TypeError, match="Doubled has no argument 'init': use kernel_initializer"):
        Doubled(3, init="uniform")


@pytest.mark.parametrize(
    "layer",
    [
        layers.Dense(3, "tanh", kernel_initializer=fastbp.initializers.HeNormal(seed=1), name="first"),
        layers.Dense(3, "leaky_relu", use_bias=False),
        layers.LeakyReLU(0.1),
        layers.Rescaling(0.5, offset=1.0),
        layers.Reshape((-1,)),
        layers.Softmax(),
        layers.Dense(3, kernel_regularizer="l2", bias_constraint="non_neg", activity_regularizer=fastbp.regularizers.L1(0.5)),
        layers.PReLU(alpha_regularizer=fastbp.regularizers.L1L2(0.1, 0.2), alpha_constraint=fastbp.constraints.MaxNorm(3)),
        layers.ReLU(activity_regularizer="l1"),
        layers.ActivityRegularization(0.1, 0.2),
    ],
    ids=lambda layer: type(layer).__name__,
)
def test_there_and_back(layer):
    written = layers.serialize(layer)
    made = layers.deserialize(json.loads(json.dumps(written)))
    assert type(made) is type(layer)
    assert {**made.get_config(), "name": None} == {**layer.get_config(), "name": None}
    with pytest.raises(ValueError, match="layer 'Conv1D' is not there: fastbp has dense layers only"):
        layers.deserialize({"class_name": "Conv1D", "config": {}})
