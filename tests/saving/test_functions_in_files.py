"""Functions of one's own in files: formulas come back as what they compute, the others by their names."""

import json
import math

import numpy as np
import pytest

import fastbp
from fastbp import Dense, Input, ModelFileError, Sequential, losses
from fastbp.graph.codegen.row_graphs import trace_activation, trace_loss
from fastbp.graph.tracing.text import as_key
from fastbp.metrics import MeanMetricWrapper
from fastbp.optimizers.schedules import ExponentialDecay, LearningRateSchedule, Warmup
from fastbp.saving.functions import FunctionWriter, StoredFormula, resolved
from fastbp.serialization import serialize, writing

RNG = np.random.default_rng(11)
WIDE = np.linspace(0.5, 1.5, 12)


def through_a_file(value, units=3, objects=None):
    """What a value becomes in a file and out of it, JSON included."""
    with writing(FunctionWriter(units)):
        settings = serialize(value)
    return resolved(json.loads(json.dumps(settings)), objects or {})


LOSSES = {
    "squares": lambda t, p: (t - p) ** 2,
    "mean": lambda t, p: fastbp.mean(abs(t - p)),
    "columns": lambda t, p: (t[:, 0] - p[:, 1]) ** 2 + fastbp.exp(-p[:, 0]) * fastbp.where(p[:, 2] > 0, 1.0, 0.3),
    "sums": lambda t, p: fastbp.sum(p * p, axis=-1) - 2 * fastbp.mean(t * p, axis=-1, keepdims=True)[:, 0],
    "conditions": lambda t, p: fastbp.where((p > t) & (p < 2) | (t < -1), abs(p - t), 0.5 * (p - t) ** 2),
    "not finite": lambda t, p: fastbp.where(p > math.inf, math.nan, (p - t) ** 2) + 0.0 * fastbp.minimum(p, math.inf),
    "logarithms": lambda t, p: fastbp.log1p(np.square(t - p)) + fastbp.softplus(p) - fastbp.sigmoid(t * p),
    "extremes": lambda t, p: np.max(p, axis=-1) - np.min(t * p, axis=-1),
    "slices": lambda t, p: fastbp.sum((t[:, 0:2] - p[:, 1:3]) ** 2, axis=-1),
}


@pytest.mark.parametrize("name", LOSSES)
def test_a_loss_is_the_same_graph(name):
    loss = losses.Custom(LOSSES[name], name)
    found = through_a_file(loss)
    assert type(found) is losses.Custom and found.name == name and found.reduction == loss.reduction
    assert isinstance(found.function, StoredFormula)
    one, other = trace_loss(loss.function, 3, 3), trace_loss(found.function, 3, 3)
    assert as_key(one.graph, sizes=True) == as_key(other.graph, sizes=True)
    t, p = RNG.normal(size=(2, 9, 3))
    wanted = loss.call(t, p)
    wanted = np.asarray(wanted).mean(-1) if np.ndim(wanted) == 2 else wanted
    values = found.call(t, p)
    assert values.shape == (9,)
    assert (values if np.ndim(wanted) else values.mean()) == pytest.approx(wanted, rel=1e-14)


def test_arrays_around_a_loss():
    loss = losses.Custom(lambda t, p: fastbp.sum(WIDE * (t - p) ** 2, axis=-1), "weighted")
    found = through_a_file(loss, 12)
    t, p = RNG.normal(size=(2, 5, 12))
    assert found.call(t, p) == pytest.approx(loss.call(t, p))
    keys = [as_key(trace_loss(one.function, 12, 12).graph, sizes=True) for one in (loss, found, through_a_file(found, 12))]
    assert keys[0] == keys[1] == keys[2]


def test_targets_of_other_widths():
    """Of a formula for any width there are those for one column and for as many as there are outputs; others say so."""
    found = through_a_file(losses.Custom(lambda t, p: fastbp.sum(p, axis=-1) - t[:, 0], "f"))
    assert [graph["columns"] for graph in found.function.graphs] == [[3, 3], [1, 3]]
    with pytest.raises(fastbp.TraceError, match=r"has its formula for \(3, 3\) or \(1, 3\) columns .*, not for \(2, 3\)"):
        trace_loss(found.function, 2, 3)


@pytest.mark.parametrize("f", [lambda z: z * fastbp.sigmoid(1.7 * z), lambda z: fastbp.where(z > 0, z, np.expm1(z)), np.sinh])
def test_an_activation_is_the_same_graph(f):
    layer = Dense(4, activation=fastbp.activations.custom(f, "mine"))
    with writing(FunctionWriter(3)):
        settings = json.loads(json.dumps(layer.get_config()))
    found = Dense.from_config(resolved(settings, {}))
    assert found.activation.name == "mine"
    one, other = trace_activation(f), trace_activation(found.activation.function)
    assert as_key(one.graph, sizes=True) == as_key(other.graph, sizes=True)
    z = RNG.normal(size=(4, 3))
    assert found.activation(z) == pytest.approx(f(z))
    assert found.get_config()["activation"] == "mine"  # outside of files it is a name, as ever


class Halving(LearningRateSchedule):
    def __init__(self, rate):
        self.rate = rate

    def __call__(self, step):
        return self.rate * 0.5 ** (step / 10)


def branching(step):
    return 0.1 if step < 10 else 0.01


SCHEDULES = {
    "function": lambda step: 0.1 / (1 + step),
    "power": lambda step: 0.01 * np.minimum(step**2 / 100, 1.0),
    "constant": lambda step: 0.25,
    "class": Halving(0.5),
    "warmup": Warmup(lambda step: 0.1 / (1 + step), 10),
}


@pytest.mark.parametrize("name", SCHEDULES)
def test_a_schedule_gives_the_same_rates_to_the_last_digit(name):
    optimizer = fastbp.Adam(SCHEDULES[name])
    with writing(FunctionWriter(3)):
        settings = json.loads(json.dumps(optimizer.get_config()))
    found = fastbp.Adam.from_config(resolved(settings, {}))
    assert found.schedule.rates(0, 3000).tobytes() == optimizer.schedule.rates(0, 3000).tobytes()


def test_what_is_no_formula_is_found_by_its_name():
    optimizer = fastbp.SGD(branching)
    with writing(FunctionWriter(3)):
        settings = json.loads(json.dumps(optimizer.get_config()))
    with pytest.raises(ValueError, match="the schedule 'branching' is a function of its writer's, .* custom_objects="):
        resolved(settings, {})
    assert resolved(settings, {"branching": branching})["learning_rate"]["config"]["function"] is branching
    with pytest.raises(TypeError, match="a schedule that is no formula must have a name"):
        through_a_file(fastbp.SGD(lambda step: 0.1 if step < 10 else 0.01).schedule)


def test_a_schedule_of_fastbp_is_none_of_ones_own():
    schedule = ExponentialDecay(0.1, 10, 0.5)
    with writing(FunctionWriter(3)):
        assert serialize(schedule) == schedule.serialized()


class Quartic(losses.Loss):
    def __init__(self, factor=1.0, name="quartic"):
        super().__init__(name)
        self.factor = factor

    def call(self, y_true, y_pred):
        return fastbp.mean(self.factor * (y_true - y_pred) ** 4, axis=-1)


def closeness(y_true, y_pred):
    return np.mean(np.abs(y_true - y_pred) < 0.5, axis=-1)


def ordered(y_true, y_pred):  # no formula: it sorts the batch
    return np.abs(np.sort(np.asarray(y_true), axis=0) - np.sort(np.asarray(y_pred), axis=0)).mean(-1)


def spread(shape, dtype=None):
    return np.linspace(-1, 1, int(np.prod(shape))).reshape(shape)


def test_a_whole_model_of_ones_own(tmp_path):
    model = Sequential([Input((2,)), Dense(3, kernel_initializer=spread)], seed=0)
    model.compile("adam", Quartic(2.0), metrics=[closeness, MeanMetricWrapper(closeness, "again")])
    x, y = RNG.normal(size=(40, 2)), RNG.normal(size=(40, 3))
    model.fit(x, y, verbose=0)
    model.save(tmp_path / "m")
    plain = fastbp.load_model(tmp_path / "m")
    known = {"Quartic": Quartic, "closeness": closeness, "spread": spread}
    own = fastbp.load_model(tmp_path / "m", known)
    assert isinstance(own.loss.function.__self__, Quartic) and own.loss.function.__self__.factor == 2.0
    wanted = model.evaluate(x, y, verbose=0, return_dict=True)
    assert list(wanted) == ["loss", "closeness", "again"]
    for other in (plain, own):
        assert other.evaluate(x, y, verbose=0, return_dict=True) == pytest.approx(wanted, rel=1e-6)
        assert other.loss.name == "quartic"
    histories = [one.fit(x, y, epochs=2, verbose=0).history["loss"] for one in (model, plain, own)]
    assert histories[0] == histories[1] == histories[2]
    assert own.layers[0].kernel_initializer((2,)).tolist() == [-1, 1]
    with pytest.raises(ValueError, match="the initializer 'spread' was a function, which a file does not hold"):
        plain.layers[0].kernel_initializer((2,))
    plain.save(tmp_path / "n")
    assert fastbp.load_model(tmp_path / "n", known).layers[0].kernel_initializer((2,)).tolist() == [-1, 1]


def test_a_metric_that_is_no_formula(tmp_path):
    model = Sequential([Input((2,)), Dense(1)], seed=0)
    model.compile("sgd", "mse", metrics=[ordered])
    model.save(tmp_path / "m")
    with pytest.raises(ModelFileError, match="the metric 'ordered' is a function of its writer's"):
        fastbp.load_model(tmp_path / "m")
    assert fastbp.load_model(tmp_path / "m", compile=False).optimizer is None
    x = RNG.normal(size=(9, 2))
    loaded = fastbp.load_model(tmp_path / "m", {"ordered": ordered})
    assert loaded.evaluate(x, x[:, :1], verbose=0) == model.evaluate(x, x[:, :1], verbose=0)
    fastbp.utils.get_custom_objects()["ordered"] = ordered
    try:
        assert fastbp.load_model(tmp_path / "m").metrics_names == ["loss", "ordered"]
    finally:
        del fastbp.utils.get_custom_objects()["ordered"]


def test_a_stateful_metric_of_ones_own(tmp_path):
    class Largest(fastbp.metrics.Metric):
        def __init__(self, name="largest", **rest):
            super().__init__(name=name, **rest)
            self.value = self.add_variable((), name="value")

        def update_state(self, y_true, y_pred, sample_weight=None):
            self.value.assign(np.maximum(self.value, np.abs(y_true - y_pred).max()))

        def result(self):
            return self.value

    model = Sequential([Input((2,)), Dense(1)], seed=0)
    model.compile("sgd", "mse", metrics=[Largest(), "mae"])
    model.save(tmp_path / "m")
    with pytest.raises(ModelFileError, match="metrics must be one of .*got 'Largest'"):
        fastbp.load_model(tmp_path / "m")
    x = RNG.normal(size=(9, 2))
    loaded = fastbp.load_model(tmp_path / "m", {"Largest": Largest})
    assert loaded.evaluate(x, x[:, :1], verbose=0) == model.evaluate(x, x[:, :1], verbose=0)


def test_without_compiling_nothing_of_it_is_needed(tmp_path):
    model = Sequential([Input((2,)), Dense(1, activation=lambda z: z * 0.5)], seed=0)
    model.compile(fastbp.SGD(branching), "mse")
    model.save(tmp_path / "m")
    with pytest.raises(ModelFileError, match="branching"):
        fastbp.load_model(tmp_path / "m")
    loaded = fastbp.load_model(tmp_path / "m", compile=False)
    assert loaded.predict([[1.0, 2.0]]) == model.predict([[1.0, 2.0]])
