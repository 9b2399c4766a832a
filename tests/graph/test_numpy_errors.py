"""A caller who has NumPy raise its floating-point errors: rounding to zero or infinity inside is no error of the caller's."""

import numpy as np
import pytest

import fastbp
from fastbp import initializers, losses

RNG = np.random.default_rng(0)
NORMAL = RNG.normal(size=(20, 3))
DATA = {
    "normal": NORMAL,
    "too small for float32": np.full((20, 3), 1e-60),
    "denormal in float32": np.full((20, 3), 1e-42),
    "the smallest": np.full((20, 3), 5e-324),
    "large": NORMAL * 1e25,
    "of every size": np.array([1e-300, 1e-42, 1e30, 1.0]).repeat(15).reshape(20, 3),
    "float16": NORMAL.astype("float16"),
}
LOSSES = {
    "mse": "mse",
    "huber": losses.Huber(1e-40),
    "smoothed": losses.BinaryCrossentropy(from_logits=True, label_smoothing=1e-45),
    "a formula": lambda y_true, y_pred: (y_true - y_pred) ** 4 * 1e-300,
}
OPTIMIZERS = [
    fastbp.SGD(1e-300),
    fastbp.SGD(1e-42, momentum=1e-320),
    fastbp.Adam(1e-45, epsilon=1e-300),
    fastbp.AdamW(1e-30, weight_decay=1e-45),
    fastbp.Nadam(1e-45),
    fastbp.RMSprop(1e-45, rho=1e-320, centered=True),
    fastbp.Adagrad(1e-45, initial_accumulator_value=1e-320),
]


def use(model, x, y):
    """Everything a model does. Where the data is too large to learn from, it says so."""
    for call, settings in (
        ("fit", {"verbose": 0, "epochs": 2, "validation_split": 0.3}),
        ("train_on_batch", {}),
        ("evaluate", {"verbose": 0}),
        ("value_and_gradient", {}),
    ):
        try:
            getattr(model, call)(x, y, check_finite=False, **settings)
        except fastbp.TrainingDiverged:
            continue
    model.predict(x)
    model.backward(np.full(model.forward(x).shape, 1e-60))
    model.apply_gradients([np.full(w.shape, 1e-300) for w in model.get_weights()])
    model.set_weights([np.full(w.shape, 1e-300) for w in model.get_weights()])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("data", DATA)
def test_data_and_losses(data, loss, dtype):
    x = DATA[data]
    with np.errstate(all="raise"):
        model = fastbp.Sequential([fastbp.Input((3,)), fastbp.Dense(4, "tanh"), fastbp.Dense(1)], seed=0, dtype=dtype)
        model.compile("adam", LOSSES[loss], metrics=["mae", "rmse", "r2"])
        use(model, x, x[:, :1] if loss in ("mse", "huber") else NORMAL[:, :1] > 0)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_classes(dtype):
    labels = np.arange(20) % 4
    for loss, y in (
        ("sparse_categorical_crossentropy", labels),
        (losses.CategoricalCrossentropy(False, 1e-46), np.eye(4)[labels]),
    ):
        with np.errstate(all="raise"):
            model = fastbp.Sequential([fastbp.Input((3,)), fastbp.Dense(4, "softmax")], seed=0, dtype=dtype)
            model.compile("sgd", loss, metrics=["accuracy"])
            use(model, NORMAL, y)


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=repr)
def test_optimizers(optimizer):
    with np.errstate(all="raise"):
        model = fastbp.Sequential([fastbp.Input((3,)), fastbp.Dense(1)], seed=0)
        model.compile(optimizer, "mse")
        use(model, NORMAL, NORMAL[:, :1])
        model.optimizer.learning_rate = 1e-320


@pytest.mark.parametrize(
    "initializer",
    [
        initializers.Constant(1e-300),
        initializers.RandomNormal(stddev=1e-300),
        initializers.RandomUniform(-1e-320, 1e-300),
        initializers.VarianceScaling(1e-320),
        initializers.Orthogonal(1e-300),
        lambda shape, rng, dtype: np.full(shape, 1e-300),
    ],
)
def test_initializers(initializer):
    with np.errstate(all="raise"):
        weights = fastbp.Sequential([fastbp.Input((3,)), fastbp.Dense(3, kernel_initializer=initializer)]).get_weights()
    assert np.isfinite(weights[0]).all()


def test_formulas():
    x = NORMAL.astype("float32")
    with np.errstate(all="raise"):
        fit = fastbp.fit_formula(lambda p, x: fastbp.mean((p["a"] * x - 1) ** 2 * 1e-60), x[:, 0], {"a": 1e-300}, epochs=2)
        assert np.isfinite(fit.params["a"])
        fastbp.grad(lambda w, x: fastbp.sum(w * x * 1e-200))(1e-300, DATA["of every size"][:, 0])
