"""Unknown keywords: what changes nothing is accepted, all else says what to write instead."""

import inspect
import pickle

import pytest

from fastbp.keywords import ANY, Advice, keywords
from fastbp.optimizers import Adam

ADVICE = {"lr": "use learning_rate", "clip": Advice("it comes later", (None, 0)), "workers": Advice("", ANY)}


@keywords(ADVICE)
def fit(x, learning_rate=0.1, *, epochs=1):
    return x, learning_rate, epochs


@keywords(ADVICE)
class Thing:
    """What it is."""

    def __init__(self, units, activation="relu"):
        self.units, self.activation = units, activation


def test_what_is_known_passes():
    assert fit(1, 2, epochs=3) == (1, 2, 3) and fit(x=1) == (1, 0.1, 1)
    assert Thing(3, activation="tanh").activation == "tanh"


def test_harmless_values_are_dropped():
    assert fit(1, clip=None, workers=4) == (1, 0.1, 1)
    assert fit(1, clip=0, workers=[1, 2]) == (1, 0.1, 1)
    assert Thing(3, clip=None).units == 3


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: fit(1, lr=0.5), "^fit has no argument 'lr': use learning_rate$"),
        (lambda: fit(1, clip=1.0), "^fit has no argument 'clip': it comes later$"),
        (lambda: fit(1, clip=[0]), "^fit has no argument 'clip': it comes later$"),
        (lambda: fit(1, epoch=3), r"^fit has no argument 'epoch'. Did you mean 'epochs'\?$"),
        (lambda: fit(1, wholly_other=3), "^fit has no argument 'wholly_other': it takes epochs, learning_rate, x$"),
        (lambda: Thing(3, activations=3), "^Thing has no argument 'activations'. Did you mean 'activation'"),
        (lambda: Thing(), "missing 1 required positional argument: 'units'"),
    ],
)
def test_what_is_refused(call, text):
    with pytest.raises(TypeError, match=text):
        call()


def test_signature_name_and_text_stay():
    assert str(inspect.signature(fit)) == "(x, learning_rate=0.1, *, epochs=1)" and fit.__name__ == "fit"
    assert str(inspect.signature(Thing)) == "(units, activation='relu')" and Thing.__doc__ == "What it is."
    assert "beta_1" in inspect.signature(Adam).parameters
    assert pickle.loads(pickle.dumps(Adam(0.5))) == Adam(0.5)
