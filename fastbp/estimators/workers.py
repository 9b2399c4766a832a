"""How many threads an estimator uses."""

from typing import Any


def threads_of(estimator: Any) -> int | None:
    """As it is told; one within a worker of joblib, whose others have the other processors; None: by the work of a step."""
    if estimator.n_threads is not None:
        return int(estimator.n_threads)
    return 1 if is_within_worker() else None


def is_within_worker() -> bool:
    """Whether joblib is running this as one of several calls, in whatever backend."""
    from joblib.parallel import get_active_backend

    return bool(getattr(get_active_backend()[0], "nesting_level", 0))
