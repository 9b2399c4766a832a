"""What all initializers have."""

from __future__ import annotations  # numpy.random takes a while to import

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..arguments import integer, number
from ..keywords import Advice, keywords
from ..seeds import INITIALIZER, generator
from ..serialization import Configured, serialize

Shape = tuple[int, ...]
KEYWORDS = {
    "dtype": Advice("weights have the model's dtype", (None,)),
    "input_axes": Advice("a kernel is (inputs, units)", (None,)),
    "output_axes": Advice("a kernel is (inputs, units)", (None,)),
}


class Initializer(Configured):
    """The base class of all initializers. One of your own defines ``__call__(self, shape, dtype=None)``, as in Keras.

    Examples
    --------
    >>> import fastbp, numpy
    >>> class Halves(fastbp.initializers.Initializer):
    ...     def __call__(self, shape, dtype=None):
    ...         return numpy.full(shape, 0.5)
    >>> model = fastbp.Sequential([fastbp.Input((1,)), fastbp.Dense(2, kernel_initializer=Halves())])
    >>> model.get_weights()[0]
    array([[0.5, 0.5]], dtype=float32)
    """

    def __call__(self, shape: Shape, *args: Any, **kwargs: Any) -> Any:
        raise NotImplementedError(f"{type(self).__name__} must define __call__(self, shape, dtype=None)")


class Custom(Initializer):
    """A function ``f(shape, dtype)``, as Keras has them.

    Parameters
    ----------
    function : callable
        Takes ``shape`` and ``dtype=`` and returns an array.

    Examples
    --------
    >>> import fastbp, numpy
    >>> fastbp.initializers.get(lambda shape, dtype=None: numpy.ones(shape, dtype))((2,))
    array([1., 1.], dtype=float32)
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function

    def __call__(self, shape: Shape, rng: Any = None, dtype: str = "float32") -> Any:  # type: ignore[override]
        return self.function(shape, dtype=dtype)

    def serialized(self) -> Any:
        """The object or the name of the function."""
        return serialize(self.function)


@keywords(KEYWORDS)
@dataclass(frozen=True)
class BuiltIn(Initializer):
    """An initializer that draws from the model's generator, or from a separate one if it has a ``seed``."""

    def __call__(  # type: ignore[override]
        self, shape: Shape, rng: np.random.Generator | str | None = None, dtype: str | None = None
    ) -> np.ndarray:
        rng, dtype = (None, rng) if isinstance(rng, str) else (rng, dtype or "float32")  # Keras has the dtype second
        seed = getattr(self, "seed", None)
        with np.errstate(all="ignore"):  # numbers too small for the dtype are zero
            source = generator(seed, INITIALIZER) if seed is not None or rng is None else rng
            return self.draw(tuple(shape), source).astype(dtype)

    def draw(self, shape: Shape, rng: np.random.Generator) -> np.ndarray:
        raise NotImplementedError

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if name == "seed":
                value is None or integer("seed", value, 0)
            elif not isinstance(value, str):
                number(name, value)
