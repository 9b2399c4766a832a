"""The way to Keras: its own network of the same layers takes what ``get_weights`` gives, in that order, and gives it back."""

import os

import numpy as np
import pytest

import fastbp
from interchange_networks import all_layers, model_of, rows

os.environ.setdefault("KERAS_BACKEND", "torch")
pytest.importorskip("torch")
keras = pytest.importorskip("keras")

# Formulas, which no JSON can hold; and for Keras the layer after a Dense with "glu" has as many inputs as the Dense has units.
LEFT_OUT = {"custom", "activation", "glu"}


@pytest.mark.filterwarnings("ignore")
def test_every_layer():
    for name, made in all_layers().items():
        if name in LEFT_OUT:
            continue
        model, x = model_of(made), rows()
        theirs = keras.models.model_from_json(model.to_json())
        theirs.set_weights(model.get_weights())
        np.testing.assert_allclose(theirs.predict(x, verbose=0), model.predict(x, verbose=0), 1e-4, 1e-5, err_msg=name)
        back = fastbp.models.model_from_json(theirs.to_json())
        back.set_weights(theirs.get_weights())
        np.testing.assert_array_equal(back.predict(x, verbose=0), model.predict(x, verbose=0), err_msg=name)
