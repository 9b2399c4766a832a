"""Every activation and its derivative as the engine computes them: against the oracle and by central differences."""

import numpy as np
import pytest

import oracle
from bridge import make_activation
from fastbp import activations, layers, losses, optimizers
from fastbp.engine.engine import Engine
from fastbp.layers.stages import stages_of
from gradcheck import central_differences, relative_error
from networks import FORMULAS, HIDDEN_ACTIVATIONS, describe

ROWS = ["softmax", "log_softmax", "sparsemax"]
LAYERS = [{"activation": name} for name in [*HIDDEN_ACTIVATIONS, *ROWS]] + FORMULAS
LAYERS += [{"activation": "relu", "settings": {"negative_slope": 0.1}}]
LAYERS += [{"activation": "leaky_relu", "alpha": a} for a in (0.01, 0.0, 0.5)]
LAYERS += [{"activation": "elu", "alpha": a} for a in (0.5, 2.0)]
DTYPES = ["float64", "float32"]

# Keras's names and codes, which the kernels share.
CODES = {
    "linear": 0,
    "relu": 1,
    "leaky_relu": 2,
    "elu": 3,
    "selu": 4,
    "tanh": 5,
    "sigmoid": 6,
    "softplus": 7,
    "silu": 8,
    "gelu": 9,
    "gelu_tanh": 10,
    "softmax": 11,
    "log_softmax": 13,
    "sparsemax": 14,
    "glu": 15,
}


def engine_of(layer, units, dtype="float64"):
    """A network whose only layer passes its input to the activation as it is."""
    dense = layers.Dense(units, activation=make_activation(layer), use_bias=False)
    engine = Engine(stages_of([dense], units), dtype)
    engine.configure(optimizers.SGD(), losses.MeanSquaredError())
    engine.set_weights([np.eye(units, dtype=dtype)])
    return engine


def grid(dtype, largest, n=2000, units=7):
    """Numbers of both signs and of all sizes up to ``largest``."""
    sizes = np.concatenate([np.linspace(0, min(largest, 12), n), np.geomspace(1e-12, largest, n)])
    z = np.concatenate([sizes, -sizes]).astype(dtype)
    return np.ascontiguousarray(z[: len(z) // units * units].reshape(-1, units))


@pytest.mark.parametrize("layer", LAYERS, ids=describe)
@pytest.mark.parametrize("dtype", DTYPES)
def test_value_and_derivative(layer, dtype):
    """Each element to a few units in the last place, or to that share of the largest output where it is tiny."""
    z, engine = grid(dtype, 80.0), engine_of(layer, 7, dtype)
    exact = z.astype(np.float64)
    rounding = float(np.finfo(dtype).eps)
    output = engine.forward(z, keep=True)
    assert output == pytest.approx(oracle.activate(layer, exact), rel=16 * rounding, abs=4 * rounding)

    dy = np.random.default_rng(0).normal(size=z.shape).astype(dtype)
    dz, _ = engine.backward(dy)
    expected = oracle.through_activation(layer, exact, dy.astype(np.float64))
    assert dz == pytest.approx(expected, rel=64 * rounding, abs=64 * rounding)


@pytest.mark.parametrize("layer", LAYERS, ids=describe)
def test_derivative_by_central_differences(layer):
    engine, generator = engine_of(layer, 5), np.random.default_rng(1)
    z, dy = generator.normal(size=(6, 5)) * 3, generator.normal(size=(6, 5))
    (expected,) = central_differences(lambda z: (dy * engine.forward(z)).sum(), [z])
    engine.forward(z, keep=True)
    assert relative_error(engine.backward(dy)[0], expected) < 1e-6


@pytest.mark.parametrize("layer", LAYERS, ids=describe)
@pytest.mark.parametrize("dtype", DTYPES)
def test_large_arguments(layer, dtype):
    """Nothing overflows on its way to a value that can be told; a derivative that has died is 0, not NaN."""
    z = np.array([[-1e4, -1e3, -90.0, 0.0, 90.0, 1e3, 1e4]], dtype)
    z = np.minimum(z, 80) if layer["activation"] == "exponential" else z  # beyond, it is infinite
    engine = engine_of(layer, 7, dtype)
    output = engine.forward(z, keep=True)
    dz, _ = engine.backward(np.ones_like(z))
    exact = z.astype(np.float64)
    rounding = float(np.finfo(dtype).eps)
    expected = oracle.activate(layer, exact)
    assert output == pytest.approx(expected, rel=64 * rounding, abs=64 * rounding)
    slopes = oracle.through_activation(layer, exact, np.ones_like(exact))
    assert dz == pytest.approx(slopes, rel=64 * rounding, abs=64 * rounding)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("units", [1, 2, 10, 16, 17, 100])
@pytest.mark.parametrize("name", ["softmax", "sparsemax"])
def test_rows_of_probabilities_sum_to_one(name, units, dtype):
    z = (np.random.default_rng(2).normal(size=(50, units)) * 30).astype(dtype)
    output = engine_of({"activation": name}, units, dtype).forward(z)
    assert output.sum(axis=1) == pytest.approx(np.ones(50), rel=10 * float(np.finfo(dtype).eps))
    assert (output >= 0).all()


@pytest.mark.parametrize("name", [*HIDDEN_ACTIVATIONS, *(name for name in oracle.FORMULAS if name != "threshold")])
@pytest.mark.parametrize("dtype", DTYPES)
def test_infinite_arguments(name, dtype):
    """Where a limit exists it is taken."""
    z = np.array([[np.inf, -np.inf]], dtype)
    limits = {
        "linear": (np.inf, -np.inf),
        "relu": (np.inf, 0),
        "leaky_relu": (np.inf, -np.inf),
        "elu": (np.inf, -1),
        "selu": (np.inf, -oracle.SELU_SCALE * oracle.SELU_ALPHA),
        "tanh": (1, -1),
        "sigmoid": (1, 0),
        "softplus": (np.inf, 0),
        "relu6": (6, 0),
        "celu": (np.inf, -1),
        "exponential": (np.inf, 0),
        "log_sigmoid": (0, -np.inf),
        "softsign": (1, -1),
        "squareplus": (np.inf, 0),
        "hard_sigmoid": (1, 0),
        "hard_silu": (np.inf, 0),
        "hard_tanh": (1, -1),
        "tanh_shrink": (np.inf, -np.inf),
        "hard_shrink": (np.inf, -np.inf),
        "soft_shrink": (np.inf, -np.inf),
        "sparse_plus": (np.inf, 0),
        "sparse_sigmoid": (1, 0),
    }
    if name not in limits:
        pytest.skip("no limit that IEEE arithmetic reaches: it meets infinity times 0")
    # No product with the identity here, in which infinity meets 0 as well: one unit at a time.
    engine = engine_of({"activation": name}, 1, dtype)
    output = [engine.forward(z[:, i : i + 1].copy())[0, 0] for i in range(2)]
    assert output == pytest.approx(limits[name], rel=1e-6, abs=1e-30)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("units", [1, 2, 10, 16, 17, 33, 100])
@pytest.mark.parametrize("scale", [0.01, 1.0, 30.0])
@pytest.mark.parametrize("name", ROWS)
def test_whole_rows_of_any_width(name, units, scale, dtype):
    """Many kept, few kept, ties; and what the padding holds shows nowhere."""
    generator, engine = np.random.default_rng(3), engine_of({"activation": name}, units, dtype)
    z = (generator.normal(size=(37, units)) * scale).round(2 if scale == 1.0 else 9).astype(dtype)
    dy = generator.normal(size=z.shape).astype(dtype)
    exact, rounding = z.astype(np.float64), float(np.finfo(dtype).eps) * max(scale, 1.0)
    assert engine.forward(z, keep=True) == pytest.approx(oracle.activate({"activation": name}, exact), abs=16 * rounding)
    expected = oracle.through_activation({"activation": name}, exact, dy.astype(np.float64))
    assert engine.backward(dy)[0] == pytest.approx(expected, abs=64 * rounding)
    assert engine.forward(z) == pytest.approx(engine.forward(z, keep=True), abs=0)


@pytest.mark.parametrize("layer", LAYERS, ids=describe)
def test_nan_is_never_hidden(layer):
    z = np.full((1, 1), np.nan)
    assert np.isnan(engine_of(layer, 1).forward(z)).all()


# ---------------------------------------------------------------------------------------------------- descriptions


def test_codes_and_names():
    for name, code in CODES.items():
        assert (activations.get(name).name, activations.get(name).code) == (name, code)
    assert activations.get("swish").code == CODES["silu"]
    assert activations.get(None).code == CODES["linear"]


def test_parameters():
    assert activations.get("leaky_relu").alpha == pytest.approx(0.2)
    assert activations.get("elu").alpha == 1.0
    assert activations.leaky_relu(0.1).alpha == pytest.approx(0.1)
    assert activations.elu(alpha=0.5).alpha == 0.5
    assert activations.gelu(approximate=True).code == CODES["gelu_tanh"]
    assert activations.gelu(approximate=False).code == CODES["gelu"]


def test_activation_itself_is_accepted():
    chosen = activations.leaky_relu(0.3)
    assert activations.get(chosen) is chosen
    assert layers.Dense(3, chosen).activation == chosen
    assert layers.Dense(3, "tanh").activation.code == CODES["tanh"]
    assert layers.Dense(3).activation.code == CODES["linear"]


def test_unknown_name_suggests_the_nearest():
    with pytest.raises(ValueError, match="sigmod.*sigmoid"):
        activations.get("sigmod")
