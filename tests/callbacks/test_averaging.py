"""``StochasticWeightAveraging`` with batch normalizations: they go by the data, with the averaged weights."""

import pickle
import warnings

import numpy as np
import pytest

from fastbp import Dense, Input, Model, Sequential
from fastbp.callbacks import LambdaCallback, StochasticWeightAveraging
from fastbp.layers import BatchNormalization, Dropout
from fastbp.utils import PyDataset

RNG = np.random.default_rng(0)
X = (3 + 2 * RNG.normal(size=(300, 4))).astype("float32")
Y = np.sin(X[:, :2])
DATA = (X, Y)


class InBatches(PyDataset):
    def __len__(self):
        return 10

    def __getitem__(self, i):
        return X[30 * i : 30 * i + 30], Y[30 * i : 30 * i + 30]


def make():
    """Normalizations of the input, above weights, within a model, and one that is frozen."""
    inner = Sequential([Dropout(0.3), BatchNormalization(scale=False), Dense(5, "tanh")], name="inner")
    frozen = BatchNormalization(trainable=False, name="frozen")
    layers = [BatchNormalization(), Dense(6), inner, frozen, Dense(8, "relu"), BatchNormalization(center=False), Dense(2)]
    model = Sequential([Input((4,)), *layers], seed=0)
    model.compile("adam", "mse")
    return model


def normalizations(model):
    return [layer for layer in model.leaves() if isinstance(layer, BatchNormalization) and layer.name != "frozen"]


def inputs_of(model, layer):
    """What comes to a layer in predictions."""
    leaves = list(model.leaves())
    below = leaves[: leaves.index(layer)]
    if not any(one.weights for one in below):
        return X
    x = h = Input((4,))
    for one in below:
        h = one(h)
    return Model(x, h).predict(X)


@pytest.mark.parametrize(
    "fit",
    [
        lambda m, **s: m.fit(X, Y, batch_size=32, **s),
        lambda m, **s: m.fit(X, Y, batch_size=32, steps_per_epoch=3, **s),
        lambda m, **s: m.fit(InBatches(), **s),
        lambda m, **s: m.fit((DATA for _ in iter(int, 1)), steps_per_epoch=1, **s),
    ],
    ids=["arrays", "some steps", "a dataset", "a generator without end"],
)
def test_statistics_are_those_of_the_data_with_the_new_weights(fit):
    model = make()
    fit(model, epochs=3, verbose=0, callbacks=[StochasticWeightAveraging(1)])
    found = normalizations(model)
    assert len(found) == 3
    for layer in found:
        x = inputs_of(model, layer).astype(float)
        np.testing.assert_allclose(layer.moving_mean.numpy(), x.mean(0), rtol=1e-5, atol=1e-5)
        np.testing.assert_allclose(layer.moving_variance.numpy(), x.var(0), rtol=1e-5, atol=1e-6)
    frozen = model.get_layer("frozen")
    assert (frozen.moving_mean.numpy() == 0).all() and (frozen.moving_variance.numpy() == 1).all()
    assert pickle.loads(pickle.dumps(model)).evaluate(X, Y, verbose=0) == model.evaluate(X, Y, verbose=0)


def test_the_rest_is_averaged_as_ever():
    kernels = []
    keeping = LambdaCallback(on_epoch_end=lambda epoch, logs: kernels.append(model.layers[1].get_weights()[0]))
    model = make()
    model.fit(X, Y, epochs=3, verbose=0, callbacks=[keeping, StochasticWeightAveraging(1)])
    np.testing.assert_allclose(model.layers[1].get_weights()[0], (kernels[1] + kernels[2]) / 2, rtol=1e-6)


def test_a_copy_made_in_a_fit_leaves_the_data_behind():
    sizes, model = [], make()
    model.fit(X, Y, verbose=0, callbacks=[LambdaCallback(on_epoch_end=lambda *_: sizes.append(len(pickle.dumps(model))))])
    assert abs(sizes[0] - len(pickle.dumps(model))) < 500


def test_data_that_is_gone_is_warned_of():
    model = make()
    batches = ((X[i : i + 100], Y[i : i + 100]) for i in (0, 100, 200))
    with pytest.warns(UserWarning, match="moving statistics of BatchNormalization stay.*cannot be read again"):
        model.fit(batches, epochs=1, verbose=0, callbacks=[StochasticWeightAveraging(0)])
    with warnings.catch_warnings():  # nothing to compute
        warnings.simplefilter("error")
        plain = Sequential([Dense(2)])
        plain.compile("sgd", "mse")
        plain.fit((part for part in [DATA]), verbose=0, callbacks=[StochasticWeightAveraging(0)])


def test_the_same_bits_for_any_number_of_threads():
    found = set()
    for threads in (1, 2, 3):
        model = make()
        model.fit(X, Y, epochs=2, verbose=0, threads=threads, callbacks=[StochasticWeightAveraging(0)])
        found.add(tuple(w.tobytes() for w in model.get_weights()))
    assert len(found) == 1
