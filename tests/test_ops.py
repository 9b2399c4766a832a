"""fastbp.ops and fastbp.backend: the same numbers on arrays, as Keras, and compiled in a custom loss."""

import numpy as np
import pytest

import fastbp
from fastbp import Dense, Input, Sequential, ops
from fastbp import backend as K

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # of Keras's calls of NumPy

RNG = np.random.default_rng(0)
X = RNG.normal(size=(12, 3))
Y = RNG.normal(size=(12, 3))

# Functions of (y_true, y_pred) that give a value for each output or sample, written with names of ops.
FORMULAS = {
    "arithmetic": lambda o, y, p: o.add(o.multiply(p, 2.0), o.divide(o.subtract(y, p), 3.0)) + o.negative(p) * o.abs(p),
    "powers": lambda o, y, p: o.power(o.abs(p) + 1.0, 1.5) + o.square(p) + o.sqrt(o.square(p) + 1.0) + o.rsqrt(2.0 + p * p),
    "exponentials": lambda o, y, p: o.exp(p) + o.expm1(p) + o.exp2(p) + o.log1p(o.exp(p)) + o.log(1.0 + o.exp(p)),
    "logarithms": lambda o, y, p: o.log2(1.0 + o.exp(p)) + o.log10(1.0 + o.exp(p)) + o.logaddexp(p, y),
    "angles": lambda o, y, p: o.sin(p) + o.cos(p) + o.arctan(p) + o.tanh(p) + o.sinh(p) + o.cosh(p) + o.arcsinh(p),
    "more angles": lambda o, y, p: o.arcsin(o.tanh(p)) + o.arccos(o.tanh(p)) + o.arctanh(0.5 * o.tanh(p)) + o.tan(o.tanh(p)),
    "choices": lambda o, y, p: (
        o.where(o.greater(p, y), p, 2.0 * p) + o.maximum(p, 0.1) + o.minimum(p, y) + o.clip(p, -0.5, 0.5)
    ),
    "conditions": lambda o, y, p: o.where(
        o.logical_and(o.less(p, 1.0), o.logical_not(o.less_equal(p, y))) | o.logical_or(p > 2.0, o.isnan(p)), p * p, p
    ),
    "casts": lambda o, y, p: (
        p * o.cast(p > y, "float32") + o.cast(y, "float64") + o.convert_to_tensor(p, dtype="float32") * 0.0
    ),
    "activations": lambda o, y, p: o.sigmoid(p) + o.softplus(p) + o.relu(p) + o.silu(p) + o.softsign(p) + o.elu(p) + o.selu(p),
    "more activations": lambda o, y, p: (
        o.leaky_relu(p, 0.3) + o.relu6(p) + o.hard_sigmoid(p) + o.hard_tanh(p) + o.log_sigmoid(p) + o.gelu(p) + o.gelu(p, False)
    ),
    "error function": lambda o, y, p: o.erf(p) + o.hypot(p, y) + o.sign(p) * p,
    "no division by zero": lambda o, y, p: o.divide_no_nan(p, o.relu(y)),
    "sums": lambda o, y, p: o.sum(p * y, axis=-1) + o.mean(o.square(p), axis=-1),
    "kept axes": lambda o, y, p: o.square(p - o.mean(p, axis=-1, keepdims=True)) + o.sum(p, axis=1, keepdims=True),
    "extremes": lambda o, y, p: o.max(p, axis=-1) - 2.0 * o.min(p, axis=-1) + o.amax(p * y, axis=1),
    "spread": lambda o, y, p: o.var(p, axis=-1) + o.std(p, axis=-1),
    "softmax": lambda o, y, p: o.sum(o.softmax(p) * y, axis=-1) + o.logsumexp(p, axis=-1),
    "log softmax": lambda o, y, p: -o.sum(y * o.log_softmax(p, axis=-1), axis=-1),
    "normalize": lambda o, y, p: -o.sum(o.normalize(p) * o.normalize(y), axis=-1),
    "shapes": lambda o, y, p: o.squeeze(o.expand_dims(o.sum(p, axis=-1), -1), -1) / o.shape(p)[-1],
    "likes": lambda o, y, p: p * (o.ones_like(p) + o.zeros_like(y)),
    "cross-entropy": lambda o, y, p: o.mean(o.binary_crossentropy(o.sigmoid(y), o.sigmoid(p)), axis=-1),
    "cross-entropy of logits": lambda o, y, p: o.binary_crossentropy(o.sigmoid(y), p, from_logits=True),
    "categorical": lambda o, y, p: o.categorical_crossentropy(o.softmax(y), o.softmax(p)),
}


def loss_of(formula, o):
    return lambda y_true, y_pred: formula(o, y_true, y_pred)


def pass_on(loss, dtype="float64", units=3):
    model = Sequential([Input((units,)), Dense(units, kernel_initializer="identity")], dtype=dtype)
    model.compile("sgd", loss)
    return model


@pytest.mark.parametrize("name", FORMULAS)
def test_compiled_as_on_arrays(name):
    formula = FORMULAS[name]
    model = pass_on(loss_of(formula, ops))
    assert model.evaluate(X, Y, verbose=0) == pytest.approx(np.mean(formula(ops, Y, X)), rel=1e-12)
    assert fastbp.check_gradients(model, X, Y)


@pytest.mark.parametrize("name", FORMULAS)
def test_on_arrays_as_keras(name):
    keras = pytest.importorskip("keras")
    wanted = keras.ops.convert_to_numpy(FORMULAS[name](keras.ops, *(keras.ops.convert_to_tensor(v) for v in (Y, X))))
    assert np.asarray(FORMULAS[name](ops, Y, X)) == pytest.approx(wanted, rel=2e-5, abs=1e-6)


def test_names_of_keras():
    keras = pytest.importorskip("keras")
    strangers = {name for name in ops.__all__ if not hasattr(keras.ops, name)}
    assert strangers == set()


@pytest.mark.parametrize("name", [name for name in ops.__all__ if callable(getattr(ops, name)) and name in ops.ELEMENTWISE])
def test_lists_and_numbers(name):
    function, two = getattr(ops, name), name in ("hypot", "logaddexp") or "x2" in getattr(ops, name).__doc__
    values = [0.25, 0.5]
    found = function(values, values) if two else function(values)
    single = function(0.25, 0.25) if two else function(0.25)
    if name not in ("arccosh",):
        assert np.asarray(found).shape == (2,) and np.asarray(found)[0] == pytest.approx(float(single))


def test_a_condition_chooses_for_each_sample():
    model = pass_on(lambda y, p: ops.cond(p > y, lambda: p * p, lambda: p))
    assert model.evaluate(X, Y, verbose=0) == pytest.approx(np.mean(np.where(X > Y, X * X, X)))
    assert ops.cond(False, lambda: 1.0, lambda: 2.0) == 2.0


def test_overflow_warns_of_nothing():
    assert ops.log(0.0) == -np.inf and ops.exp(1e4) == np.inf and np.isnan(ops.sqrt(-1.0)) and ops.divide(1.0, 0.0) == np.inf


def test_arrays():
    assert ops.one_hot([0, 2], 3).tolist() == [[1, 0, 0], [0, 0, 1]]
    assert ops.cast([0.7, 1.2], "int32").tolist() == [0, 1] and ops.convert_to_tensor([1], "float32").dtype == np.float32
    assert ops.is_tensor(np.zeros(1)) and not ops.is_tensor([0.0]) and ops.stop_gradient(X) is X
    assert ops.reshape(X, (3, 12)).shape == (3, 12) and ops.zeros((2, 3)).shape == (2, 3)
    assert ops.shape(X) == (12, 3) and ops.expand_dims(X, 0).shape == (1, 12, 3)


@pytest.mark.parametrize(
    ("loss", "text"),
    [
        (lambda y, p: ops.max(p), "np.max over the samples"),
        (lambda y, p: ops.min(p, axis=0), "over axis 0"),
        (lambda y, p: ops.stop_gradient(p) * y, "stop the gradient"),
        (lambda y, p: ops.reshape(p, (-1,)), "no operator for np.reshape"),
        (lambda y, p: ops.expand_dims(p, 0), "several dimensions"),
    ],
)
def test_what_a_loss_cannot_do(loss, text):
    with pytest.raises(fastbp.TraceError, match=text):
        pass_on(loss).evaluate(X, Y, verbose=0)


def test_too_many_columns():
    wide = RNG.normal(size=(5, 65))
    with pytest.raises(fastbp.TraceError, match="np.max of 65 columns"):
        pass_on(lambda y, p: ops.max(p - y, axis=-1), units=65).evaluate(wide, wide, verbose=0)


@pytest.mark.parametrize("units", [1, 2, 8, 9, 20, 64])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_extremes_of_any_width(units, dtype):
    x, y = RNG.normal(size=(2, 30, units))
    model = pass_on(lambda t, p: ops.max(ops.abs(p - t), axis=-1) + ops.min(p, axis=-1), dtype, units)
    assert model.evaluate(x, y, verbose=0) == pytest.approx((abs(x - y).max(-1) + x.min(-1)).mean(), rel=1e-5)


def test_sums_and_largest_values_of_all():
    assert pass_on(lambda y, p: ops.sum(p)).evaluate(X, Y, batch_size=len(X), verbose=0) == pytest.approx(X.sum(), rel=1e-5)
    assert fastbp.value_and_grad(lambda x: ops.max(x))(np.array([1.0, 3.0, 2.0]))[0] == 3.0


# -- losses as they are written for Keras, of which only the import differs


def weighted(y_true, y_pred):
    weights = (y_true * 3.0) + (1.0 - y_true)
    return K.mean(weights * K.square(y_true - y_pred), axis=-1)


def rmse(y_true, y_pred):
    return K.sqrt(K.mean(K.square(y_pred - y_true), axis=-1))


def focal(y_true, y_pred):
    y_pred = K.clip(y_pred, K.epsilon(), 1 - K.epsilon())
    entropy = -y_true * K.log(y_pred) - (1 - y_true) * K.log(1 - y_pred)
    return K.mean(K.pow(1 - y_pred, 2) * entropy, axis=-1)


def quantile(y_true, y_pred):
    error = y_true - y_pred
    return K.mean(K.maximum(0.9 * error, -0.1 * error), axis=-1)


def huber(y_true, y_pred):
    error = K.abs(y_true - y_pred)
    return K.mean(K.switch(error < 0.5, 0.5 * K.square(error), 0.5 * (error - 0.25)), axis=-1)


def overlap(y_true, y_pred):
    together = K.sum(y_true * y_pred, axis=-1)
    return 1 - (2.0 * together + 1.0) / (K.sum(y_true, axis=-1) + K.sum(y_pred, axis=-1) + 1.0)


def cosine(y_true, y_pred):
    return -K.sum(K.l2_normalize(y_true, axis=-1) * K.l2_normalize(y_pred, axis=-1), axis=-1)


def margin(y_true, y_pred):
    return K.sum(K.relu(1.0 - K.cast(y_true > 0.5, "float32") * y_pred, max_value=3.0), axis=-1) + K.mean(
        K.abs(y_pred), axis=-1
    )


def entropy(y_true, y_pred):
    return K.mean(K.binary_crossentropy(y_true, y_pred), axis=-1) + K.categorical_crossentropy(y_true, y_pred)


LOSSES = [weighted, rmse, focal, quantile, huber, overlap, cosine, margin, entropy]


@pytest.mark.parametrize("loss", LOSSES, ids=lambda f: f.__name__)
def test_losses_written_for_keras(loss):
    """The gradient of the compiled loss is PyTorch's of the same formula, whose functions have the names of K there."""
    torch = pytest.importorskip("torch")
    y, x = RNG.uniform(0.05, 0.95, (2, 12, 3))
    model = pass_on(loss)
    assert model.evaluate(x, y, verbose=0) == pytest.approx(float(np.mean(loss(y, x))), rel=1e-9)
    value, (kernel, bias) = model.value_and_gradient(x, y)
    w = torch.eye(3, dtype=torch.float64, requires_grad=True)
    with keras_backend_of(torch):
        theirs = loss(torch.tensor(y), torch.tensor(x) @ w).mean()
    theirs.backward()
    assert value == pytest.approx(theirs.item(), rel=1e-9)
    assert kernel == pytest.approx(w.grad.numpy(), rel=1e-9, abs=1e-12)


class keras_backend_of:
    """While it lasts, the functions of K compute with torch's tensors."""

    def __init__(self, torch):
        t = torch
        entropies = lambda y, p: t.nn.functional.binary_cross_entropy(p, y, reduction="none")  # noqa: E731
        self.functions = {
            "mean": lambda x, axis: x.mean(axis),
            "sum": lambda x, axis: x.sum(axis),
            "square": t.square,
            "sqrt": t.sqrt,
            "log": t.log,
            "abs": t.abs,
            "pow": t.pow,
            "clip": t.clip,
            "switch": t.where,
            "maximum": t.maximum,
            "cast": lambda x, dtype: x.to(t.float64),
            "relu": lambda x, max_value: t.clip(x, 0, max_value),
            "l2_normalize": lambda x, axis: t.nn.functional.normalize(x, dim=axis),
            "binary_crossentropy": entropies,
            "categorical_crossentropy": lambda y, p: -(y * t.log(p / p.sum(-1, keepdim=True))).sum(-1),
        }

    def __enter__(self):
        self.before = {name: getattr(K, name) for name in self.functions}
        for name, function in self.functions.items():
            setattr(K, name, function)

    def __exit__(self, *error):
        for name, function in self.before.items():
            setattr(K, name, function)


def test_backend_on_arrays():
    assert K.sqrt(np.array([4.0, -1.0])).tolist() == [2.0, 0.0]
    assert K.relu(np.array([-2.0, 5.0]), alpha=0.1, max_value=3.0).tolist() == [-0.2, 3.0]
    assert K.relu(np.array([0.5, 2.0]), threshold=1.0).tolist() == [0.0, 2.0]
    assert K.constant([1, 2]).dtype == np.float32 and K.cast_to_floatx([1]).dtype == np.float32
    assert K.get_value(3.0) == 3.0 and K.int_shape(X) == (12, 3)
    with pytest.raises(ValueError, match="axis must be -1"):
        K.categorical_crossentropy(X, X, axis=0)
