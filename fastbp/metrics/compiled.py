"""The metrics of a compiled model: with names of their own, and fitted to its loss."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ..arguments import check_signature, unique_name
from ..kernels import codes
from ..losses import Loss
from ..notices import warn
from .base import Metric, is_built_in
from .reductions import MeanMetricWrapper
from .registry import get

if TYPE_CHECKING:
    from .counted import Counted


@dataclass(frozen=True)
class CompiledMetric:
    """A metric under the name it has in a model's logs.

    Parameters
    ----------
    name : str
    metric : Metric or None
        None for "accuracy" before it is known which one fits.
    weighted : bool
        Whether it is one of the ``weighted_metrics``.
    counted : Counted, optional
        How its value follows from what the kernels count, where they can.
    of_logits : bool
        Whether outputs are compared with 0, the logit of 0.5, instead of that.
    is_known : bool
        Whether the metric was given as an object, which may be asked for its result.
    """

    name: str
    metric: Metric | None
    weighted: bool = False
    counted: "Counted | None" = None
    of_logits: bool = False
    is_known: bool = False

    @property
    def direction(self) -> str | None:
        """Whether larger values are better ("up") or smaller ("down"); None where nothing says so."""
        return "up" if self.metric is None else self.metric._direction

    @property
    def target_kind(self) -> str:
        """What kind of targets it takes: "outputs", "labels" or "any"."""
        assert self.metric is not None
        if type(self.metric) is MeanMetricWrapper and is_built_in(self.metric.function):
            return "labels" if self.metric.function.__name__.startswith("sparse_") else "outputs"
        return self.metric._target_kind

    def resolve(self, loss: Loss, units: int) -> "CompiledMetric":
        """This metric fitted to a loss and the units of the last layer."""
        from .accuracies import BinaryAccuracy  # those two only where there are metrics
        from .counted import KINDS, kind_of

        metric = self.metric if self.metric is not None else _accuracy(loss, units)(name=self.name)
        logits = loss.code == codes.BINARY_CROSSENTROPY and loss.from_logits
        of_logits = logits and isinstance(metric, BinaryAccuracy) and metric.options["threshold"] == 0.5
        kind = kind_of(metric, of_logits)
        found = replace(self, metric=metric, counted=KINDS[kind] if kind else None, of_logits=of_logits)
        found._check(loss)
        return found

    def _check(self, loss: Loss) -> None:
        assert self.metric is not None
        is_wrong = self.target_kind == "outputs" if loss.sparse else self.target_kind == "labels" and not loss.any_width
        if is_wrong:
            raise ValueError(
                f"metrics must fit the targets, got {self.name!r}: with the loss {loss.name!r}, targets are "
                + ("integer labels, for which there is 'accuracy'" if loss.sparse else "not integer labels")
            )
        remedy = self.metric._remedy_for_logits if loss.from_logits and not self.of_logits else ""
        if remedy:
            warn(
                f"metric {self.name!r} takes probabilities, but with from_logits=True in the loss the outputs are logits: "
                f"use {remedy}"
            )


def _accuracy(loss: Loss, units: int) -> type[Metric]:
    """The accuracy that fits the targets."""
    from .accuracies import BinaryAccuracy, CategoricalAccuracy, SparseCategoricalAccuracy

    return SparseCategoricalAccuracy if loss.sparse else BinaryAccuracy if units == 1 else CategoricalAccuracy


def get_all(metrics: Any, weighted_metrics: Any = None) -> tuple[CompiledMetric, ...]:
    """The metrics that ``compile`` was given, in the order of the logs; no two have the same name.

    Each argument is None, one metric, a list, a list of lists or a dict of such, which are taken in order: a model has one
    output. Of several with one name the second is called name_1, the third name_2; a weighted one weighted_name first.
    """
    chosen: list[CompiledMetric] = []
    taken = {"loss", "val_loss"}

    def is_taken(name: str) -> bool:
        return name in taken or f"val_{name}" in taken

    for argument, weighted in ((metrics, False), (weighted_metrics, True)):
        for identifier in _flat(argument, "weighted_metrics" if weighted else "metrics"):
            name, metric = _named(identifier)
            if weighted and any(other.name == name for other in chosen):
                name = f"weighted_{name}"
            name = unique_name(name, is_taken)
            taken |= {name, f"val_{name}"}
            chosen.append(CompiledMetric(name, metric, weighted, is_known=isinstance(identifier, Metric)))
    return tuple(chosen)


def _flat(given: Any, argument: str) -> list[Any]:
    """All that a structure of lists and dicts holds."""
    if given is None:
        return []
    if isinstance(given, str | Metric) or callable(given) or (isinstance(given, Mapping) and "class_name" in given):
        return [given]
    if isinstance(given, Mapping):
        given = list(given.values())
    if not isinstance(given, Sequence):
        raise TypeError(f"{argument} must be a list of names, Metrics or functions, got {given!r}")
    return [identifier for part in given for identifier in (_flat(part, argument) if _holds(part) else [part])]


def _holds(part: Any) -> bool:
    return isinstance(part, Sequence | Mapping) and not isinstance(part, str) and "class_name" not in part


def _named(identifier: Any) -> tuple[str, Metric | None]:
    """A metric and the name it is to have: the one it was given by, if by name."""
    if isinstance(identifier, str) and identifier.lower() in ("accuracy", "acc"):
        return identifier, None
    metric = get(identifier)
    if metric is None:
        raise TypeError("metrics must be a list of names, Metrics or functions, got None in it")
    if not isinstance(metric, Metric):
        metric = MeanMetricWrapper.of_function(metric)
    if isinstance(identifier, str):
        metric.name = identifier
    check_signature(f"update_state of the metric {metric.name!r}", metric.update_state, ["y_true", "y_pred", "sample_weight"])
    return metric.name, metric


def check_targets(metrics: Sequence[CompiledMetric], columns: int, units: int) -> None:
    """Make sure that resolved metrics can compare targets of so many columns with outputs of so many units.

    Only needed where the loss takes targets of any width: what other losses take has been checked when metrics were resolved.
    """
    for found in metrics:
        width = {"outputs": units, "labels": 1}.get(found.target_kind)
        if width is not None and columns != width:
            raise ValueError(f"metrics need targets of shape (samples, {width}), got (samples, {columns}) for {found.name!r}")
