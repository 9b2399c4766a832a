"""Custom losses that belong to a batch as a whole: their formulas compute further with sums and means over the batch.

A network of one layer whose samples are the rows of the unit matrix has its kernel as predictions, so the gradient with respect
to the kernel is that of the loss with respect to each prediction.
"""

import functools
import json
import re

import numpy as np
import pytest

import fastbp
from fastbp import Dense, Input, Sequential, TraceError, losses
from fastbp.graph.codegen.row_graphs import trace_loss
from fastbp.layers import BatchNormalization, Dropout
from fastbp.saving.functions import FunctionWriter, StoredFormula, resolved
from fastbp.serialization import serialize, writing
from gradcheck import central_differences, relative_error

ROUNDING = {"float64": 1e-12, "float32": 2e-5}


def exp(x):
    return x.exp() if hasattr(x, "requires_grad") else np.exp(x)


def log(x):
    return x.log() if hasattr(x, "requires_grad") else np.log(x)


def centred(x):
    return x - x.mean(axis=0)


def rmse(t, p):
    return ((t - p) ** 2).mean() ** 0.5


def rest_of_r2(t, p):
    return ((t - p) ** 2).sum() / ((t - t.mean()) ** 2).sum()


def one_minus_correlation(t, p):
    t, p = t - t.mean(), p - p.mean()
    return 1 - (t * p).mean() / ((t * t).mean() * (p * p).mean()) ** 0.5


def concordance(t, p):
    mean_t, mean_p = t.mean(), p.mean()
    spread = ((t - mean_t) ** 2).mean() + ((p - mean_p) ** 2).mean() + (mean_t - mean_p) ** 2
    return 1 - 2 * ((t - mean_t) * (p - mean_p)).mean() / spread


def ratio_of_means(t, p):
    return (t * p).mean() / (1 + p * p).mean() - (t - p).mean() ** 2


def columns_rmse(t, p):
    """A number for each output, of which the loss is the mean."""
    return ((t - p) ** 2).mean(axis=0) ** 0.5


def columns_correlation(t, p):
    t, p = centred(t), centred(p)
    return -((t * p).sum(axis=0) / ((t * t).sum(axis=0) * (p * p).sum(axis=0)) ** 0.5).mean()


def centred_squares(t, p):
    """A value for each sample, which depends on the batch."""
    return (centred(p) - centred(t)) ** 2


def standardised(t, p):
    unit = centred(p) / ((centred(p) ** 2).mean(axis=0) + 0.1) ** 0.5
    return ((unit - t) ** 2).mean(axis=-1)


def contrast(t, p):
    """The Donsker-Varadhan bound, whose negative terms are the batch's own."""
    return log(exp(p).mean()) - (t * p).mean()


def share_of_batch(t, p):
    """Each sample's part of a sum over the batch, and sums over the outputs on the way."""
    energy = exp(0.3 * p).sum(axis=-1)
    return -log(energy / energy.sum()) * t[:, 0]


def masked(t, p):
    inside = (t > 0.8) * 1.0
    return (inside * (t - p) ** 2).sum() / (inside.sum() + 1) + 0.1 * abs(p.mean() - t.mean())


def fourth_moment(t, p):
    """Means of means of means, one made of outputs."""
    spread = (centred(p) ** 2).mean(axis=0)
    scaled = (centred(p) / (spread + 1) ** 0.5) ** 2
    deviation = scaled - scaled.mean()
    return (deviation**2 * t).mean() + 0.01 * (t - p).mean()


def geometric(t, p):
    return exp(log(((t - p) ** 2).mean(axis=0)).mean())


def single_and_all(t, p):
    """A column, neighbouring columns and all of them."""
    first = p[:, 0] - p[:, 0].mean()
    return first**2 * ((t - p) ** 2).mean() + (p[:, -1] * first).mean() ** 2 + (p[:, :2] ** 2).mean() ** 1.5


FORMULAS = [
    *(rmse, rest_of_r2, one_minus_correlation, concordance, ratio_of_means, columns_rmse, columns_correlation),
    *(centred_squares, standardised, contrast, share_of_batch, masked, fourth_moment, geometric, single_and_all),
]


def data(samples, units, seed=0):
    rng = np.random.default_rng(seed)
    return rng.uniform(0.1, 2, size=(samples, units)), rng.normal(size=(samples, units))


def table_model(p, loss, dtype="float64"):
    """A model whose predictions for the unit matrix are p."""
    model = Sequential([Input((len(p),)), Dense(p.shape[1], use_bias=False)], dtype=dtype)
    model.compile("sgd", loss)
    model.set_weights([p])
    return model


def value_and_gradient(f, t, p, dtype="float64"):
    loss, (gradient,) = table_model(p, f, dtype).value_and_gradient(np.eye(len(p)), t)
    return loss, gradient


def by_numpy(f, t, p):
    return float(np.mean(f(t, p)))


@pytest.mark.parametrize("units", [1, 2, 11])
@pytest.mark.parametrize("f", FORMULAS)
def test_value_and_gradient(f, units):
    """Against the same function on arrays, its central differences, and in float32; 37 samples fill no whole vectors."""
    t, p = data(37, units)
    loss, gradient = value_and_gradient(f, t, p)
    assert loss == pytest.approx(by_numpy(f, t, p), rel=ROUNDING["float64"])
    (wanted,) = central_differences(lambda p: by_numpy(f, t, p), [p])
    assert relative_error(gradient, wanted) < 1e-6
    if units > 1:
        loss32, gradient32 = value_and_gradient(f, t, p, "float32")
        assert loss32 == pytest.approx(loss, rel=ROUNDING["float32"])
        assert relative_error(gradient32, gradient) < 10 * ROUNDING["float32"]


@pytest.mark.parametrize("units", [1, 2, 11])
def test_as_pytorch(units):
    torch = pytest.importorskip("torch")
    for f in FORMULAS:
        for samples in (2, 70):
            t, p = data(samples, units, seed=samples)
            loss, gradient = value_and_gradient(f, t, p)
            tensor = torch.tensor(p, requires_grad=True)
            wanted = f(torch.tensor(t), tensor).mean()
            wanted.backward()
            assert loss == pytest.approx(wanted.item(), rel=1e-11, abs=1e-13), f.__name__
            assert np.allclose(gradient, tensor.grad.numpy(), rtol=1e-9, atol=1e-12), f.__name__


def test_a_wrong_gradient_is_noticed():
    """The comparison tells the derivative of a centred loss from that with the mean taken for a constant."""
    t, p = data(20, 1)
    mean = p.mean()
    right = value_and_gradient(lambda t, p: (p - p.mean()) ** 2 * t, t, p)[1]
    wrong = value_and_gradient(lambda t, p: (p - mean) ** 2 * t, t, p)[1]
    assert relative_error(right, wrong) > 1e-3


@pytest.mark.parametrize("f", [rmse, ratio_of_means, contrast, share_of_batch])
def test_one_sample(f):
    t, p = data(1, 3)
    loss, gradient = value_and_gradient(f, t, p)
    (wanted,) = central_differences(lambda p: by_numpy(f, t, p), [p])
    assert loss == pytest.approx(by_numpy(f, t, p)) and relative_error(gradient, wanted) < 1e-7


def test_rmse_in_closed_form():
    t, p = data(50, 2)
    loss, gradient = value_and_gradient(rmse, t, p)
    assert loss == pytest.approx(np.sqrt(np.mean((t - p) ** 2)))
    assert np.allclose(gradient, (p - t) / (100 * loss), rtol=1e-12)


# ------------------------------------------------------------------------------------------------------------- training


def problem(samples=77, features=4, units=2, seed=3):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(samples, features))
    return x, 0.3 * rng.normal(size=(samples, units)) + np.tanh(x @ rng.normal(size=(features, units)))


def network(loss, units=2, dtype="float64", hidden=(), optimizer="sgd"):
    model = Sequential([Input((4,)), Dense(7, "tanh"), *hidden, Dense(units)], seed=1, dtype=dtype)
    model.compile(optimizer, loss)
    return model


def by_hand(model, f, x, y, batches, rate=0.01):
    """Plain SGD, each step by central differences of the loss of its batch; the losses."""
    weights, found = model.get_weights(), []

    def value(x, y, kernel, bias, last, last_bias):
        return by_numpy(f, y, np.tanh(x @ kernel + bias) @ last + last_bias)

    for rows in batches:
        of_batch = functools.partial(value, x[rows], y[rows])
        found.append(of_batch(*weights))
        gradients = central_differences(of_batch, weights)
        weights = [w - rate * g for w, g in zip(weights, gradients, strict=True)]
    return found, weights


@pytest.mark.parametrize("f", [rmse, columns_correlation, centred_squares])
def test_steps_of_a_fit(f):
    """With a short last batch; the loss of the epoch is that of its batches, each as often as it has rows."""
    x, y = problem()
    model = network(f)
    batches = [slice(start, min(start + 20, 77)) for start in range(0, 77, 20)]
    found, weights = by_hand(model, f, x, y, batches)
    history = model.fit(x, y, batch_size=20, epochs=1, shuffle=False, verbose=0).history["loss"]
    assert history == [pytest.approx(np.average(found, weights=[20, 20, 20, 17]), rel=1e-9)]
    for learnt, wanted in zip(model.get_weights(), weights, strict=True):
        assert np.allclose(learnt, wanted, rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize(("f", "dtype", "hidden"), [(rmse, "float32", ()), (fourth_moment, "float64", (Dropout(0.2),))])
def test_same_bits_for_any_number_of_threads_block_and_cut(f, dtype, hidden, monkeypatch):
    x, y = problem(samples=700)

    def trained(threads, cut=False):
        layers = (BatchNormalization(), *hidden)
        model = network(f, dtype=dtype, hidden=layers, optimizer=fastbp.Adam(0.01))
        watching = [fastbp.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: None)] if cut else []
        found = model.fit(x, y, batch_size=150, epochs=2, verbose=0, threads=threads, callbacks=watching, validation_split=0.2)
        return [*model.get_weights(), *map(np.array, found.history.values())]

    alone = trained(1)
    runs = [trained(threads) for threads in (2, 3, 8)] + [trained(2, cut=True)]
    monkeypatch.setattr("fastbp.engine.plan.choose_block", lambda *_: 8)
    runs.append(trained(2))
    for other in runs:
        assert all(np.array_equal(a, b) for a, b in zip(alone, other, strict=True))


def test_evaluation_goes_by_batches():
    x, y = problem()
    model = network(one_minus_correlation)
    p = model.predict(x)

    def mean(size):
        starts = range(0, 77, size)
        each = [one_minus_correlation(y[i : i + size], p[i : i + size]) for i in starts]
        return pytest.approx(np.average(each, weights=[min(size, 77 - i) for i in starts]), rel=1e-11)

    assert model.evaluate(x, y, verbose=0) == mean(32) and model.evaluate(x, y, batch_size=10, verbose=0) == mean(10)
    assert model.evaluate(x, y, batch_size=1000, verbose=0) == mean(77) == model.test_on_batch(x, y)
    assert model.value_and_gradient(x, y)[0] == mean(77)
    batches = ((x[i : i + 25], y[i : i + 25]) for i in range(0, 77, 25))
    assert model.evaluate(batches, verbose=0) == mean(25)
    watching = [fastbp.callbacks.LambdaCallback(on_test_batch_end=lambda batch, logs: None)]
    assert model.evaluate(x, y, batch_size=10, verbose=0, callbacks=watching) == mean(10)
    assert model.evaluate(x, y, batch_size=10, steps=2, verbose=0) == pytest.approx(
        np.mean([one_minus_correlation(y[i : i + 10], p[i : i + 10]) for i in (0, 10)]), rel=1e-11
    )
    history = model.fit(x, y, batch_size=77, epochs=1, validation_data=(x, y), validation_batch_size=19, verbose=0).history
    p = model.predict(x)
    assert history["val_loss"] == [mean(19)]


def test_a_file_of_samples_is_measured_by_batches(tmp_path):
    x, y = problem(samples=300)
    np.save(tmp_path / "x.npy", x)
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    model = network(rmse)
    assert model.evaluate(mapped, y, batch_size=70, verbose=0) == pytest.approx(
        model.evaluate(x, y, batch_size=70, verbose=0), rel=1e-14
    )


def test_single_steps():
    x, y = problem()
    stepped, fitted, bound = (network(columns_rmse) for _ in range(3))
    step = bound.make_step(x.shape, y.shape)
    for _ in range(3):
        loss = stepped.train_on_batch(x, y)
        assert fitted.fit(x, y, batch_size=77, verbose=0, shuffle=False).history["loss"] == [loss]
        assert step(x, y) == loss
    for other in (fitted, bound):
        assert all(np.array_equal(a, b) for a, b in zip(stepped.get_weights(), other.get_weights(), strict=True))


def test_more_columns_of_targets_the_next_time():
    """The second column weighs the samples; without it the loss treats each sample alone."""

    def f(t, p):
        if t.shape[1] == 1:
            return (t - p) ** 2
        return (t[:, 1] * (t[:, 0] - p[:, 0]) ** 2).sum() / t[:, 1].sum()

    x, y = problem(units=1)
    weights = np.random.default_rng(0).uniform(size=(77, 1))
    model = network(f, units=1)
    plain, _ = model.value_and_gradient(x, y)
    weighted, _ = model.value_and_gradient(x, np.hstack([y, weights]))
    squares = (model.predict(x) - y) ** 2
    assert (plain, weighted) == (pytest.approx(squares.mean()), pytest.approx(np.average(squares, weights=weights)))
    assert model.value_and_gradient(x, y)[0] == plain


def test_a_solver_takes_all_samples_as_one_batch():
    pytest.importorskip("scipy")
    x, y = problem()
    models = [network(loss, optimizer="lbfgs") for loss in (rmse, "mse")]
    found = [model.fit(x, y, epochs=30, verbose=0).history["loss"][-1] for model in models]
    assert found[0] ** 2 < 1.2 * found[1]


def test_correlation_is_learnt():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(400, 4))
    y = np.sin(x[:, 0]) * 5 + 3
    model = network(one_minus_correlation, units=1, optimizer=fastbp.Adam(0.02))
    model.fit(x, y, batch_size=100, epochs=60, verbose=0)
    assert np.corrcoef(model.predict(x)[:, 0], y)[0, 1] > 0.97


# ------------------------------------------------------------------------------------------------- what a formula may be


@pytest.mark.parametrize(
    ("f", "same"),
    [
        (lambda t, p: np.sum((t - p) ** 2), lambda t, p: np.sum((t - p) ** 2)),
        (lambda t, p: fastbp.sqrt(np.dot(p[:, 0], p[:, 1]) ** 2), lambda t, p: abs(p[:, 0] @ p[:, 1])),
        (lambda t, p: p[:, 0] @ t[:, 0], lambda t, p: p[:, 0] @ t[:, 0]),
        (lambda t, p: np.matmul(p[:, 0], t[:, 0]), lambda t, p: p[:, 0] @ t[:, 0]),
        (lambda t, p: np.mean(p, axis=(0, 1)) ** 2, lambda t, p: np.mean(p) ** 2),
        (lambda t, p: np.mean(p, axis=0, keepdims=True) * p, lambda t, p: np.mean(p, axis=0) * p),
        (lambda t, p: np.mean(p, axis=0)[1] * p[:, 0], lambda t, p: np.mean(p, axis=0)[1] * p[:, 0]),
        (lambda t, p: sum(np.mean(p, axis=0)[:2] ** 2), lambda t, p: sum(np.mean(p, axis=0)[:2] ** 2)),
        (lambda t, p: np.max(np.mean(p, axis=0)) * p[:, 0], lambda t, p: np.max(np.mean(p, axis=0)) * p[:, 0]),
        (lambda t, p: np.mean(p, where=t > 1) ** 2, lambda t, p: np.mean(p, where=t > 1) ** 2),
        (lambda t, p: np.average(p, weights=t), lambda t, p: np.average(p, weights=t)),
        (lambda t, p: np.where(np.mean(p) > 5, p**2, 3 * p), lambda t, p: 3 * p),
        (lambda t, p: np.mean(p > 0) * p, lambda t, p: np.mean(p > 0) * p),
        (lambda t, p: np.arange(3.0) * np.mean(p, axis=0) ** 2, lambda t, p: np.arange(3.0) * np.mean(p, axis=0) ** 2),
        (lambda t, p: fastbp.mean(t, axis=0) * p**2, lambda t, p: np.mean(t, axis=0) * p**2),
    ],
)
def test_ways_to_write_them(f, same):
    t, p = data(23, 3)
    loss, gradient = value_and_gradient(f, t, p)
    assert loss == pytest.approx(by_numpy(same, t, p), rel=1e-12)
    (wanted,) = central_differences(lambda p: by_numpy(same, t, p), [p])
    assert relative_error(gradient, wanted) < 1e-7


def test_a_mean_that_is_the_last_step_costs_no_pass():
    """Neither does a step more for each mean: those that need no other are formed in one pass."""
    passes = {f: len(trace_loss(f, 1, 1).places()[1]) for f in (rmse, one_minus_correlation, ratio_of_means)}
    assert passes == {rmse: 1, one_minus_correlation: 2, ratio_of_means: 1}
    for f in (lambda t, p: np.mean((t - p) ** 2), lambda t, p: np.mean(abs(p)) / 2 - 3 * np.mean(t * p) + 1):
        assert not trace_loss(f, 1, 1).is_of_batch


PAIRS = {
    "differences": lambda t, p: p[:, None] - p[None, :],
    "column and row": lambda t, p: p[:, 0][:, None] - p[:, 0][None, :],
    "product": lambda t, p: p @ t,
    "transposed": lambda t, p: p * p.T,
}


@pytest.mark.parametrize("name", PAIRS)
def test_pairs_of_samples_are_refused(name):
    x, y = problem()
    model = network(PAIRS[name])
    weights = model.get_weights()
    with pytest.raises(TraceError, match="(?s)Pairs of samples are outside of a loss.*mean"):
        model.fit(x, y, verbose=0)
    assert all(np.array_equal(a, b) for a, b in zip(weights, model.get_weights(), strict=True))


@pytest.mark.parametrize("f", [rmse, centred_squares])
def test_weights_of_samples_are_refused(f):
    x, y = problem(units=1)
    labels = (y > 0).astype(float)
    model = network(f, units=1)
    before, wanted = model.get_weights(), re.escape("sample_weight and class_weight must be None for the loss")
    calls = [
        lambda: model.fit(x, y, sample_weight=np.ones(77), verbose=0),
        lambda: model.fit(x, labels, class_weight={0: 2.0, 1: 1.0}, verbose=0),
        lambda: model.fit(x, y, validation_data=(x, y, np.ones(77)), verbose=0),
        lambda: model.evaluate(x, y, sample_weight=np.ones(77), verbose=0),
        lambda: model.train_on_batch(x, y, sample_weight=np.ones(77)),
    ]
    for call in calls:
        with pytest.raises(ValueError, match=wanted):
            call()
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))


def test_without_a_value_training_has_diverged():
    """The correlation of one sample is 0 / 0."""
    x, y = problem(samples=21, units=1)
    model = network(one_minus_correlation, units=1)
    before = model.get_weights()
    with pytest.raises(fastbp.TrainingDiverged):
        model.fit(x, y, batch_size=1, verbose=0)
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))


# --------------------------------------------------------------------------------------------------------------- files


@pytest.mark.parametrize("f", [rmse, rest_of_r2, standardised, share_of_batch, fourth_moment])
def test_through_a_file(f):
    with writing(FunctionWriter(3)):
        settings = serialize(losses.Custom(f))
    found = resolved(json.loads(json.dumps(settings)), {})
    assert isinstance(found.function, StoredFormula)
    t, p = data(30, 3)
    assert float(found(t, p)) == pytest.approx(by_numpy(f, t, p), rel=1e-12)
    for one, other in zip(value_and_gradient(f, t, p), value_and_gradient(found, t, p), strict=True):
        assert np.allclose(one, other, rtol=1e-12, atol=1e-15)


def test_a_loaded_model_goes_on(tmp_path):
    x, y = problem()
    model = network(rmse, optimizer="adam")
    model.fit(x, y, batch_size=20, epochs=1, verbose=0)
    model.save(tmp_path / "model.keras")
    loaded = fastbp.load_model(tmp_path / "model.keras")
    found = [m.fit(x, y, batch_size=20, epochs=2, verbose=0).history["loss"] for m in (model, loaded)]
    assert found[0] == found[1]
