"""Where activations let no gradient through, and what they can give."""

import numpy as np
import pytest

from fastbp import activations
from fastbp.activations.kinds import KINDS

BOTH = {"tanh", "sigmoid", "softsign", "hard_sigmoid", "hard_tanh", "sparse_sigmoid"}
NEVER = {"linear", "leaky_relu", "exponential", "tanh_shrink", "softmax", "log_softmax", "sparsemax", "glu"}
RANGES = {
    "tanh": (-1, 1),
    "sigmoid": (0, 1),
    "softmax": (0, 1),
    "relu": (0, np.inf),
    "relu6": (0, 6),
    "softplus": (0, np.inf),
    "log_softmax": (-np.inf, 0),
    "selu": (-1.758, np.inf),
    "silu": (-0.278, np.inf),
    "softsign": (-1, 1),
    "linear": (-np.inf, np.inf),
    "leaky_relu": (-np.inf, np.inf),
    "glu": (-np.inf, np.inf),
}


def named(name):
    activation = getattr(activations, name)
    return activation(threshold=0.3, default_value=-1.0) if activation.missing else activation


@pytest.mark.parametrize("name", KINDS)
def test_every_activation(name):
    flatness = named(name).flatness
    assert flatness.saturates == (name in BOTH)
    assert (flatness.below == 0) == (name in NEVER)


def test_five_percent_of_the_largest_derivative():
    assert activations.tanh.flatness.below == pytest.approx(0.05, rel=1e-3)
    assert activations.sigmoid.flatness.below == pytest.approx(0.05 / 4, rel=1e-3)
    assert activations.relu.flatness.below == pytest.approx(0.05, rel=1e-3)


@pytest.mark.parametrize(
    ("activation", "dies", "saturates"),
    [
        (activations.leaky_relu(negative_slope=0.001), False, False),  # however small a slope is, it lets through
        (activations.relu(negative_slope=0.01), False, False),
        (activations.relu(max_value=2.5), True, False),
        (activations.custom(lambda z: np.exp(-(z**2))), True, True),
        (activations.custom(lambda z: 3 * z + 1), False, False),
        (activations.custom(lambda z: 0 * z), False, False),
        (activations.custom(np.sin), False, False),
        (activations.custom(lambda z: np.arctan(10 * z)), True, True),
    ],
)
def test_settings_and_formulas(activation, dies, saturates):
    assert (activation.flatness.below > 0) == dies and activation.flatness.saturates == saturates


@pytest.mark.parametrize("name", RANGES)
def test_ranges(name):
    assert named(name).range == pytest.approx(RANGES[name], abs=0.05)
