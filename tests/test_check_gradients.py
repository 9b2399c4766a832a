"""check_gradients: right gradients pass, wrong ones do not, and the report says where."""

import numpy as np
import pytest

import fastbp as bp
from fastbp.graph.autodiff import rules

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(60, 5)), RNG.normal(size=(60, 3))


def model(activation="tanh", last=None, loss="mse", dtype="float32", **dense):
    made = bp.Sequential([bp.Dense(16, activation, **dense), bp.Dense(8, activation), bp.Dense(3, last)], seed=1, dtype=dtype)
    made.compile("adam", loss)
    return made


@pytest.mark.parametrize("activation", ["tanh", "relu", "gelu", "silu", "sigmoid", "softplus", "elu"])
def test_models(activation):
    assert bp.check_gradients(model(activation), X, Y, max_entries=30)


@pytest.mark.parametrize(
    ("last", "loss", "y"),
    [
        (None, "mae", Y),
        ("sigmoid", "binary_crossentropy", (Y > 0).astype(float)),
        ("softmax", "sparse_categorical_crossentropy", np.argmax(Y, 1)),
        ("softmax", "categorical_crossentropy", np.eye(3)[np.argmax(Y, 1)]),
    ],
)
def test_losses(last, loss, y):
    assert bp.check_gradients(model(last=last, loss=loss, dtype="float64"), X, y)


def test_weights_that_do_not_learn_are_not_checked():
    adapted = bp.layers.Normalization()
    adapted.adapt(X)
    made = bp.Sequential([adapted, bp.Dense(8, "tanh", trainable=False), bp.Dense(3)], seed=1)
    made.compile("adam", "mse")
    found = bp.check_gradients(made, X, Y)
    assert found and len(found.entries) == 27 and {entry.array.split()[1] for entry in found.entries} == {"2"}


def test_a_model_is_left_as_it_was():
    checked = model(use_bias=False)
    checked.fit(X, Y, epochs=1, verbose=0)
    before = checked.get_weights()
    report = bp.check_gradients(checked, X, Y, max_entries=None)
    assert report and len(report.entries) == checked.count_params()
    assert {entry.array for entry in report.entries} == {"layer 0 kernel"} | {
        f"layer {i} {k}" for i in (1, 2) for k in ("kernel", "bias")
    }
    for a, b in zip(before, checked.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_functions():
    def loss(p, x, y):
        return bp.mean((p[0] * bp.exp(-p[1] * x) + bp.where(x > 0, p[2], 0.0) - y) ** 2)

    x, y = X[:, 0], X[:, 1]
    assert bp.check_gradients(loss, [1.0, 0.5, 2.0], x, y)
    report = bp.check_gradients(loss, [1.0, 0.5, 2.0], x, y, argnums=(0, 2), max_entries=None)
    assert report and len(report.entries) == 3 + 60
    assert bp.check_gradients(lambda a: bp.relu(a) + abs(a), 1e-6)  # a kink nearby
    assert bp.check_gradients(lambda a: 0 * a + 3.0, 1.0)
    assert bp.check_gradients(lambda a: np.exp(a), 300.0)


def test_a_wrong_rule_is_found(monkeypatch):
    """Nothing here may pass: a derivative that is broken on purpose, by 1 in 10,000."""

    def f(p):
        return bp.arctan(p[0]) * p[1]

    assert bp.check_gradients(f, [0.3, 2.0])
    right = rules.RULES["arctan"]
    monkeypatch.setitem(rules.RULES, "arctan", lambda g, y, x: [part * 1.0001 for part in right(g, y, x)])
    report = bp.check_gradients(lambda p: f(p), [0.3, 2.0])
    assert not report
    assert report.worst.array == "argument 0" and report.worst.index == (0,)
    assert report.worst.error == pytest.approx(1e-4, rel=1e-2)
    assert "1 differ of 2 derivatives" in repr(report) and "argument 0[0]: backpropagation" in repr(report)
    with pytest.raises(AssertionError):
        assert bp.check_gradients(lambda p: f(p), [0.3, 2.0])


@pytest.mark.parametrize("wrong", [lambda p: 2.0 * p + 1e-3, lambda p: -2.0 * p, lambda p: 0.0 * p, lambda p: np.nan * p])
def test_a_wrong_gradient_by_hand_is_found(wrong):
    p = np.array([1.0, -2.0, 3.0])
    assert bp.check_gradients(lambda p: bp.sum(p**2), p, gradient=lambda p: 2 * p)
    assert not bp.check_gradients(lambda p: bp.sum(p**2), p, gradient=wrong)


def test_a_wrong_model_is_found(monkeypatch):
    from fastbp.engine.engine import Engine

    right = Engine.value_and_gradient

    def broken(self, x, y, **settings):
        loss, slopes = right(self, x, y, **settings)
        slopes[2][1, 2] *= 1.01
        return loss, slopes

    monkeypatch.setattr(Engine, "value_and_gradient", broken)
    report = bp.check_gradients(model(), X, Y, max_entries=None)
    assert not report
    assert (report.worst.array, report.worst.index) == ("layer 1 kernel", (1, 2))


def test_errors():
    with pytest.raises(TypeError, match="Sequential or a function"):
        bp.check_gradients(3.0)
    with pytest.raises(TypeError, match="x and y"):
        bp.check_gradients(model(), X)
    with pytest.raises(ValueError, match="compiled"):
        bp.check_gradients(bp.Sequential([bp.Dense(1)]), X, Y)
    with pytest.raises(ValueError, match="argnums names argument 1"):
        bp.check_gradients(lambda p: p, 1.0, argnums=1)
    with pytest.raises(ValueError, match="must have shape"):
        bp.check_gradients(lambda p: p[0], [1.0, 2.0], gradient=lambda p: 1.0)
    with pytest.raises(ValueError, match="single number"):
        bp.check_gradients(lambda p: p, [1.0, 2.0], gradient=lambda p: p)
    with pytest.raises(bp.TraceError, match="single number"):
        bp.check_gradients(lambda p: p, [1.0, 2.0])
    with pytest.raises(ValueError, match="tolerance"):
        bp.check_gradients(lambda p: p, 1.0, tolerance=-1)
    with pytest.raises(ValueError, match="max_entries"):
        bp.check_gradients(lambda p: p, 1.0, max_entries=0)
