"""One peer at work on one workload, in a process of its own.

    python worker.py NAME WORKLOAD-AS-JSON SPAWNED

SPAWNED is the time at which the process was asked for. It answers each line of standard input with a line of JSON:

    ready               {"loss": after some steps, "startup": seconds from SPAWNED to the end of the first epoch}
    time SECONDS        the seconds of a step, over about so many seconds
    reach LOSS MOST     the seconds of training from the initial weights to that loss, or null after MOST seconds
    begin LOSS MOST     the same, but from SPAWNED on: with all imports and compilation
"""

import json
import sys
import time

import peers
from workloads import Workload


class Measured:
    """Answers the questions about one peer."""

    def __init__(self, name, workload, spawned):
        self.peer, self.steps, self.spawned = peers.make(name, workload), workload.steps, spawned
        self.checked_steps, self.epochs = workload.checked_steps, 0

    def ready(self):
        self.peer.run(1)
        startup = time.time() - self.spawned
        return {"loss": self.peer.loss_after(self.checked_steps), "startup": startup}

    def time(self, seconds):
        if not self.epochs:
            self.peer.run(1)
            self.epochs = max(1, round(float(seconds) / self._run(1)))
        return self._run(self.epochs) / (self.epochs * self.steps)

    def _run(self, times):
        start = time.perf_counter()
        self.peer.run(times)
        return time.perf_counter() - start

    def reach(self, loss, most, spent=0.0):
        self.peer.restart()
        while spent < float(most):
            start = time.perf_counter()
            self.peer.epoch()
            spent += time.perf_counter() - start
            if self.peer.loss() <= float(loss):  # not timed
                return spent
        return None

    def begin(self, loss, most):
        return self.reach(loss, most, time.time() - self.spawned)


def main():
    name, described, spawned = sys.argv[1], json.loads(sys.argv[2]), float(sys.argv[3])
    described["sizes"] = tuple(described["sizes"])
    measured = Measured(name, Workload(**described), spawned)
    for line in sys.stdin:
        question, *arguments = line.split()
        print(json.dumps(getattr(measured, question)(*arguments)), flush=True)


if __name__ == "__main__":
    main()
