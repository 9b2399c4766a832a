"""Many networks that predict together, each from its own first weights and its own draw of the data."""

from collections.abc import Mapping
from typing import Any, Self

import numpy as np

from ..arguments import boolean, integer, number
from ..data import prepare_rows
from ..data.rows import split_at
from ..engine.interrupts import import_to_end
from ..errors import ModelFileError
from ..models.evaluation import thread_count
from ..models.model import Model
from ..notices import warn
from . import spread
from .building import built, check_alike, check_build, member_seeds
from .fit_many import fit_many
from .member import Member
from .predicting import Predicting
from .rows import bootstrap_rows, out_of_bag, row_count
from .scores import score


class Ensemble(Predicting):
    """Networks that learn the same task, to predict by their mean and to tell by their spread how sure that is.

    Where there was much data they agree, and where there was none they differ: Lakshminarayanan, Pritzel and Blundell 2017,
    Simple and scalable predictive uncertainty estimation using deep ensembles, NeurIPS; Breiman 1996, Bagging predictors,
    Machine Learning 24.

    Parameters
    ----------
    build : callable or Model
        Makes a member: a function that returns a compiled model, of nothing or of the member's seed (of arguments named
        ``seed`` and ``index``, if it has such). What it makes without a seed of its own follows from that seed. Or a compiled
        model: each member is a copy of it with first weights of its own.
    members : int
        How many.
    bootstrap : bool
        Whether each member learns from as many rows as there are, drawn with replacement. Else all of them learn from all rows.
    seed : int, optional
        Fixes all seeds and draws. The first members of a larger ensemble are the same.

    Attributes
    ----------
    models : list of Model
        The members, once they have been fitted; without those whose training has failed.

    Examples
    --------
    >>> import numpy as np
    >>> import fastbp
    >>> def build():
    ...     model = fastbp.Sequential([fastbp.Dense(16, "tanh"), fastbp.Dense(1)])
    ...     model.compile(fastbp.Adam(0.01), "mse")
    ...     return model
    >>> x = np.random.default_rng(0).uniform(-1, 1, (200, 1))
    >>> ensemble = fastbp.Ensemble(build, members=16, seed=0)
    >>> members = ensemble.fit(x, x**2, epochs=100, verbose=0)
    >>> inside, outside = ensemble.predict_std([[0.5], [3.0]])[:, 0]
    >>> bool(inside < 0.05 < outside)
    True
    >>> ensemble.oob_score(x, x**2) > 0.9
    True
    """

    def __init__(self, build: Any, members: int = 32, bootstrap: bool = True, *, seed: int | None = None) -> None:
        check_build(build)
        self.members, self.bootstrap = integer("members", members, 1), boolean("bootstrap", bootstrap)
        self.seed = None if seed is None else integer("seed", seed, 0)
        self._build: Any = build
        self._begin(member_seeds(self.seed, self.members), {}, 0, 0)

    def _begin(self, seeds: list[int], models: dict[int, Model], drawn_from: int, rows: int) -> None:
        self._seeds, self._models = seeds, models  # by the number of the member
        self._drawn_from, self._rows = drawn_from, rows  # of the last fit: rows that were drawn from, and all of them
        self._forget_prediction()

    def __repr__(self) -> str:
        return f"<Ensemble of {self.members} members, {len(self._models) or 'not'} fitted>"

    # -- learning

    def fit(
        self,
        x: Any,
        y: Any = None,
        *,
        epochs: int = 1,
        batch_size: int | None = None,
        validation: Any = None,
        sample_weight: Any = None,
        callbacks: Any = None,
        time_budget: float | None = None,
        threads: int | None = None,
        verbose: int | str = "auto",
        **settings: Any,
    ) -> list[Member]:
        """Train all members side by side, in compiled code; a later call goes on with them.

        Parameters
        ----------
        x, y, sample_weight : arrays
            As for a model's ``fit``.
        epochs, batch_size : int
        validation : float, tuple or "oob", optional
            What to measure the loss and metrics on after each epoch: a part of the rows, from their end, which no member learns
            from; a tuple (x, y) or (x, y, sample_weight); or, for each member, the rows that it did not draw.
        callbacks : list of Callback, optional
            Each member has copies of them.
        time_budget : float, optional
            Seconds.
        threads : int, optional
        verbose : {"auto", 0, 1, 2}
        **settings
            The others of ``fit_many``: ``shuffle``, ``class_weight``, ``check_finite``, ``client``, ``executor``.

        Returns
        -------
        list of Member
            ``.model``, ``.history``, ``.error`` and ``.seconds`` of each. A member with an error is left out of the ensemble,
            with a warning; if all have one, the first is raised.
        """
        count = row_count(x)
        models = self._models or self._built()
        for model in models.values():
            model._given_name = None  # one that all of them have would tell none apart
        drawn_from, held_out = self._held_out(validation, count)
        rows = None
        if self.bootstrap:
            rows = [bootstrap_rows(self._seeds[i], drawn_from) for i in models]
        elif drawn_from < count:
            rows = [np.arange(drawn_from)] * len(models)
        if isinstance(validation, str):
            held_out = [out_of_bag(self._seeds[i], drawn_from, count) for i in models]
        members = fit_many(
            list(models.values()),
            x,
            y,
            epochs=epochs,
            batch_size=batch_size,
            rows=rows,
            sample_weight=sample_weight,
            validation=held_out if not isinstance(held_out, np.ndarray) else [held_out] * len(models),
            callbacks=callbacks,
            time_budget=time_budget,
            threads=threads,
            verbose=verbose,
            **settings,
        )
        self._take(dict(zip(models, members, strict=True)), drawn_from, count)
        return members

    def _built(self) -> dict[int, Model]:
        """New members, which must go together."""
        models = {i: built(self._build, seed, i) for i, seed in enumerate(self._seeds)}
        check_alike(models)
        return models

    def _held_out(self, validation: Any, count: int) -> tuple[int, Any]:
        """How many rows, the first ones, are to learn from, and what to validate on."""
        if isinstance(validation, str):
            if validation != "oob" or not self.bootstrap:
                raise ValueError(f"validation must be 'oob' (with bootstrap=True), a part or data, got {validation!r}")
            return count, None
        if validation is None or isinstance(validation, tuple):
            return count, validation
        fraction = number("validation", validation, 0, 1, below=True)
        if not fraction:
            return count, None
        first = split_at(count, fraction)
        return first, np.arange(first, count)

    def _take(self, members: Mapping[int, Member], drawn_from: int, count: int) -> None:
        """Have the members that training has left."""
        errors = [member.error for member in members.values() if member.error is not None]
        if len(errors) == len(members):
            raise errors[0]
        if errors:
            warn(f"{len(errors)} of {len(members)} members have failed and are left out, the first by {errors[0]!r}")
        models = {i: member.model for i, member in members.items() if member.error is None}
        self._begin(self._seeds, models, drawn_from, count)
        self._build = None

    # -- how good it is

    def score(self, x: Any, y: Any, sample_weight: Any = None) -> float:
        """The share of right predictions of classes, or of numbers the coefficient of determination R², as in scikit-learn.

        Parameters
        ----------
        x, y, sample_weight : arrays
            As for a model's ``evaluate``.
        """
        model = self._fitted()[0]
        rows = prepare_rows(x, y, sample_weight, spec=model._spec())
        assert rows.y is not None
        return score(model._compiled()[1], rows.y, self.predict(rows.x), rows.sample_weight)

    def oob_predict(self, x: Any, *, threads: int | None = None) -> np.ndarray:
        """The mean over those members alone that have not learnt from a row; NaN where all of them have.

        Parameters
        ----------
        x : array
            That of the last ``fit``.
        threads : int, optional
        """
        models, threads = self._fitted(), thread_count(threads)
        if not self.bootstrap:
            raise ValueError("out-of-bag predictions need bootstrap=True, got bootstrap=False: all members know all rows")
        if row_count(x) != self._rows:
            raise ValueError(f"x must be that of the last fit, which had {self._rows} rows, got {row_count(x)}")
        unseen = np.zeros((len(models), self._rows), bool)
        for i, own in zip(self._models, unseen, strict=True):
            own[out_of_bag(self._seeds[i], self._drawn_from, self._rows)] = True
        loss, first, found = models[0]._compiled()[1], 0, []
        for outputs in self._blocks(x, threads):
            found.append(spread.mean_of(loss, outputs, unseen[:, first : first + outputs.shape[1]]))
            first += outputs.shape[1]
        return np.concatenate(found)

    def oob_score(self, x: Any, y: Any, sample_weight: Any = None) -> float:
        """The ``score`` of ``oob_predict``: what new data would give, without any that is kept aside.

        Parameters
        ----------
        x, y, sample_weight : arrays
            Those of the last ``fit``.
        """
        model = self._fitted()[0]
        rows = prepare_rows(x, y, sample_weight, spec=model._spec())
        predictions = self.oob_predict(rows.x)
        known = ~np.isnan(predictions).any(axis=1)
        if not known.all():
            warn(f"{(~known).sum()} of {len(known)} rows were drawn by all members and do not count: take more members")
        if not known.any():
            raise ValueError(f"out-of-bag scores need more members than {len(self._models)}, got no row that one did not draw")
        assert rows.y is not None
        weights = None if rows.sample_weight is None else rows.sample_weight[known]
        return score(model._compiled()[1], rows.y[known], predictions[known], weights)

    # -- files and copies

    def save(self, filepath: Any, overwrite: bool = True) -> None:
        """Put all members into one file, which ``Ensemble.load`` reads: all that ``Model.save`` keeps of each.

        Parameters
        ----------
        filepath : str or path
        overwrite : bool
        """
        settings = {
            "members": self.members,
            "bootstrap": self.bootstrap,
            "seed": self.seed,
            "seeds": self._seeds,
            "numbers": list(self._models),
            "drawn_from": self._drawn_from,
            "rows": self._rows,
        }
        files = import_to_end("fastbp.saving.ensembles")
        files.save_models(self._fitted(), settings, filepath, boolean("overwrite", overwrite))

    @classmethod
    def load(cls, filepath: Any, custom_objects: Mapping[str, Any] | None = None) -> Self:
        """The ensemble that ``save`` put into a file. Nothing in it is executed or imported; see ``fastbp.load_model``.

        Parameters
        ----------
        filepath : str or path
        custom_objects : dict, optional
            Your own classes and functions by name.

        Raises
        ------
        FileNotFoundError, ModelFileError
            If there is no file, or it cannot be read as an ensemble.
        """
        models, settings = import_to_end("fastbp.saving.ensembles").load_models(filepath, custom_objects)
        members = dict(zip(settings["numbers"], models, strict=True))
        try:
            check_alike(members)
        except ValueError as error:
            raise ModelFileError(str(filepath), f"holds models that are no ensemble: {error}") from error
        made = cls.__new__(cls)
        made.members, made.bootstrap, made.seed = settings["members"], settings["bootstrap"], settings["seed"]
        made._build = None
        made._begin(settings["seeds"], members, settings["drawn_from"], settings["rows"])
        return made
