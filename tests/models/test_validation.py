"""Bad input: what the error says, and that the model is as it was. Good input: that it is taken where it lies."""

import contextlib

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import fastbp
from fastbp import Dense, Input, Sequential, losses, optimizers
from fastbp.data import inputs

X = np.random.default_rng(0).normal(size=(20, 3)).astype("float32")
Y = X.sum(axis=1, keepdims=True)
LABELS = np.arange(20) % 4
NAN, INF = float("nan"), float("inf")


def with_value(array, value, at=-1):
    array = np.array(array, dtype=np.result_type(array, "float32"))
    array.flat[at] = value
    return array


def regression(built=True):
    model = Sequential([*([Input((3,))] if built else []), Dense(4, "tanh"), Dense(1)], seed=0)
    model.compile("adam", "mse", metrics=["mae"])
    return model


def classifier(loss="sparse_categorical_crossentropy", units=4, activation="softmax"):
    model = Sequential([Input((3,)), Dense(units, activation)], seed=0)
    model.compile("adam", loss)
    return model


def state(model):
    """Everything that a failing call must leave alone."""
    weights = model.get_weights() if model.built else model.layers
    steps = model._engine.steps if model._engine else 0
    return [steps, model.built, model.input_shape, model.history, model.optimizer, model.loss, model.metrics_names], weights


@contextlib.contextmanager
def unchanged(model):
    before, weights = state(model)
    yield
    after, now = state(model)
    assert before == after
    assert all(np.array_equal(a, b) for a, b in zip(weights, now, strict=True))


# --------------------------------------------------------------------------------------------------------- bad data

BAD_DATA = {
    "rank 1": (X[:, 0], Y, ValueError, r"x must have shape \(samples, 3\), got \(20,\).*reshape"),
    "rank 3": (X.reshape(20, 3, 1), Y, ValueError, r"x must have shape.*got \(20, 3, 1\).*reshape\(len\(x\), -1\)"),
    "a number": (1.0, Y, ValueError, r"x must have shape.*got \(\), a single number"),
    "width": (X[:, :2], Y, ValueError, r"x must have shape \(samples, 3\), got \(20, 2\)"),
    "lengths": (X, Y[:-1], ValueError, "x and y must have the same number of rows, got 20 and 19"),
    "no rows": (X[:0], Y[:0], ValueError, r"x must hold at least one row, got shape \(0, 3\)"),
    "nothing": ([], [], ValueError, r"x must have shape \(samples, 3\), got \(0,\)$"),
    "NaN in x": (with_value(X, NAN), Y, ValueError, "x must be finite, got nan.*row 19, column 2.*check_finite"),
    "inf in x": (with_value(X, -INF, 4), Y, ValueError, "x must be finite, got -inf.*row 1, column 1"),
    "too large for float32": (with_value(X.astype(float), 1e300), Y, ValueError, r"got inf \(as float32\)"),
    "NaN in y": (X, with_value(Y, NAN, 7), ValueError, "y must be finite, got nan.*row 7, column 0"),
    "masked": (np.ma.masked_less(X, 0), Y, ValueError, "x must have no masked elements"),
    "y too wide": (X, np.hstack([Y, Y]), ValueError, r"y must have shape \(20, 1\), got \(20, 2\)"),
    "y of rank 3": (X, Y[..., None], ValueError, r"y must have shape \(20, 1\), got \(20, 1, 1\)"),
    "y a number": (X, 1.0, ValueError, "y must have shape"),
}
CALLS = ["fit", "evaluate", "train_on_batch", "test_on_batch", "value_and_gradient"]


@pytest.mark.parametrize("case", BAD_DATA)
@pytest.mark.parametrize("call", CALLS)
def test_bad_data(case, call):
    x, y, error, text = BAD_DATA[case]
    model = regression()
    with unchanged(model), pytest.raises(error, match=text):
        getattr(model, call)(x, y)


@pytest.mark.parametrize("case", [case for case in BAD_DATA if case not in ("width", "rank 1")])
def test_bad_data_builds_nothing(case):
    x, y, error, _ = BAD_DATA[case]
    model = regression(built=False)
    with unchanged(model), pytest.raises(error):
        model.fit(x, y)
    assert not model.built


@pytest.mark.parametrize("case", BAD_DATA)
@pytest.mark.parametrize("built", [True, False])
def test_bad_validation_data(case, built):
    """It is found before training, not after the first epoch."""
    x, y, error, text = BAD_DATA[case]
    model = regression(built)
    with unchanged(model), pytest.raises(error, match="validation_data"):
        model.fit(X, Y, validation_data=(x, y), verbose=0)


@pytest.mark.parametrize("data", [X, (X,), (X, Y, Y, Y), {"x": X, "y": Y}, "xy"])
def test_validation_data_that_is_no_pair(data):
    model = regression()
    with unchanged(model), pytest.raises((ValueError, TypeError), match=r"validation_data must be a tuple \(x, y\)|vali"):
        model.fit(X, Y, validation_data=data)


@pytest.mark.parametrize("call", ["predict", "predict_on_batch", "forward"])
@pytest.mark.parametrize("case", ["rank 1", "rank 3", "width", "no rows", "masked"])
def test_bad_data_for_predictions(call, case):
    x, _, error, text = BAD_DATA[case]
    model = regression()
    with unchanged(model), pytest.raises(error, match=text):
        getattr(model, call)(x)


def test_predictions_let_nan_through():
    model = regression()
    p = model.predict(with_value(X, NAN))
    assert np.isnan(p[-1]).all() and np.isfinite(p[:-1]).all()
    assert np.isnan(model.forward(with_value(X, NAN))[-1]).all()


def test_check_finite_may_be_switched_off():
    assert np.isnan(regression().evaluate(with_value(X, NAN), Y, verbose=0, check_finite=False)[0])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_finite_data_whose_sum_overflows(dtype):
    big = np.full((7, 3), np.finfo(dtype).max, dtype)
    with np.errstate(over="raise"):
        assert inputs("x", big, 3, np.dtype(dtype), True) is big
    mixed = with_value(big, -INF, 0).astype(dtype)
    mixed[1, 1] = INF  # their sum is NaN
    with pytest.raises(ValueError, match="got -inf .as .* at row 0, column 0"):
        inputs("x", mixed, 3, np.dtype(dtype), True)


@given(st.integers(1, 300), st.integers(1, 20), st.integers(0, 10**6), st.sampled_from([NAN, INF, -INF]))
def test_any_number_that_is_not_finite_is_found(rows, columns, place, value):
    x = np.ones((rows, columns), "float32")
    inputs("x", x, columns, x.dtype, True)
    row, column = divmod(place % x.size, columns)
    x[row, column] = value
    with pytest.raises(ValueError, match=f"at row {row}, column {column}:"):
        inputs("x", x, columns, x.dtype, True)


def test_the_last_block_is_looked_at(monkeypatch):
    monkeypatch.setattr("fastbp.data.finite.FINITE_BLOCK", 8)
    test = test_any_number_that_is_not_finite_is_found.hypothesis.inner_test
    for place in (0, 7, 8, 29):
        test(10, 3, place, NAN)


# ---------------------------------------------------------------------------------------------------------- targets


@pytest.mark.parametrize(
    ("y", "text"),
    [
        (LABELS + 1, "y must hold integer class labels from 0 to 3, got 4 at row 3"),
        (LABELS - 1, "got -1 at row 0"),
        (LABELS + 0.5, "got 0.5 at row 0"),
        (with_value(LABELS, NAN, 5), "got nan at row 5"),
        (with_value(LABELS, INF, 5), "got inf at row 5"),
        (with_value(LABELS.astype(float), 2.0**63, 5), "got 9.2.*e.18 at row 5"),
        (np.full(20, 2**64 - 1, np.uint64), "got 18446744073709551615 at row 0"),
        (np.eye(4)[LABELS], r"got shape \(20, 4\).*categorical_crossentropy"),
        (LABELS[:, None, None], r"got shape \(20, 1, 1\)"),
        (3, r"got shape \(\)"),
    ],
)
@pytest.mark.parametrize("check_finite", [True, False])
def test_bad_labels(y, text, check_finite):
    model = classifier()
    for call in CALLS:
        with unchanged(model), pytest.raises(ValueError, match=text):
            getattr(model, call)(X, y, check_finite=check_finite)


@pytest.mark.parametrize(
    "y", [LABELS, LABELS[:, None], LABELS.astype("uint8"), LABELS.astype("float32"), list(LABELS), pd.Series(LABELS)]
)
def test_good_labels(y):
    expected = classifier().evaluate(X, LABELS, verbose=0)
    assert classifier().evaluate(X, y, verbose=0) == expected


def test_integer_labels_for_one_hot_targets():
    with pytest.raises(ValueError, match=r"y must have shape \(20, 4\), got \(20,\).*sparse_categorical_crossentropy"):
        classifier("categorical_crossentropy").fit(X, LABELS)


def test_binary_targets_beyond_0_and_1():
    model = classifier("binary_crossentropy", 1, "sigmoid")
    with unchanged(model), pytest.raises(ValueError, match=r"y must lie in \[0, 1\].*got values from -1 to 1"):
        model.fit(X, np.where(Y > 0, 1, -1))
    assert np.isfinite(model.evaluate(X, Y > 0, verbose=0))


def test_one_class_is_no_choice():
    model = Sequential([Dense(1, "softmax")])
    with pytest.raises(ValueError, match="sparse_categorical_crossentropy.*at least 2 units.*binary_crossentropy"):
        model.compile("adam", "sparse_categorical_crossentropy")
    assert model.loss is None
    late = Sequential()
    late.compile("adam", "categorical_crossentropy")
    late.add(Dense(1, "softmax"))
    with pytest.raises(ValueError, match="at least 2 units"):
        late.fit(X, Y)


# -------------------------------------------------------------------------------------------------- other arguments


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        ({"batch_size": 0}, ValueError, "batch_size must be an integer of at least 1, got 0"),
        ({"batch_size": -5}, ValueError, "batch_size.*-5"),
        ({"batch_size": 32.0}, TypeError, "batch_size.*32.0"),
        ({"batch_size": np.float64(32)}, TypeError, "batch_size.*32.0"),
        ({"batch_size": True}, TypeError, "batch_size.*True"),
        ({"batch_size": [32]}, TypeError, "batch_size"),
        ({"epochs": -1}, ValueError, "epochs must be an integer of at least 0, got -1"),
        ({"epochs": "10"}, TypeError, "epochs.*'10'"),
        ({"epochs": 1.5}, TypeError, "epochs.*1.5"),
        ({"initial_epoch": -1}, ValueError, "initial_epoch.*-1"),
        ({"verbose": 3}, ValueError, "verbose must be 'auto', 0, 1 or 2, got 3"),
        ({"verbose": "loud"}, ValueError, "verbose.*'loud'"),
        ({"verbose": None}, ValueError, "verbose.*None"),
        ({"shuffle": "rows"}, TypeError, "shuffle must be True or False, got 'rows'"),
        ({"check_finite": 1}, TypeError, "check_finite"),
        ({"threads": 0}, ValueError, "threads.*0"),
        ({"threads": 1.5}, TypeError, "threads.*1.5"),
        ({"validation_split": 1.0}, ValueError, r"validation_split must be a finite number in \[0, 1\), got 1.0"),
        ({"validation_split": -0.1}, ValueError, "validation_split.*-0.1"),
        ({"validation_split": NAN}, ValueError, "validation_split.*nan"),
        ({"validation_split": "0.1"}, TypeError, "validation_split.*'0.1'"),
        ({"validation_split": 0.99}, ValueError, "validation_split must leave samples on both sides, got 0.99 for 20"),
        ({"callbacks": 3}, TypeError, "callbacks must be a list of fastbp.callbacks.Callback objects, got int in it"),
    ],
)
def test_bad_arguments_of_fit(arguments, error, text):
    model = regression()
    with unchanged(model), pytest.raises(error, match=text):
        model.fit(X, Y, **arguments)


@pytest.mark.parametrize("arguments", [{"batch_size": 0}, {"verbose": 9}, {"threads": 0}, {"check_finite": None}])
def test_bad_arguments_of_evaluate(arguments):
    with pytest.raises((ValueError, TypeError), match=next(iter(arguments))):
        regression().evaluate(X, Y, **arguments)
    if "threads" in arguments:
        with pytest.raises(ValueError, match="threads"):
            regression().predict(X, **arguments)


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        ({"optimizer": "adma"}, ValueError, "optimizer.*'adma'.*Did you mean 'adam'"),
        ({"optimizer": None}, TypeError, "optimizer.*None"),
        ({"optimizer": losses.Huber}, TypeError, "optimizer"),
        ({"loss": "mean_square_error"}, ValueError, "loss.*Did you mean 'mean_squared_error'"),
        ({"loss": None}, TypeError, "loss must be a name.*None"),
        ({"loss": lambda y: y}, TypeError, r"loss must be a function of \(y_true, y_pred\)"),
        ({"loss": 0.5}, TypeError, "loss must be a name, a function.*0.5"),
        ({"metrics": ["acurracy"]}, ValueError, "metrics.*Did you mean 'accuracy'"),
    ],
)
def test_bad_arguments_of_compile(arguments, error, text):
    model = regression()
    model.fit(X, Y, verbose=0)
    with unchanged(model), pytest.raises(error, match=text):
        model.compile(**{"optimizer": "sgd", "loss": "mae", **arguments})
    model.fit(X, Y, verbose=0)


@pytest.mark.parametrize("name", ["Adam", "ADAM", "adam", optimizers.Adam, optimizers.Adam()])
def test_optimizers_by_name_class_and_object(name):
    assert optimizers.get(name) == optimizers.Adam()


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: optimizers.SGD(-0.1), "learning_rate must be a finite number of at least 0, got -0.1"),
        (lambda: optimizers.SGD("fast"), "learning_rate.*'fast'"),
        (lambda: optimizers.SGD(NAN), "learning_rate.*nan"),
        (lambda: optimizers.SGD(momentum=1.5), r"momentum.*\[0, 1\], got 1.5"),
        (lambda: optimizers.SGD(nesterov=1), "nesterov"),
        (lambda: optimizers.Adam(beta_1=1.0), r"beta_1.*\[0, 1\), got 1.0"),
        (lambda: optimizers.Adam(epsilon=-1e-7), "epsilon.*-1e-07"),
        (lambda: optimizers.AdamW(weight_decay=-1), "weight_decay.*-1"),
        (lambda: optimizers.RMSprop(rho=None), "rho.*None"),
        (lambda: optimizers.SGD(name=3), "name.*3"),
        (lambda: losses.Huber(0), "delta must be more than 0, got 0"),
        (lambda: losses.BinaryCrossentropy(label_smoothing=2), r"label_smoothing.*\[0, 1\], got 2"),
        (lambda: losses.CategoricalCrossentropy(from_logits="yes"), "from_logits.*'yes'"),
    ],
)
def test_bad_settings(make, text):
    with pytest.raises((ValueError, TypeError), match=text):
        make()


def test_settings_of_an_optimizer_are_final_but_for_its_rate():
    optimizer = optimizers.SGD(0.1)
    optimizer.learning_rate = np.float32(0.5)
    assert optimizer.learning_rate == 0.5 and type(optimizer.learning_rate) is float
    for name, value in (("momentum", 0.9), ("nesterov", True), ("weight_decay", 0.1)):
        with pytest.raises(AttributeError, match=f"{name} of SGD is final"):
            setattr(optimizer, name, value)
    with pytest.raises(AttributeError, match="no setting 'lr'"):
        optimizer.lr = 0.1
    with pytest.raises(ValueError, match="learning_rate"):
        optimizer.learning_rate = -1
    assert optimizer == optimizers.SGD(0.5)


@pytest.mark.parametrize("call", [*CALLS, "apply_gradients"])
def test_before_compile(call):
    model = Sequential([Input((3,)), Dense(1)])
    with unchanged(model), pytest.raises(ValueError, match="must be compiled first"):
        getattr(model, call)(*((X, Y) if call != "apply_gradients" else ([],)))


def test_before_build():
    model = regression(built=False)
    with pytest.raises(ValueError, match="apply_gradients needs a built"):
        model.apply_gradients([])
    assert not model.built


@pytest.mark.parametrize("call", ["predict", "predict_on_batch", "evaluate", "test_on_batch"])
def test_data_builds_a_model(call):
    """As in Keras; bad data does not."""
    wanted, arguments = regression(), (X,) if "predict" in call else (X, Y)
    found = regression(built=False)
    with pytest.raises(ValueError, match="x must"):
        getattr(found, call)(X[:, :, None], *arguments[1:])
    assert not found.built
    assert np.array_equal(getattr(found, call)(*arguments), getattr(wanted, call)(*arguments))


def test_bad_gradients():
    model = regression()
    gradients = model.value_and_gradient(X, Y)[1]
    with unchanged(model), pytest.raises(ValueError, match="gradients must be a list of 4 arrays, got 3"):
        model.apply_gradients(gradients[:-1])
    with unchanged(model), pytest.raises(ValueError, match=r"gradients\[1\] must have shape \(4,\), got \(4, 1\)"):
        model.apply_gradients([gradients[0], gradients[1][:, None], *gradients[2:]])


def test_backward_needs_its_forward():
    model = regression()
    with pytest.raises(ValueError, match="backward needs a forward"):
        model.backward(Y)
    model.forward(X)
    with pytest.raises(ValueError, match=r"dy must have the shape of the output.*\(20, 1\), got \(20, 2\)"):
        model.backward(X[:, :2])
    with pytest.raises(TypeError, match="dy must hold real numbers"):
        model.backward([["a"]] * 20)
    model.backward(Y)
    for change in (
        lambda: model.set_weights(model.get_weights()),
        lambda: model.fit(X, Y, verbose=0),
        lambda: model.train_on_batch(X, Y),
        lambda: model.apply_gradients(model.gradients),
    ):
        model.forward(X)
        change()
        with pytest.raises(ValueError, match="backward needs a forward"):
            model.backward(Y)


# --------------------------------------------------------------------------------------------- data where it lies


class Spy:
    """Stands before a model's engine and keeps the arrays that reach it."""

    def __init__(self, model, monkeypatch):
        self.seen = []
        engine = model._need_engine("spying")
        for name in ("train_epochs", "evaluate", "forward", "value_and_gradient"):
            monkeypatch.setattr(engine, name, self.watch(getattr(engine, name)), raising=True)

    def watch(self, method):
        def watched(*arguments, **settings):
            self.seen += [a for a in arguments if isinstance(a, np.ndarray)]
            return method(*arguments, **settings)

        return watched


def is_same_buffer(a, b):
    return a.__array_interface__["data"][0] == b.__array_interface__["data"][0]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_data_of_the_models_dtype_is_not_copied(dtype, monkeypatch, tmp_path):
    model = Sequential([Input((3,)), Dense(1)], dtype=dtype)
    model.compile("sgd", "mse")
    x, y = X.astype(dtype), Y.astype(dtype)
    file = np.memmap(tmp_path / "x.bin", dtype, "w+", shape=x.shape)
    file[:] = x
    locked = np.memmap(tmp_path / "x.bin", dtype, "r", shape=x.shape)
    for data in (x, file, locked, pd.Series(y[:, 0])):
        is_target = data.ndim == 1
        spy = Spy(model, monkeypatch)
        a, b = (x, data) if is_target else (data, y)
        model.fit(a, b, epochs=2, verbose=0)
        model.evaluate(a, b, verbose=0)
        model.train_on_batch(a, b)
        model.value_and_gradient(a, b)
        if not is_target:
            model.predict(a)
            model.forward(a)
        assert len(spy.seen) == (10 if is_target else 12)
        for array in spy.seen:
            assert array.dtype == dtype and array.flags.c_contiguous and array.ndim == 2
            assert is_same_buffer(array, np.asarray(a)) or is_same_buffer(array, np.asarray(b))


def test_a_split_copies_nothing(monkeypatch):
    model = regression()
    model.compile("adam", "mse")
    spy = Spy(model, monkeypatch)
    model.fit(X, Y, validation_split=0.25, verbose=0)
    x, y, validation_x, validation_y = spy.seen
    assert is_same_buffer(x, X) and is_same_buffer(y, Y) and len(x) == len(y) == 15
    assert is_same_buffer(validation_x, X[15:]) and is_same_buffer(validation_y, Y[15:])  # the last part
    assert len(validation_x) == len(validation_y) == 5


class Wrapped:
    def __init__(self, array):
        self.array = array

    def __array__(self, dtype=None, copy=None):
        return self.array if dtype is None else self.array.astype(dtype)


FORMS = {
    "lists": lambda a: a.tolist(),
    "tuples": lambda a: tuple(map(tuple, a.tolist())),
    "float64": lambda a: a.astype("float64"),
    "other byte order": lambda a: a.astype(a.dtype.newbyteorder()),
    "F order": np.asfortranarray,
    "every other": lambda a: np.repeat(a, 2, axis=0)[::2],
    "backwards": lambda a: a[::-1].copy()[::-1],
    "columns of more": lambda a: np.hstack([a, a])[:, : a.shape[1]],
    "not aligned": lambda a: np.frombuffer(b"?" + a.tobytes(), np.uint8)[1:].view(a.dtype).reshape(a.shape),
    "DataFrame": pd.DataFrame,
    "DataFrame of columns": lambda a: pd.DataFrame({f"c{i}": a[:, i] for i in range(a.shape[1])}),
    "__array__": Wrapped,
    "not masked": lambda a: np.ma.array(a),
}


@pytest.mark.parametrize("form", FORMS)
def test_any_form_of_data(form):
    expected, model = regression(), regression()
    with np.errstate(all="raise"):
        losses_of_lists = expected.fit(X, Y, epochs=2, verbose=0, validation_data=(X, Y)).history
        x, y = FORMS[form](X), FORMS[form](Y)
        assert model.fit(x, y, epochs=2, verbose=0, validation_data=(x, y)).history == losses_of_lists
    assert np.array_equal(model.predict(x), expected.predict(X))


@pytest.mark.parametrize("dtype", ["bool", "int8", "uint64", "float16", "longdouble"])
def test_numbers_of_any_kind(dtype):
    x = (X > 0).astype(dtype)
    assert np.array_equal(regression().predict(x), regression().predict((X > 0).astype("float32")))


def test_targets_of_one_unit_may_be_flat():
    flat, column = regression(), regression()
    assert flat.fit(X, Y[:, 0], verbose=0).history == column.fit(X, Y, verbose=0).history


def test_users_data_is_never_written():
    x, y = X.copy(), Y.copy()
    x.flags.writeable = y.flags.writeable = False
    model = regression()
    model.fit(x, y, epochs=2, verbose=0)
    model.forward(x)
    model.backward(y)
    assert np.array_equal(x, X) and np.array_equal(y, Y)


def test_errors_are_values_or_types():
    assert issubclass(fastbp.TrainingDiverged, ValueError) and issubclass(fastbp.TrainingDiverged, ArithmeticError)
