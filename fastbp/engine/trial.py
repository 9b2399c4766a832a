"""How many threads pay, found by trying where the work of a step leaves it open: the results are the same for any number."""

from .threads import get_num_threads
from .work import FLOP_PER_THREAD, choose_threads

NEAR = 3.0  # times more or less work than where a second thread is thought to pay: there machines differ
MANY_STEPS = 16  # of a run, from which on waking the threads no longer counts
ROUNDS = 2  # runs with each number of threads, of which the faster counts
CLEARLY = 1.3  # times slower at once: not tried a second time
SLOWER, MAX_SLOW = 1.5, 3  # times the time of the trial, in so many runs one after another: it is tried again


class Trial:
    """One number of threads against another on runs of the same kind.

    Parameters
    ----------
    first, other : int
        ``first`` is what the work of a step speaks for.
    """

    def __init__(self, first: int, other: int) -> None:
        self._candidates = first, other
        self._begin()

    def _begin(self) -> None:
        self._seconds: dict[int, list[float]] = {threads: [] for threads in self._candidates}
        self._chosen, self._slow = 0, 0

    @property
    def threads(self) -> int:
        """Those of the next run."""
        first, other = (len(self._seconds[threads]) for threads in self._candidates)
        return self._chosen or self._candidates[first > other]

    def note(self, threads: int, seconds: float) -> None:
        """What a step has taken in a run that has come to its end."""
        first, other = (self._seconds[candidate] for candidate in self._candidates)
        if not self._chosen:
            self._seconds[threads].append(seconds)
            if len(other) == ROUNDS or (len(first) == len(other) and _ratio(first, other) > CLEARLY):
                self._chosen = self._candidates[min(other) < min(first)]
        elif threads == self._chosen:
            self._slow = self._slow + 1 if seconds > SLOWER * min(self._seconds[threads]) else 0
            if self._slow == MAX_SLOW:
                self._begin()


def _ratio(first: list[float], other: list[float]) -> float:
    low, high = sorted((min(first), min(other)))
    return high / max(low, 1e-12)


class Trials:
    """Those of one network."""

    def __init__(self) -> None:
        self._trials: dict[tuple[int, bool, int, int], Trial] = {}

    def find(self, step_flop: int, batch: int, steps: int) -> Trial | None:
        """That of runs of so many steps on such batches; None where the work of a step says clearly what is faster."""
        crossover, flop = 2 * FLOP_PER_THREAD, batch * step_flop
        if not crossover / NEAR <= flop <= crossover * NEAR:
            return None
        most = get_num_threads()
        if most < 2:
            return None
        key = batch, steps >= MANY_STEPS, step_flop, most
        if key not in self._trials:
            chosen = choose_threads(flop)
            self._trials[key] = Trial(chosen, min(2, most) if chosen == 1 else 1)
        return self._trials[key]
