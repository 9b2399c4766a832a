"""Networks called by other people's compiled code."""

import copy
import os
import pickle
import subprocess
import sys
import threading

import numba
import numpy as np
import pytest
from numba.core.errors import NumbaWarning, TypingError

import fastbp
from interchange_networks import activated, all_activations, all_layers, model_of, rows


@numba.njit(nogil=True)
def call(network, x):
    return network(x)


@numba.njit(nogil=True)
def call_into(network, x, out):
    return network(x, out)


@numba.njit(nogil=True)
def call_gradient(network, x, direction):
    return network(x, direction)


@numba.njit(parallel=True)
def call_parallel(network, x, out):
    for i in numba.prange(len(x)):
        out[i] = network(x[i])


def small(seed=0, dtype="float32"):
    return model_of([fastbp.Dense(7, "tanh"), fastbp.Dense(3)], dtype, seed)


@pytest.mark.parametrize("kind", ["layers", "activations"])
def test_every_network(kind):
    """The same bits as predict, one sample at a time and all together; the gradients are those of the model."""
    if kind == "layers":
        models = {name: model_of(layers) for name, layers in all_layers().items()}
    else:
        models = {name: activated(activation) for name, activation in all_activations().items()}
    for name, model in models.items():
        x = np.clip(rows(11), -1, 1)
        predict, differentiate = model.predict_function(), model.predict_function(gradient=True)
        np.testing.assert_array_equal(predict(x), model.predict(x, verbose=0), err_msg=name)
        np.testing.assert_array_equal(call(predict, x[3]), model.predict(x[3:4], verbose=0)[0], err_msg=name)
        direction = np.random.default_rng(3).normal(size=(11, predict.outputs)).astype("float32")
        y, by_input, by_weights = differentiate(x, direction)
        expected = model.forward(x)
        dx = model.backward(direction)
        scale = 1e-5 * max(1, abs(dx).max())
        np.testing.assert_allclose(y, expected, 1e-5, 1e-5, err_msg=name)
        np.testing.assert_allclose(by_input, dx, 1e-4, scale, err_msg=name)
        flat = np.concatenate([g.ravel() for g in model.gradients])
        np.testing.assert_allclose(by_weights, flat, 1e-4, 1e-5 * max(1, abs(flat).max()), err_msg=name)


def test_frozen_layers_have_gradients_too():
    model = small()
    free = model.predict_function(gradient=True)(np.ones(6), np.ones(3))
    model.layers[0].trainable = False
    model.compile("sgd", "mse")
    frozen = model.predict_function(gradient=True)(np.ones(6), np.ones(3))
    for a, b in zip(free, frozen, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_in_compiled_code(dtype):
    """All forms of arrays, of any kind of number; sizes of other networks use the same compiled caller."""
    for model in (small(dtype=dtype), model_of([fastbp.Dense(5, "relu"), fastbp.Dense(2, "softmax")], dtype, 1)):
        predict, x = model.predict_function(), rows(21, dtype=dtype)
        expected = model.predict(x, verbose=0)
        np.testing.assert_allclose(call(predict, x), expected, 1e-6, 1e-7)
        assert call(predict, x).dtype == dtype and call(predict, x[0]).shape == expected[0].shape
        wide = np.asfortranarray(np.repeat(x, 2, axis=1))[:, ::2]
        np.testing.assert_array_equal(call(predict, wide), call(predict, x))
        np.testing.assert_array_equal(call(predict, np.arange(6)), call(predict, np.arange(6.0).astype(dtype)))
        out = np.empty_like(expected)
        assert call_into(predict, x, out) is not None
        np.testing.assert_array_equal(out, call(predict, x))
        assert call(predict, x[:0]).shape == (0, expected.shape[1])
    assert len(call.signatures) <= 12


def test_gradient_in_compiled_code():
    model = small(dtype="float64")
    differentiate, x = model.predict_function(gradient=True), rows(4, dtype="float64")
    direction = np.random.default_rng(0).normal(size=(4, 3))
    found = call_gradient(differentiate, x, direction)
    for a, b in zip(found, differentiate(x, direction), strict=True):
        np.testing.assert_array_equal(a, b)
    one = call_gradient(differentiate, x[2], direction[2])
    np.testing.assert_allclose(one[1], found[1][2])
    # closed form: the gradient with respect to the last bias is the sum of the directions
    np.testing.assert_allclose(found[2][-3:], direction.sum(axis=0))
    step = 1e-6
    for i in range(6):
        moved = np.stack([x[2] + step * (np.arange(6) == i), x[2] - step * (np.arange(6) == i)])
        high, low = model.predict(moved, verbose=0) @ direction[2]
        assert one[1][i] == pytest.approx((high - low) / (2 * step), rel=1e-6, abs=1e-8)


def test_it_is_a_snapshot_until_refresh():
    model = small()
    predict, x = model.predict_function(), rows(5)
    before = call(predict, x)
    model.compile("sgd", "mse")
    model.fit(x, np.ones((5, 3)), verbose=0)
    np.testing.assert_array_equal(call(predict, x), before)
    predict.refresh()
    np.testing.assert_array_equal(call(predict, x), model.predict(x, verbose=0))
    assert abs(call(predict, x) - before).max() > 0


def test_refresh_of_folded_weights():
    model = model_of([fastbp.Dense(4), fastbp.layers.BatchNormalization(), fastbp.Dense(2)])
    predict, x = model.predict_function(), rows(5)
    model.set_weights([w * 0.5 + 0.1 for w in model.get_weights()])
    predict.refresh()
    np.testing.assert_array_equal(call(predict, x), model.predict(x, verbose=0))


def test_a_model_with_another_layer():
    model = fastbp.Sequential([fastbp.Input((6,)), fastbp.Dense(3)])
    predict = model.predict_function()
    model.add(fastbp.Dense(2))
    with pytest.raises(ValueError, match="other layers"):
        predict.refresh()


def test_as_a_global_name():
    """It lives as long as the compiled caller, which two networks do not share."""
    first, second = small(0), small(1)

    def caller(network):
        @numba.njit
        def function(x):
            return network(x)

        return function

    functions = caller(first.predict_function()), caller(second.predict_function())
    x = rows(1)[0]
    for function, model in zip(functions, (first, second), strict=True):
        np.testing.assert_array_equal(function(x), model.predict(x[None], verbose=0)[0])


def test_threads():
    """Many threads at once, more than there are buffers: each gets its own answer."""
    model = small()
    predict, differentiate = model.predict_function(), model.predict_function(gradient=True)
    x = rows(64)
    expected = np.stack([predict(row) for row in x])
    gradients = np.stack([differentiate(row, np.ones(3))[1] for row in x])
    call(predict, x[0]), call_gradient(differentiate, x[0], np.ones(3))
    wrong = []

    def work(i):
        for k in range(200):
            j = (i * 7 + k) % len(x)
            if not np.array_equal(call(predict, x[j]), expected[j]):
                wrong.append(("predict", j))
            if not np.array_equal(call_gradient(differentiate, x[j], np.ones(3))[1], gradients[j]):
                wrong.append(("gradient", j))

    workers = [threading.Thread(target=work, args=(i,)) for i in range(40)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert not wrong
    assert not predict._contexts[:, 0].any() and not differentiate._contexts[:, 0].any()


def test_prange():
    model, x = small(), rows(100)
    predict, out = model.predict_function(), np.empty((100, 3), "float32")
    call_parallel(predict, x, out)
    np.testing.assert_array_equal(out, np.stack([predict(row) for row in x]))


CACHED = """
import sys, warnings
import numba, numpy as np, fastbp
warnings.simplefilter("ignore" if "{kind}" == "global" else "error")
model = fastbp.Sequential([fastbp.Input((2,)), fastbp.Dense(1, kernel_initializer="ones")])
model.set_weights([[[float(sys.argv[1])], [0.0]], [0.0]])
network = model.predict_function()

@numba.njit(cache=True)
def caller(network, x):
    return network(x)[0]

@numba.njit(cache=True)
def named(x):
    return network(x)[0]

x = np.array([1.0, 1.0])
print(caller(network, x) if "{kind}" == "argument" else named(x), sum(caller.stats.cache_hits.values()))
"""


@pytest.mark.parametrize("kind", ["argument", "global"])
def test_callers_kept_on_disk(tmp_path, kind):
    """A caller from the cache of another process uses the weights of this one."""
    script = tmp_path / "script.py"
    script.write_text(CACHED.format(kind=kind))
    cache = {"NUMBA_CACHE_DIR": os.environ["NUMBA_CACHE_DIR"]} if "NUMBA_CACHE_DIR" in os.environ else {}
    environment = {**os.environ, **cache, "PYTHONPATH": os.path.dirname(os.path.dirname(fastbp.__file__))}
    printed = [
        subprocess.run([sys.executable, script, weight], env=environment, capture_output=True, text=True, check=True).stdout
        for weight in ("2", "5")
    ]
    assert printed == (["2.0 0\n", "5.0 1\n"] if kind == "argument" else ["2.0 0\n", "5.0 0\n"])


def test_a_global_name_in_a_cached_caller_warns(tmp_path):
    network = small().predict_function()

    @numba.njit(cache=True)
    def function(x):
        return network(x)

    with pytest.warns(NumbaWarning, match="dynamic globals"):
        function(rows(1)[0])


def test_copies():
    model = small()
    predict, x = model.predict_function(), rows(3)
    expected = predict(x)
    model.set_weights([w * 0 for w in model.get_weights()])
    for other in (pickle.loads(pickle.dumps(predict)), copy.deepcopy(predict)):
        np.testing.assert_array_equal(other(x), expected)
        np.testing.assert_array_equal(call(other, x), expected)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_after_a_fork():
    predict, x = small().predict_function(), rows(3)
    expected = call(predict, x)
    predict._contexts[:, 0] = 1  # as if each were taken by a thread
    child = os.fork()
    if child == 0:
        os._exit(0 if np.array_equal(call(predict, x), expected) else 1)
    assert os.waitpid(child, 0)[1] == 0


def test_bad_calls():
    predict, differentiate = small().predict_function(), small().predict_function(gradient=True)
    with pytest.raises(ValueError, match="as many numbers"):
        call(predict, np.zeros(5))
    with pytest.raises(ValueError, match="shape of the outputs"):
        call_into(predict, np.zeros(6), np.zeros(2, "float32"))
    with pytest.raises(ValueError, match="shape of the outputs"):
        call_gradient(differentiate, np.zeros(6), np.zeros(2))
    with pytest.raises(TypingError, match="array of numbers"):
        call(predict, 1.0)
    with pytest.raises(TypingError, match="float32 in C order"):
        call_into(predict, np.zeros(6), np.zeros(3))
    with pytest.raises(TypingError, match=r"f\(x, direction\)"):
        call(differentiate, np.zeros(6))
    with pytest.raises(ValueError, match=r"x must have shape \(6,\)"):
        predict(np.zeros(5))
    with pytest.raises(ValueError, match="direction must have shape"):
        differentiate(np.zeros(6), np.zeros((2, 3)))
    with pytest.raises(ValueError, match="predict_function needs a built model"):
        fastbp.Sequential([fastbp.Dense(1)]).predict_function()
    with pytest.raises((TypeError, ValueError), match="gradient"):
        small().predict_function(gradient="yes")
