"""Arrays of several dimensions in formulas: NumPy's values, and derivatives in forward and reverse mode, twice too."""

import numpy as np
import pytest

import fastbp as bp
from fastbp.graph.tracing import numpy_functions
from fastbp.graph.tracing.array_functions import ARRAY_FUNCTIONS
from fastbp.graph.tracing.moving_functions import MOVING_FUNCTIONS
from fastbp.graph.tracing.nan_functions import NAN_FUNCTIONS
from fastbp.graph.tracing.order_functions import ORDER_FUNCTIONS
from fastbp.graph.tracing.product_functions import PRODUCT_FUNCTIONS
from fastbp.graph.tracing.reductions import Reductions
from fastbp.graph.tracing.shape_functions import SHAPE_FUNCTIONS

RNG = np.random.default_rng(0)
# Two small matrices, two small vectors, and data of 70 rows, whose columns are vectors.
SMALL = (RNG.normal(size=(4, 3)), RNG.normal(size=(3, 4)), RNG.normal(size=3), RNG.normal(size=4))
ARGUMENTS = (*SMALL, RNG.normal(size=(70, 3)), RNG.normal(size=70))
MASK = np.array([True, False, True, True])
TABLE = RNG.normal(size=(4, 3))
LONG = RNG.normal(size=(70, 3))


def holes(a):
    """With NaN where the values are below -0.4, away from which the arguments are."""
    return np.where(a < -0.4, np.nan, a)


CASES = {
    "reshape": lambda a, b, v, w, x, y: (
        a.reshape(3, 4),
        np.reshape(x, (-1, 2)) * 2,
        x.reshape(3, 70)[1],
        y.reshape(7, 10) ** 2,
    ),
    "ravel": lambda a, b, v, w, x, y: (a.ravel(), np.ravel(x), x.T.flatten(), np.ravel(a + v)),
    "squeeze": lambda a, b, v, w, x, y: (np.squeeze(a[:, :1]), np.squeeze(y[:, None], 1), np.squeeze(a[None], axis=0)),
    "expand_dims": lambda a, b, v, w, x, y: (np.expand_dims(a, 1), np.expand_dims(y, 0), np.expand_dims(w, (0, 2))),
    "transpose": lambda a, b, v, w, x, y: (np.transpose(a), x.T, x.transpose(1, 0), a[None].transpose((2, 0, 1)), a.T.T.T),
    "swapaxes": lambda a, b, v, w, x, y: (np.swapaxes(a, 0, 1), x.swapaxes(0, -1)),
    "moveaxis": lambda a, b, v, w, x, y: (np.moveaxis(a[None], 0, -1), np.moveaxis(x, 1, 0)),
    "rollaxis": lambda a, b, v, w, x, y: (np.rollaxis(a[None], 2), np.rollaxis(x, 1)),
    "matrix_transpose": lambda a, b, v, w, x, y: (np.matrix_transpose(a), np.matrix_transpose(x)),
    "fliplr": lambda a, b, v, w, x, y: (np.fliplr(a),),
    "flipud": lambda a, b, v, w, x, y: (np.flipud(a), np.flipud(w)),
    "flip": lambda a, b, v, w, x, y: (np.flip(a), np.flip(a, 1), np.flip(x, 1), w[::-1]),
    "roll": lambda a, b, v, w, x, y: (
        np.roll(a, 1),
        np.roll(a, 1, axis=0),
        np.roll(y, -2),
        np.roll(x, 5, 0),
        np.roll(x, 4),
        np.roll(a, (1, 2), (0, 1)),
        np.roll(w, -9),
    ),
    "rot90": lambda a, b, v, w, x, y: (np.rot90(a),),
    "tile": lambda a, b, v, w, x, y: (np.tile(v, 2), np.tile(a, (2, 1))),
    "repeat": lambda a, b, v, w, x, y: (np.repeat(v, 2), a.repeat(2, axis=1)),
    "diag": lambda a, b, v, w, x, y: (np.diag(v), np.diag(a)),
    "diagonal": lambda a, b, v, w, x, y: (np.diagonal(a), a.diagonal(1)),
    "diagflat": lambda a, b, v, w, x, y: (np.diagflat(v),),
    "tril": lambda a, b, v, w, x, y: (np.tril(a),),
    "triu": lambda a, b, v, w, x, y: (np.triu(a, 1),),
    "take": lambda a, b, v, w, x, y: (np.take(a, [2, 0], axis=1), v.take([0, 0])),
    "delete": lambda a, b, v, w, x, y: (np.delete(a, 1, 0), np.delete(v, 0)),
    "split": lambda a, b, v, w, x, y: (
        *np.split(w, 2),
        np.split(a, [1, 3])[1],
        *np.split(x, 3, axis=1),
        *np.split(y, [10, 50]),
    ),
    "array_split": lambda a, b, v, w, x, y: tuple(np.array_split(w, 3)),
    "hsplit": lambda a, b, v, w, x, y: tuple(np.hsplit(b, 2)),
    "dsplit": lambda a, b, v, w, x, y: tuple(np.dsplit(a[None], 3)),
    "pad": lambda a, b, v, w, x, y: (
        np.pad(v, 2),
        np.pad(a, ((0, 1), (2, 0))),
        np.pad(w, 1, "reflect"),
        np.pad(v, 1, mode="edge"),
    ),
    "linspace": lambda a, b, v, w, x, y: (
        np.linspace(v[0], v[1], 5),
        np.linspace(v[0], 3.0, 90),
        np.linspace(0, w[0], 4, False),
    ),
    "vsplit": lambda a, b, v, w, x, y: tuple(np.vsplit(a, 2)),
    "concatenate": lambda a, b, v, w, x, y: (
        *(np.concatenate([v, w]), np.concatenate([y, v, y]) ** 2, np.concatenate([a, b.T]), np.concatenate([a, b.T], axis=1)),
        *(np.concatenate([x, y[:, None]], 1), np.concatenate([x, a]), np.concatenate([a, b], axis=None)),
    ),
    "stack": lambda a, b, v, w, x, y: (
        *(np.stack([v, v * 2]), np.stack([y, y**2], axis=1), np.stack([a, b.T], 2), bp.stack([a[0, 0], v[1], 2.0])),
        *(np.stack([x, x * 2], axis=-1)[:, 1, 1], np.array([v[0], w[0]]), np.array([[v[0], 1.0], [0.0, w[0]]]) @ w[:2]),
    ),
    "hstack": lambda a, b, v, w, x, y: (np.hstack([v, w]), np.hstack([a, b.T]), np.hstack([y, 1.0, y])),
    "vstack": lambda a, b, v, w, x, y: (np.vstack([v, a]), np.vstack([y, y]), np.vstack([x, v])),
    "dstack": lambda a, b, v, w, x, y: (np.dstack([a, b.T]), np.dstack([v, v])),
    "column_stack": lambda a, b, v, w, x, y: (
        np.column_stack([y, x, np.ones(70)]) @ w[[0, 1, 2, 3, 0]],
        np.column_stack([v, v]),
    ),
    "append": lambda a, b, v, w, x, y: (np.append(v, w[0]), np.append(a, b.T, axis=0), np.append(y, 0.0)),
    "atleast_1d": lambda a, b, v, w, x, y: (np.atleast_1d(v[0]), np.atleast_1d(a)),
    "atleast_2d": lambda a, b, v, w, x, y: (np.atleast_2d(v), np.atleast_2d(y)),
    "atleast_3d": lambda a, b, v, w, x, y: (np.atleast_3d(v), np.atleast_3d(a)),
    "broadcast_to": lambda a, b, v, w, x, y: (np.broadcast_to(v, (4, 3)), np.broadcast_to(y, (2, 70))),
    "broadcast_arrays": lambda a, b, v, w, x, y: tuple(np.broadcast_arrays(v, w[:, None])),
    "meshgrid": lambda a, b, v, w, x, y: (*np.meshgrid(v, w), *np.meshgrid(v, y, indexing="ij"), *np.meshgrid(y, v)),
    "diff": lambda a, b, v, w, x, y: (np.diff(w), np.diff(a, axis=0), np.diff(x, axis=0), np.diff(y, 2), np.diff(x)),
    "size": lambda a, b, v, w, x, y: (np.size(a) * v, np.size(a, 1) * v, a.size * len(x) * v, a.ndim * v),
    "copy": lambda a, b, v, w, x, y: (np.copy(a), y.copy(), a.astype(float)),
    "dot": lambda a, b, v, w, x, y: (np.dot(a, b), x.dot(v), np.dot(w, a), np.dot(v[0], a), np.dot(y, y)),
    "vdot": lambda a, b, v, w, x, y: (np.vdot(a, b.T), np.vdot(y, y)),
    "inner": lambda a, b, v, w, x, y: (np.inner(a[None], b.T), np.inner(a, b.T), np.inner(v, a), np.inner(x, v)),
    "outer": lambda a, b, v, w, x, y: (np.outer(v, w), np.outer(a, v), np.outer(y, v), np.outer(v, y)),
    "matmul": lambda a, b, v, w, x, y: (
        *(a @ b, x @ v, x @ b, x.T @ x, x.T @ y, w @ a, y @ x, TABLE @ v, np.matmul(a[None], b), LONG @ v, LONG.T @ y),
        *(x @ np.array([v[0], 1.0, w[0]]), (x @ b - w) @ w),
    ),
    "vecdot": lambda a, b, v, w, x, y: (np.vecdot(a, v), np.vecdot(x, x)),
    "einsum": lambda a, b, v, w, x, y: (
        *(np.einsum("ij,jk->ik", a, b), np.einsum("ij,j", a, v), np.einsum("ij->j", x), np.einsum("ni,ij,nj->n", x, a[:3], x)),
        *(np.einsum("...j,j", a, v), np.einsum("i...,i...->...", a, b.T), np.einsum("...,...", x, v), np.einsum("ab", x)),
        *(np.einsum("...ij,...jk->...ik", a[None], b), np.einsum("ij->", a, optimize=True), np.einsum("ki,kj->ij", x, x)),
        *(np.einsum("ii->i", a[:3]), np.einsum("ii", a[:3]), np.einsum("i,j->ji", v, w), np.einsum("ni,ni->", x, x)),
    ),
    "trace": lambda a, b, v, w, x, y: (np.trace(a), (a @ b).trace(), np.trace(a[..., None] * w[:2]), np.trace(a, 1, 1, 0)),
    "tensordot": lambda a, b, v, w, x, y: (
        *(np.tensordot(a, b.T), np.tensordot(a, b, 1), np.tensordot(x, a, ((1,), (-1,))), np.tensordot(v, w, 0)),
        *(np.tensordot(x, x, (0, 0)), np.tensordot(a[None], b, ((2, 1), (0, 1)))),
    ),
    "kron": lambda a, b, v, w, x, y: (np.kron(a, b[:2]), np.kron(v, w), np.kron(v, a), np.kron(x, v), np.kron(v, x)),
    "cross": lambda a, b, v, w, x, y: (
        np.cross(a, v),
        np.cross(v, b[:, 1]),
        np.cross(a.T, b, axis=0),
        np.cross(x, v),
        np.cross(a, b, -1, 0),
    ),
    "convolve": lambda a, b, v, w, x, y: (
        *(
            np.convolve(w, v),
            np.convolve(v, w, "same"),
            np.convolve(w, v, "valid"),
            np.convolve(y, w, "same"),
            np.convolve(v, y),
        ),
        *(np.convolve(y, w, "valid"), np.convolve(w, w, "same")),
    ),
    "correlate": lambda a, b, v, w, x, y: (
        *(np.correlate(w, v), np.correlate(v, w, "same"), np.correlate(w, v, "same"), np.correlate(v, w, "full")),
        *(np.correlate(w, w[:2], "same"), np.correlate(w[:2], w, "same"), np.correlate(y, v, "same"), np.correlate(y, w)),
    ),
    "trapezoid": lambda a, b, v, w, x, y: (
        *(np.trapezoid(v), np.trapezoid(y), np.trapezoid(a, axis=0), np.trapezoid(a, v), np.trapezoid(x, y, axis=0)),
        *(np.trapezoid(a, b.T, 2.0, 0), np.trapezoid(TABLE, w, axis=0), np.trapezoid(w, dx=v[0])),
    ),
    "nansum": lambda a, b, v, w, x, y: (np.nansum(holes(a)), np.nansum(holes(x), axis=0), np.nansum(v)),
    "nanmean": lambda a, b, v, w, x, y: (
        np.nanmean(holes(a), axis=1),
        np.nanmean(holes(x), 0, keepdims=True),
        np.nanmean(holes(y)),
    ),
    "nanvar": lambda a, b, v, w, x, y: (np.nanvar(holes(a), axis=0), np.nanvar(holes(y), ddof=1)),
    "nanstd": lambda a, b, v, w, x, y: (np.nanstd(holes(a)), np.nanstd(holes(x), axis=0)),
    "nanmax": lambda a, b, v, w, x, y: (np.nanmax(holes(a), axis=1), np.nanmax(holes(x), axis=0), np.nanmax(holes(y))),
    "nanmin": lambda a, b, v, w, x, y: (np.nanmin(holes(a)), np.nanmin(holes(x), axis=0, keepdims=True)),
    "nanprod": lambda a, b, v, w, x, y: (np.nanprod(holes(a), axis=1), np.nanprod(v)),
    "nancumsum": lambda a, b, v, w, x, y: (np.nancumsum(holes(v)), np.nancumsum(holes(a), axis=1)),
    "nancumprod": lambda a, b, v, w, x, y: (np.nancumprod(holes(v)),),
    "nan_to_num": lambda a, b, v, w, x, y: (
        np.nan_to_num(holes(a), posinf=1.0, neginf=-1.0),
        np.nan_to_num(x, True, 2.0, 1.0, 0.0),
    ),
    "sort": lambda a, b, v, w, x, y: (np.sort(v), np.sort(a), np.sort(a, 0), np.sort(a, None), np.sort(x), np.sort(w - w[0])),
    "median": lambda a, b, v, w, x, y: (np.median(v), np.median(a), np.median(x, 1), np.median(a, axis=0, keepdims=True)),
    "quantile": lambda a, b, v, w, x, y: (
        *(np.quantile(v, 0.4), np.quantile(a, 0.77, axis=0), np.quantile(x, 1.0, 1), np.quantile(w, 0.25, keepdims=True)),
    ),
    "percentile": lambda a, b, v, w, x, y: (np.percentile(v, 40), np.percentile(a, 7.5, axis=0), np.percentile(w, 0)),
    "ufuncs": lambda a, b, v, w, x, y: (
        *(
            np.maximum.reduce(a),
            np.minimum.reduce(x, axis=1),
            np.multiply.reduce(a, 1),
            np.logaddexp.reduce(x),
            np.fmax.reduce(v),
        ),
        *(
            np.add.accumulate(a),
            np.multiply.accumulate(v),
            np.maximum.accumulate(x, axis=1),
        ),
        *(np.subtract.outer(w, v), np.multiply.outer(a, v), np.add.outer(y, v), np.logaddexp.reduce(a, axis=1, keepdims=True)),
        np.where(np.logical_and.reduce(a > -1), v, np.logical_or.reduce(x > 2, axis=0) * 1.0),
    ),
    "var": lambda a, b, v, w, x, y: (np.var(a), np.var(a, axis=0), x.var(0), np.var(x, axis=1, ddof=1), y.var(keepdims=True)),
    "std": lambda a, b, v, w, x, y: (np.std(a, 1), x.std(axis=0, ddof=1), np.std(y), np.std(a, keepdims=True)),
    "prod": lambda a, b, v, w, x, y: (np.prod(a), np.prod(a, axis=1), x.prod(axis=1), np.prod(v, keepdims=True)),
    "any": lambda a, b, v, w, x, y: (np.where(np.any(a > 1, axis=0), v, 2 * v), np.where(np.any(y > 9), 1.0, 2.0) * y),
    "all": lambda a, b, v, w, x, y: (np.where(np.all(x < 1, axis=1), y, 2 * y), np.where(np.all(y < 9), 1.0, 2.0) * y),
    "count_nonzero": lambda a, b, v, w, x, y: (np.count_nonzero(x > 0, axis=0) * v, np.count_nonzero(a) * v),
    "ptp": lambda a, b, v, w, x, y: (np.ptp(a), np.ptp(x, axis=0), np.ptp(y)),
    "cumsum": lambda a, b, v, w, x, y: (np.cumsum(v), np.cumsum(a), a.cumsum(0), np.cumsum(x, axis=1)),
    "cumprod": lambda a, b, v, w, x, y: (np.cumprod(v), np.cumprod(a, axis=1), x.cumprod(1)),
    "norm": lambda a, b, v, w, x, y: (
        *(np.linalg.norm(v), np.linalg.norm(a), np.linalg.norm(x, axis=1), np.linalg.norm(y), np.linalg.norm(x, np.inf)),
        *(
            np.linalg.norm(v, 1),
            np.linalg.norm(a, 1, axis=0),
            np.linalg.norm(v, 3),
            np.linalg.norm(a, np.inf),
            np.linalg.norm(a, 1),
        ),
        *(np.linalg.norm(v, -np.inf), np.linalg.norm(a, "fro", keepdims=True), np.linalg.norm(x, axis=0, keepdims=True)),
    ),
    "max": lambda a, b, v, w, x, y: (np.max(a), np.max(x, axis=1), x.max(axis=0), y.max(), a.max(axis=(0, 1), keepdims=True)),
    "min": lambda a, b, v, w, x, y: (np.min(a, 0), x.min(axis=-1), np.min(x, axis=0, keepdims=True), np.min(y), np.min(x)),
    "sum": lambda a, b, v, w, x, y: (a.sum(), x.sum(0), np.sum(x, axis=1, keepdims=True), a.sum((0, 1)), bp.sum(x, axis=1)),
    "mean": lambda a, b, v, w, x, y: (np.mean(a, 1), x.mean(0), x.mean(), bp.mean(x, axis=-1), x - x.mean(0, keepdims=True)),
    "average": lambda a, b, v, w, x, y: (
        np.average(a, axis=1),
        np.average(x, 0, y),
        np.average(a, weights=TABLE**2),
        np.average(x, 1, v**2),
    ),
    "clip": lambda a, b, v, w, x, y: (np.clip(a, -0.5, 0.5), x.clip(-(v**2), v**2), y.clip(0, None)),
    "where": lambda a, b, v, w, x, y: (np.where(a > v, a, 0.0), np.where(x > 0, x, y[:, None]), np.where(MASK[:, None], a, v)),
    "broadcasting": lambda a, b, v, w, x, y: (
        a + v,
        x * v - 1,
        x / (1 + y[:, None] ** 2),
        w[:, None] - v,
        np.hypot(x, v),
        a**2.0,
    ),
    "indexing": lambda a, b, v, w, x, y: (
        *(
            a[1],
            a[:, 0],
            a[1, 2],
            a[::2],
            a[:, ::-1],
            a[[0, 2]],
            a[MASK],
            a[:, [0, 2]],
            a[..., 0],
            a[None, 1:],
            a[[0, 1], [1, 2]],
        ),
        *(
            x[:, 0],
            x[3],
            x[3, 1],
            x[:, 1:],
            x[5:60:3, 1],
            x[5:60],
            x[..., -1],
            x[:, [2, 0]],
            x[:, None, 0],
            y[:, None],
            y[None],
        ),
        *(
            y[::2],
            y[1::3],
            (x * 2)[:, 1],
            np.exp(x)[2:4, 0],
            y[3:][::-7],
            y[[0, 69, 5]],
            x[[1, 68]],
            sum(row[0] for row in a),
            len(a) * v,
        ),
    ),
    "softmax": lambda a, b, v, w, x, y: tuple(
        np.exp(z - z.max(-1, keepdims=True)) / np.exp(z - z.max(-1, keepdims=True)).sum(-1, keepdims=True) for z in (a, x @ b)
    ),
    "logsumexp": lambda a, b, v, w, x, y: tuple(
        np.log(np.sum(np.exp(z - np.max(z, axis=0)), axis=0)) + np.max(z, axis=0) for z in (a, x, y)
    ),
}


def with_everything(name):
    """The case, and directions for its arguments."""
    rng = np.random.default_rng(sum(map(ord, name)))
    return CASES[name], tuple(rng.normal(size=a.shape) for a in ARGUMENTS), rng


@pytest.mark.parametrize("name", CASES)
def test_values_and_derivatives(name):
    f, along, rng = with_everything(name)
    wanted = [np.asarray(r) for r in f(*ARGUMENTS)]
    graph = bp.trace(f, *ARGUMENTS)
    found = graph.forward(*ARGUMENTS)
    found = found if len(wanted) > 1 else [found]
    value, tangent = bp.jvp(f, ARGUMENTS, along)
    step = 1e-5
    ahead, behind = (f(*(a + h * d for a, d in zip(ARGUMENTS, along, strict=True))) for h in (step, -step))
    seeds = tuple(rng.normal(size=r.shape)[()] for r in wanted)

    def total(*args):
        return sum(np.sum(r * s) for r, s in zip(f(*args), seeds, strict=True))

    pulled = bp.grad(total, range(len(ARGUMENTS)))(*ARGUMENTS)
    for r, s, c, t, up, down in zip(wanted, found, value, tangent, ahead, behind, strict=True):
        assert np.shape(s) == np.shape(c) == np.shape(t) == r.shape
        np.testing.assert_allclose(s, r, rtol=1e-13, atol=1e-13)
        np.testing.assert_allclose(c, r, rtol=1e-13, atol=1e-13)
        np.testing.assert_allclose(t, (np.asarray(up) - down) / (2 * step), rtol=1e-7, atol=1e-7)
    forward = sum(np.sum(s * t) for s, t in zip(seeds, tangent, strict=True))
    assert [p.shape for p in pulled] == [a.shape for a in ARGUMENTS]
    reverse = sum(np.sum(p * d) for p, d in zip(pulled, along, strict=True))
    assert reverse == pytest.approx(forward, rel=1e-12, abs=1e-12)


def test_every_name_has_a_case():
    assert {
        *SHAPE_FUNCTIONS,
        *MOVING_FUNCTIONS,
        *NAN_FUNCTIONS,
        *ARRAY_FUNCTIONS,
        *PRODUCT_FUNCTIONS,
        *ORDER_FUNCTIONS,
        "max",
        "min",
    } <= set(CASES)
    assert set(CASES) - set(numpy_functions._FUNCTIONS) - {"matmul", "vecdot"} == {
        *("broadcasting", "indexing", "softmax", "logsumexp", "ufuncs"),
    }
    assert {name for name in vars(Reductions) if not name.startswith("_")} <= {
        *CASES,
        "astype",
        "extreme",
        "flatten",
        "conj",
        "conjugate",
        "real",
    }


def test_float32():
    x, w = ARGUMENTS[4].astype("f"), SMALL[2].astype("f")
    found = bp.grad(lambda w, x: np.max(x @ w) + np.sum(np.linalg.norm(x * w, axis=1)))(w, x)
    assert found.dtype == np.float32
    row = x[np.argmax(x @ w)]
    np.testing.assert_allclose(found, row + np.sum(x**2 * w / np.linalg.norm(x * w, axis=1)[:, None], 0), rtol=1e-5)


@pytest.mark.parametrize("rows", [63, 64, 65, 8192, 8193, 50_001])
def test_largest_values_of_long_arrays(rows):
    x = np.random.default_rng(1).normal(size=(rows, 2))
    for place in (0, rows // 2, rows - 1):
        x[place, 0] = 10.0 + place
        value, slope = bp.value_and_grad(lambda x: x.max(axis=0)[0] - np.min(x))(x)
        assert value == x[:, 0].max() - x.min()
        assert np.flatnonzero(slope).tolist() == sorted([2 * np.argmax(x[:, 0]), np.argmin(x)])
    x[rows // 3] = np.nan
    assert np.isnan(bp.value_and_grad(lambda x: np.max(x))(x)[0])
    assert np.max(-np.abs(np.full(rows, 3.0))) == bp.value_and_grad(lambda x: np.max(-np.abs(x)))(np.full(rows, 3.0))[0]


def test_equal_largest_values_share_the_derivative():
    for x in (np.array([1.0, 3.0, 3.0, 0.0]), np.tile([1.0, 3.0], 50)):
        found = bp.grad(lambda x: np.max(x))(x)
        assert found.sum() == pytest.approx(1.0) and (found[x < 3] == 0).all()


REFUSED = {
    (lambda a, x: x.reshape(2, 2)): "reshape",
    (lambda a, x: x.sum(2)): "axis",
    (lambda a, x: x.sum((0, 0))): "twice",
    (lambda a, x: a @ x): "no meaning",
    (lambda a, x: x + np.ones(5)): "shapes",
    (lambda a, x: np.concatenate([a, x], 1)): "join",
    (lambda a, x: np.stack([a, x])): "stack",
    (lambda a, x: x[x > 0]): "where",
    (lambda a, x: x[:, a]): "index",
    (lambda a, x: np.cumsum(x[:, 0])): "apart",
    (lambda a, x: np.prod(x)): "apart",
    (lambda a, x: x @ x.T): "table",
    (lambda a, x: x[:, 0][:, None] * x[:, 1]): "table",
    (lambda a, x: np.einsum("ij->ii", a)): "does not fit",
    (lambda a, x: np.einsum(a, [0, 1])): "letters",
    (lambda a, x: np.einsum("ij,jk", a, a)): "one letter",
    (lambda a, x: np.tensordot(a, a, 1)): "tensordot",
    (lambda a, x: np.cross(a[:, :2], a[0, :2])): "three",
    (lambda a, x: np.convolve(a, a[0])): "two vectors",
    (lambda a, x: np.sort(x, axis=0)): "sort",
    (lambda a, x: np.cumsum(a, axis=(0, 1))): "no axis",
    (lambda a, x: np.quantile(a, a[0, 0])): "quantile",
    (lambda a, x: np.pad(a, 1, "mean")): "mode",
    (lambda a, x: np.linspace(a[0], 1.0)): "linspace",
    (lambda a, x: np.array([x[:, 0], x[:, 1]])): "np.stack",
    (lambda a, x: np.var(a[:1, 0], ddof=1)): "ddof",
    (lambda a, x: np.ravel(x, order="F")): "order",
    (lambda a, x: np.asarray(x)): "apart",
    (lambda a, x: np.asarray(a, float)): "array of",
    (lambda a, x: np.linalg.norm(a, 2)): "norm",
    (lambda a, x: np.linalg.inv(a[:2, :2])): "no operator",
    (lambda a, x: a.astype(int)): "int",
    (lambda a, x: x[3:3]): "index",
    (lambda a, x: np.piecewise(a, [a > 0], [np.exp])): "dimensions",
    (lambda a, x: 1.0 if a > 0 else 2.0): "branch",
}


@pytest.mark.parametrize("number", range(len(REFUSED)))
def test_what_is_refused(number):
    formula, words = list(REFUSED.items())[number]
    with pytest.raises(bp.TraceError, match=words) as caught:
        bp.trace(lambda a, x: formula(a, x), SMALL[0], np.ones((2000, 3)))
    assert "test_arrays.py" in str(caught.value) and len(str(caught.value).splitlines()) > 2


def test_functions_that_take_arrays_apart_by_themselves():
    special = pytest.importorskip("scipy.special")
    with pytest.raises(bp.TraceError, match=r"np.logaddexp.reduce"):
        bp.grad(lambda x: special.logsumexp(x))(np.ones(3))
    assert bp.grad(lambda x: np.logaddexp.reduce(x))(np.zeros(4)) == pytest.approx([0.25] * 4)


def test_arrays_that_a_formula_writes_into():
    def total(p):
        chosen, found = np.zeros(70), 0.0
        for i in range(3):
            chosen[:] = 0.0
            chosen[20 * i : 20 * i + 20] = 1.0
            found = found + p[i] * np.sum(p[3] * chosen)
        return found

    p = np.array([1.0, 2.0, 3.0, 0.5])
    assert bp.value_and_grad(total)(p) == (60.0, pytest.approx([10.0, 10.0, 10.0, 120.0]))


def test_derivatives_of_overlapping_parts():
    """Pieces of a long vector, which may be differentiated again."""
    y = np.random.default_rng(3).normal(size=70)
    slope = bp.grad(lambda z: np.sum(np.diff(z) ** 2) + z[3] * z[5])
    step = np.diff(np.eye(70), axis=0)
    second = 2 * step.T @ step
    second[3, 5] += 1.0
    second[5, 3] += 1.0
    np.testing.assert_allclose(slope(y), second @ y, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(bp.grad(lambda z: np.sum(slope(z) ** 2))(y), 2 * second @ second @ y, rtol=1e-12, atol=1e-12)


def test_arrays_around_a_formula_are_read_at_each_call():
    table = np.random.default_rng(2).normal(size=(3000, 3))
    gradient = bp.grad(lambda w: np.sum((table @ w) ** 2))
    for _ in range(2):
        np.testing.assert_allclose(gradient(SMALL[2]), 2 * table.T @ (table @ SMALL[2]), rtol=1e-12)
        table *= 2.0


def test_code_does_not_depend_on_the_number_of_rows():
    from fastbp.graph.tracing.text import as_key

    def key(rows):
        graph = bp.trace(lambda x, w: np.max(x @ w) + np.sum(x[:, 0] * x[:, 2]), np.ones((rows, 3)), np.ones(3))
        return as_key(graph, sizes=False)

    assert key(100) == key(5000)


# -- random formulas, against PyTorch


class Numbers:
    """The steps of a random formula on one kind of arrays."""

    def __init__(self, xp):
        self.xp, self.is_torch = xp, xp is not np

    def steps(self):
        xp, dim = self.xp, "dim" if self.is_torch else "axis"
        keep = {"keepdim" if self.is_torch else "keepdims": True}
        largest = (lambda z, k: xp.amax(z, k, keepdim=True)) if self.is_torch else (lambda z, k: z.max(k, keepdims=True))
        turned = (lambda z: z.transpose(0, 1)) if self.is_torch else (lambda z: z.T)
        join = xp.cat if self.is_torch else xp.concatenate
        return [
            lambda z, u: xp.tanh(z + u[:1]),
            lambda z, u: z * xp.exp(-u * u),
            lambda z, u: z - z.mean(0, **keep),
            lambda z, u: xp.exp(z - largest(z, 1)) / xp.exp(z - largest(z, 1)).sum(1, **keep),
            lambda z, u: z - largest(z, 0) * 0.5,
            lambda z, u: z @ (turned(u) @ u) / len(u),
            lambda z, u: turned(turned(z) * 2.0) + z[:, :1],
            lambda z, u: join([z[:, 1:], u[:, :1]], **{dim: 1}),
            lambda z, u: xp.stack([z, u], **{dim: 2})[:, :, 1] * z,
            lambda z, u: z.reshape(-1).reshape(z.shape) / (1.0 + (z * z).sum(1)[:, None]),
            lambda z, u: xp.sqrt(1.0 + xp.var(z, **{dim: 0, ("correction" if self.is_torch else "ddof"): 1})) * z,
            lambda z, u: xp.where(z > u, z, 0.3 * u),
            lambda z, u: xp.cumsum(z, **{dim: 1}),
            lambda z, u: xp.sin(z) @ turned(z[:2, :]) @ u[:2, :],
            lambda z, u: z + xp.einsum("ij,kj->ik", z, u[: z.shape[1]]) * 0.1,
        ]

    def formula(self, chosen):
        steps = self.steps()

        def f(z, u):
            for k in chosen:
                z = steps[k](z, u)
            return (z * z).sum() + z.sum()

        return f


@pytest.mark.parametrize("seed", range(5))
def test_random_formulas_against_torch(seed):
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(seed)
    chosen = rng.integers(0, 15, 3)
    rows = int(rng.choice([3, 20, 90]))
    z, u, d, e = (rng.normal(size=(rows, 3)) for _ in range(4))
    f, g = Numbers(np).formula(chosen), Numbers(torch).formula(chosen)
    tensors = [torch.tensor(v, requires_grad=True) for v in (z, u)]
    value = g(*tensors)
    wanted = torch.autograd.grad(value, tensors, create_graph=True, allow_unused=True, materialize_grads=True)
    total = float(value.detach())
    scale = float(sum(w.detach().abs().max() for w in wanted)) + abs(total)
    found, slopes = bp.value_and_grad(f, (0, 1))(z, u)
    assert found == pytest.approx(total, rel=1e-11)
    for s, w in zip(slopes, wanted, strict=True):
        np.testing.assert_allclose(s, w.detach(), rtol=1e-9, atol=1e-11 * scale)
    along = (torch.tensor(d), torch.tensor(e))
    change = sum((w * t).sum() for w, t in zip(wanted, along, strict=True))
    second = torch.autograd.grad(change, tensors, allow_unused=True, materialize_grads=True)
    size = float(sum(w.abs().max() for w in second)) + scale
    for s, w in zip(bp.hvp(f, (z, u), (d, e)), second, strict=True):
        np.testing.assert_allclose(s, w, rtol=1e-8, atol=1e-10 * size)


def test_hessian_and_jacobian_of_matrices():
    a, v = SMALL[0], SMALL[2]
    found = bp.hessian(lambda a: np.sum((a @ v) ** 2))(a)
    np.testing.assert_allclose(found, 2 * np.einsum("ik,j,l->ijkl", np.eye(4), v, v), atol=1e-14)
    found = bp.jacobian(lambda a, x: x @ a.T)(a, ARGUMENTS[4])
    np.testing.assert_allclose(found, np.einsum("ik,nj->nikj", np.eye(4), ARGUMENTS[4]), atol=1e-14)
    both = bp.hessian(lambda a, v: np.sum(np.tanh(a @ v)), (0, 1))(a, v)
    assert [[block.shape for block in band] for band in both] == [[(4, 3, 4, 3), (4, 3, 3)], [(3, 4, 3), (3, 3)]]
    np.testing.assert_allclose(both[0][1], np.moveaxis(both[1][0], 0, 2), rtol=1e-12)
