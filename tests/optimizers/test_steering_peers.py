"""Clipping, accumulation, averages and the rules that are new here, step by step against Keras and PyTorch."""

import numpy as np
import pytest
from steered import RULES, STEERINGS, network

from bridge import make_optimizer
from networks import describe

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of Keras's and PyTorch's calls of NumPy

STEPS = 24
PROBLEM = network((3, 20, 17, 2), "float32")
SHAPES = [w.shape for w in PROBLEM.weights]


def gradients_of_steps():
    """Of every size, so that some are clipped and some are not."""
    generator = np.random.default_rng(0)
    sizes = 10.0 ** generator.uniform(-4, 1, STEPS)
    return [[(generator.normal(size=shape) * size).astype("float32") for shape in SHAPES] for size in sizes]


GRADIENTS = gradients_of_steps()


def ours(settings, decays=None):
    """The weights after each step, and the averages in the end."""
    engine, weights = PROBLEM.engine(settings), []
    if decays is not None:
        engine.spare_from_decay(decays)
    for gradients in GRADIENTS:
        engine.apply_gradients(gradients)
        weights.append(engine.get_weights())
    return weights, engine.averages()


def assert_ways_agree(actual, expected, tolerance=2e-4):
    for step, (ours_, theirs_) in enumerate(zip(actual, expected, strict=True)):
        for a, e, start in zip(ours_, theirs_, PROBLEM.weights, strict=True):
            rounding = 1e-5 * np.abs(start).max()
            assert np.abs(a - e).max() < tolerance * np.abs(e - start).max() + rounding, f"step {step}, shape {e.shape}"


# ------------------------------------------------------------------------------------------------------------ Keras


def by_keras(settings, spared=()):
    keras = pytest.importorskip("keras")
    names = ["kernel", "bias", "kernel", "kernel", "bias"]
    variables = [keras.Variable(w.astype("float32"), name=name) for w, name in zip(PROBLEM.weights, names, strict=True)]
    classes = {"adamw": "AdamW", "rmsprop": "RMSprop", "sgd": "SGD"}
    name, rest = settings["name"], {key: value for key, value in settings.items() if key != "name"}
    optimizer, weights = getattr(keras.optimizers, classes.get(name, name.capitalize()))(**rest), []
    if spared:
        optimizer.exclude_from_weight_decay(var_names=list(spared))
    optimizer.build(variables)
    for gradients in GRADIENTS:
        optimizer.apply([keras.ops.convert_to_tensor(g) for g in gradients])
        weights.append([keras.ops.convert_to_numpy(v).copy() for v in variables])
    optimizer.finalize_variable_values(variables)
    return weights, [keras.ops.convert_to_numpy(v) for v in variables]


CLIPS = [*STEERINGS[:3], STEERINGS[-1]]
CASES = [(rule, steering) for rule in RULES for steering in STEERINGS if steering in CLIPS or rule == {"name": "adam"}]


@pytest.mark.parametrize(("rule", "steering"), CASES, ids=describe)
def test_as_keras(rule, steering):
    settings = {"learning_rate": 0.01, **rule, **steering}
    (weights, averages), (theirs, their_last) = ours(settings), by_keras(settings)
    assert_ways_agree(weights, theirs)
    assert_ways_agree([averages], [their_last])


@pytest.mark.parametrize("words", [["bias"], ["kernel"], ["b.as", "none"]], ids=str)
def test_weights_that_do_not_decay(words):
    settings = {"name": "adam", "learning_rate": 0.01, "weight_decay": 2.0}
    decays = [(len(shape) == 1) == (words == ["kernel"]) for shape in SHAPES]
    assert_ways_agree(ours(settings, decays)[0], by_keras(settings, words)[0])


@pytest.mark.parametrize("name", ["Adamax", "Adadelta", "Lion", "Adam"])
def test_settings_are_those_of_keras(name):
    keras = pytest.importorskip("keras")
    theirs, mine = (
        getattr(keras.optimizers, name)(name="mine").get_config(),
        make_optimizer({"name": name.lower()}).get_config(),
    )
    assert set(theirs) - set(mine) == {"loss_scale_factor"} and not set(mine) - set(theirs)
    assert {**mine, "name": "mine"} == {key: pytest.approx(theirs[key]) for key in mine}


@pytest.mark.parametrize(
    "settings",
    [{"clipnorm": 1.0, "clipvalue": 1.0}, {"clipvalue": 1.0, "global_clipnorm": 1.0}, {"gradient_accumulation_steps": 1}],
    ids=describe,
)
def test_what_keras_refuses(settings):
    keras = pytest.importorskip("keras")
    for make in (lambda: keras.optimizers.Adam(**settings), lambda: make_optimizer({"name": "adam", **settings})):
        with pytest.raises(ValueError, match=next(iter(settings))):
            make()


# ---------------------------------------------------------------------------------------------------------- PyTorch


def by_torch(make, clip=None):
    torch = pytest.importorskip("torch")
    weights = [torch.tensor(w.astype("float32"), requires_grad=True) for w in PROBLEM.weights]
    optimizer, found = make(torch.optim, weights), []
    for gradients in GRADIENTS:
        for w, g in zip(weights, gradients, strict=True):
            w.grad = torch.tensor(g)
        if clip is not None:
            clip(torch.nn.utils, weights)
        optimizer.step()
        found.append([w.detach().numpy().copy() for w in weights])
    return found


@pytest.mark.parametrize(
    ("steering", "clip"),
    [
        ({"global_clipnorm": 0.5}, lambda utils, weights: utils.clip_grad_norm_(weights, 0.5)),
        ({"clipnorm": 0.5}, lambda utils, weights: [utils.clip_grad_norm_(w, 0.5) for w in weights]),
        ({"clipvalue": 0.3}, lambda utils, weights: utils.clip_grad_value_(weights, 0.3)),
    ],
    ids=["global_clipnorm", "clipnorm", "clipvalue"],
)
def test_clipping_as_pytorch(steering, clip):
    settings = {"name": "sgd", "learning_rate": 0.1, "momentum": 0.9, **steering}
    assert_ways_agree(ours(settings)[0], by_torch(lambda optim, w: optim.SGD(w, 0.1, momentum=0.9), clip))


@pytest.mark.parametrize(
    ("settings", "make"),
    [
        ({"name": "adamax"}, lambda optim, w: optim.Adamax(w, 0.01, eps=1e-7)),
        ({"name": "adadelta", "rho": 0.9}, lambda optim, w: optim.Adadelta(w, 0.01, rho=0.9, eps=1e-7)),
    ],
    ids=["adamax", "adadelta"],
)
def test_rules_as_pytorch(settings, make):
    assert_ways_agree(ours({"learning_rate": 0.01, **settings})[0], by_torch(make))
