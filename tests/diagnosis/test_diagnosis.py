"""Diagnoses: each fault is found where it is and not where it is not, and nothing is wrong with what is healthy."""

import numpy as np
import pytest

import fastbp
from fastbp import Dense, Sequential
from fastbp.diagnosis import Diagnosis, Finding

RNG = np.random.default_rng(0)
X = RNG.normal(size=(600, 8))
Y = np.sin(2 * X[:, 0]) + X[:, 1] * X[:, 2]
LABELS = X[:, :4].argmax(axis=1)
FLAGS = (X[:, 0] > X[:, 1]).astype(float)
WIDE = fastbp.initializers.RandomNormal(stddev=1.0)
NARROW = fastbp.initializers.RandomNormal(stddev=0.01)


def small():
    return [Dense(32, "tanh"), Dense(1)]


def deep(count, activation, initializer="glorot_uniform", last=1):
    return [*(Dense(48, activation, kernel_initializer=initializer) for _ in range(count)), Dense(last)]


def classes(units=4):
    return [Dense(32, "relu"), Dense(units, "softmax")]


def diagnosis_of(layers, x=X, y=Y, optimizer="adam", loss="mse", epochs=0, change=None, batch_size=32, feedback=None):
    model = Sequential(layers, seed=0, feedback=feedback)
    model.compile(optimizer, loss)
    model.build(x.shape[1])
    if change is not None:
        weights = model.get_weights()
        change(weights)
        model.set_weights(weights)
    if epochs:
        model.fit(x, y, batch_size, epochs, 0)
    return model.diagnose(x, y, batch_size)


def column(values, place=2):
    x = X.copy()
    x[:, place] = values
    return x


def bury(weights, units=32):
    """Biases so low that nothing comes through."""
    weights[1][:units] = -100


SPARSE = {"loss": "sparse_categorical_crossentropy"}
BINARY = {"loss": "binary_crossentropy"}

# name of the finding, severity, layer, settings of a network that has it, and of one that has not
FAULTS = [
    ("vanishing_gradient", "error", "dense", {"layers": deep(20, "sigmoid")}, {"layers": deep(20, "relu", "he_normal")}),
    ("vanishing_gradient", "warning", "dense", {"layers": deep(6, "tanh", NARROW)}, {"layers": deep(6, "tanh")}),
    ("exploding_gradient", "error", "dense", {"layers": deep(10, "relu", WIDE)}, {"layers": deep(10, "relu", "he_normal")}),
    (
        "exploding_gradient",
        "error",
        "dense",
        {"layers": [Dense(16, "exponential", kernel_initializer=fastbp.initializers.Constant(40.0)), Dense(1)]},
        {"layers": [Dense(16, "exponential", kernel_initializer=NARROW), Dense(1)]},
    ),
    (
        *("dead_units", "error", "dense"),
        {"layers": [Dense(32, "relu"), Dense(1)], "change": bury},
        {"layers": [Dense(32, "relu"), Dense(1)]},
    ),
    (
        *("dead_units", "warning", "dense_1"),
        {"layers": deep(2, "relu"), "change": lambda weights: bury(weights[2:], 30)},
        {"layers": deep(2, "leaky_relu"), "change": lambda weights: bury(weights[2:], 30)},
    ),
    (
        "dead_units",
        "error",
        "dense_1",
        {"layers": [Dense(8, "tanh"), Dense(1, "relu")], "y": Y**2, "change": lambda w: bury(w[2:])},
        {"layers": [Dense(8, "tanh"), Dense(1, "relu")], "y": Y**2, "change": lambda w: w[3].fill(1)},
    ),
    (
        *("saturated_units", "error", "dense"),
        {"layers": [Dense(32, "tanh", kernel_initializer=fastbp.initializers.RandomNormal(stddev=30.0)), Dense(1)]},
        {"layers": small()},
    ),
    (
        *("saturated_units", "warning", "dense_1"),
        {
            "layers": [
                Dense(32, "relu"),
                Dense(8, "sigmoid", kernel_initializer=fastbp.initializers.RandomNormal(stddev=3.0)),
                Dense(1),
            ]
        },
        {"layers": [Dense(32, "relu"), Dense(8, "sigmoid"), Dense(1)]},
    ),
    ("input_scale", "warning", None, {"x": column(2000 + X[:, 2])}, {"x": column(2 + X[:, 2])}),
    ("input_scale", "warning", None, {"x": column(1e-4 * X[:, 2])}, {"x": column(X[:, 2] > 2.5)}),
    (
        *("input_scale", "warning", "dense"),
        {"layers": [fastbp.layers.Rescaling(50.0), *small()]},
        {"layers": [fastbp.layers.Rescaling(0.02), *small()], "x": 50 * X},
    ),
    ("constant_columns", "info", None, {"x": column(3.0)}, {"x": column(np.arange(600) == 7)}),
    ("duplicated_columns", "info", None, {"x": column(2 * X[:, 5] + 1)}, {"x": column(X[:, 5] + 0.01 * X[:, 2])}),
    (
        *("duplicated_rows", "info", None),
        {"x": np.concatenate((X[:500], X[:100])), "y": np.concatenate((Y[:500], Y[:100]))},
        {"x": np.concatenate((X[:596], X[:4]))},
    ),
    ("targets_unscaled", "warning", None, {"y": 150 + 80 * Y}, {"y": 2 + 3 * Y}),
    ("targets_unscaled", "warning", None, {"y": 1e-5 * Y}, {"y": 0.1 * Y}),
    (
        *("targets_unscaled", "warning", None),
        {"layers": deep(1, "tanh", last=2), "y": np.stack((Y, 0.001 * X[:, 0]), axis=1)},
        {"layers": deep(1, "tanh", last=2), "y": np.stack((Y, 0.1 * X[:, 0]), axis=1)},
    ),
    (
        *("targets_out_of_range", "error", None),
        {"layers": [Dense(8, "tanh"), Dense(1, "sigmoid")], "y": Y},
        {"layers": [Dense(8, "tanh"), Dense(1, "sigmoid")], "y": FLAGS},
    ),
    (
        *("targets_out_of_range", "error", None),
        {"layers": [Dense(8, "tanh"), Dense(1, "relu")], "y": Y},
        {"layers": [Dense(8, "tanh"), Dense(1, "relu")], "y": np.abs(Y), "change": lambda w: w[3].fill(1)},
    ),
    (
        *("class_imbalance", "warning", None),
        {"layers": classes(2), "y": (X[:, 0] > 2.2).astype(int), **SPARSE},
        {"layers": classes(2), "y": (X[:, 0] > 0.8).astype(int), **SPARSE},
    ),
    (
        *("class_imbalance", "warning", None),
        {"layers": [Dense(8, "relu"), Dense(1, "sigmoid")], "y": (X[:, 0] > 2.2).astype(int), **BINARY},
        {"layers": [Dense(8, "relu"), Dense(1, "sigmoid")], "y": FLAGS, **BINARY},
    ),
    (
        "class_imbalance",
        "warning",
        None,
        {"layers": classes(6), "y": LABELS, **SPARSE},
        {"layers": classes(4), "y": LABELS, **SPARSE},
    ),
    ("learning_rate_too_high", "error", None, {"optimizer": fastbp.Adam(3.0)}, {"optimizer": fastbp.Adam(0.01)}),
    ("learning_rate_too_high", "error", None, {"optimizer": fastbp.SGD(10.0)}, {"optimizer": fastbp.SGD(0.05)}),
    ("learning_rate_too_low", "warning", None, {"optimizer": fastbp.Adam(1e-6)}, {"optimizer": fastbp.Adam(1e-3)}),
    ("learning_rate_too_low", "warning", None, {"optimizer": fastbp.SGD(1e-5)}, {"optimizer": fastbp.SGD(1e-2)}),
]


@pytest.mark.parametrize(("name", "severity", "layer", "faulty", "sound"), FAULTS, ids=[fault[0] for fault in FAULTS])
def test_a_fault_is_found_where_it_is(name, severity, layer, faulty, sound):
    found = diagnosis_of(**{"layers": small(), **faulty})
    assert [(finding.severity, finding.layer) for finding in found[name]] == [(severity, layer)], found
    assert found.ok == all(finding.severity == "info" for finding in found)
    finding = found[name][0]
    assert finding.message.endswith(".") and finding.advice.endswith(".") and finding.numbers
    assert name not in diagnosis_of(**{"layers": small(), **sound})


HEALTHY = {
    "tanh": {"layers": deep(2, "tanh")},
    "relu": {"layers": deep(2, "relu")},
    "relu, SGD with momentum": {"layers": deep(2, "relu", "he_normal"), "optimizer": fastbp.SGD(0.01, momentum=0.9)},
    "ten layers of selu": {"layers": deep(10, "selu", "lecun_normal")},
    "sigmoid": {"layers": deep(2, "sigmoid"), "optimizer": fastbp.Adam(0.01)},
    "gelu, RMSprop, mean absolute error": {"layers": deep(1, "gelu"), "optimizer": "rmsprop", "loss": "mae"},
    "binary": {"layers": [Dense(16, "relu"), Dense(1, "sigmoid")], "y": FLAGS, **BINARY},
    "binary logits": {"layers": [Dense(16, "relu"), Dense(1)], "y": FLAGS, "loss": fastbp.losses.BinaryCrossentropy(True)},
    "classes": {"layers": classes(), "y": LABELS, **SPARSE},
    "rows of classes": {"layers": classes(), "y": np.eye(4)[LABELS], "loss": "categorical_crossentropy"},
    "PReLU": {"layers": [Dense(32), fastbp.layers.PReLU(), Dense(1)], "loss": "huber"},
    "leaky": {"layers": [Dense(32), fastbp.layers.LeakyReLU(0.01), Dense(1)]},
    "autoencoder": {"layers": [Dense(3, "tanh"), Dense(8)], "y": X},
    "counts": {
        "layers": [Dense(16, "relu"), Dense(1, "softplus")],
        "y": RNG.poisson(2.0, 600).astype(float),
        "loss": "poisson",
    },
    "bounded": {"layers": [Dense(16, "tanh"), Dense(1, "tanh")], "y": np.tanh(Y)},
    "a curve": {"layers": deep(2, "tanh"), "x": np.linspace(-1, 1, 512)[:, None], "y": np.sin(5 * np.linspace(-1, 1, 512))},
    "a formula as loss": {"layers": deep(1, "silu"), "loss": lambda t, p: (t[:, 0] - p[:, 0]) ** 2, "y": 100 * Y},
    "scaled by a layer": {"layers": [fastbp.layers.Rescaling(0.01), *small()], "x": 100 * X},
    "batch normalization": {
        "layers": [Dense(32), fastbp.layers.BatchNormalization(), fastbp.layers.Activation("relu"), Dense(1)]
    },
    "normalized inputs": {"layers": [fastbp.layers.BatchNormalization(), *small()], "x": 100 * X},
    "layer normalization": {"layers": [Dense(32, "relu"), fastbp.layers.LayerNormalization(), Dense(1)]},
    "dropout": {
        "layers": [Dense(64, "relu"), fastbp.layers.Dropout(0.3), Dense(64, "relu"), fastbp.layers.Dropout(0.3), Dense(1)]
    },
    "penalties and constraints": {
        "layers": [Dense(32, "tanh", kernel_regularizer="l2"), Dense(1, kernel_constraint=fastbp.constraints.MaxNorm(1.0))]
    },
    "feedback": {"layers": small(), "feedback": "alignment"},
    "a schedule": {"layers": small(), "optimizer": fastbp.Adam(fastbp.optimizers.schedules.ExponentialDecay(0.01, 100, 0.9))},
}


@pytest.mark.parametrize("epochs", [0, 10])
@pytest.mark.parametrize("name", HEALTHY)
def test_nothing_is_wrong_with_what_is_healthy(name, epochs):
    found = diagnosis_of(**HEALTHY[name], epochs=epochs)
    assert not found.findings, found
    assert found and found.ok and repr(found).startswith("Diagnosis: nothing wrong with ")


def test_the_model_stays_as_it_is():
    """Neither weights nor the optimizer's state, nor the order of the epochs to come."""
    models = [Sequential(small(), seed=3) for _ in range(2)]
    for i, model in enumerate(models):
        model.compile("adam", "mse")
        model.fit(X, Y, verbose=0)
        if i:
            rate, iterations, weights = model.optimizer.learning_rate, model.optimizer.iterations, model.get_weights()
            first, second = repr(model.diagnose(X, Y)), repr(model.diagnose(X, Y))
            assert first == second
            assert (model.optimizer.learning_rate, model.optimizer.iterations) == (rate, iterations)
            assert all(np.array_equal(a, b) for a, b in zip(weights, model.get_weights(), strict=True))
        model.fit(X, Y, verbose=0)
    assert models[0].history.history == models[1].history.history
    assert all(np.array_equal(a, b) for a, b in zip(models[0].get_weights(), models[1].get_weights(), strict=True))


def test_frozen_layers_and_weights_of_samples():
    layers = [Dense(16, "tanh", trainable=False), Dense(16, "tanh"), Dense(1)]
    model = Sequential(layers, seed=0)
    model.compile("adam", "mse")
    assert model.diagnose(X, Y, sample_weight=np.linspace(0.5, 1.5, 600)).ok
    model.trainable = False
    model.compile("adam", "mse")
    assert model.diagnose(X, Y).ok


def test_columns_have_their_names():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(column(1900 + X[:, 2]), columns=[*"abcdefgh"])
    model = Sequential(small(), seed=0)
    model.compile("adam", "mse")
    assert "Column 'c' has numbers about 1.9e+03 in size." in repr(model.diagnose(frame, Y))


def test_what_contradicts_is_counted():
    x, y = np.concatenate((X[:300], X[:300])), np.concatenate((Y[:300], Y[:300]))
    y[300:310] += 1
    (finding,) = diagnosis_of(small(), x, y)["duplicated_rows"]
    assert finding.numbers == {"copies": 300, "contradicting": 10, "rows": 600}
    assert finding.message == "300 of 600 rows are copies of others, 10 of them with another target."


def test_a_diagnosis_is_a_sequence_with_the_worst_first():
    findings = [Finding("a", None, "info", "A.", "B."), Finding("b", "dense", "error", "C.", "<D>.", {"n": 1})]
    found = Diagnosis(findings, ["dense"])
    assert [finding.name for finding in found] == ["b", "a"] and len(found) == 2 and not found and not found.ok
    assert "a" in found and "c" not in found and found["c"] == [] and found["b"][0].numbers == {"n": 1}
    assert repr(found).splitlines()[:4] == ["Diagnosis: 2 findings", "- error: b in dense", "    C.", "    Try: <D>."]
    assert "<table>" in found._repr_html_() and "&lt;D&gt;." in found._repr_html_()
    assert str(findings[1]) == "error: b (dense): C. <D>."
    assert Diagnosis(findings[:1], ["dense"]).ok and Diagnosis([], ["dense"])._repr_html_().startswith("<p>Diagnosis: nothing")


def test_bad_input():
    model = Sequential(small(), seed=0)
    with pytest.raises(ValueError, match="compile"):
        model.diagnose(X, Y)
    model.compile("adam", "mse")
    for settings, text in (({"batch_size": 0}, "batch_size must be"), ({"check_finite": 1}, "check_finite must be")):
        with pytest.raises((TypeError, ValueError), match=text):
            model.diagnose(X, Y, **settings)
    with pytest.raises(ValueError, match="y must"):
        model.diagnose(X, Y[:10])
    x = X.copy()
    x[3, 1] = np.nan
    with pytest.raises(ValueError, match="x must be finite"):
        model.diagnose(x, Y)
