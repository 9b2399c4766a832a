"""Arrays of any layout: each gives the bits that a plain array of the same numbers gives, and is left as it was."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import fastbp
from fastbp import Dense, Input, Sequential
from layouts import LAYOUTS

DTYPES = ["float32", "float64", "float16", "int8", "int64", "uint16", "bool"]


def made(features, units, dtype, seed=0):
    model = Sequential([Input((features,)), Dense(7, "tanh"), Dense(units)], dtype=dtype, seed=seed)
    model.compile("adam", "mse", metrics=["mae"])
    return model


def results(model, x, y, weight, batch_size):
    """The bits that all kinds of calls give."""
    history = model.fit(x, y, batch_size=batch_size, epochs=2, sample_weight=weight, verbose=0).history
    found = [np.float64(v) for values in history.values() for v in values]
    found += [np.float64(v) for v in model.evaluate(x, y, batch_size=batch_size, verbose=0)]
    found += [model.predict(x, verbose=0), model(x), *model.value_and_gradient(x, y)[1]]
    found += [np.float64(v) for v in model.train_on_batch(x, y, sample_weight=weight)]
    return [np.asarray(part).tobytes() for part in (*found, *model.get_weights())]


@given(
    st.integers(1, 40),
    st.integers(1, 9),
    st.integers(1, 5),
    st.sampled_from(DTYPES),
    st.sampled_from(["float32", "float64"]),
    *[st.sampled_from(list(LAYOUTS))] * 3,
    st.integers(1, 45),
    st.integers(0, 2**32 - 1),
)
def test_any_layout_gives_the_same_bits(n, features, units, given_dtype, dtype, of_x, of_y, of_weight, batch_size, seed):
    rng = np.random.default_rng(seed)
    x, y = ((rng.normal(size=(n, width)) * 3).astype(given_dtype) for width in (features, units))
    weight = rng.random((n, 1)).astype("float32")
    laid_out = [LAYOUTS[name](a) for name, a in zip((of_x, of_y, of_weight), (x, y, weight), strict=True)]
    before = [np.array(a) for a in laid_out]
    expected = results(made(features, units, dtype), x, y, weight[:, 0], batch_size)
    weights = laid_out[2]
    flat = [w[0] for w in weights] if isinstance(weights, list) else np.asarray(weights)[:, 0]
    assert results(made(features, units, dtype), *laid_out[:2], flat, batch_size) == expected
    assert all(np.array_equal(a, np.array(b)) for a, b in zip(before, laid_out, strict=True))


NUMBERS = np.arange(12.0).reshape(4, 3)
STRANGE = {
    "no rows": np.zeros((0, 3)),
    "no columns": np.zeros((4, 0)),
    "nothing at all": np.zeros((0, 0)),
    "0-d": np.array(3.0),
    "one axis": np.arange(3.0),
    "three axes": np.zeros((4, 3, 1)),
    "four axes, no numbers": np.zeros((4, 0, 2, 3)),
    "NaN": np.where(NUMBERS == 5, np.nan, NUMBERS),
    "infinity": np.where(NUMBERS == 5, np.inf, NUMBERS),
    "too large for float32": NUMBERS * 1e300,
    "complex": NUMBERS + 1j,
    "texts": NUMBERS.astype(str),
    "words": np.full((4, 3), "word"),
    "bytes": NUMBERS.astype("S3"),
    "dates": np.zeros((4, 3), "datetime64[s]"),
    "spans": np.zeros((4, 3), "timedelta64[s]"),
    "void": np.zeros((4, 3), "V4"),
    "records": np.zeros((4, 3), [("a", "f4"), ("b", "i4")]),
    "objects of other kinds": np.full((4, 3), {}, object),
    "None": np.full((4, 3), None),
    "huge integers": np.full((4, 3), 10**400, object),
    "long double": NUMBERS.astype(np.longdouble),
    "ragged": [[1.0], [1.0, 2.0]],
    "a dict": {"a": 1},
    "a set": {1.0, 2.0},
    "a text": "abc",
    "a number": 3,
    "a class": int,
    "a function": len,
    "nothing": None,
    "a generator that ends": (row for row in ()),
    "all the same element": np.lib.stride_tricks.as_strided(np.ones(1), (4, 3), (0, 0)),
    "masked": np.ma.masked_array(NUMBERS, NUMBERS > 3),
    "other columns": np.zeros((4, 5)),
    "other rows": np.zeros((7, 3)),
}
CALLS = {
    "fit x": lambda m, a: m.fit(a, np.ones((4, 2)), verbose=0),
    "fit y": lambda m, a: m.fit(NUMBERS, a, verbose=0),
    "fit sample_weight": lambda m, a: m.fit(NUMBERS, np.ones((4, 2)), sample_weight=a, verbose=0),
    "fit validation": lambda m, a: m.fit(NUMBERS, np.ones((4, 2)), validation_data=(a, a), verbose=0),
    "evaluate x": lambda m, a: m.evaluate(a, np.ones((4, 2)), verbose=0),
    "evaluate y": lambda m, a: m.evaluate(NUMBERS, a, verbose=0),
    "predict": lambda m, a: m.predict(a, verbose=0),
    "call": lambda m, a: m(a),
    "train_on_batch": lambda m, a: m.train_on_batch(a, np.ones((4, 2))),
    "train_on_batch y": lambda m, a: m.train_on_batch(NUMBERS, a),
    "set_weights": lambda m, a: m.set_weights([a, a, a, a]),
    "set_weights as": lambda m, a: m.set_weights(a),
    "apply_gradients": lambda m, a: m.apply_gradients([a] * 4),
    "value_and_gradient": lambda m, a: m.value_and_gradient(a, a),
    "batch_size": lambda m, a: m.fit(NUMBERS, np.ones((4, 2)), batch_size=a, verbose=0),
    "epochs": lambda m, a: m.fit(NUMBERS, np.ones((4, 2)), epochs=a, verbose=0),
    "class_weight": lambda m, a: m.fit(NUMBERS, np.ones((4, 2)), class_weight=a, verbose=0),
    "validation_split": lambda m, a: m.fit(NUMBERS, np.ones((4, 2)), validation_split=a, verbose=0),
}
DOCUMENTED = (TypeError, ValueError)  # TrainingDiverged is a ValueError


@pytest.mark.filterwarnings("ignore::RuntimeWarning", "ignore::UserWarning")
@pytest.mark.parametrize("call", CALLS)
def test_strange_arrays_work_or_are_refused_and_leave_the_model(call):
    for name, array in STRANGE.items():
        model = made(3, 2, "float32")
        before = [w.tobytes() for w in model.get_weights()]
        try:
            CALLS[call](model, array)
        except DOCUMENTED as error:
            assert str(error), name
            assert [w.tobytes() for w in model.get_weights()] == before, name
        except Exception as error:
            raise AssertionError(f"{call} of {name}: {type(error).__name__}: {error}") from error
        assert np.isfinite(model.predict(NUMBERS, verbose=0)).all(), name
        model.fit(NUMBERS, np.ones((4, 2)), verbose=0)


@given(st.sampled_from(["float32", "float64"]), st.sampled_from(list(LAYOUTS)), st.integers(0, 2**32 - 1))
def test_curve_fit_of_any_layout(dtype, layout, seed):
    rng = np.random.default_rng(seed)
    x = np.linspace(0, 2, 30).astype(dtype)
    y = (2 * np.exp(-x) + 0.5 + 0.01 * rng.normal(size=30)).astype(dtype)
    laid_out = [LAYOUTS[layout](a[:, None]) for a in (x, y)]
    flat = [[float(v[0]) for v in a] if isinstance(a, list) else np.asarray(a)[:, 0] for a in laid_out]

    def decay(x, a, b, c):
        return a * np.exp(-b * x) + c

    found, covariance = fastbp.curve_fit(decay, *flat)
    expected, of_plain = fastbp.curve_fit(decay, x, y)
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    np.testing.assert_allclose(covariance, of_plain, rtol=1e-4)
