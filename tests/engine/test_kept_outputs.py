"""The outputs that a pass keeps: of the network that each step met."""

import numpy as np
import pytest

from bridge import every_layer, make_problem
from networks import PAIRINGS, describe


@pytest.mark.parametrize(("loss", "last"), PAIRINGS, ids=describe)
@pytest.mark.parametrize("n", [19, 9000])
def test_evaluate_keeps_the_outputs_of_forward(loss, last, n):
    """Also where the loss is one of logits: what is kept is what the network predicts."""
    problem = make_problem([{"activation": "tanh"}, {"activation": last}], [5, 17, 3], loss, n, dtype="float32")
    engine, (x, y) = problem.engine(), problem.data
    expected = engine.forward(x)
    for threads in (1, 2):
        epoch = engine.evaluate(x, y, threads=threads, keep_outputs=True)
        assert np.array_equal(epoch.outputs, expected) and epoch.order is None
        assert epoch.loss == engine.evaluate(x, y).loss
    assert engine.evaluate(x, y).outputs is None


def test_kept_outputs_are_not_written_again():
    problem = every_layer("tanh", n=50)
    engine, (x, y) = problem.engine({"name": "sgd", "learning_rate": 0.5}), problem.data
    epochs = [engine.train_epoch(x, y, 8, keep_outputs=True) for _ in range(2)]
    copies = [(e.outputs.copy(), e.order.copy()) for e in epochs]
    engine.train_epochs(3, [], x, y, 8)
    engine.evaluate(x, y, keep_outputs=True)
    assert all(np.array_equal(e.outputs, o) and np.array_equal(e.order, k) for e, (o, k) in zip(epochs, copies, strict=True))
    assert not np.array_equal(epochs[0].outputs, epochs[1].outputs) and not np.array_equal(epochs[0].order, epochs[1].order)
