"""The search for a learning rate before a fit."""

from typing import Any

import numpy as np

from ..arguments import integer, number
from ..data import prepare_rows
from ..layers.claims import fits
from .evaluation import BATCH_SIZE, Evaluable, thread_count
from .rate_finder import LearningRateRange, range_test


class Explorable(Evaluable):
    """The part of a model that tries learning rates."""

    @fits
    def find_learning_rate(
        self,
        x: Any,
        y: Any = None,
        batch_size: int | None = None,
        start: float = 1e-7,
        stop: float = 10.0,
        steps: int = 200,
        sample_weight: Any = None,
        class_weight: Any = None,
        *,
        check_finite: bool = True,
        threads: int | None = None,
    ) -> LearningRateRange:
        """See how the loss goes while the learning rate rises from step to step, to choose one (a range test).

        The model and its optimizer are as before afterwards.

        Parameters
        ----------
        x, y, sample_weight, class_weight, check_finite, threads
            As for ``fit``, in memory.
        batch_size : int, optional
            As for ``fit``, where the rate is to be used: the best rate depends on it.
        start, stop : float
            The first and the last rate; each is the one before times the same factor. The test ends early where the loss has
            risen far above its lowest value, or is not finite.
        steps : int
            How many rates.

        Returns
        -------
        LearningRateRange
            With ``rates``, ``losses``, ``suggestion`` and ``plot()``.

        Examples
        --------
        >>> import numpy as np
        >>> import fastbp
        >>> x = np.random.default_rng(0).normal(size=(512, 4))
        >>> model = fastbp.Sequential([fastbp.Dense(16, "tanh"), fastbp.Dense(1)], seed=0)
        >>> model.compile("adam", "mse")
        >>> found = model.find_learning_rate(x, x[:, :1] * x[:, 1:2])
        >>> 1e-4 < found.suggestion < 1
        True
        """
        low, high = number("start", start, 0), number("stop", stop, 0)
        if not 0 < low < high:
            raise ValueError(f"start must be more than 0 and less than stop, got {start!r} and {stop!r}")
        steps, size = integer("steps", steps, 2), BATCH_SIZE if batch_size is None else integer("batch_size", batch_size, 1)
        threads = thread_count(threads)
        rows = prepare_rows(x, y, sample_weight, class_weight, spec=self._spec(), check_finite=check_finite)
        self._check_targets(rows)
        engine = self._build(rows.width)
        self._exclude_from_decay(engine)
        return range_test(engine, rows, size, np.geomspace(low, high, steps), threads)
