"""The outer optimizer: what becomes of the weights when those of all workers have been averaged."""

import copy
from typing import Any

from ..models.model import Model
from .averaging import Arrays


class Outer:
    """An optimizer that takes a step a round, along the difference between the weights before it and their average after it.

    With SGD and Nesterov's momentum that is DiLoCo (Douillard et al. 2023, arXiv:2311.08105). A rate of 1 without momentum
    gives the average.

    Parameters
    ----------
    model : Model
        Which layers there are; it stays as it is.
    optimizer : Optimizer
    """

    def __init__(self, model: Model, optimizer: Any) -> None:
        self._model = copy.deepcopy(model)
        self._model.compile(optimizer, model.loss)

    def step(self, before: Arrays, averaged: Arrays) -> Arrays:
        """The weights after a round. What is not learnt, as moving statistics, is averaged."""
        self._model.set_weights(before)
        self._model.apply_gradients([old - new for old, new in zip(before, averaged, strict=True)])
        learnt = [weight.trainable for weight in self._model.weights]
        moved = self._model.get_weights()
        return [own if learns else mean for own, mean, learns in zip(moved, averaged, learnt, strict=True)]
