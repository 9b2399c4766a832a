"""What a library does to be measured."""

import os

from workloads import LEARNING_RATES, make_data

EPSILON = 1e-7  # Adam's, in every library


def use_threads(count):
    """Leave so many processors to this process, which XLA takes as many threads as: it has no other setting for all of it."""
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[-count:])


class Peer:
    """One library with one network and its data."""

    def __init__(self, workload):
        self.w, self.rate = workload, LEARNING_RATES.get(workload.optimizer)
        self.x, self.y, self.weights = make_data(workload)
        self.make()
        self.restart()

    def make(self):
        """Build the network, and turn the data into what the library likes best."""
        raise NotImplementedError

    def restart(self):
        """Go back to the initial weights and an optimizer that has seen nothing."""
        raise NotImplementedError

    def step(self, rows):
        """Train on the samples of a slice."""
        raise NotImplementedError

    def train(self, epochs):
        """Train over all the data in random order, the fastest way there is."""
        raise NotImplementedError

    def solve(self, iterations):
        """Minimise over all the data at once, from where it is."""
        raise NotImplementedError

    def loss(self):
        """The loss over all the data."""
        raise NotImplementedError

    def predict(self):
        """The output for all the data."""
        raise NotImplementedError

    def epoch(self):
        """One epoch that goes on where the last one ended."""
        self.train(1)

    def loss_after(self, steps):
        """The loss after some steps from the initial weights, through the data in its order."""
        self.restart()
        if self.w.iterations:
            self.solve(steps)
        for i in range(0 if self.w.iterations else steps):
            first = (i * self.w.batch) % len(self.x)
            self.step(slice(first, first + self.w.batch))
        return float(self.loss())

    def run(self, times):
        """What is timed: so many epochs, predictions, or ways from the initial weights."""
        if not (self.w.predicts or self.w.iterations):
            self.train(times)
            return
        for _ in range(times):
            if self.w.predicts:
                self.predict()
            else:
                self.restart()
                self.solve(self.w.iterations)
