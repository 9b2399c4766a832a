"""What Keras keeps as global settings: those that have a meaning here, and those that change nothing."""

from typing import Any

from . import absent as _absent
from .auto_names import forget_names

__all__ = [
    "backend",
    "clear_session",
    "disable_interactive_logging",
    "disable_traceback_filtering",
    "dtype_policy",
    "enable_interactive_logging",
    "enable_traceback_filtering",
    "epsilon",
    "floatx",
    "image_data_format",
    "is_interactive_logging_enabled",
    "is_traceback_filtering_enabled",
    "set_dtype_policy",
    "set_epsilon",
    "set_floatx",
    "set_image_data_format",
]

_dtype = "float32"
EPSILON = 1e-7


def floatx() -> str:
    """The dtype of models that are made without one.

    Examples
    --------
    >>> import fastbp
    >>> fastbp.config.floatx()
    'float32'
    """
    return _dtype


def set_floatx(value: str) -> None:
    """Choose the dtype of models that are made from now on without one.

    Parameters
    ----------
    value : {"float32", "float64"}

    Examples
    --------
    >>> import fastbp
    >>> fastbp.config.set_floatx("float64")
    >>> fastbp.Sequential().dtype
    'float64'
    >>> fastbp.config.set_floatx("float32")
    """
    global _dtype
    if value not in ("float32", "float64"):
        raise ValueError(f"value must be 'float32' or 'float64', got {value!r}")
    _dtype = value


def epsilon() -> float:
    """1e-7, which keeps logarithms and divisors from zero in the losses and metrics.

    Examples
    --------
    >>> import fastbp
    >>> fastbp.config.epsilon()
    1e-07
    """
    return EPSILON


def set_epsilon(value: float) -> None:
    """Refused unless it is 1e-7: the kernels have that number compiled in."""
    if value != EPSILON:
        raise ValueError(
            f"value must be {EPSILON}, which the kernels have compiled in, got {value!r}: write it in your formula"
        )


def backend() -> str:
    """ "fastbp".

    Examples
    --------
    >>> import fastbp
    >>> fastbp.config.backend()
    'fastbp'
    """
    return "fastbp"


def image_data_format() -> str:
    """ "channels_last", the order in which ``Flatten`` finds the numbers of an image."""
    return "channels_last"


def set_image_data_format(data_format: str) -> None:
    """Refused unless it is "channels_last"."""
    if data_format != "channels_last":
        raise ValueError(f"data_format must be 'channels_last', got {data_format!r}")


def dtype_policy() -> str:
    """The same as ``floatx``."""
    return floatx()


def set_dtype_policy(policy: Any) -> None:
    """The same as ``set_floatx``."""
    set_floatx(policy)


def clear_session(free_memory: bool = True) -> None:
    """Number the names of new metrics from the start again: AUC() is called "auc", the next "auc_1".

    Models keep no global state. A model's memory is free when nothing refers to it any more.

    Examples
    --------
    >>> import fastbp
    >>> fastbp.backend.clear_session()
    >>> fastbp.metrics.AUC().name
    'auc'
    """
    forget_names()


def enable_interactive_logging() -> None:
    """Nothing: a bar shows itself in a terminal and a notebook, and is quiet in a log file."""


def disable_interactive_logging() -> None:
    """Nothing: a bar shows itself in a terminal and a notebook, and is quiet in a log file."""


def is_interactive_logging_enabled() -> bool:
    """True."""
    return True


def enable_traceback_filtering() -> None:
    """Nothing: tracebacks are those of Python."""


def disable_traceback_filtering() -> None:
    """Nothing: tracebacks are those of Python."""


def is_traceback_filtering_enabled() -> bool:
    """False."""
    return False


__getattr__ = _absent.explain(__name__, _absent.CONFIG)
