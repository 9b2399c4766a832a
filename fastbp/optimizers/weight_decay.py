"""Which weights decay."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ..notices import warn


@dataclass(frozen=True)
class Exclusion:
    """Weights that do not decay: by their paths, as "dense/kernel", and by words that are parts of their names.

    Words are regular expressions, as Keras takes them.
    """

    paths: frozenset[str] = frozenset()
    words: tuple[str, ...] = ()

    def decays(self, weights: Sequence[Any]) -> tuple[bool, ...]:
        """For each of a model's weights whether it decays."""
        paths, names = [weight.path for weight in weights], sorted({weight.name for weight in weights})
        for path in self.paths:
            if paths.count(path) > 1:
                raise ValueError(f"var_list must name weights by paths of their own, got two of {path!r}: rename a layer")
        idle = [word for word in self.words if not any(re.search(word, name) for name in names)]
        if idle:
            warn(f"exclude_from_weight_decay(var_names={idle!r}) is no part of a weight's name: they are {', '.join(names)}")
        return tuple(
            weight.path not in self.paths and not any(re.search(word, weight.name) for word in self.words) for weight in weights
        )


def exclusion(var_list: Any = None, var_names: Any = None) -> Exclusion:
    """The weights that a user names."""
    if isinstance(var_names, str) or not all(isinstance(word, str) for word in var_names or ()):
        raise TypeError(f"var_names must be a list of strings, as ['bias'], got {var_names!r}")
    if not all(hasattr(weight, "path") for weight in var_list or ()):
        raise TypeError(f"var_list must be a list of weights, as [layer.bias], got {var_list!r}")
    return Exclusion(frozenset(weight.path for weight in var_list or ()), tuple(var_names or ()))
