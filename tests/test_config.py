"""fastbp.config: the dtype of models that are made without one."""

import numpy as np
import pytest

import fastbp
from fastbp import Dense, Input, Sequential


@pytest.fixture
def double():
    fastbp.config.set_floatx("float64")
    yield
    fastbp.config.set_floatx("float32")


def test_floatx(double):
    x = np.ones((2, 3))
    assert Sequential([Input((3,)), Dense(2)]).predict(x).dtype == np.float64
    assert Sequential([Input((3,)), Dense(2)], dtype="float32").predict(x).dtype == np.float32
    inputs = Input((3,))
    assert fastbp.models.Model(inputs, Dense(2)(inputs)).predict(x).dtype == np.float64
    assert fastbp.random.normal((2,)).dtype == fastbp.backend.constant([1]).dtype == np.float64


def test_without_it():
    assert Sequential().dtype == Sequential(dtype=None).dtype == "float32" == fastbp.backend.floatx()
