"""Cross-validation with all folds at once."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..arguments import boolean
from ..callbacks.history import History
from ..models.cloning import fresh_copy
from ..models.model import Model
from ..notices import warn
from .building import built, check_build, member_seeds
from .fit_many import fit_many
from .folds import Fold, folds
from .forms import Forms
from .frames import frame
from .measuring import measured
from .member import Member


@dataclass
class CrossValidation:
    """What ``cross_validate`` returns: an entry for each fold.

    Attributes
    ----------
    scores : dict of arrays
        "loss" and the metrics by name on the rows that a fold's model has not learnt from; NaN where its training has failed.
    train_scores : dict of arrays, or None
        The same on the rows that it has learnt from, if they were asked for.
    members : list of Member
        ``.model``, ``.history``, ``.error`` and ``.seconds`` of each.
    folds : list of tuples
        The rows to learn from and those to measure on.
    """

    scores: dict[str, np.ndarray]
    train_scores: dict[str, np.ndarray] | None
    members: list[Member]
    folds: list[Fold]

    @property
    def models(self) -> list[Model]:
        """The model of each fold."""
        return [member.model for member in self.members]

    @property
    def histories(self) -> list[History]:
        """The history of each fold; those of the rows to measure on as ``val_loss`` and so on."""
        return [member.history for member in self.members]

    @property
    def seconds(self) -> np.ndarray:
        """How long each fold's training took."""
        return np.array([member.seconds for member in self.members])

    def to_frame(self) -> Any:
        """A row for each fold, as a DataFrame of pandas."""
        columns: dict[str, Any] = {**self.scores}
        columns |= {f"train_{name}": values for name, values in (self.train_scores or {}).items()}
        columns |= {"seconds": self.seconds, "error": [member.error and repr(member.error) for member in self.members]}
        return frame(columns, "fold")

    def __str__(self) -> str:
        lines = [f"{len(self.members)} folds, mean and standard deviation:"]
        lines += [f"{name}: {values.mean():.4g} +- {values.std():.2g}" for name, values in self.scores.items()]
        return "\n".join(lines)

    __repr__ = __str__


def cross_validate(
    model: Any,
    x: Any,
    y: Any = None,
    cv: Any = 5,
    *,
    groups: Any = None,
    epochs: int = 1,
    batch_size: int | None = None,
    sample_weight: Any = None,
    callbacks: Any = None,
    return_train_score: bool = False,
    verbose: int | str = "auto",
    **settings: Any,
) -> CrossValidation:
    """Train a model anew for each fold, all folds side by side, and measure it on the rows that it has not seen.

    Parameters
    ----------
    model : Model or callable
        A compiled model, of which each fold has a copy that has learnt nothing: with first weights by the model's seed,
        whatever its weights are now. Or a function that returns one: see ``Ensemble``.
    x, y, sample_weight : arrays
        As for the model's ``fit``.
    cv : int, splitter or iterable
        As in scikit-learn: a number of folds (``StratifiedKFold`` where the loss tells classes, else ``KFold``, neither of
        which shuffles), anything with ``split(X, y, groups)``, or pairs of rows to learn from and to measure on.
    groups : array, optional
        For splitters such as ``GroupKFold``.
    epochs, batch_size : int
    callbacks : list of Callback, optional
        Each fold has copies of them.
    return_train_score : bool
        Whether to measure on the rows that were learnt from, too.
    verbose : {"auto", 0, 1, 2}
    **settings
        The others of ``fit_many``: ``threads``, ``time_budget``, ``shuffle``, ``class_weight``, ``client`` ...

    Returns
    -------
    CrossValidation
        A fold whose training fails has NaN for scores, with a warning; if all fail, the first error is raised.

    Examples
    --------
    >>> import numpy as np
    >>> import fastbp
    >>> x = np.random.default_rng(0).normal(size=(200, 3))
    >>> model = fastbp.Sequential([fastbp.Dense(16, "relu"), fastbp.Dense(1, "sigmoid")], seed=0)
    >>> model.compile(fastbp.Adam(0.01), "binary_crossentropy", metrics=["accuracy"])
    >>> found = fastbp.cross_validate(model, x, x[:, 0] > x[:, 1], cv=4, epochs=40, verbose=0)
    >>> found.scores["accuracy"].shape, bool(found.scores["accuracy"].mean() > 0.9)
    ((4,), True)
    >>> sorted(found.histories[0].history)
    ['accuracy', 'loss', 'val_accuracy', 'val_loss']
    """
    check_build(model)
    return_train_score = boolean("return_train_score", return_train_score)
    first = model if isinstance(model, Model) else built(model, member_seeds(None, 1)[0], 0)
    pairs = folds(cv, first._compiled()[1], x, y, groups)
    copies = [fresh_copy(model) for _ in pairs] if isinstance(model, Model) else _built(model, len(pairs))
    for copy in copies:
        copy._given_name = None  # all of them would have the same
    members = fit_many(
        copies,
        x,
        y,
        epochs=epochs,
        batch_size=batch_size,
        rows=[train for train, _ in pairs],
        validation=[test for _, test in pairs],
        sample_weight=sample_weight,
        callbacks=callbacks,
        verbose=verbose,
        **settings,
    )
    errors = [member.error for member in members if member.error is not None]
    if len(errors) == len(members):
        raise errors[0]
    if errors:
        warn(f"{len(errors)} of {len(members)} folds have failed and have NaN for scores, the first by {errors[0]!r}")
    forms = Forms(x, y, sample_weight, None, check_finite=False)
    form = forms.made[forms.form_for(copies[0])]
    scores = measured(members, form, [test for _, test in pairs])
    train_scores = measured(members, form, [train for train, _ in pairs]) if return_train_score else None
    return CrossValidation(scores, train_scores, members, pairs)


def _built(build: Any, count: int) -> list[Model]:
    return [built(build, seed, i) for i, seed in enumerate(member_seeds(None, count))]
