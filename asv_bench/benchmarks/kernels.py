"""Each kernel alone, on one thread, and against its plain twin in NumPy. The two are checked against each other."""

import threading
from timeit import Timer

import numpy as np
from numba import njit

from .common import some, unit
from .finder import activation as elementwise
from .finder import buffers, dots, fields, gemm, loss, machine, memory, panels, public, team, transpose
from .finder import optimizer as update
from .machine_code import address, aligned_matrix, aligned_zeros, kernel
from .twins import ACTIVATIONS, DERIVATIVES, LOSSES, UPDATES, softmax

DTYPES, SIDES = ["float32", "float64"], ["fastbp", "numpy"]
SHAPES = ["64x17x64", "64x64x64", "32x80x80", "100x300x300", "256x512x512", "1024x1024x1024"]  # of the workloads


def close(a, b, dtype):
    np.testing.assert_allclose(a, b, rtol=2e-4 if dtype == "float32" else 1e-10, atol=1e-3 if dtype == "float32" else 1e-9)


class Product:
    """A layer forward without its activation: rows x inputs @ inputs x units + bias."""

    params = (some(SHAPES), DTYPES, SIDES)
    param_names = ["shape", "dtype", "side"]

    def setup(self, shape, dtype, side):
        self.rows, self.inputs, self.units = map(int, shape.split("x"))
        random = np.random.default_rng(0)
        self.a = random.normal(size=(self.rows, self.inputs)).astype(dtype)
        self.w = random.normal(size=(self.inputs, self.units)).astype(dtype)
        self.bias = random.normal(size=self.units).astype(dtype)
        self.out = np.empty((self.rows, self.units), dtype)
        lanes = machine().lanes(dtype)
        self.vectors = -(-self.units // lanes)
        self.padded_bias = aligned_matrix(self.bias[None], self.vectors * lanes)
        self.padded_out = aligned_matrix(self.out, self.vectors * lanes)
        padded_w = aligned_matrix(self.w, self.vectors * lanes)
        self.packed = aligned_zeros(padded_w.size, dtype)
        np.concatenate([padded_w[:, v * lanes : (v + n) * lanes].ravel() for v, n in panels(self.vectors)], out=self.packed)
        self.product, self.panels = kernel(gemm.product, dtype), list(self.arguments())
        self.run = self.kernel if side == "fastbp" else self.plain
        self.kernel()
        close(self.padded_out[:, : self.units], self.plain(), dtype)

    def arguments(self):
        """Of the call for each panel."""
        width, item, out_row = machine().vector_bytes, self.a.itemsize, self.padded_out.strides[0]
        a, w, bias, out = map(address, (self.a, self.packed, self.padded_bias, self.padded_out))
        for v, n in panels(self.vectors):
            move = v * width
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

    params = (some(SHAPES[3:]), DTYPES)
    param_names = ["shape", "dtype"]

    def setup(self, shape, dtype):
        self.product = Product()
        self.product.setup(shape, dtype, "fastbp")

    @unit("% of the limit")
    def track_fraction(self, shape, dtype):
        timer, p = Timer(self.product.kernel), self.product
        number = max(1, timer.autorange()[0] // 4)
        seconds = min(timer.repeat(5, number)) / number
        return 100 * 2 * p.rows * p.inputs * p.units / seconds / 1e9 / public.measure_limit(1, dtype)


class WeightGradient:
    """What a layer adds to its weights: (rows x inputs).T @ (rows x units), on one thread, from inputs as they lie."""

    params = (some(SHAPES), DTYPES, SIDES)
    param_names = ["shape", "dtype", "side"]

    def setup(self, shape, dtype, side):
        self.rows, self.inputs, self.units = map(int, shape.split("x"))
        random, lanes = np.random.default_rng(0), machine().lanes(dtype)
        self.cuts = panels(-(-self.units // lanes))
        self.a = random.normal(size=(self.rows, self.inputs)).astype(dtype)
        self.delta = aligned_matrix(random.normal(size=(self.rows, self.units)).astype(dtype), sum(self.cuts[-1]) * lanes)
        self.zeros = aligned_zeros(max(n for _, n in self.cuts) * lanes, dtype)
        self.panels = [aligned_zeros(self.inputs * n * lanes, dtype).reshape(self.inputs, -1) for _, n in self.cuts]
        self.product, self.calls = kernel(gemm.product, dtype), list(self.arguments())
        self.out = np.empty((self.inputs, self.units), dtype)
        self.run = self.kernel if side == "fastbp" else self.plain
        self.kernel()
        close(np.hstack(self.panels)[:, : self.units], self.plain(), dtype)

    def arguments(self):
        """Of the call for each panel."""
        item, a_row, delta_row, width = self.a.itemsize, self.a.strides[0], self.delta.strides[0], machine().vector_bytes
        a, delta, zeros = map(address, (self.a, self.delta, self.zeros))
        for (v, n), out in zip(self.cuts, self.panels, strict=True):
            start = delta + v * width
            yield n, a, item, a_row, start, delta_row, zeros, 0, address(out), out.strides[0], self.rows, self.inputs

    def kernel(self):
        for call in self.calls:
            self.product(*call)

    def plain(self):
        return np.matmul(self.a.T, self.delta[:, : self.units], out=self.out)

    def time_product(self, shape, dtype, side):
        self.run()


class Dots:
    """A layer of few units forward: dot products along its inputs."""

    params = (some(["64x64x6", "200x16x4", "100x300x1"]), DTYPES, SIDES)
    param_names = ["shape", "dtype", "side"]

    def setup(self, shape, dtype, side):
        self.rows, self.inputs, units = map(int, shape.split("x"))
        self.units, lanes, random = min(units, dots.max_dot_units(dtype)), machine().lanes(dtype), np.random.default_rng(0)
        self.a = aligned_matrix(random.normal(size=(self.rows, self.inputs)).astype(dtype), -(-self.inputs // lanes) * lanes)
        self.w = random.normal(size=(self.inputs, self.units)).astype(dtype)
        self.transposed = aligned_matrix(self.w.T, self.a.shape[1])
        self.bias, self.out = aligned_zeros(lanes, dtype), aligned_zeros(self.rows * lanes, dtype).reshape(self.rows, lanes)
        self.dots, self.call = kernel(dots.dot_rows, dtype), self.arguments()
        self.run = self.kernel if side == "fastbp" else self.plain
        self.kernel()
        close(self.out[:, : self.units], self.plain(), dtype)

    def arguments(self):
        a, transposed, bias, out = map(address, (self.a, self.transposed, self.bias, self.out))
        return self.units, a, self.a.strides[0], transposed, self.inputs, bias, out, self.out.strides[0], self.rows

    def kernel(self):
        self.dots(*self.call)

    def plain(self):
        return self.a[:, : self.inputs] @ self.w

    def time_dots(self, shape, dtype, side):
        self.run()


class Activation:
    """An activation of 64 rows of 512 units. Both sides write over a fresh copy."""

    params = (some(ACTIVATIONS), DTYPES, SIDES)
    param_names = ["activation", "dtype", "side"]

    def setup(self, name, dtype, side):
        self.z = aligned_matrix(np.random.default_rng(0).normal(size=(64, 512)).astype(dtype), 512)
        self.a = aligned_matrix(self.z, 512)
        self.code, self.alpha, self.formula = ACTIVATIONS[name]
        self.activate, self.vectors = kernel(elementwise.activate, dtype), 512 // machine().lanes(dtype)
        self.run = self.kernel if side == "fastbp" else self.plain
        self.kernel()
        close(self.a, self.formula(self.z), dtype)

    def kernel(self):
        self.a[:] = self.z
        self.activate(self.code, buffers.float_bits(self.alpha), address(self.a), self.a.strides[0], 0, 0, 64, self.vectors)

    def plain(self):
        self.a[:] = self.formula(self.z)

    def time_activation(self, name, dtype, side):
        self.run()


class Derivative:
    """The gradient of 64 rows of 512 units on its way back through an activation, from the activation's output."""

    params = (some(DERIVATIVES), DTYPES, SIDES)
    param_names = ["activation", "dtype", "side"]

    def setup(self, name, dtype, side):
        code, self.alpha, value = ACTIVATIONS[name]
        self.code, self.slope = code, DERIVATIVES[name]
        random = np.random.default_rng(0)
        self.incoming = aligned_matrix(random.normal(size=(64, 512)).astype(dtype), 512)
        self.a = aligned_matrix(value(random.normal(size=(64, 512)).astype(dtype)), 512)
        self.g = aligned_matrix(self.incoming, 512)
        self.differentiate, self.vectors = kernel(elementwise.differentiate, dtype), 512 // machine().lanes(dtype)
        self.run = self.kernel if side == "fastbp" else self.plain
        self.kernel()
        close(self.g, self.incoming * self.slope(self.a), dtype)

    def kernel(self):
        self.g[:] = self.incoming
        rows = address(self.g), self.g.strides[0], address(self.a), self.a.strides[0]
        self.differentiate(self.code, buffers.float_bits(self.alpha), *rows, 64, self.vectors)

    def plain(self):
        np.multiply(self.incoming, self.slope(self.a), out=self.g)

    def time_derivative(self, name, dtype, side):
        self.run()


class Softmax:
    """64 rows of 512 classes. Both sides write over a fresh copy."""

    params = (DTYPES, SIDES)
    param_names = ["dtype", "side"]

    def setup(self, dtype, side):
        self.z = aligned_matrix(np.random.default_rng(0).normal(size=(64, 512)).astype(dtype), 512)
        self.p, self.softmax = aligned_matrix(self.z, 512), kernel(elementwise.softmax, dtype)
        self.run = self.kernel if side == "fastbp" else self.plain
        self.kernel()
        close(self.p, softmax(self.z), dtype)

    def kernel(self):
        self.p[:] = self.z
        self.softmax(address(self.p), self.p.strides[0], 64, 512)

    def plain(self):
        self.p[:] = softmax(self.z)

    def time_softmax(self, dtype, side):
        self.run()


class Loss:
    """A loss and its gradient, for 128 rows of 16 outputs."""

    params = (some(LOSSES), DTYPES, SIDES)
    param_names = ["loss", "dtype", "side"]

    def setup(self, name, dtype, side):
        self.code, self.parameter, targets, self.formula = LOSSES[name]
        random = np.random.default_rng(0)
        self.p = aligned_matrix(random.uniform(0.1, 0.9, size=(128, 16)).astype(dtype), 16)
        self.y = random.integers(0, 16, 128) if targets == "labels" else random.uniform(size=(128, 16)).astype(dtype)
        if targets == "shares":
            self.y /= self.y.sum(axis=1, keepdims=True)
        self.share = 1 / 128 if targets != "numbers" else 1 / (128 * 16)
        self.g, self.row_loss = aligned_matrix(np.zeros_like(self.p), 16), np.zeros(128)
        self.loss = kernel(loss.loss, dtype)
        self.run = self.kernel if side == "fastbp" else self.plain
        self.kernel()
        row_loss, gradient = self.plain()
        close(self.row_loss, row_loss, dtype)
        close(self.g / self.share, gradient / self.share, dtype)

    def kernel(self):
        p, y, g = self.p, self.y, self.g
        places = address(p), p.strides[0], address(y), y.strides[0], 0, address(g), g.strides[0], address(self.row_loss)
        self.loss(self.code, *places, 128, 16, buffers.float_bits(self.share), buffers.float_bits(self.parameter))

    def plain(self):
        losses, slopes = self.formula(self.p, self.y)
        return losses.sum(axis=1), slopes * self.p.dtype.type(self.share)

    def time_loss(self, name, dtype, side):
        self.run()


class Update:
    """An optimizer's step over 64 Ki parameters."""

    params = (some(UPDATES), DTYPES, SIDES)
    param_names = ["optimizer", "dtype", "side"]
    SETTINGS = {
        update.RATE: 1e-6,
        update.DECAY: 1,
        update.BETA_1: 0.9,
        update.ONE_MINUS_BETA_1: 0.1,
        update.ONE_MINUS_BETA_2: 0.001,
        update.ALPHA: 1e-6,
        update.EPSILON: 1e-7,
        update.NADAM_M: 0.9,
        update.NADAM_G: 0.1,
        update.NADAM_V: 1.0,
    }

    def setup(self, name, dtype, side):
        n, random = 1 << 16, np.random.default_rng(0)
        self.code, self.rule = UPDATES[name]
        self.w, self.g = (aligned_matrix(random.normal(size=(1, n)).astype(dtype), n)[0] for _ in range(2))
        self.state = aligned_matrix(np.zeros((2, n), dtype), n)
        self.h = aligned_zeros(update.SCALARS, np.dtype(dtype))
        self.h[list(self.SETTINGS)] = list(self.SETTINGS.values())
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

    def time_update(self, name, dtype, side):
        self.run()


class Gather:
    """A batch of shuffled rows from the data: 100 rows of 28 numbers out of 20,000."""

    params = (DTYPES, SIDES)
    param_names = ["dtype", "side"]

    def setup(self, dtype, side):
        random = np.random.default_rng(0)
        self.x = random.normal(size=(20_000, 28)).astype(dtype)
        self.order = random.permutation(20_000)[:100]
        row = -(-28 // machine().lanes(dtype)) * machine().lanes(dtype)
        self.batch = aligned_matrix(np.zeros((100, 28), dtype), row)
        self.gather = kernel(memory.gather_rows, dtype)
        self.run = self.kernel if side == "fastbp" else self.plain
        self.kernel()
        np.testing.assert_array_equal(self.batch[:, :28], self.x[self.order])

    def kernel(self):
        x, batch = self.x, self.batch
        self.gather(address(x), x.strides[0], address(self.order), address(batch), batch.strides[0], 100, 28)

    def plain(self):
        np.take(self.x, self.order, axis=0, out=self.batch[:, :28], mode="clip")

    def time_gather(self, dtype, side):
        self.run()


class Transpose:
    """A 512 x 512 matrix, block by block."""

    params = (DTYPES, SIDES)
    param_names = ["dtype", "side"]

    def setup(self, dtype, side):
        n, lanes = 512, machine().lanes(dtype)
        self.a = aligned_matrix(np.random.default_rng(0).normal(size=(n, n)).astype(dtype), n)
        self.b = aligned_matrix(np.zeros_like(self.a), n)
        kernel(transpose.transpose, dtype)  # the library must be there before code that calls it
        block, row, item = transpose.transpose(dtype), self.a.strides[0], self.a.itemsize

        @njit(nogil=True)
        def transpose_blocks(source, target):
            for i in range(0, n, lanes):
                for j in range(0, n, lanes):
                    block(source + i * row + j * item, row, target + j * row + i * item, row, lanes, lanes)

        self.transpose = transpose_blocks
        self.run = self.kernel if side == "fastbp" else self.plain
        self.kernel()
        close(self.b, self.a.T, dtype)

    def kernel(self):
        self.transpose(address(self.a), address(self.b))

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

        self.control, plain = np.zeros(fields.CONTROL_SIZE, np.int64), threading.Barrier(2)

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
