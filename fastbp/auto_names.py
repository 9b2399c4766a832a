"""Names for objects that were given none: after their class, and numbered through the process, as Keras does it."""

import re
from collections import Counter

_taken: Counter[str] = Counter()


def snake_case(name: str) -> str:
    """The name of a class as that of a variable.

    >>> snake_case("PrecisionAtRecall"), snake_case("AUC")
    ('precision_at_recall', 'auc')
    """
    name = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", re.sub(r"\W+", "", name))
    return re.sub("([a-z])([A-Z])", r"\1_\2", name).lower()


def auto_name(class_name: str) -> str:
    """precision, then precision_1, precision_2, ..."""
    name = snake_case(class_name)
    number = _taken[name]
    _taken[name] += 1
    return f"{name}_{number}" if number else name


def forget_names() -> None:
    """Begin counting again."""
    _taken.clear()
