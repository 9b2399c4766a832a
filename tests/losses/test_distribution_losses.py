"""Losses that learn a distribution: against their closed forms, scikit-learn and PyTorch, and through compiled models."""

import numpy as np
import pytest
from scipy import special, stats

import fastbp
from fastbp import Dense, Input, Sequential, losses

RNG = np.random.default_rng(0)
ROWS = 24
NUMBERS = RNG.normal(size=(ROWS, 2))
POSITIVE = RNG.gamma(2.0, size=(ROWS, 2))
SOME_ZERO = POSITIVE * RNG.integers(0, 2, (ROWS, 2))
LOGS = RNG.normal(size=(ROWS, 2))
POWERS = [-1.5, 0, 1, 1.5, 1.9, 2, 2.5, 3]

# These networks pass their input on; test_means_from_a_layer_without_activation_are_warned_of wants the warning.
pytestmark = pytest.mark.filterwarnings("ignore:loss '(gamma|tweedie)' takes predictions")


def targets_of(power):
    return NUMBERS if power < 1 else SOME_ZERO if power < 2 else POSITIVE


# loss: (targets, outputs of a network, what it means for one sample)
CASES = {
    "quantile": (losses.Quantile(), NUMBERS, LOGS, lambda t, p: np.mean(abs(t - p)) / 2),
    "0.9": (losses.Quantile(0.9), NUMBERS, LOGS, lambda t, p: np.mean(np.where(t > p, 0.9 * (t - p), 0.1 * (p - t)))),
    "three": (
        losses.Quantile([0.1, 0.5, 0.75]),
        NUMBERS,
        RNG.normal(size=(ROWS, 6)),
        lambda t, p: np.mean(
            [max(q * (t[i // 3] - p[i]), (q - 1) * (t[i // 3] - p[i])) for i, q in enumerate(2 * [0.1, 0.5, 0.75])]
        ),
    ),
    "many": (
        losses.Quantile([i / 20 for i in range(1, 20)]),
        NUMBERS[:, :1],
        RNG.normal(size=(ROWS, 19)),
        lambda t, p: np.mean([max(i / 20 * (t[0] - p[i - 1]), (i / 20 - 1) * (t[0] - p[i - 1])) for i in range(1, 20)]),
    ),
    "gaussian_nll": (
        losses.GaussianNLL(full=True),
        NUMBERS,
        RNG.normal(size=(ROWS, 4)),
        lambda t, p: -np.mean(stats.norm.logpdf(t, p[:2], np.exp(p[2:] / 2))),
    ),
    "without the constant": (
        losses.GaussianNLL(),
        NUMBERS,
        RNG.normal(size=(ROWS, 4)),
        lambda t, p: -np.mean(stats.norm.logpdf(t, p[:2], np.exp(p[2:] / 2))) - 0.5 * np.log(2 * np.pi),
    ),
    "floor": (
        losses.GaussianNLL(eps=0.5),
        NUMBERS,
        RNG.normal(size=(ROWS, 4)),
        lambda t, p: np.mean(np.log(v := np.maximum(np.exp(p[2:]), 0.5)) + (t - p[:2]) ** 2 / v) / 2,
    ),
    "gamma": (losses.Gamma(), POSITIVE, np.exp(LOGS), lambda t, p: deviance(2, t, p)),
    "log gamma": (losses.Gamma(log_input=True), POSITIVE, LOGS, lambda t, p: deviance(2, t, np.exp(p))),
    **{
        f"tweedie {power}": (
            losses.Tweedie(power),
            targets_of(power),
            np.exp(LOGS),
            lambda t, p, power=power: deviance(power, t, p),
        )
        for power in POWERS
    },
    **{
        f"log tweedie {power}": (
            losses.Tweedie(power, log_input=True),
            targets_of(power),
            LOGS,
            lambda t, p, power=power: deviance(power, t, np.exp(p)),
        )
        for power in POWERS
    },
}


def deviance(power, t, m):
    """As the formulas are written, without a care for zeros but in the limits."""
    if power == 1:
        return np.mean(2 * (special.xlogy(t, t / m) - t + m))
    if power == 2:
        return np.mean(2 * (np.log(m / t) + t / m - 1))
    a, b = 1 - power, 2 - power
    return np.mean(2 * (np.maximum(t, 0) ** b / (a * b) - t * m**a / a + m**b / b)) if power else np.mean((t - m) ** 2)


def passing(units, loss, dtype="float64"):
    """A network that passes its input on."""
    model = Sequential([Input((units,)), Dense(units, kernel_initializer="identity")], dtype=dtype)
    model.compile("sgd", loss)
    return model


@pytest.mark.parametrize("case", CASES)
def test_meaning(case):
    """Called with arrays, and compiled."""
    loss, true, pred, meaning = CASES[case]
    wanted = [meaning(t, p) for t, p in zip(true, pred, strict=True)]
    assert type(loss)(**{**loss.get_config(), "reduction": "none"})(true, pred) == pytest.approx(wanted)
    for dtype, tolerance in (("float64", 1e-12), ("float32", 2e-5)):
        model = passing(pred.shape[1], loss, dtype)
        assert model.evaluate(pred, true, verbose=0) == pytest.approx(np.mean(wanted), rel=tolerance, abs=tolerance)


@pytest.mark.parametrize("case", CASES)
def test_gradient(case):
    loss, true, pred, _ = CASES[case]
    assert fastbp.check_gradients(passing(pred.shape[1], loss), pred, true)


@pytest.mark.parametrize("case", ["quantile", "three", "gaussian_nll", "tweedie 1.5", "gamma"])
def test_weights(case):
    """Of samples and of classes: the loss and its gradient are those of the weighted values."""
    loss, true, pred, _ = CASES[case]
    true = np.rint(true[:, :1]) + (case == "gamma")
    pred = pred[:, : pred.shape[1] // 2]
    model = passing(pred.shape[1], loss)
    each = np.array([model.evaluate(pred[i : i + 1], true[i : i + 1], verbose=0) for i in range(ROWS)])
    weights = RNG.uniform(0, 2, ROWS)
    assert model.evaluate(pred, true, sample_weight=weights, verbose=0) == pytest.approx(np.mean(weights * each))
    of_classes = np.where(true[:, 0] == 1, 5.0, 1.0)
    for given, factors in (({"sample_weight": weights}, weights), ({"class_weight": {1: 5.0}}, of_classes)):
        model = passing(pred.shape[1], loss)
        gradient = sum(f * model.value_and_gradient(pred[i : i + 1], true[i : i + 1])[1][0] for i, f in enumerate(factors))
        before = model.get_weights()[0]
        assert model.train_on_batch(pred, true, **given) == pytest.approx(np.mean(factors * each))
        assert before - model.get_weights()[0] == pytest.approx(0.01 * gradient / ROWS)


@pytest.mark.parametrize("power", POWERS)
def test_deviances_as_scikit_learns(power):
    metrics = pytest.importorskip("sklearn.metrics")
    true, pred = targets_of(power)[:, 0], np.exp(LOGS[:, 0])
    wanted = metrics.mean_tweedie_deviance(true, pred, power=power)
    assert float(losses.Tweedie(power)(true, pred[:, None])) == pytest.approx(wanted)
    if power == 2:
        assert float(losses.Gamma()(true, pred[:, None])) == pytest.approx(metrics.mean_gamma_deviance(true, pred))


@pytest.mark.parametrize("level", [0.1, 0.5, 0.9])
def test_quantiles_as_scikit_learns(level):
    metrics = pytest.importorskip("sklearn.metrics")
    wanted = metrics.mean_pinball_loss(NUMBERS, LOGS, alpha=level)
    assert float(losses.Quantile(level)(NUMBERS, LOGS)) == pytest.approx(wanted)


@pytest.mark.parametrize("full", [False, True])
def test_gaussian_nll_as_pytorchs(full):
    torch = pytest.importorskip("torch")
    mean, log_variance = LOGS, 3 * RNG.normal(size=(ROWS, 2))
    tensors = [torch.tensor(a, requires_grad=True) for a in (mean, log_variance)]
    value = torch.nn.GaussianNLLLoss(full=full)(tensors[0], torch.tensor(NUMBERS), tensors[1].exp())
    value.backward()
    model = passing(4, losses.GaussianNLL(full=full))
    pred = np.hstack([mean, log_variance])
    found, gradients = model.value_and_gradient(pred, NUMBERS)
    assert found == pytest.approx(value.item())
    assert gradients[1] == pytest.approx(np.hstack([t.grad.numpy().sum(axis=0) for t in tensors]))


@pytest.mark.parametrize("power", [power for power in POWERS if power])
def test_extreme_predictions_in_float32(power):
    """Means of 0 and less, and logarithms that no float32 has the power of, count as 1e-7."""
    true = np.float32([1.0, 2.0, 0.5, 1.0])
    for log_input, pred in ((False, [-3.0, 0.0, 1e-40, 1e-30]), (True, [-1e30, -1e4, -200.0, -17.0])):
        model = passing(1, losses.Tweedie(power, log_input), "float32")
        value, gradients = model.value_and_gradient(np.float32(pred)[:, None], true)
        assert value == pytest.approx(deviance(power, true.astype(float), 1e-7), rel=1e-4)
        assert all((g == 0).all() for g in gradients)


def test_extreme_variances_in_float32():
    for log_variance in (-1e4, -100.0, 100.0, 1e4):
        pred, model = np.float32([[0.5, log_variance]]), passing(2, "gaussian_nll", "float32")
        value, gradients = model.value_and_gradient(pred, np.float32([1.0]))
        floored = max(log_variance, np.log(1e-6))
        assert value == pytest.approx(0.5 * (floored + 0.25 * np.exp(-floored)), rel=1e-5)
        assert all(np.isfinite(g).all() for g in gradients)


@pytest.mark.parametrize(
    ("loss", "name", "bad", "rule"),
    [
        ("gamma", "gamma", [1.0, 0.0], "be more than 0"),
        ("gamma", "gamma", [1.0, -1.0], "be more than 0"),
        (losses.Gamma(log_input=True), "gamma", [1.0, 0.0], "be more than 0"),
        ("tweedie", "tweedie", [1.0, -1e-9], "be at least 0"),
        (losses.Tweedie(1), "tweedie", [1.0, -1.0], "be at least 0"),
        (losses.Tweedie(2), "tweedie", [1.0, 0.0], "be more than 0"),
        (losses.Tweedie(3), "tweedie", [1.0, 0.0], "be more than 0"),
        ("binary_focal_crossentropy", "binary_focal_crossentropy", [1.0, -1.0], r"lie in \[0, 1\]"),
        ("binary_crossentropy", "binary_crossentropy", [1.0, 2.0], r"lie in \[0, 1\]"),
    ],
)
def test_targets_that_are_none(loss, name, bad, rule):
    model = passing(1, loss)
    before = model.get_weights()
    for method in (model.fit, model.evaluate):
        with pytest.raises(ValueError, match=f"^y must {rule} for {name}, got values from"):
            method([[0.5], [0.5]], bad, verbose=0)
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))


@pytest.mark.parametrize("loss", [losses.Tweedie(0), losses.Tweedie(-1.0), "quantile"])
def test_losses_of_all_numbers(loss):
    assert np.isfinite(passing(1, loss).evaluate([[0.5], [0.5]], [-1.0, 1.0], verbose=0))


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: losses.Quantile(0), "quantile must be"),
        (lambda: losses.Quantile([0.5, 1.0]), "quantile must be"),
        (lambda: losses.Quantile([]), "quantile must be"),
        (lambda: losses.Quantile(1.5), "quantile must be"),
        (lambda: losses.GaussianNLL(eps=0), "eps must be more than 0"),
        (lambda: losses.Tweedie(0.5), "power must be at most 0 or at least 1, got 0.5"),
        (lambda: losses.Tweedie(float("nan")), "power"),
        (
            lambda: passing(4, losses.Quantile([0.1, 0.5, 0.9])),
            "'quantile' needs a last layer of 3 units for each target.*got 4",
        ),
        (lambda: passing(3, "gaussian_nll"), "'gaussian_nll' needs a last layer of 2 units for each target.*got 3"),
        (lambda: passing(4, "gaussian_nll").fit(np.ones((3, 4)), np.ones((3, 4)), verbose=0), r"y must have shape \(3, 2\)"),
        (lambda: losses.quantile(np.zeros((3, 1)), np.zeros((3, 5)), [0.1, 0.5]), "2 columns for each"),
        (lambda: losses.gamma(np.ones((3, 1)), np.ones((3, 2))), "one shape"),
    ],
)
def test_what_is_refused(call, text):
    with pytest.raises(ValueError, match=text):
        call()


@pytest.mark.parametrize("value", ["half", None, [0.1, "half"]])
def test_quantiles_that_are_no_numbers(value):
    with pytest.raises(TypeError, match="quantile"):
        losses.Quantile(value)


@pytest.mark.parametrize(
    ("loss", "name"),
    [
        (losses.Quantile([0.1, 0.9]), "quantile"),
        (losses.GaussianNLL(full=True, eps=1e-4), "gaussian_nll"),
        (losses.Tweedie(1.7, log_input=True), "tweedie"),
        (losses.Gamma(log_input=True), "gamma"),
    ],
)
def test_forms(loss, name):
    """By name, class, function and dict, and written down."""
    assert losses.deserialize(losses.serialize(loss)) == loss
    plain = type(loss)()
    for form in (name, type(loss).__name__, getattr(losses, name), type(loss), losses.serialize(plain), plain):
        found = losses.get(form)
        assert found.name == name and losses.serialize(found) == losses.serialize(plain)
    assert losses.get("pinball").name == "quantile"


def test_a_network_learns_a_distribution():
    """Its quantiles and its deviation are those of the noise, where that grows with x."""
    x = RNG.uniform(-1, 1, (4000, 1))
    noise = 0.2 * (x + 1.5)
    y = x + noise * RNG.normal(size=x.shape)
    network = [Input((1,)), Dense(16, "tanh"), Dense(2)]
    between = Sequential(network, seed=0)
    between.compile(fastbp.Adam(0.01), losses.Quantile([0.1, 0.9]))
    between.fit(x, y, epochs=30, batch_size=100, verbose=0)
    assert np.mean(y < between.predict(x), axis=0) == pytest.approx([0.1, 0.9], abs=0.03)
    normal = fastbp.models.clone_model(between, seed=0)
    normal.compile(fastbp.Adam(0.01), "gaussian_nll")
    normal.fit(x, y, epochs=30, batch_size=100, verbose=0)
    mean, log_variance = np.split(normal.predict(x), 2, axis=1)
    assert np.mean((mean - x) ** 2) < 5e-3
    assert np.median(np.exp(log_variance / 2) / noise) == pytest.approx(1, abs=0.1)


@pytest.mark.filterwarnings("default")
def test_means_from_a_layer_without_activation_are_warned_of():
    for loss in ("gamma", losses.Tweedie(1.5)):
        with pytest.warns(UserWarning, match="takes predictions of more than 0.*'exponential'"):
            passing(1, loss)
