"""The bar of ``fit``: tqdm's, which takes a while to import, for those who want to see one."""

import threading

from tqdm import tqdm
from tqdm.std import TqdmDefaultWriteLock

from ..forks import at_fork

LAYOUT = "{desc}{percentage:3.0f}%|{bar:20}| [{elapsed}<{remaining}]{postfix}"


class Bar(tqdm):  # type: ignore[type-arg]
    """A bar that is redrawn when told to, so that no thread has to look after it."""

    monitor_interval = 0


def _renew_lock() -> None:
    """Another thread of the parent may have been drawing."""
    if isinstance(tqdm.get_lock(), TqdmDefaultWriteLock):
        TqdmDefaultWriteLock.th_lock = threading.RLock()
        tqdm.set_lock(TqdmDefaultWriteLock())


at_fork(after_in_child=_renew_lock)
