"""The losses as functions and called: values for each sample, as Keras's, and what kernels compute of the same."""

import math

import numpy as np
import pytest
from scipy import special

import fastbp
from fastbp import Dense, Input, Sequential, losses

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # of Keras's calls of NumPy

RNG = np.random.default_rng(0)
NUMBERS = RNG.normal(size=(20, 4)), RNG.normal(size=(20, 4))
COUNTS = RNG.poisson(2.0, (20, 4)).astype(float), RNG.uniform(0.1, 3, (20, 4))
LABELS = RNG.integers(0, 2, (20, 4)).astype(float), RNG.uniform(0.01, 0.99, (20, 4))
ONE_HOT = np.eye(4)[RNG.integers(0, 4, 20)], special.softmax(RNG.normal(size=(20, 4)), -1)
SOFT = 0.1 + 0.6 * ONE_HOT[0], ONE_HOT[1]
LOGITS = ONE_HOT[0], 5 * RNG.normal(size=(20, 4))
SPARSE = RNG.integers(0, 4, (20, 1)), ONE_HOT[1]

# Each function with its data and what it means, written out for one sample.
MEANINGS = {
    "mean_squared_error": (NUMBERS, lambda t, p: np.mean((t - p) ** 2)),
    "mean_absolute_error": (NUMBERS, lambda t, p: np.mean(abs(t - p))),
    "mean_absolute_percentage_error": (NUMBERS, lambda t, p: 100 * np.mean(abs(t - p) / abs(t))),
    "mean_squared_logarithmic_error": (COUNTS, lambda t, p: np.mean((np.log(1 + p) - np.log(1 + t)) ** 2)),
    "huber": (NUMBERS, lambda t, p: np.mean(special.huber(1.0, t - p))),
    "log_cosh": (NUMBERS, lambda t, p: np.mean(np.log(np.cosh(p - t)))),
    "poisson": (COUNTS, lambda t, p: np.mean(p - t * np.log(p))),
    "kl_divergence": (SOFT, lambda t, p: np.sum(special.kl_div(t, p) + t - p)),
    "cosine_similarity": (NUMBERS, lambda t, p: -(t @ p) / np.linalg.norm(t) / np.linalg.norm(p)),
    "hinge": (LABELS, lambda t, p: np.mean(np.maximum(1 - (2 * t - 1) * p, 0))),
    "squared_hinge": (LABELS, lambda t, p: np.mean(np.maximum(1 - (2 * t - 1) * p, 0) ** 2)),
    "categorical_hinge": (ONE_HOT, lambda t, p: max(0, 1 - p[t == 1][0] + p[t == 0].max())),
    "binary_crossentropy": (LABELS, lambda t, p: -np.mean(special.xlogy(t, p) + special.xlogy(1 - t, 1 - p))),
    "categorical_crossentropy": (ONE_HOT, lambda t, p: -np.log(p[t == 1][0])),
    "sparse_categorical_crossentropy": (SPARSE, lambda t, p: -np.log(p[t[0]])),
    "binary_focal_crossentropy": (
        LABELS,
        lambda t, p: np.mean(-((1 - np.where(t, p, 1 - p)) ** 2) * np.log(np.where(t, p, 1 - p))),
    ),
    "categorical_focal_crossentropy": (ONE_HOT, lambda t, p: -0.25 * (1 - p[t == 1][0]) ** 2 * np.log(p[t == 1][0])),
}
CLASSES = {name: type(losses.deserialize(name)) for name in MEANINGS}
IN_KERNELS = [name for name, cls in CLASSES.items() if hasattr(cls, "code")]


def test_all_functions_are_here():
    """But for those of distributions, which Keras has not: test_distribution_losses.py."""
    functions = {name for name in losses.__all__ if name.islower()} - {"get", "serialize", "deserialize"}
    assert functions - {"quantile", "gaussian_nll", "tweedie", "gamma"} == set(MEANINGS)


@pytest.mark.parametrize("name", MEANINGS)
def test_meaning(name):
    (true, pred), meaning = MEANINGS[name]
    wanted = [meaning(t, p) for t, p in zip(true, pred, strict=True)]
    assert getattr(losses, name)(true, pred) == pytest.approx(wanted, abs=2e-6)


@pytest.mark.parametrize("name", MEANINGS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_as_keras(name, dtype):
    keras = pytest.importorskip("keras")
    true, pred = MEANINGS[name][0]
    pred = pred.astype(dtype)
    found = getattr(losses, name)(true, pred)
    wanted = keras.ops.convert_to_numpy(getattr(keras.losses, name)(true, pred))
    assert found.dtype == dtype and found.shape == wanted.shape
    assert found == pytest.approx(wanted, rel=2e-5, abs=2e-6)


SETTINGS = [
    ("huber", NUMBERS, {"delta": 0.3}),
    ("binary_crossentropy", LOGITS, {"from_logits": True}),
    ("binary_crossentropy", LABELS, {"label_smoothing": 0.2}),
    ("categorical_crossentropy", LOGITS, {"from_logits": True, "label_smoothing": 0.1}),
    ("categorical_crossentropy", (ONE_HOT[0], 3 * ONE_HOT[1]), {}),
    ("sparse_categorical_crossentropy", (SPARSE[0][:, 0], LOGITS[1]), {"from_logits": True}),
    ("binary_focal_crossentropy", LABELS, {"apply_class_balancing": True, "alpha": 0.4, "gamma": 1.5, "label_smoothing": 0.1}),
    ("binary_focal_crossentropy", LOGITS, {"from_logits": True}),
    ("categorical_focal_crossentropy", LOGITS, {"from_logits": True, "alpha": 0.5, "label_smoothing": 0.1}),
]


@pytest.mark.parametrize(("name", "data", "settings"), SETTINGS)
def test_settings_as_keras(name, data, settings):
    keras = pytest.importorskip("keras")
    wanted = keras.ops.convert_to_numpy(getattr(keras.losses, name)(*data, **settings))
    assert getattr(losses, name)(*data, **settings) == pytest.approx(wanted, rel=2e-5, abs=2e-6)
    wanted = keras.losses.get({"class_name": CLASSES[name].__name__, "config": settings})(*data)
    assert float(CLASSES[name](**settings)(*data)) == pytest.approx(float(wanted), rel=2e-5)


@pytest.mark.parametrize("weights", [None, RNG.uniform(0, 2, 20), RNG.uniform(0, 2, (20, 1))])
@pytest.mark.parametrize("reduction", ["sum_over_batch_size", "mean", "mean_with_sample_weight", "sum", "none", None])
def test_reductions(reduction, weights):
    values = losses.mean_squared_error(*NUMBERS)
    factors = np.ones(20) if weights is None else weights.ravel()
    each = (values * factors).reshape((20,) if weights is None else weights.shape)
    wanted = {"sum": each.sum(), "none": each, None: each}.get(reduction, each.mean())
    if reduction == "mean_with_sample_weight" and weights is not None:
        wanted = np.average(values, weights=factors)
    assert losses.MeanSquaredError(reduction=reduction)(*NUMBERS, sample_weight=weights) == pytest.approx(wanted)


@pytest.mark.parametrize("weights", [None, RNG.uniform(0, 2, 20), RNG.uniform(0, 2, (20, 1))])
@pytest.mark.parametrize("reduction", ["sum_over_batch_size", "mean", "mean_with_sample_weight", "sum", "none", None])
def test_reductions_as_keras(reduction, weights):
    keras = pytest.importorskip("keras")
    theirs = keras.losses.MeanSquaredError(reduction=reduction)(*NUMBERS, sample_weight=weights)
    ours = losses.MeanSquaredError(reduction=reduction)(*NUMBERS, sample_weight=weights)
    assert ours == pytest.approx(keras.ops.convert_to_numpy(theirs), rel=1e-5)


@pytest.mark.parametrize("name", MEANINGS)
def test_a_model_computes_the_same(name):
    """The loss of a network that passes its input on, by class, name and function."""
    true, pred = MEANINGS[name][0]
    if CLASSES[name].sparse:
        true = true[:, 0]
    for loss in (CLASSES[name](), name, CLASSES[name].__name__, getattr(losses, name), CLASSES[name]):
        model = Sequential([Input((4,)), Dense(4, kernel_initializer="identity")], dtype="float64")
        model.compile("sgd", loss)
        assert model.evaluate(pred, true, verbose=0) == pytest.approx(getattr(losses, name)(true, pred).mean(), rel=1e-6)
        assert (model.loss.code == fastbp.losses.Custom.code) == (name not in IN_KERNELS)


@pytest.mark.parametrize("name", sorted(set(MEANINGS) - set(IN_KERNELS)))
def test_gradients_of_the_compiled_formulas(name):
    true, pred = MEANINGS[name][0]
    model = Sequential([Input((4,)), Dense(4, kernel_initializer="identity")], dtype="float64")
    model.compile("sgd", name)
    assert fastbp.check_gradients(model, pred, true)


@pytest.mark.parametrize("name", sorted(set(MEANINGS) - set(IN_KERNELS)))
def test_weights_of_the_compiled_formulas(name):
    """A class's weight counts where a row is of that class, by its one label or its one-hot row."""
    true, pred = MEANINGS[name][0]
    of_classes = true is ONE_HOT[0]
    if not of_classes:
        true, pred = np.rint(true[:, :1]), pred[:, :1]
    model = Sequential([Input((true.shape[1],)), Dense(true.shape[1], kernel_initializer="identity")], dtype="float64")
    model.compile("sgd", name)
    values, weights = getattr(losses, name)(true, pred), RNG.uniform(0, 2, 20)
    assert model.evaluate(pred, true, sample_weight=weights, verbose=0) == pytest.approx(np.mean(weights * values))
    is_one = true.argmax(axis=1) == 1 if of_classes else true[:, 0] == 1
    assert model.train_on_batch(pred, true, class_weight={1: 5.0}) == pytest.approx(np.mean(np.where(is_one, 5, 1) * values))


def test_formulas_take_targets_as_wide_as_the_outputs():
    model = Sequential([Input((4,)), Dense(4)])
    model.compile("sgd", "hinge")
    with pytest.raises(ValueError, match="y must"):
        model.fit(NUMBERS[1], LABELS[0][:, :1], verbose=0)


@pytest.mark.parametrize("shape", [((5,), (5, 1)), ((5, 1), (5,))])
def test_a_column_and_a_vector_are_not_a_table(shape):
    true, pred = np.zeros(shape[0]), np.ones(shape[1])
    assert losses.mse(true, pred).tolist() == [1.0] * 5
    with pytest.raises(ValueError, match="one shape"):
        losses.mse(np.zeros((5, 2)), np.ones((5, 3)))


@pytest.mark.parametrize("labels", [[4], [-1], [0.5], [[0, 1]]])
def test_labels_that_are_none(labels):
    with pytest.raises(ValueError, match="y_true must"):
        losses.sparse_categorical_crossentropy(labels, [[0.25] * 4])


def test_functions_inside_of_a_custom_loss():
    x, y = NUMBERS

    def both(y_true, y_pred):
        return losses.mean_squared_error(y_true, y_pred) + 0.5 * losses.huber(y_true, y_pred, 0.3)

    def called(y_true, y_pred):
        return losses.MeanSquaredError()(y_true, y_pred) + 0.5 * losses.Huber(0.3)(y_true, y_pred)

    wanted = (losses.mse(y, x) + 0.5 * losses.huber(y, x, 0.3)).mean()
    for loss in (both, called):
        model = Sequential([Input((4,)), Dense(4, kernel_initializer="identity")], dtype="float64")
        model.compile("sgd", loss)
        assert model.evaluate(x, y, verbose=0) == pytest.approx(wanted)


def test_aliases():
    assert losses.mse is losses.MSE is losses.mean_squared_error and losses.kld is losses.kl_divergence
    for name in ("mse", "MSE", "mae", "MAE", "mape", "MSLE", "bce", "kld", "huber_loss", "logcosh", "MeanSquaredError"):
        assert losses.get(name)


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda: losses.get(losses.MeanSquaredError(reduction="sum")), ValueError, "reduction='sum'.*mean over samples"),
        (lambda: losses.MeanSquaredError(reduction="average"), ValueError, "reduction must be one of"),
        (lambda: losses.MeanSquaredError(name=3), TypeError, "name must be a string"),
        (lambda: losses.MeanSquaredError(dtype="float16"), TypeError, "model's dtype"),
        (lambda: losses.BinaryCrossentropy(axis=0), TypeError, "last axis"),
        (lambda: losses.SparseCategoricalCrossentropy(ignore_class=0), TypeError, "sample_weight"),
        (lambda: losses.Huber(dleta=1), TypeError, "no argument 'dleta'. Did you mean 'delta'"),
        (lambda: losses.Hinge()(np.zeros((2, 2)), np.zeros((2, 3))), ValueError, "one shape"),
        (lambda: losses.get(losses.Loss()), TypeError, "method call"),
        (lambda: losses.get("ctc"), ValueError, "ctc.*function of"),
    ],
)
def test_what_is_refused(call, error, text):
    with pytest.raises(error, match=text):
        call()


def test_harmless_settings_of_keras():
    assert losses.BinaryCrossentropy(axis=-1, dtype=None) == losses.BinaryCrossentropy(name=None)
    assert math.isclose(losses.SparseCategoricalCrossentropy(ignore_class=None)([0], [[0.5, 0.5]]), math.log(2))
