"""The logs that a hook of batches gets: most of them are never read."""

from collections.abc import Callable, Iterator, MutableMapping
from typing import Any, TypeVar
from weakref import ref

Measured = TypeVar("Measured")


class BatchLogs(MutableMapping[str, Any]):
    """A dict of the loss and metrics so far, which are computed when one of them is first read.

    Parameters
    ----------
    compute : callable
        Gives the dict for what has been measured.
    measure : callable
        Gives that, as it is at the time; it does not change any more.
    """

    __slots__ = ("__weakref__", "_compute", "_logs", "_measure", "_measured")

    def __init__(self, compute: Callable[[Measured], dict[str, Any]], measure: Callable[[], Measured]) -> None:
        self._compute, self._measure = compute, measure
        self._measured: Any = None
        self._logs: dict[str, Any] | None = None

    def settle(self) -> None:
        """Stay what they are now, whatever is measured later."""
        if self._measured is None:
            self._measured = self._measure()

    def _all(self) -> dict[str, Any]:
        if self._logs is None:
            self.settle()
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


def tell(
    hook: Callable[[int, Any], None],
    number: int,
    compute: Callable[[Measured], dict[str, Any]],
    measure: Callable[[], Measured],
) -> None:
    """Call a hook of a batch with logs of what has been measured so far. Where it keeps them they are settled."""
    logs = BatchLogs(compute, measure)
    hook(number, logs)
    kept = ref(logs)
    del logs
    still = kept()
    if still is not None:
        still.settle()
