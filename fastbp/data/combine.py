"""Parts of a pass over data, run one after the other, as one pass."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from ..engine.epoch import Epoch


def combine(parts: "Sequence[Epoch]", order: np.ndarray | None = None) -> "Epoch":
    """The pass that these parts make: each sample counts the same, whatever the part it was in.

    Parameters
    ----------
    parts : sequence of Epoch
    order : int64 array, optional
        The numbers of the samples in the order of the parts, where that is not the order they come in.
    """
    first = parts[0]
    samples = sum(part.samples for part in parts)
    loss = sum(part.loss * (part.samples / samples) for part in parts)  # of plain floats: what overflows is infinite
    changes: dict[str, Any] = {}
    if first.statistics is not None:
        counts = np.sum([part.statistics.counts for part in parts if part.statistics is not None], axis=0)
        changes["statistics"] = replace(first.statistics, counts=counts)
    outputs: list[Any] = [getattr(part, "outputs", None) for part in parts]
    if outputs[0] is not None:
        changes |= {"outputs": np.concatenate(outputs), "order": order}
    return replace(
        first,
        loss=loss,
        samples=samples,
        steps=sum(part.steps for part in parts),
        seconds=sum(part.seconds for part in parts),
        flop=sum(part.flop for part in parts),
        threads=max(part.threads for part in parts),
        **changes,
    )
