"""What is observed of steps: against plain NumPy, the same bits for any number of threads, and nothing changed by it."""

import numpy as np
import pytest
from hypothesis import given, settings

import fastbp
import oracle
import oracle_norm
from bridge import every_layer, make_activation, make_layer, make_optimizer, make_problem
from fastbp.engine import buffers
from fastbp.engine.engine import Engine
from fastbp.engine.observer import Observer
from fastbp.kernels.fields import (
    DEAD_SHARE,
    FLAT_SHARE,
    GRADIENT_NORM,
    OUTPUT_MEAN,
    OUTPUT_SPREAD,
    UPDATE_NORM,
    WEIGHT_NORM,
)
from fastbp.layers.stages import stages_by_layer, stages_of
from random_problems import problems


class Notes:
    """An observer and all that it was told."""

    def __init__(self, every):
        self.steps, self.passes, self.records = [], [], []
        self.observer = Observer(every, self.take)

    def take(self, observed):
        self.steps += observed.steps
        self.passes += observed.passes
        self.records += list(observed.records)

    @property
    def bits(self):
        return np.array(self.records).tobytes()


def norm(arrays):
    return np.sqrt(sum((np.asarray(a, np.float64) ** 2).sum() for a in arrays))


def shares_of(layer, z):
    """The shares of flat outputs and of dead units for inputs z of its activation, as the least and the most that rounding may
    make of them; None where it cannot be flat."""
    below = make_activation(layer).flatness.below
    slopes = np.abs(oracle.through_activation(layer, z, np.ones_like(z)))
    flat = [slopes < below * (1 - 1e-3), slopes < below * (1 + 1e-3)]
    return [(f.mean(), f.all(axis=0).mean()) for f in flat] if below else None


def expected_layers(problem, arrays, x, fused):
    """Of each of fastbp's layers its stages' numbers, its arrays, and mean, spread and shares of its outputs.

    ``arrays`` are lists in the order of the weights, of which each layer gets its own parts.
    """
    _, tape = oracle.forward(problem.network, arrays[0], x)
    made = [make_layer(layer, units) for layer, units in zip(problem.network, problem.widths[1:], strict=True)]
    owners = [owner for _, owner in stages_by_layer(sum(made, []), problem.widths[0])]
    number = weight = 0
    for layer, own, (_, z, inputs) in zip(problem.network, made, tape, strict=True):
        after = [*inputs[1:], None]
        is_last, first = layer is problem.network[-1], layer.get("norm_first", False)
        vectors = oracle_norm.vectors_of(layer["norm"]) if "norm" in layer else ()
        counts = [1 + layer.get("use_bias", True), len(vectors), 0]
        pairs = oracle.steps_of(layer, arrays[0][weight + counts[0] : weight + sum(counts)])
        after[-1] = pairs[-1][0](inputs[-1])
        outputs = [z, *after]  # before the first step, and after each
        if "norm" not in layer:
            found = [(z, None)] if fused and is_last else [(outputs[1], shares_of(layer, z))]
        elif first:
            found = [(outputs[0], None), (outputs[1], None), (outputs[2], shares_of(layer, outputs[1]))]
            if number + 2 not in owners:  # the activation became part of the normalization
                found[1:] = found[2:]
        else:
            found = [(outputs[1], shares_of(layer, z)), (outputs[2], None)]
        for k in range(len(own)):
            stages = [i for i, owner in enumerate(owners) if owner == number + k]
            parts = [all_arrays[weight : weight + counts[k]] for all_arrays in arrays]
            weight += counts[k]
            if stages:
                output, shares = found.pop(0)
                learns = layer.get("trainable", True) and counts[k] > 0
                yield stages[0], stages[-1], parts if learns else None, output.mean(), output.std(), shares
        number += len(own)


def assert_observed(problem, optimizer, notes, every, batch, epochs, tolerance):
    """The records of a run in the order of the data."""
    rule, weights, found = oracle.Optimizer(optimizer), problem.weights, iter(notes.records)
    fused = oracle.is_fused(problem.network, problem.loss)
    taken, steps, learns = 0, [], oracle.trainable(problem.network)
    for _ in range(epochs):
        for step, start in enumerate(range(0, len(problem.x), batch)):
            rows = slice(start, start + batch)
            x, y = problem.x[rows], problem.y[rows]
            _, gradients = oracle.value_and_gradient(problem.network, weights, problem.loss, x, y)
            new = [n if ok else w for n, w, ok in zip(rule.apply(weights, gradients), weights, learns, strict=True)]
            if step % every == 0:
                steps.append(taken)
                assert_record(problem, next(found), (weights, new, gradients), x, fused, tolerance)
            weights, taken = new, taken + 1
    assert next(found, None) is None and notes.steps == steps


def assert_record(problem, record, arrays, x, fused, tolerance):
    eps = float(np.finfo(problem.dtype).eps)
    for first, last, parts, mean, std, shares in expected_layers(problem, arrays, x, fused):
        learnt, output = record[first], record[min(last, len(record) - 1)]
        if parts is None:
            assert np.isnan(learnt[[GRADIENT_NORM, WEIGHT_NORM, UPDATE_NORM]]).all()
        else:
            before, after, gradient = parts
            size, moved = norm(before), norm([a - b for a, b in zip(after, before, strict=True)])
            assert learnt[GRADIENT_NORM] == pytest.approx(norm(gradient), rel=tolerance, abs=10 * tolerance)
            assert learnt[WEIGHT_NORM] == pytest.approx(size, rel=tolerance, abs=10 * eps)
            assert learnt[UPDATE_NORM] == pytest.approx(moved, rel=10 * tolerance, abs=10 * eps * size + 1e-14)
        assert output[OUTPUT_MEAN] == pytest.approx(mean, rel=tolerance, abs=tolerance * (std + abs(mean) + 1e-3))
        assert output[OUTPUT_SPREAD] == pytest.approx(std, rel=tolerance, abs=tolerance * (abs(mean) + 1e-3))
        if shares is None:
            assert np.isnan(output[[FLAT_SHARE, DEAD_SHARE]]).all()
        else:
            for k, place in enumerate((FLAT_SHARE, DEAD_SHARE)):
                assert shares[0][k] - 1e-12 <= output[place] <= shares[1][k] + 1e-12


def observed(problem, optimizer, every, batch, epochs=1, threads=1):
    engine, notes = problem.engine(optimizer), Notes(every)
    engine.train_epochs(epochs, [], *problem.data, batch, False, threads=threads, observer=notes.observer)
    return notes


@given(problem=problems(dtypes=("float64",), freezes=True))
@settings(max_examples=40)
def test_random_networks(problem):
    sgd, batch = {"name": "sgd", "learning_rate": 0.01, "momentum": 0.5}, -(-len(problem.x) // 3)
    if not any(layer["trainable"] for layer in problem.network):
        problem.network[0]["trainable"] = True
    # Where layers below all that learn store no derivative, what needs it is not known.
    first = next(i for i, layer in enumerate(problem.network) if layer["trainable"])
    for layer in problem.network[:first]:
        layer["activation"] = "linear"
        layer.pop("alpha", None)
    assert_observed(problem, sgd, observed(problem, sgd, 2, batch, 2), 2, batch, 2, 1e-8)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("rows", [1, 40, 3000])
def test_rows_that_are_kept_and_rows_that_are_cut_into_groups(dtype, rows):
    network = [{"activation": "tanh"}, {"activation": "relu"}, {"activation": "gelu"}, {"activation": "linear"}]
    problem = make_problem(network, [5, 33, 40, 17, 2], {"name": "mean_squared_error"}, 3 * rows - rows // 2, dtype=dtype)
    engine = problem.engine()
    assert buffers.is_grouped(engine._parameters, engine.shapes, rows) == (rows == 3000)
    adam = {"name": "adam", "learning_rate": 0.001}
    notes = observed(problem, adam, 1, rows, threads=2)
    assert_observed(problem, adam, notes, 1, rows, 1, 1e-9 if dtype == "float64" else 2e-4)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("batch", [37, 3000])
def test_the_same_bits_for_any_threads_blocks_and_cuts(dtype, batch, monkeypatch):
    """PReLU's weights are a number for each unit: five vectors, which are no whole panel."""
    n = 200 if batch == 37 else 7001
    lanes = fastbp.kernels.simd.machine.machine().lanes(dtype)
    layers = [fastbp.Dense(5 * lanes), fastbp.layers.PReLU(), fastbp.Dense(9, "softplus"), fastbp.Dense(3, "tanh")]
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(n, 6)).astype(dtype), rng.normal(size=(n, 3)).astype(dtype)

    def engine_of():
        engine = Engine(stages_of(layers, 6), dtype, 3)
        engine.configure(fastbp.Adam(0.01), fastbp.losses.MeanSquaredError())
        w = np.random.default_rng(1)
        engine.set_weights([w.normal(size=a.shape).astype(dtype) for a in engine.get_weights()])
        return engine

    def run(threads):
        engine, notes = engine_of(), Notes(2)
        engine.train_epochs(2, [], x, y, batch, threads=threads, observer=notes.observer)
        return engine, notes

    engine, alone = run(1)
    steps = -(-n // batch)
    assert len(alone.records) == 2 * -(-steps // 2) and alone.passes == sorted(alone.passes)
    for threads in (2, 3, 8):
        assert run(threads)[1].bits == alone.bits
    cut, notes = engine_of(), Notes(2)
    for _ in range(2):
        for first in range(steps):
            cut.train_steps(first, first + 1, [], x, y, batch, threads=2, observer=notes.observer)
    assert notes.bits == alone.bits and notes.steps == alone.steps
    plain = engine_of()
    plain.train_epochs(2, [], x, y, batch, threads=2)
    for other in (cut, plain):
        assert all(np.array_equal(a, b) for a, b in zip(engine.get_weights(), other.get_weights(), strict=True))
    monkeypatch.setattr("fastbp.engine.plan.choose_block", lambda *_: 8)
    outputs = slice(OUTPUT_MEAN, None)  # a group's gradient is summed up block by block
    np.testing.assert_array_equal(run(2)[1].records[0][:, outputs], alone.records[0][:, outputs])


def test_nothing_is_observed_in_calls_without_an_observer():
    problem = every_layer("tanh", n=40)
    engine, (x, y), notes = problem.engine(), problem.data, Notes(1)
    engine.train_epoch(x, y, 8, observer=notes.observer)
    engine.train_epoch(x, y, 8)
    engine.value_and_gradient(x, y)
    engine.train_epoch(x[:8], y[:8], 8, observer=notes.observer)
    engine.value_and_gradient(x[:8], y[:8])
    engine.evaluate(x, y)
    assert notes.steps == [0, 1, 2, 3, 4, 10]


def test_steps_before_count():
    problem = every_layer("tanh", n=40)
    engine, (x, y), notes = problem.engine(), problem.data, Notes(3)
    for before in (0, 5):
        notes.observer.steps_before = before
        engine.train_epoch(x, y, 8, observer=notes.observer)
    assert notes.steps == [0, 3, 6, 9]  # of the second pass steps 5 to 9


def test_a_spread_that_is_small_beside_the_mean():
    problem = make_problem([{"activation": "linear"}], [3, 2], {"name": "mean_squared_error"}, 500)
    problem.weights[1][:] = 1e8
    engine, (x, y), notes = problem.engine({"name": "sgd", "learning_rate": 0.0}), problem.data, Notes(1)
    engine.train_epoch(x, y, 500, observer=notes.observer)
    assert notes.records[0][0, OUTPUT_SPREAD] == pytest.approx((x @ problem.weights[0]).std(), rel=1e-6)


def test_padding_does_not_leak():
    """1 / z of the padding's 0 is infinite."""
    x = np.random.default_rng(0).uniform(1, 2, size=(20, 3))
    engine = Engine(stages_of([fastbp.Dense(3, lambda z: 1 / z), fastbp.Dense(1)], 3), "float64")
    engine.configure(make_optimizer({"name": "sgd", "learning_rate": 1e-3}), fastbp.losses.MeanSquaredError())
    engine.set_weights([np.eye(3), np.zeros(3), np.ones((3, 1)), np.zeros(1)])
    notes = Notes(1)
    engine.train_epoch(x, np.ones((20, 1)), 20, observer=notes.observer)
    assert notes.records[0][0, OUTPUT_MEAN] == pytest.approx((1 / x).mean(), rel=1e-12)
    assert notes.records[0][0, OUTPUT_SPREAD] == pytest.approx((1 / x).std(), rel=1e-12)
