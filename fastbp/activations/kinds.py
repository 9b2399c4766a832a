"""What settings each activation has, and by which code of the kernels it is computed."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ..arguments import boolean, number
from ..kernels import codes

Settings = Mapping[str, Any]
REQUIRED = object()  # instead of a default


class Setting(NamedTuple):
    """A default value, and a check that returns the value or raises an error that names the setting."""

    default: Any
    check: Callable[[str, Any], Any]


def _from_zero(name: str, value: Any) -> float:
    return number(name, value, 0)


def _positive(name: str, value: Any) -> float:
    result = number(name, value, 0)
    if result == 0:
        raise ValueError(f"{name} must be a finite number above 0, got {value!r}")
    return result


def _from_zero_or_none(name: str, value: Any) -> float | None:
    return None if value is None else _from_zero(name, value)


def _last_axis(name: str, value: Any) -> int:
    if isinstance(value, bool) or value not in (-1, 1):
        raise ValueError(f"{name} must be -1 in a layer, which has one axis beside that of the samples, got {value!r}")
    return -1


@dataclass(frozen=True)
class Kind:
    """One activation.

    Attributes
    ----------
    code : int
        The kernels' code; CUSTOM_ACTIVATION where its formula is compiled.
    settings : dict of Setting
        By name, in Keras's order.
    special : callable or None
        ``special(settings)`` gives (code, alpha) where they depend on the settings.
    takes_number : bool
        Whether a number alone is its first setting rather than data.
    """

    code: int = codes.CUSTOM_ACTIVATION
    settings: Mapping[str, Setting] = field(default_factory=dict)
    special: Callable[[Settings], tuple[int, float]] | None = None
    takes_number: bool = False

    def encode(self, settings: Settings) -> tuple[int, float]:
        """The kernels' code and its parameter."""
        return self.special(settings) if self.special else (self.code, 0.0)

    @property
    def defaults(self) -> dict[str, Any]:
        return {name: setting.default for name, setting in self.settings.items()}


def _relu(settings: Settings) -> tuple[int, float]:
    if settings["max_value"] is not None or settings["threshold"]:
        return codes.CUSTOM_ACTIVATION, 0.0
    slope = settings["negative_slope"]
    return (codes.LEAKY_RELU, slope) if slope else (codes.RELU, 0.0)


_ROW = {"axis": Setting(-1, _last_axis)}
_SHRINK = {"threshold": Setting(0.5, _from_zero)}

KINDS = {
    "linear": Kind(codes.LINEAR),
    "relu": Kind(
        settings={
            "negative_slope": Setting(0.0, _from_zero),
            "max_value": Setting(None, _from_zero_or_none),
            "threshold": Setting(0.0, _from_zero),
        },
        special=_relu,
    ),
    "leaky_relu": Kind(
        settings={"negative_slope": Setting(0.2, _from_zero)},
        special=lambda settings: (codes.LEAKY_RELU, settings["negative_slope"]),
        takes_number=True,
    ),
    "relu6": Kind(),
    "elu": Kind(
        settings={"alpha": Setting(1.0, _from_zero)},
        special=lambda settings: (codes.ELU, settings["alpha"]),
        takes_number=True,
    ),
    "selu": Kind(codes.SELU),
    "celu": Kind(
        settings={"alpha": Setting(1.0, _positive)},
        special=lambda settings: (codes.CUSTOM_ACTIVATION, settings["alpha"]),
    ),
    "exponential": Kind(),
    "tanh": Kind(codes.TANH),
    "sigmoid": Kind(codes.SIGMOID),
    "log_sigmoid": Kind(),
    "softplus": Kind(codes.SOFTPLUS),
    "softsign": Kind(),
    "squareplus": Kind(settings={"b": Setting(4.0, _positive)}),
    "silu": Kind(codes.SILU),
    "mish": Kind(),
    "gelu": Kind(
        settings={"approximate": Setting(False, boolean)},
        special=lambda settings: (codes.GELU_TANH if settings["approximate"] else codes.GELU, 0.0),
        takes_number=True,
    ),
    "gelu_tanh": Kind(codes.GELU_TANH),
    "hard_sigmoid": Kind(),
    "hard_silu": Kind(),
    "hard_tanh": Kind(),
    "tanh_shrink": Kind(),
    "hard_shrink": Kind(settings=_SHRINK),
    "soft_shrink": Kind(settings=_SHRINK),
    "threshold": Kind(settings={"threshold": Setting(REQUIRED, number), "default_value": Setting(REQUIRED, number)}),
    "sparse_plus": Kind(),
    "sparse_sigmoid": Kind(),
    "softmax": Kind(codes.SOFTMAX, _ROW),
    "log_softmax": Kind(codes.LOG_SOFTMAX, _ROW),
    "sparsemax": Kind(codes.SPARSEMAX, _ROW),
    "glu": Kind(codes.GLU, _ROW),
}
