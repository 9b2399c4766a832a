"""What a search has found."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..models.model import Model
from .frames import frame


@dataclass
class Trial:
    """One choice of parameters.

    Attributes
    ----------
    number : int
    parameters : dict
    batch_size : int or None
    models : list of Model
        One for each fold, as long as it goes on, and those of the best one in the end.
    scores : dict of arrays
        The objective of each fold, an entry for each rung that it has come to: by the epochs that it had been trained for.
    seconds : float
        Of the training of all folds.
    error : Exception or None
        Why it has ended before its time.
    """

    number: int
    parameters: dict[str, Any]
    batch_size: int | None = None
    models: list[Model] = field(default_factory=list)
    scores: dict[int, np.ndarray] = field(default_factory=dict)
    seconds: float = 0.0
    error: Exception | None = None

    @property
    def epochs(self) -> int:
        """How many it was trained for when it was measured last."""
        return max(self.scores, default=0)

    @property
    def score(self) -> float:
        """The mean over the folds when it was measured last; NaN if it never was."""
        return float(self.scores[self.epochs].mean()) if self.scores and self.error is None else float("nan")


@dataclass
class SearchResult:
    """What ``search`` returns.

    Attributes
    ----------
    trials : list of Trial
        In the order in which they were drawn.
    objective : str
        What the scores are.
    maximize : bool
        Whether larger ones are better.
    best_model : Model or None
        That of the best trial. After a cross-validation it was trained anew, on all rows; None where that was not wanted.

    Examples
    --------
    See ``search``.
    """

    trials: list[Trial]
    objective: str
    maximize: bool
    best_model: Model | None = None

    def ranked(self) -> list[Trial]:
        """The trials, the best one first: those that have come further before the others, the failed ones last."""
        return sorted(self.trials, key=lambda trial: rank(trial, self.maximize))

    @property
    def best_trial(self) -> Trial:
        """The best of those that have come furthest."""
        return self.ranked()[0]

    @property
    def best_parameters(self) -> dict[str, Any]:
        """Those of the best trial."""
        return self.best_trial.parameters

    @property
    def best_score(self) -> float:
        """That of the best trial."""
        return self.best_trial.score

    def to_frame(self) -> Any:
        """A row for each trial, the best one first, as a DataFrame of pandas.

        The columns are the parameters by their names with ``param_`` in front, as scikit-learn has them, the score (mean over
        the folds, with its standard deviation where there are several), the epochs that it was trained for, the seconds and
        what went wrong.
        """
        trials = self.ranked()
        names = dict.fromkeys(name for trial in self.trials for name in trial.parameters)
        columns: dict[str, Any] = {"trial": [trial.number for trial in trials]}
        columns |= {f"param_{name}": [trial.parameters.get(name) for trial in trials] for name in names}
        columns["score"] = [trial.score for trial in trials]
        if any(len(found) > 1 for trial in trials for found in trial.scores.values()):
            columns["std"] = [trial.scores[trial.epochs].std() if trial.scores else np.nan for trial in trials]
        columns["epochs"] = [trial.epochs for trial in trials]
        columns["seconds"] = [trial.seconds for trial in trials]
        columns["error"] = [trial.error and repr(trial.error) for trial in trials]
        return frame(columns, "rank")

    def plot(self, path: Any = None) -> list[Any]:
        """Draw the score against each parameter; trials that have come further are darker, the best one is ringed.

        Parameters
        ----------
        path : str or path, optional
            Where to save the picture, in a format of matplotlib's (.png, .svg, .pdf).

        Returns
        -------
        list of matplotlib Axes
            One for each parameter.
        """
        from ..views import search as views  # only where somebody wants to look

        return views.plot(self, path)

    def __str__(self) -> str:
        failed = sum(trial.error is not None for trial in self.trials)
        best = self.best_trial
        lines = [f"{len(self.trials)} trials" + (f", {failed} of which failed" if failed else "")]
        lines.append(f"best {self.objective}: {best.score:.4g} after {best.epochs} epochs by {told(best.parameters)}")
        return "\n".join(lines)

    __repr__ = __str__


def rank(trial: Trial, maximize: bool) -> tuple[Any, ...]:
    """What trials are sorted by."""
    is_known = np.isfinite(trial.score)
    return not is_known, -len(trial.scores), (-trial.score if maximize else trial.score) if is_known else 0.0, trial.number


def told(parameters: Mapping[str, Any]) -> str:
    """Parameters in words."""
    return ", ".join(f"{name}={_text(value)}" for name, value in parameters.items())


def _text(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
