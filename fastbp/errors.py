"""The exceptions that users may want to catch."""

from typing import Any


class TrainingDiverged(ArithmeticError, ValueError):
    """The loss of a step, or the weights after it, became NaN or infinite.

    The model has the weights it had before that epoch (or batch). Those of ``make_step`` are from before some steps.

    Attributes
    ----------
    epoch, step : int
        When it was noticed, counted from 1; the step within the epoch. The epoch is 0 of single steps by ``make_step``, and
        the step counts from where the weights have gone back to.
    learning_rate : float or None
        None of a solver.
    result : FormulaFit
        The fit by ``fastbp.fit_formula`` as it was when the epoch began; None for a model, which holds its weights itself.
    """

    result: Any = None

    def __init__(
        self, epoch: int, step: int, learning_rate: float | None, by_weights: bool = False, from_finite: bool = True
    ) -> None:
        self.epoch, self.step, self.learning_rate = epoch, step, learning_rate
        self._arguments = epoch, step, learning_rate, by_weights, from_finite
        what = "the loss was finite, but the weights became" if by_weights else "the loss became"
        before = "" if from_finite else ", which were not finite either"
        remedy = "Data" if learning_rate is None else f"A learning_rate below {learning_rate:g} or data"
        where = f"in epoch {epoch}, step {step}; the weights are those from before this epoch"
        if not epoch:
            where = f"in a single step; the weights are those from before the last {step} steps, this one included"
        super().__init__(f"{what} NaN or infinite {where}{before}. {remedy} scaled to about -1 to 1 may help")

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), self._arguments


class ModelFileError(ValueError):
    """A file that cannot be read as a model or as weights: the message says what is wrong with it and what to do.

    Attributes
    ----------
    path : str
        The file.
    reason : str
    """

    def __init__(self, path: str, reason: str) -> None:
        self.path, self.reason = path, reason
        super().__init__(f"{path!r} {reason}")

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.path, self.reason)
