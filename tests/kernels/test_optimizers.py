"""Every optimizer: its rule against the oracle over many steps, and whether it gets to the bottom of a valley."""

import numpy as np
import pytest

import oracle
from bridge import OPTIMIZERS as CLASSES
from bridge import make_optimizer
from fastbp import layers, losses, optimizers
from fastbp.engine.engine import Engine
from fastbp.layers.stages import stages_of
from gradcheck import relative_error
from networks import OPTIMIZERS, describe

DTYPES = ["float64", "float32"]


def engine_of(optimizer, widths=(1, 1), dtype="float64"):
    engine = Engine(stages_of([layers.Dense(units, "tanh") for units in widths[1:]], widths[0]), dtype)
    engine.configure(optimizer, losses.MeanSquaredError())
    return engine


# ------------------------------------------------------------------------------------------------------- the rules


@pytest.mark.parametrize("settings", OPTIMIZERS, ids=describe)
@pytest.mark.parametrize("dtype", DTYPES)
def test_rule_over_many_steps(settings, dtype):
    """Gradients of every size, zeros among them; arrays that fill no vector and many."""
    settings = {"learning_rate": 0.01, **settings}
    generator, widths, steps = np.random.default_rng(0), (3, 37, 5), 100 if dtype == "float32" else 500
    shapes = [(3, 37), (37,), (37, 5), (5,)]
    weights = [generator.normal(size=s).astype(dtype) for s in shapes]
    sizes = [10.0 ** generator.uniform(-6, 2, s) for s in shapes]
    engine, rule = engine_of(make_optimizer(settings), widths, dtype), oracle.Optimizer(settings)
    engine.set_weights(weights)
    expected = start = [w.astype(np.float64) for w in weights]
    for step in range(steps):
        gradients = [(generator.normal(size=s) * size).astype(dtype) for s, size in zip(shapes, sizes, strict=True)]
        gradients = [np.where(generator.uniform(size=g.shape) < 0.1, 0, g).astype(dtype) for g in gradients]
        engine.apply_gradients(gradients)
        expected = rule.apply(expected, [g.astype(np.float64) for g in gradients])
        if step in (0, 1, 9, steps - 1):
            for actual, e, s in zip(engine.get_weights(), expected, start, strict=True):
                # SGD throws some of these weights far, others hardly move: each is judged by its own way and size.
                size = np.abs(e - s) + np.abs(e) + 1e-3
                error = np.abs(actual - e) / size
                assert error.max() < (1e-9 if dtype == "float64" else 2e-3)
    assert engine.steps == steps


@pytest.mark.parametrize("settings", OPTIMIZERS, ids=describe)
def test_training_takes_the_same_steps_as_given_gradients(settings):
    """The fused update of a training step, and the one that is handed its gradient."""
    settings, generator = {"learning_rate": 0.01, **settings}, np.random.default_rng(1)
    x, y = generator.normal(size=(20, 4)), generator.normal(size=(20, 3))
    weights = [generator.normal(size=s) for s in [(4, 19), (19,), (19, 3), (3,)]]
    fused, given = (engine_of(make_optimizer(settings), (4, 19, 3)) for _ in range(2))
    for engine in (fused, given):
        engine.set_weights(weights)
    for _ in range(20):
        fused.train_epoch(x, y, 20, shuffle=False)
        given.apply_gradients(given.value_and_gradient(x, y)[1])
    for a, b in zip(fused.get_weights(), given.get_weights(), strict=True):
        assert relative_error(a, b) < 1e-12


def test_zero_gradients_only_decay():
    for settings in OPTIMIZERS:
        engine = engine_of(make_optimizer({**settings, "learning_rate": 0.1, "weight_decay": 0.5}))
        engine.set_weights([np.array([[2.0]]), np.array([-1.0])])
        engine.apply_gradients([np.zeros((1, 1)), np.zeros(1)])
        assert engine.get_weights()[0][0, 0] == pytest.approx(2.0 * 0.95), settings
        assert engine.get_weights()[1][0] == pytest.approx(-0.95), settings  # biases decay too, as Keras's do


@pytest.mark.parametrize("settings", OPTIMIZERS, ids=describe)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("batch", [1, 16])  # in one pass over the weights, and not
def test_state_that_decays_ends_at_zero(settings, dtype, batch):
    """It would come to stay among the subnormal numbers, whose arithmetic is slow."""
    engine = engine_of(make_optimizer(settings), (3, 37, 5), dtype)
    parameters, smallest = engine._parameters, np.finfo(dtype).tiny
    parameters.state[...] = smallest * np.random.default_rng(0).uniform(0.01, 1.5, parameters.state.shape)
    engine.set_weights([np.zeros_like(w) for w in engine.get_weights()])  # no gradient
    engine.train_epoch(np.zeros((batch, 3)), np.zeros((batch, 5)), batch, shuffle=False)
    for slot in range(len(parameters.state) // parameters.size):
        for state in parameters.arrays(parameters.slot(slot)):
            assert not ((state != 0) & (np.abs(state) < smallest)).any()


# --------------------------------------------------------------------------------------------------------- valleys


def descend(optimizer, gradient, start, steps):
    """The two numbers of a 1 -> 1 layer taken down ``gradient(a, b)``."""
    engine = engine_of(optimizer)
    engine.set_weights([np.array([[start[0]]]), np.array([start[1]])])
    for _ in range(steps):
        (kernel,), bias = engine.get_weights()
        da, db = gradient(kernel[0], bias[0])
        engine.apply_gradients([np.array([[da]]), np.array([db])])
    (kernel,), bias = engine.get_weights()
    return kernel[0], bias[0]


def parabola_gradient(a, b):
    return 2 * (a - 3), 20 * (b + 1)


def rosenbrock_gradient(a, b):
    return -2 * (1 - a) - 400 * a * (b - a**2), 200 * (b - a**2)


# settings, rate and steps for the parabola, rate and steps for Rosenbrock's valley
VALLEYS = [
    ({"name": "sgd"}, 0.05, 300, 1e-3, 20_000),
    ({"name": "sgd", "momentum": 0.9}, 0.01, 300, 5e-4, 10_000),
    ({"name": "sgd", "momentum": 0.9, "nesterov": True}, 0.01, 300, 5e-4, 10_000),
    ({"name": "rmsprop"}, 0.002, 3000, 1e-3, 20_000),
    ({"name": "rmsprop", "momentum": 0.5}, 0.001, 3000, 5e-4, 20_000),
    ({"name": "rmsprop", "centered": True}, 0.001, 6000, 1e-4, 20_000),
    ({"name": "rmsprop", "centered": True, "momentum": 0.5}, 0.001, 6000, 1e-4, 20_000),
    ({"name": "adagrad"}, 0.5, 1000, 0.5, 20_000),
    ({"name": "adam"}, 0.05, 1000, 0.02, 10_000),
    ({"name": "adam", "amsgrad": True}, 0.05, 1000, 0.02, 10_000),
    ({"name": "adamw", "weight_decay": 0.0}, 0.05, 1000, 0.02, 10_000),
    ({"name": "nadam"}, 0.05, 1000, 0.02, 10_000),
    ({"name": "adamax"}, 0.05, 1000, 0.05, 10_000),
    ({"name": "adadelta"}, 5.0, 3000, None, 0),  # in the other one it swings to and fro
    ({"name": "lion"}, 0.005, 2000, 2e-4, 20_000),
]


@pytest.mark.parametrize(("settings", "rate", "steps", "_rate", "_steps"), VALLEYS, ids=describe)
def test_parabola(settings, rate, steps, _rate, _steps):
    bottom = descend(make_optimizer({**settings, "learning_rate": rate}), parabola_gradient, (0.0, 0.0), steps)
    assert bottom == pytest.approx((3.0, -1.0), abs=0.02)


@pytest.mark.parametrize(("settings", "_rate", "_steps", "rate", "steps"), [v for v in VALLEYS if v[-1]], ids=describe)
def test_rosenbrock(settings, _rate, _steps, rate, steps):
    bottom = descend(make_optimizer({**settings, "learning_rate": rate}), rosenbrock_gradient, (-1.0, 1.0), steps)
    assert bottom == pytest.approx((1.0, 1.0), abs=0.05)


# ---------------------------------------------------------------------------------------------------- descriptions


CODES = [
    ({"name": "sgd"}, 1, 0),
    ({"name": "sgd", "nesterov": True}, 1, 0),  # Keras's nesterov needs a momentum
    ({"name": "sgd", "momentum": 0.9}, 2, 1),
    ({"name": "sgd", "momentum": 0.9, "nesterov": True}, 3, 1),
    ({"name": "rmsprop"}, 4, 1),
    ({"name": "rmsprop", "momentum": 0.9}, 5, 2),
    ({"name": "rmsprop", "centered": True}, 6, 2),
    ({"name": "rmsprop", "centered": True, "momentum": 0.9}, 7, 3),
    ({"name": "adagrad"}, 8, 1),
    ({"name": "adam"}, 9, 2),
    ({"name": "adamw"}, 9, 2),
    ({"name": "adam", "amsgrad": True}, 10, 3),
    ({"name": "adamw", "amsgrad": True}, 10, 3),
    ({"name": "nadam"}, 11, 2),
    ({"name": "adamax"}, 12, 2),
    ({"name": "adadelta"}, 13, 2),
    ({"name": "lion"}, 14, 1),
    ({"name": "lion", "use_ema": True}, 14, 2),
    ({"name": "adam", "gradient_accumulation_steps": 2}, 9, 3),
    ({"name": "sgd", "gradient_accumulation_steps": 2, "use_ema": True}, 1, 2),
    ({"name": "adam", "clipnorm": 1.0}, 9, 2),
]


@pytest.mark.parametrize(("settings", "code", "slots"), CODES, ids=describe)
def test_codes_and_slots(settings, code, slots):
    optimizer = make_optimizer(settings)
    assert (optimizer.code, optimizer.slots, len(optimizer.hyper)) == (code, slots, 8)


def test_keras_defaults():
    def pick(name, *attributes):
        optimizer = optimizers.get(name)
        assert isinstance(optimizer, CLASSES[name])
        return tuple(getattr(optimizer, a) for a in attributes)

    assert pick("sgd", "learning_rate", "momentum", "nesterov", "weight_decay") == (0.01, 0.0, False, None)
    names = ("learning_rate", "rho", "momentum", "epsilon", "centered", "weight_decay")
    assert pick("rmsprop", *names) == (0.001, 0.9, 0.0, 1e-7, False, None)
    names = ("learning_rate", "initial_accumulator_value", "epsilon", "weight_decay")
    assert pick("adagrad", *names) == (0.001, 0.1, 1e-7, None)
    names = ("learning_rate", "beta_1", "beta_2", "epsilon", "weight_decay")
    assert pick("adam", *names) == (0.001, 0.9, 0.999, 1e-7, None)
    assert pick("adamw", *names) == (0.001, 0.9, 0.999, 1e-7, 0.004)
    assert pick("nadam", *names) == (0.001, 0.9, 0.999, 1e-7, None)
    assert pick("adam", "amsgrad") == (False,)
    assert pick("adamax", *names) == (0.001, 0.9, 0.999, 1e-7, None)
    assert pick("adadelta", "learning_rate", "rho", "epsilon", "weight_decay") == (0.001, 0.95, 1e-7, None)
    assert pick("lion", "learning_rate", "beta_1", "beta_2", "weight_decay") == (0.001, 0.9, 0.99, None)
    names = ("clipnorm", "clipvalue", "global_clipnorm", "use_ema", "ema_momentum", "ema_overwrite_frequency")
    for name in CLASSES:
        assert pick(name, *names, "gradient_accumulation_steps") == (None, None, None, False, 0.99, None, None)


def test_positional_learning_rate():
    assert [cls(0.5).learning_rate for cls in CLASSES.values()] == [0.5] * len(CLASSES)


def test_settings_follow_assignments():
    optimizer = optimizers.Adam(1e-3)
    optimizer.learning_rate = 1e-4
    assert optimizer.hyper[0] == 1e-4


def test_unknown_name_suggests_the_nearest():
    with pytest.raises(ValueError, match=r"(?i)adm.*adam"):
        optimizers.get("adm")
