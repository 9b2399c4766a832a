"""Compiled graphs: values, bits that do not depend on threads, several passes, caching, threads of the caller."""

import subprocess
import sys
import threading

import numpy as np
import pytest

import fastbp as bp
from fastbp.graph.autodiff import compiled
from fastbp.kernels.simd import native
from paths import ROOT


@pytest.fixture
def threads():
    yield bp.set_num_threads
    bp.set_num_threads(None)


def damped(p, x, y):
    return bp.mean((p[0] * bp.exp(-p[1] * x) * bp.cos(p[2] * x + p[3]) - y) ** 2)


def data(n, dtype="float64"):
    rng = np.random.default_rng(n)
    return rng.uniform(0, 3, n).astype(dtype), rng.normal(size=n).astype(dtype)


P = np.array([1.2, 0.7, 2.1, 0.3])


@pytest.mark.parametrize("n", [1, 2, 7, 8, 9, 63, 8191, 8192, 8193, 40_000])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_every_length_and_type(n, dtype):
    x, y = data(n, dtype)
    value, slope = bp.value_and_grad(damped)(P.astype(dtype), x, y)
    graph = bp.trace(damped, P, x, y)
    tolerance = 1e-12 if dtype == "float64" else 2e-5
    assert value == pytest.approx(graph.forward(P, x, y), rel=tolerance)
    np.testing.assert_allclose(slope, graph.backward()[0], rtol=tolerance, atol=tolerance)
    assert slope.dtype == dtype


def test_the_same_bits_for_any_number_of_threads(threads):
    x, y = data(300_000)
    results = []
    for count in (1, 2, 3, 5):
        threads(count)
        value, slope = bp.value_and_grad(damped)(P, x, y)
        results.append((value, *slope))
    assert len(set(results)) == 1


def test_callers_in_several_threads(threads):
    threads(2)
    x, y = data(100_000)
    f = bp.value_and_grad(damped)
    expected = f(P, x, y)[0]
    found = []
    callers = [threading.Thread(target=lambda: found.extend(f(P, x, y)[0] for _ in range(20))) for _ in range(4)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert found == [expected] * 80


def test_sums_that_need_sums():
    x, y = data(20_000)

    def correlation(a, x, y):
        z = x + a * y
        dx, dy = x - bp.mean(x), z - bp.mean(z)
        return bp.mean(dx * dy) / bp.sqrt(bp.mean(dx**2) * bp.mean(dy**2))

    value, slope = bp.value_and_grad(correlation)(0.7, x, y)
    assert value == pytest.approx(np.corrcoef(x, x + 0.7 * y)[0, 1], rel=1e-12)
    step = 1e-5
    assert slope == pytest.approx((correlation(0.7 + step, x, y) - correlation(0.7 - step, x, y)) / (2 * step), rel=1e-8)


def test_data_of_several_lengths():
    x, y = data(1000)
    z = np.linspace(0, 1, 17)

    def f(a, x, z):
        return bp.sum(a * x) * bp.sum(z**a) + bp.mean(x[1:] * x[:-1]) * a

    for first, second in ((x, z), (z, x)):
        value, slope = bp.value_and_grad(f)(1.5, first, second)
        graph = bp.trace(f, 1.5, first, second)
        assert value == pytest.approx(graph.forward(1.5, first, second), rel=1e-13)
        assert slope == pytest.approx(graph.backward()[0], rel=1e-12)


def test_one_pass_over_the_data_where_one_is_enough():
    from fastbp.graph.autodiff.chain_rule import gradient
    from fastbp.graph.codegen.loops import make_plan

    x, _ = data(100)
    graph = bp.trace(lambda a, x: bp.sqrt(bp.sum((bp.exp(a * x) - 1) ** 2)), 0.3, x)
    slope = gradient(graph.outputs[0], graph.inputs[:1])
    assert len(make_plan(graph.inputs, [*graph.outputs, *slope]).loops) == 1


def test_gradients_by_data():
    x, _ = data(5000)
    slope = bp.grad(lambda x: bp.sum(x[1:] * x[:-1]) + x[0] ** 2 + x[-1])(x)
    expected = np.zeros_like(x)
    expected[1:] += x[:-1]
    expected[:-1] += x[1:]
    expected[0] += 2 * x[0]
    expected[-1] += 1
    np.testing.assert_allclose(slope, expected, rtol=1e-15)
    variance = bp.grad(lambda x: bp.mean((x - bp.mean(x)) ** 2))(x)
    np.testing.assert_allclose(variance, 2 * (x - x.mean()) / len(x), atol=1e-18)


def test_arrays_around_the_formula_are_read_at_each_call():
    weights = np.ones(1000)
    x, _ = data(1000)
    f = bp.grad(lambda a: bp.sum(weights * a * x))
    assert f(2.0) == pytest.approx(x.sum())
    weights[:] = 3.0
    assert f(2.0) == pytest.approx(3 * x.sum())
    weights = np.full(1000, 5.0)
    assert f(2.0) == pytest.approx(5 * x.sum())


def test_numbers_around_the_formula_are_noticed():
    scale, small = 2.0, np.array([1.0, 2.0])

    def inner(x):
        return scale * x * small[1]

    f = bp.grad(lambda x: inner(x) ** 2)
    assert f(1.0) == 32.0
    scale = 3.0
    assert f(1.0) == 72.0
    small[1] = 1.0
    assert f(1.0) == 18.0


def test_single_elements_of_large_arrays_around_the_formula_are_noticed():
    table = np.ones(1000)
    f = bp.grad(lambda x: float(table[0]) * x + table[1:3].mean() * x)
    assert f(1.0) == 2.0
    table[0] = 10.0
    assert f(1.0) == 11.0
    table[1:3] = 4.0
    assert f(1.0) == 14.0
    x = np.arange(3.0)
    assert bp.curve_fit(lambda x, a: table[0] * a * x, x, 20 * x)[0] == pytest.approx(2.0)
    table[0] = 5.0
    assert bp.curve_fit(lambda x, a: table[0] * a * x, x, 20 * x)[0] == pytest.approx(4.0)


def test_attributes_of_objects_and_their_classes_are_noticed():
    class Spring:
        stiffness = 2.0

        def __init__(self):
            self.offset = 1.0

        def __call__(self, x):
            return self.stiffness * (x - self.offset) ** 2

    spring = Spring()
    f = bp.grad(spring)
    assert f(2.0) == 4.0
    spring.offset = 0.0
    assert f(2.0) == 8.0
    Spring.stiffness = 3.0
    assert f(2.0) == 12.0


def test_equal_graphs_are_compiled_once():
    def count():
        return len(native._loaded)

    x, y = data(100)
    bp.grad(lambda p, x, y: damped(p, x, y) * 1.25)(P, x, y)
    before = count()
    bp.grad(lambda p, x, y: damped(p, x, y) * 1.25)(P, *data(333))
    assert count() == before


def test_strided_data_and_lists():
    x, y = data(2000)
    expected = bp.grad(damped)(P, x[::2].copy(), y[::2].copy())
    assert (bp.grad(damped)(list(P), x[::2], y[::2]) == expected).all()


def test_kept_on_disk_for_the_next_process(tmp_path):
    script = """
import numpy as np, fastbp as bp
from fastbp.kernels.simd import native
compile, compiled = native._compile, []
native._compile = lambda module: compiled.append(module) or compile(module)
print(bp.grad(lambda p, x: bp.mean((p[0] * bp.exp(p[1] * x) - bp.sin(x)) ** 2))(np.ones(2), np.linspace(0, 1, 50)))
print(len(compiled))
"""
    environment = {"NUMBA_CACHE_DIR": str(tmp_path), "PYTHONPATH": str(ROOT), "PATH": "/usr/bin"}
    told = []
    for _ in range(2):
        done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True)
        told.append(done.stdout.splitlines())
    assert told[0][0] == told[1][0]
    assert [compiled for _, compiled in told] == ["1", "0"]
    assert len(list((tmp_path / "fastbp").glob("graph_*"))) == 1


def test_small_calls_go_straight_to_the_code(monkeypatch):
    """The formula is traced once, and its code looked up once."""
    done = []

    def counted(module, name):
        function = getattr(module, name)
        monkeypatch.setattr(module, name, lambda *arguments: done.append(name) or function(*arguments))

    counted(compiled, "trace_within")
    counted(native, "load")
    f = bp.value_and_grad(lambda p: (1 - p[0]) ** 2 + 100 * (p[1] - p[0] ** 2) ** 2)
    for i in range(200):
        f(np.array([-1.2, 1.0 + i]))
    assert done == ["trace_within", "load"]
