"""Methods and arguments that models do not have: the error says what to write instead."""

import inspect

import numpy as np
import pytest

import fastbp
from fastbp import Dense, Input, Sequential

X, Y = np.ones((4, 2)), np.ones(4)


def model():
    made = Sequential([Input((2,)), Dense(1)])
    made.compile("sgd", "mse")
    return made


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda m: m.fit(X, Y, nb_epoch=3), "fit has no argument 'nb_epoch': use epochs"),
        (lambda m: m.fit(X, Y, epoch=3), "fit has no argument 'epoch'. Did you mean 'epochs'"),
        (lambda m: m.fit(X, Y, batchsize=3), "fit has no argument 'batchsize'. Did you mean 'batch_size'"),
        (lambda m: m.fit(X, Y, show_accuracy=True), "fit has no argument 'show_accuracy'.*metrics"),
        (lambda m: m.compile("sgd", "mse", lr=0.1), "compile has no argument 'lr': give it to the optimizer"),
        (lambda m: m.compile("sgd", "mse", metric=["mae"]), "compile has no argument 'metric'. Did you mean 'metrics'"),
        (lambda m: m.compile("sgd", losses="mse"), "compile has no argument 'losses'. Did you mean 'loss'"),
        (lambda m: m.evaluate(X, Y, batch=3), "evaluate has no argument 'batch'. Did you mean 'batch_size'"),
        (lambda m: m.predict(X, batches=3), "predict has no argument 'batches'. Did you mean 'batch_size'"),
    ],
)
def test_unknown_arguments(call, text):
    with pytest.raises(TypeError, match=text):
        call(model())


def test_arguments_without_effect():
    made = model()
    made.fit(X, Y, verbose=0, workers=4, use_multiprocessing=True, max_queue_size=10)
    assert np.isfinite(made.evaluate(X, Y, verbose=0, workers=2))
    assert made.predict(X, workers=2).shape == (4, 1)


@pytest.mark.parametrize(
    ("name", "text"),
    [("fit_generator", "use fit"), ("predict_classes", "argmax"), ("export", "model.save"), ("quantize", "later version")],
)
def test_absent_methods(name, text):
    assert not hasattr(model(), name)
    with pytest.raises(AttributeError, match=f"Sequential.{name} is not there: .*{text}"):
        getattr(model(), name)


def test_signatures_stay():
    for method in ("fit", "compile", "evaluate", "predict"):
        parameters = inspect.signature(getattr(fastbp.Sequential, method)).parameters
        assert len(parameters) > 3 and "kwargs" not in parameters and "given" not in parameters
