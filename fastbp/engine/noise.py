"""Where the random numbers of layers begin: a seed for each stage that is random, and which steps predictions have."""

from collections.abc import Iterable
from dataclasses import replace

from ..layers.stages import Stage
from ..seeds import noise_seed

FIRST_PREDICTION = -(2**63)  # as the number of a step: far from all those of training


def seeded(stages: Iterable[Stage], seed: int) -> tuple[Stage, ...]:
    """The stages, those that are random with 64-bit seeds: from their own one or ``seed``, and their number among them."""
    found: list[Stage] = []
    number = 0
    for stage in stages:
        if stage.is_random:
            stage = replace(stage, seed=noise_seed(seed if stage.seed is None else stage.seed, number))
            number += 1
        found.append(stage)
    return tuple(found)


def prediction_step(draws: int) -> int:
    """What stands for a step of training in the prediction after so many steps of predictions with noise."""
    return FIRST_PREDICTION + draws
