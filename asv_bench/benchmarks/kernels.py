"""Each kernel alone, on one thread, and against its plain twin in NumPy. The two are checked against each other."""

import threading
from timeit import Timer

import numpy as np
from numba import njit

import fastbp
from fastbp.kernels import elementwise, gemm, loss, team, update
from fastbp.kernels.layout import CONTROL_SIZE
from fastbp.kernels.machine import machine
from fastbp.parameters import pack
from fastbp.plan import float_bits

from .common import unit
from .machine_code import address, aligned_matrix, aligned_zeros, kernel

DTYPES, SIDES = ["float32", "float64"], ["fastbp", "numpy"]


def close(a, b, dtype):
    np.testing.assert_allclose(a, b, rtol=2e-4 if dtype == "float32" else 1e-10, atol=1e-3 if dtype == "float32" else 1e-9)


class Product:
    """A layer forward without its activation: rows x inputs @ inputs x units + bias."""

    params = (["64x17x64", "64x64x64", "32x80x80", "100x300x300", "256x512x512", "1024x1024x1024"], DTYPES, SIDES)
    param_names = ["shape", "dtype", "side"]

    def setup(self, shape, dtype, side):
        self.rows, self.inputs, self.units = map(int, shape.split("x"))
        random = np.random.default_rng(0)
        self.a = random.normal(size=(self.rows, self.inputs)).astype(dtype)
        self.w = random.normal(size=(self.inputs, self.units)).astype(dtype)
        self.bias = random.normal(size=self.units).astype(dtype)
        self.out = np.empty((self.rows, self.units), dtype)
        lanes, self.panel = machine().lanes(dtype), gemm.tile_shape()[1]
        self.vectors = -(-self.units // lanes)
        self.padded_bias = aligned_matrix(self.bias[None], self.vectors * lanes)
        self.padded_out = aligned_matrix(self.out, self.vectors * lanes)
        self.packed = aligned_zeros(self.inputs * self.vectors * lanes, dtype)
        pack(self.w, self.vectors, self.panel, lanes, self.packed)
        self.product, self.panels = kernel(gemm.product, dtype), list(self.arguments())
        self.run = self.kernel if side == "fastbp" else self.plain
        self.kernel()
        close(self.padded_out[:, : self.units], self.plain(), dtype)

    def arguments(self):
        """Of the call for each panel."""
        width, item, out_row = machine().vector_bytes, self.a.itemsize, self.padded_out.strides[0]
        a, w, bias, out = map(address, (self.a, self.packed, self.padded_bias, self.padded_out))
        for v in range(0, self.vectors, self.panel):
            n, move = min(self.panel, self.vectors - v), v * width
            start, panel = bias + move, w + move * self.inputs
            yield n, a, self.a.strides[0], item, panel, n * width, start, 0, out + move, out_row, self.inputs, self.rows

    def kernel(self):
        for panel in self.panels:
            self.product(*panel)

    def plain(self):
        np.matmul(self.a, self.w, out=self.out)
        self.out += self.bias
        return self.out

    def time_product(self, shape, dtype, side):
        self.run()


class ProductRate:
    """As a share of what one thread could do at most. Small ones suffer from being called by Python, panel by panel."""

    params = (Product.params[0][3:], DTYPES)
    param_names = ["shape", "dtype"]

    def setup(self, shape, dtype):
        self.product = Product()
        self.product.setup(shape, dtype, "fastbp")

    @unit("% of the limit")
    def track_fraction(self, shape, dtype):
        timer, p = Timer(self.product.kernel), self.product
        number = max(1, timer.autorange()[0] // 4)
        seconds = min(timer.repeat(5, number)) / number
        return 100 * 2 * p.rows * p.inputs * p.units / seconds / 1e9 / fastbp.measure_limit(1, dtype)


def _sigmoid(z):
    return 1 / (1 + np.exp(-z))


ACTIVATIONS = {
    "relu": (elementwise.RELU, lambda z: np.maximum(z, 0)),
    "elu": (elementwise.ELU, lambda z: np.where(z > 0, z, np.expm1(np.minimum(z, 0)))),
    "tanh": (elementwise.TANH, np.tanh),
    "sigmoid": (elementwise.SIGMOID, _sigmoid),
    "softplus": (elementwise.SOFTPLUS, lambda z: np.logaddexp(0, z)),
    "silu": (elementwise.SILU, lambda z: z * _sigmoid(z)),
    "gelu_tanh": (elementwise.GELU_TANH, lambda z: 0.5 * z * (1 + np.tanh(0.7978845608028654 * (z + 0.044715 * z**3)))),
}


class Activation:
    """An activation of 64 rows of 512 units. Both sides write over a fresh copy."""

    params = ([*ACTIVATIONS], DTYPES, SIDES)
    param_names = ["activation", "dtype", "side"]

    def setup(self, name, dtype, side):
        self.z = aligned_matrix(np.random.default_rng(0).normal(size=(64, 512)).astype(dtype), 512)
        self.a = aligned_matrix(self.z, 512)
        self.code, self.formula = ACTIVATIONS[name]
        self.activate, self.vectors = kernel(elementwise.activate, dtype), 512 // machine().lanes(dtype)
        self.run = self.kernel if side == "fastbp" else self.plain
        self.kernel()
        close(self.a, self.formula(self.z), dtype)

    def kernel(self):
        self.a[:] = self.z
        self.activate(self.code, float_bits(1.0), address(self.a), self.a.strides[0], 0, 0, 64, self.vectors)

    def plain(self):
        self.a[:] = self.formula(self.z)

    def time_activation(self, name, dtype, side):
        self.run()


def _softmax(z):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def _softmax_loss(z, labels):
    p, rows = _softmax(z), np.arange(len(z))
    loss_of_rows = -np.log(p[rows, labels])
    p[rows, labels] -= 1
    return loss_of_rows, p / len(z)


# name: (code, whether the target are labels, (output, target) -> (loss of each row, gradient))
LOSSES = {
    "mse": (loss.MSE, False, lambda p, t: (((p - t) ** 2).sum(axis=1), 2 * (p - t) / p.size)),
    "mae": (loss.MAE, False, lambda p, t: (np.abs(p - t).sum(axis=1), np.sign(p - t) / p.size)),
    "log_cosh": (loss.LOG_COSH, False, lambda p, t: (np.log(np.cosh(p - t)).sum(axis=1), np.tanh(p - t) / p.size)),
    "binary_crossentropy": (
        loss.BINARY_LOGITS,
        False,
        lambda z, t: ((np.logaddexp(0, z) - z * t).sum(axis=1), (_sigmoid(z) - t) / z.size),
    ),
    "sparse_categorical_crossentropy": (loss.SPARSE_LOGITS, True, _softmax_loss),
}


class Loss:
    """A loss and its gradient, for 128 rows of 16 outputs; the cross-entropies from logits."""

    params = ([*LOSSES], SIDES)
    param_names = ["loss", "side"]

    def setup(self, name, side):
        dtype = "float32"
        random = np.random.default_rng(0)
        self.code, labels, self.formula = LOSSES[name]
        self.p = aligned_matrix(random.normal(size=(128, 16)).astype(dtype), 16)
        self.y = random.integers(0, 16, 128) if labels else random.uniform(size=(128, 16)).astype(dtype)
        self.g, self.row_loss = aligned_matrix(np.zeros_like(self.p), 16), np.zeros(128)
        self.scale = float_bits(1 / 128 if labels else 1 / (128 * 16))
        self.loss = kernel(loss.loss, dtype)
        self.run = self.kernel if side == "fastbp" else self.plain
        self.kernel()
        row_loss, gradient = self.plain()
        close(self.row_loss, row_loss, dtype)
        close(128 * 16 * self.g, 128 * 16 * gradient, dtype)

    def kernel(self):
        p, y, g = self.p, self.y, self.g
        places = address(p), p.strides[0], address(y), y.strides[0], 0, address(g), g.strides[0], address(self.row_loss)
        self.loss(self.code, *places, 128, 16, self.scale, float_bits(0.0))

    def plain(self):
        return self.formula(self.p, self.y)

    def time_loss(self, name, side):
        self.run()


def _sgd(h, w, g, state):
    w -= h[update.RATE] * g


def _momentum(h, w, g, state):
    state[0][:] = h[update.FIRST] * state[0] - h[update.RATE] * g
    w += state[0]


def _adam(h, w, g, state):
    m, v = state
    m += h[update.FIRST_REST] * (g - m)
    v += h[update.SECOND_REST] * (g * g - v)
    w -= h[update.ALPHA] * m / (np.sqrt(v) + h[update.EPSILON])


UPDATES = {"sgd": (update.SGD, 0, _sgd), "momentum": (update.MOMENTUM, 1, _momentum), "adam": (update.ADAM, 2, _adam)}


class Update:
    """An optimizer's step over 64 Ki parameters."""

    params = ([*UPDATES], SIDES)
    param_names = ["optimizer", "side"]

    def setup(self, name, side):
        dtype = "float32"
        n, random = 1 << 16, np.random.default_rng(0)
        self.code, slots, self.rule = UPDATES[name]
        self.w, self.g = (aligned_matrix(random.normal(size=(1, n)).astype(dtype), n)[0] for _ in range(2))
        self.state = aligned_matrix(np.zeros((max(slots, 1), n), dtype), n)
        self.h = aligned_zeros(update.SCALARS, np.dtype(dtype))
        settings = {update.RATE: 1e-6, update.KEEP: 1, update.FIRST: 0.9, update.FIRST_REST: 0.1}
        for place, value in {**settings, update.SECOND_REST: 0.001, update.ALPHA: 1e-6, update.EPSILON: 1e-7}.items():
            self.h[place] = value
        self.update, self.vectors = kernel(update.update, dtype), n // machine().lanes(dtype)
        self.run = self.kernel if side == "fastbp" else self.plain
        w, state = self.w.copy(), self.state.copy()
        self.rule(self.h, w, self.g, state)
        self.kernel()
        close(self.w, w, dtype)
        close(self.state, state, dtype)

    def kernel(self):
        slot = self.state.strides[0]
        self.update(self.code, address(self.h), address(self.w), address(self.g), address(self.state), slot, self.vectors)

    def plain(self):
        self.rule(self.h, self.w, self.g, self.state)

    def time_update(self, name, side):
        self.run()


class Transpose:
    """A 512 x 512 matrix, block by block."""

    params = (DTYPES, SIDES)
    param_names = ["dtype", "side"]

    def setup(self, dtype, side):
        n, lanes = 512, machine().lanes(dtype)
        self.a = aligned_matrix(np.random.default_rng(0).normal(size=(n, n)).astype(dtype), n)
        self.b = aligned_matrix(np.zeros_like(self.a), n)
        kernel(gemm.transpose, dtype)  # the library must be there before code that calls it
        block, row, item = gemm.transpose(dtype), self.a.strides[0], self.a.itemsize

        @njit(nogil=True)
        def turn(source, target):
            for i in range(0, n, lanes):
                for j in range(0, n, lanes):
                    block(source + i * row + j * item, row, target + j * row + i * item, row, lanes, lanes)

        self.turn = turn
        self.run = self.kernel if side == "fastbp" else self.plain
        self.kernel()
        close(self.b, self.a.T, dtype)

    def kernel(self):
        self.turn(address(self.a), address(self.b))

    def plain(self):
        self.b[:] = self.a.T

    def time_transpose(self, dtype, side):
        self.run()


class Barrier:
    """Two threads meet a thousand times: the kernels' barrier, and Python's."""

    params = ["fastbp", "threading"]
    param_names = ["side"]
    MEETINGS = 1000

    def setup(self, side):
        barrier, meetings = team.barrier, self.MEETINGS

        @njit(nogil=True)
        def meet(control):
            for _ in range(meetings):
                barrier(control, 2)

        self.control, plain = np.zeros(CONTROL_SIZE, np.int64), threading.Barrier(2)

        def meet_plainly(control):
            for _ in range(meetings):
                plain.wait()

        self.meet = meet if side == "fastbp" else meet_plainly
        self.time_barrier(side)

    def time_barrier(self, side):
        where = address(self.control)
        other = threading.Thread(target=self.meet, args=(where,))
        other.start()
        self.meet(where)
        other.join()
