"""What a model takes: all that the checks of data must know of it."""

from typing import NamedTuple

import numpy as np

from ..feature_names import Names
from ..losses import Loss


class Spec(NamedTuple):
    """What a model takes.

    Attributes
    ----------
    inputs : int or None
        Features of a sample; None where the first data tells.
    outputs : int
    dtype : numpy.dtype
        Of samples, targets and weights.
    loss : Loss or None
        It says what targets look like; None where there are none.
    names : tuple of str or None
        Of the columns, where the data the model learnt from had some.
    flattens : bool
        Whether samples may have several axes, which become one.
    sample_shape : tuple of int or None
        The only shape that samples of several axes may have.

    Examples
    --------
    >>> import numpy as np
    >>> from fastbp.data import Spec
    >>> Spec(3, 1, np.dtype("float32")).inputs
    3
    """

    inputs: int | None
    outputs: int
    dtype: np.dtype
    loss: Loss | None = None
    names: Names = None
    flattens: bool = False
    sample_shape: tuple[int, ...] | None = None
