"""Phase one: a block of rows is gathered and goes through all layers, forward and back."""

import numpy as np

from . import fields as at
from . import memory
from .abandon import make_abandon
from .loss import loss as loss_function
from .loss import weigh_rows as weigh_rows_function
from .memory import double_bits, read_int
from .simd.jit import inner

MIN_PREFETCH_ROWS = 5  # of a block; fewer are not worth asking for ahead
MAX_PREFETCH_BYTES = 512  # bytes of a row that are asked for ahead; the processor itself goes on with longer ones
LAYER_BYTES = 8 * at.LAYER_FIELDS


def make_rows(dtype, layers, add_activities):
    """The functions (forward_rows, close_rows, backward_rows, learn_rows): rows through some layers, whose own rows change."""
    forward, backward, close_output = layers.forward, layers.backward, layers.close_output
    backward_and_update = layers.backward_and_update
    loss, weigh_rows, copy_rows = loss_function(dtype), weigh_rows_function(dtype), memory.copy_rows(dtype)
    prefetch_rows, gather_rows = memory.prefetch_rows(dtype), memory.gather_rows(dtype)
    (stops, *_), ITEM = make_abandon(dtype), np.dtype(dtype).itemsize

    @inner(dtype)
    def forward_layers(plan, shift, start, stop, first, last, batch, sample):
        """Layers start .. stop on the output of the layer below."""
        for i in range(start, stop):
            if stops(plan, at.ABANDONED_ROWS):
                return
            layer = read_int(plan, at.TABLE) + i * LAYER_BYTES
            below, below_row = read_int(layer, at.INPUT) + shift, read_int(layer, at.INPUT_ROW)
            forward(plan, layer, shift, below, below_row, first, last, batch, sample)

    @inner(dtype)
    def loss_rows(plan, layer, shift, order, sample, first, last, batch, row_loss):
        """Loss of each row and its gradient with respect to the network's output, times the weight of the sample."""
        units = read_int(layer, at.UNITS_OUT)
        total = batch * units if read_int(plan, at.LOSS_PER_OUTPUT) else batch
        y, y_row = read_int(plan, at.Y), read_int(plan, at.Y_ROW)
        if not order:
            y += sample * y_row
        row, delta_row = read_int(layer, at.OUTPUT_ROW), read_int(layer, at.DELTA_ROW)
        output = read_int(layer, at.OUTPUT) + shift + first * row
        delta = read_int(layer, at.DELTA) + shift + first * delta_row
        parameter = read_int(plan, at.LOSS_PARAMETER)
        code = read_int(plan, at.LOSS)
        scale = double_bits(1.0 / total)
        loss(code, output, row, y, y_row, order, delta, delta_row, row_loss, last - first, units, scale, parameter)
        weights = read_int(plan, at.SAMPLE_WEIGHT)
        if weights:
            weights_row = read_int(plan, at.SAMPLE_WEIGHT_ROW)
            if not order:
                weights += sample * weights_row
            vectors = read_int(layer, at.VECTORS_OUT)
            weigh_rows(weights, weights_row, order, row_loss, delta, delta_row, last - first, vectors)

    @inner(dtype)
    def prefetch_samples(plan, order, rows, x, x_row, x_size):
        """Ask for shuffled rows of x and y before the first of them is waited for."""
        if x_size <= MAX_PREFETCH_BYTES:
            prefetch_rows(x, x_row, order, rows, x_size)
        if read_int(plan, at.PHASES) & at.LOSS_PHASE:
            y_row = read_int(plan, at.Y_ROW)
            prefetch_rows(read_int(plan, at.Y), y_row, order, rows, min(y_row, MAX_PREFETCH_BYTES))

    @inner(dtype)
    def read_rows(plan, shift, stop, order, sample, first, last, batch):
        """Rows of x into the first layer's input, and through that layer where it is below layer ``stop``."""
        phases, table = read_int(plan, at.PHASES), read_int(plan, at.TABLE)
        source, source_row = read_int(table, at.INPUT) + shift, read_int(table, at.INPUT_ROW)
        x, x_row = read_int(plan, at.X), read_int(plan, at.X_ROW)
        if not order:
            x += sample * x_row
        if order and last - first >= MIN_PREFETCH_ROWS:
            prefetch_samples(plan, order, last - first, x, x_row, ITEM * read_int(table, at.UNITS_IN))
        if phases & at.GATHER:
            gather_rows(x, x_row, order, source + first * source_row, source_row, last - first, read_int(table, at.UNITS_IN))
        else:  # only the forward pass reads the input: take it where it is
            source, source_row = x - first * x_row, x_row
            prefetch_rows(x + (last - first) * x_row, x_row, 0, last - first, min(x_row, MAX_PREFETCH_BYTES))
        if phases & at.FORWARD and stop > 0:
            forward(plan, table, shift, source, source_row, first, last, batch, sample)

    @inner(dtype)
    def predict_rows(plan, shift, sample, first, last, batch):
        """From what the loss is a function of to predictions, and these to where they are wanted."""
        forward_layers(plan, shift, read_int(plan, at.LAYERS), read_int(plan, at.OUTPUT_LAYERS), first, last, batch, sample)
        if read_int(plan, at.PHASES) & at.PREDICT:
            end = read_int(plan, at.TABLE) + (read_int(plan, at.OUTPUT_LAYERS) - 1) * LAYER_BYTES
            row, out_row = read_int(end, at.OUTPUT_ROW), read_int(plan, at.OUT_ROW)
            out = read_int(plan, at.OUT) + sample * out_row
            output = read_int(end, at.OUTPUT) + shift + first * row
            copy_rows(output, row, 0, out, out_row, last - first, read_int(end, at.UNITS_OUT))

    @inner(dtype)
    def order_from(plan, sample):
        """Where the order of training has number ``sample``, or 0."""
        order = read_int(plan, at.ORDER)
        return order + 8 * sample if order else 0

    @inner(dtype)
    def forward_rows(plan, shift, start, stop, first, last, sample, batch):
        """Layers start .. stop on rows first .. last, which are samples ``sample`` onwards in the order of training.

        A start of -1 stands for the input, which comes before layer 0.
        """
        if start < 0:
            read_rows(plan, shift, stop, order_from(plan, sample), sample, first, last, batch)
        if read_int(plan, at.PHASES) & at.FORWARD:
            forward_layers(plan, shift, start if start >= 0 else 1, stop, first, last, batch, sample)

    @inner(dtype)
    def close_rows(plan, shift, first, last, sample, batch, row_loss):
        """What comes after the last layer: the loss, that of row ``first`` at ``row_loss``, and predictions."""
        phases = read_int(plan, at.PHASES)
        if phases & at.LOSS_PHASE:
            top = read_int(plan, at.TABLE) + (read_int(plan, at.LAYERS) - 1) * LAYER_BYTES
            loss_rows(plan, top, shift, order_from(plan, sample), sample, first, last, batch, row_loss)
            add_activities(plan, shift, first, last, row_loss)
        if read_int(plan, at.STATISTICS) or phases & at.PREDICT:
            predict_rows(plan, shift, sample, first, last, batch)

    @inner(dtype)
    def backward_rows(plan, shift, start, stop, first, last, sample):
        """The DELTA of layers start .. stop, from the top, as far down as it is wanted.

        Each is written by the layer above; for a start of -1, that of the input too.
        """
        phases = read_int(plan, at.PHASES)
        if phases & at.BACKWARD:
            table, layers = read_int(plan, at.TABLE), read_int(plan, at.LAYERS)
            if stop == layers:
                close_output(table + (layers - 1) * LAYER_BYTES, shift, first, last)
            for i in range(min(stop, layers - 1), max(start + 1, read_int(plan, at.BACKWARD_END)) - 1, -1):
                if stops(plan, at.ABANDONED_ROWS):
                    return
                layer = table + i * LAYER_BYTES
                backward(plan, layer, layer - LAYER_BYTES, shift, first, last, sample)
            if start < 0 and phases & at.INPUT_GRADIENT:
                layer = table + at.FIRST_LAYER_POSITION * LAYER_BYTES
                backward(plan, layer, table + at.INPUT_POSITION * LAYER_BYTES, shift, first, last, sample)

    @inner(dtype)
    def learn_rows(plan, batch, sample):
        """The way back of a whole batch, each layer's weights updated on the way, as far down as any are."""
        table, last, end = read_int(plan, at.TABLE), read_int(plan, at.LAYERS) - 1, read_int(plan, at.BACKWARD_END)
        close_output(table + last * LAYER_BYTES, 0, 0, batch)
        for i in range(last, end - 2, -1):
            layer = table + i * LAYER_BYTES
            backward_and_update(plan, layer, layer - LAYER_BYTES if i >= end else 0, batch, sample)

    return forward_rows, close_rows, backward_rows, learn_rows
