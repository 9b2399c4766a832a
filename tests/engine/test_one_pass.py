"""Batches of a few rows: the way back and the update in one pass over the weights."""

import numpy as np
import pytest

import networks
import oracle
from fastbp import losses, optimizers
from fastbp.engine import one_pass
from fastbp.engine.engine import Engine

ROWS = [1, 2, 3, 4, 5, 7, 8]


@pytest.fixture
def always(monkeypatch):
    """Every batch of few rows goes in one pass, however small the network."""
    monkeypatch.setattr(one_pass, "MIN_WEIGHTS", {16: 0})


@pytest.fixture
def never(monkeypatch):
    monkeypatch.setattr(one_pass, "MIN_WEIGHTS", {})
