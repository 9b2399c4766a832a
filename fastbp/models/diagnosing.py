"""Saying in words what is wrong with a model and its data."""

from typing import TYPE_CHECKING, Any

from ..arguments import boolean, integer
from ..data import prepare_rows
from .evaluation import BATCH_SIZE
from .fitting import Fittable

if TYPE_CHECKING:
    from ..diagnosis import Diagnosis


class Diagnosable(Fittable):
    """What can be asked why it does not learn."""

    def diagnose(
        self, x: Any, y: Any, batch_size: int | None = None, sample_weight: Any = None, *, check_finite: bool = True
    ) -> "Diagnosis":
        """Look at data, layers and learning rate, and say what is wrong and what to try. The model stays as it is.

        A step on a large batch is looked into, and some steps at the optimizer's learning rate and others are tried, on a
        copy with the present weights.

        Parameters
        ----------
        x, y, sample_weight
            The data to train on, in memory.
        batch_size : int, optional
            That of the fit (None: 32).
        check_finite : bool
            Refuse NaN and infinity in the data.

        Returns
        -------
        Diagnosis
            A sequence of findings, true where nothing is wrong. Their names are

            - of data ``input_scale``, ``constant_columns``, ``duplicated_columns``, ``duplicated_rows``;
              ``targets_unscaled``, ``targets_out_of_range``, ``class_imbalance``;
            - of layers ``vanishing_gradient``, ``exploding_gradient``, ``dead_units``, ``saturated_units``, as
              ``fastbp.callbacks.GradientMonitor`` measures them;
            - ``learning_rate_too_high``, ``learning_rate_too_low``.

        Examples
        --------
        >>> import numpy as np
        >>> import fastbp
        >>> x = np.random.default_rng(0).normal(size=(256, 4))
        >>> model = fastbp.Sequential([fastbp.Dense(16, "tanh"), fastbp.Dense(1)], seed=0)
        >>> model.compile(fastbp.SGD(1e-6), "mse")
        >>> diagnosis = model.diagnose(x, x[:, 0] * x[:, 1])
        >>> diagnosis.ok, diagnosis.findings[0].name
        (False, 'learning_rate_too_low')
        """
        size = BATCH_SIZE if batch_size is None else integer("batch_size", batch_size, 1)
        optimizer, loss = self._compiled()
        rows = prepare_rows(x, y, sample_weight, spec=self._spec(), check_finite=boolean("check_finite", check_finite))
        self._check_targets(rows)
        engine = self._build(rows.width)
        from ..diagnosis.diagnose import diagnose  # only where somebody asks
        from .observing import watched_layers

        return diagnose(engine, optimizer, loss, rows, size, watched_layers(self.leaves(), rows.width))
