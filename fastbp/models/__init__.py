"""Models: what learns."""

from typing import TYPE_CHECKING, Any

from .. import absent as _absent
from ..callbacks.history import History
from ..engine.interrupts import import_to_end
from .cloning import clone_model, model_from_json
from .model import Model, Sequential
from .rate_finder import LearningRateRange

if TYPE_CHECKING:
    from ..saving.loading import load_model, save_model

__all__ = ["History", "LearningRateRange", "Model", "Sequential", "clone_model", "load_model", "model_from_json", "save_model"]

_explain = _absent.explain(__name__, _absent.MODELS)


def __getattr__(name: str) -> Any:
    if name not in ("load_model", "save_model"):
        return _explain(name)
    value = globals()[name] = getattr(import_to_end("fastbp.saving.loading"), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
