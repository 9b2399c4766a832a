"""The logs that a hook of batches gets: most of them are never read."""

from collections.abc import Callable, Iterator, MutableMapping
from typing import Any, TypeVar

Measured = TypeVar("Measured")


class BatchLogs(MutableMapping[str, Any]):
    """A dict of the loss and metrics so far, which are computed when one of them is first read.

    Parameters
    ----------
    compute : callable
        Gives the dict for ``measured``, which does not change any more.
    """

    __slots__ = ("_compute", "_logs", "_measured")

    def __init__(self, compute: Callable[[Measured], dict[str, Any]], measured: Measured) -> None:
        self._compute, self._measured = compute, measured
        self._logs: dict[str, Any] | None = None

    def _all(self) -> dict[str, Any]:
        if self._logs is None:
            self._logs = self._compute(self._measured)
        return self._logs

    def __getitem__(self, name: str) -> Any:
        return self._all()[name]

    def __setitem__(self, name: str, value: Any) -> None:
        self._all()[name] = value

    def __delitem__(self, name: str) -> None:
        del self._all()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._all())

    def __len__(self) -> int:
        return len(self._all())

    def __bool__(self) -> bool:  # ``logs or {}`` is no reason to compute them: there is always a loss
        return True

    def __repr__(self) -> str:
        return repr(self._all())

    def __or__(self, other: Any) -> dict[str, Any]:
        return self._all() | dict(other)

    def __ror__(self, other: Any) -> dict[str, Any]:
        return dict(other) | self._all()

    def copy(self) -> dict[str, Any]:
        """As a dict."""
        return dict(self._all())
