"""Codes and their properties: every description against the kernels' tables, and against what the oracle does."""

import ast
from collections import Counter
from itertools import product
from pathlib import Path

import numpy as np
import pytest

import oracle
from bridge import LOSSES, OPTIMIZERS
from fastbp import activations, losses, metrics, optimizers
from fastbp.engine.engine import Engine
from fastbp.kernels import activation, codes, fields, loss, optimizer, row_activation
from fastbp.layers.dense import Dense
from fastbp.layers.stages import stages_of
from fastbp.metrics.counted import KINDS
from fastbp.scaled_sums import Targets

EVERY_LOSS = sorted({cls() for cls in losses._CLASSES.values() if hasattr(cls, "code")}, key=lambda found: found.code)
EVERY_ACTIVATION = sorted(set(activations._NAMES.values()), key=lambda found: found.code)
WITH_CODE = [found for found in EVERY_ACTIVATION if found.code != codes.CUSTOM_ACTIVATION]
SWITCHES = {"sgd": ["momentum", "nesterov"], "rmsprop": ["momentum", "centered"], "adam": ["amsgrad"], "adamw": ["amsgrad"]}


def every_optimizer():
    for cls in dict.fromkeys(optimizers._CLASSES.values()):
        switches = SWITCHES.get(cls.__name__.lower(), [])
        for chosen in product([False, True], repeat=len(switches)):
            wanted = [name for name, on in zip(switches, chosen, strict=True) if on]
            yield cls, {name: 0.5 if name == "momentum" else True for name in wanted}


def name_of(value):
    return value.__name__.lower() if isinstance(value, type) else getattr(value, "name", None) or "-".join(value)


def test_the_oracle_knows_every_description():
    assert {found.name for found in EVERY_LOSS} == set(LOSSES)
    assert set(optimizers._CLASSES) == set(OPTIMIZERS)
    assert {found.name for found in WITH_CODE} == {*oracle.ACTIVATIONS, *oracle.WHOLE_ROWS}
    assert {found.name for found in EVERY_ACTIVATION} == {*oracle.ACTIVATIONS, *oracle.WHOLE_ROWS, *oracle.FORMULAS}


# ------------------------------------------------------------------------------------------------------------ losses


def test_every_loss_of_the_kernels_has_one_description():
    described = [found.code for found in EVERY_LOSS] + [losses.Custom.code]
    described += [found.code_from_logits for found in EVERY_LOSS if found.code_from_logits is not None]
    assert sorted([*described, codes.PROJECTION]) == sorted(loss._LOSSES)


@pytest.mark.parametrize("found", EVERY_LOSS, ids=name_of)
def test_properties_of_a_loss(found):
    assert found.per_output == (found.code in loss.ELEMENTWISE)
    if found.code_from_logits is not None:
        assert found.per_output == (found.code_from_logits in loss.ELEMENTWISE)
    assert (found.code_from_logits is None) == (found.output_activation is None)


@pytest.mark.parametrize("found", EVERY_LOSS, ids=name_of)
def test_the_mean_is_over_what_the_loss_says(found):
    """Over samples always; over outputs too where it says so, each by itself."""
    random = np.random.default_rng(0)
    p = random.uniform(0.1, 0.9, (6, 4))
    y = random.integers(0, 4, 6) if found.sparse else random.uniform(0.1, 0.9, (6, 4))
    engine = Engine(stages_of([Dense(4)], 4), "float64")
    engine.configure(optimizers.SGD(), found)
    engine.set_weights([np.eye(4), np.zeros(4)])
    by_row = [engine.value_and_gradient(p[i : i + 1].copy(), y[i : i + 1].copy()) for i in range(6)]
    value, gradient = engine.value_and_gradient(p, y)
    assert value == pytest.approx(np.mean([row for row, _ in by_row]))
    assert gradient[1] == pytest.approx(np.mean([row[1] for _, row in by_row], axis=0))
    expected, _ = oracle.loss_value_and_gradient({"name": found.name}, p, y)
    assert value == pytest.approx(expected)
    if found.per_output:
        single = Engine(stages_of([Dense(1)], 1), "float64")
        single.configure(optimizers.SGD(), found)
        single.set_weights([np.eye(1), np.zeros(1)])
        columns = [single.value_and_gradient(p[:, [j]].copy(), y[:, [j]].copy())[0] for j in range(4)]
        assert value == pytest.approx(np.mean(columns))


def test_the_name_of_a_loss_is_only_a_label():
    """What targets must be follows from the loss, whatever it is called."""
    from fastbp import Sequential

    model = Sequential([Dense(1, "sigmoid")])
    model.compile("sgd", losses.BinaryCrossentropy(name="mine"))
    with pytest.raises(ValueError, match=r"y must lie in \[0, 1\] for mine"):
        model.fit([[1.0]], [2.0], verbose=0)
    model = Sequential([Dense(1)])
    model.compile("sgd", losses.MeanSquaredError(name="binary_crossentropy"))
    assert len(model.fit([[1.0]], [2.0], verbose=0).history["loss"]) == 1


# -------------------------------------------------------------------------------------------------------- optimizers


def test_every_update_rule_has_a_description():
    assert set(optimizer.RULES) == set(codes.UPDATE_RULES) == {cls(**settings).code for cls, settings in every_optimizer()}


@pytest.mark.parametrize(("cls", "settings"), list(every_optimizer()), ids=name_of)
def test_properties_of_an_optimizer(cls, settings):
    """State that is there is used, and running products move where they are needed, and only there."""
    found = cls(**settings)
    rule = codes.UPDATE_RULES[found.code]
    assert found.slots == rule.slots and len(found.hyper) == 8
    engine = Engine(stages_of([Dense(3)], 5), "float64")
    engine.configure(found, losses.MeanSquaredError())
    random = np.random.default_rng(1)
    engine.set_weights([random.normal(size=(5, 3)), random.normal(size=3)])
    for _ in range(3):
        (weights, state, products, _), *_ = engine.snapshot()
        gradients = [random.normal(size=(5, 3)), random.normal(size=3)]
        engine.apply_gradients(gradients)
    (_, new_state, new_products, _), *_ = engine.snapshot()
    slots = np.split(new_state != state, rule.slots) if rule.slots else []
    assert new_state.size == rule.slots * weights.size
    assert all(slot.sum() > 0 for slot in slots)
    assert (new_products != products).any() == rule.needs_running_products


# ------------------------------------------------------------------------------------------------------- activations


def test_every_activation_of_the_kernels_has_one_description():
    described = [found.code for found in WITH_CODE]
    assert sorted([*described, codes.CUSTOM_ACTIVATION]) == list(range(codes.GLU + 1))
    assert set(row_activation.ACTIVATE) == set(row_activation.DIFFERENTIATE) == codes.WHOLE_ROW_ACTIVATIONS
    elementwise = {*described, codes.CUSTOM_ACTIVATION} - {codes.LINEAR, codes.GLU} - codes.WHOLE_ROW_ACTIVATIONS
    assert elementwise == set(activation._ACTIVATE) == set(activation.for_derivatives(lambda code: code))
    assert set(activation.DERIVATIVES) | activation.STORES_DERIVATIVE == elementwise
    assert not set(activation.DERIVATIVES) & activation.STORES_DERIVATIVE


# ----------------------------------------------------------------------------------------------------------- metrics


KIND_OF_CODE = {
    "mse": ("mse", "mean_squared_error"),
    "mae": ("mae", "mean_squared_error"),
    "rmse": ("rmse", "mean_squared_error"),
    "r2": ("r2", "mean_squared_error"),
    "binary_accuracy": ("binary_accuracy", "mean_squared_error"),
    "binary_accuracy_of_logits": ("binary_accuracy", losses.BinaryCrossentropy(from_logits=True)),
    "categorical_accuracy": ("categorical_accuracy", "mean_squared_error"),
    "sparse_categorical_accuracy": ("sparse_categorical_accuracy", "sparse_categorical_crossentropy"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_metric_finds_what_it_needs_counted(kind):
    """Each alone, and beside each of those it goes together with: what is counted serves both."""
    random = np.random.default_rng(2)
    p, y = random.normal(size=(40, 3)), np.eye(3)[random.integers(0, 3, 40)]
    expected = {
        "mse": np.mean((p - y) ** 2),
        "mae": np.mean(np.abs(p - y)),
        "rmse": np.sqrt(np.mean((p - y) ** 2)),
        "r2": np.mean(1 - ((p - y) ** 2).sum(axis=0) / ((y - y.mean(axis=0)) ** 2).sum(axis=0)),
        "binary_accuracy": np.mean((p > 0.5) == y),
        "binary_accuracy_of_logits": np.mean((p > 0) == y),
        "categorical_accuracy": np.mean(p.argmax(axis=1) == y.argmax(axis=1)),
        "sparse_categorical_accuracy": np.mean(p.argmax(axis=1) == y.argmax(axis=1)),
    }
    assert set(expected) == set(KIND_OF_CODE) == set(KINDS)
    name, fitting = KIND_OF_CODE[kind][0], losses.get(KIND_OF_CODE[kind][1])
    engine = Engine(stages_of([Dense(3)], 3), "float64")
    engine.configure(optimizers.SGD(), fitting)
    engine.set_weights([np.eye(3), np.zeros(3)])
    targets = y.argmax(axis=1) if fitting.sparse else y
    others = [] if fitting.sparse else ["mse", "mae", "rmse", "r2"]
    for names in [[name], *([name, other] for other in others)]:
        wanted = [found.resolve(fitting, 3) for found in metrics.get_all(names)]
        assert not metrics.needs_outputs(wanted)
        epoch = engine.evaluate(p, targets, metrics.to_count(wanted))
        logs = metrics.epoch_logs(epoch, wanted, Targets(targets))
        assert logs[name] == pytest.approx(expected[kind])
        assert all(logs[other] == pytest.approx(expected[other]) for other in names[1:]), names


def test_every_field_has_a_position_of_its_own():
    """Of two fields of one name the second would be read where the first is meant."""
    source = Path(fields.__file__).read_text(encoding="utf-8")
    names = [
        name.id
        for statement in ast.parse(source).body
        if isinstance(statement, ast.Assign)
        for target in statement.targets
        for name in ast.walk(target)
        if isinstance(name, ast.Name) and name.id != "_next"
    ]
    assert len(names) > 100
    assert [name for name, count in Counter(names).items() if count > 1] == []
