"""Phase two's work: the pieces of the weights to update, and which thread has which."""

from .kernels.dense import piece_rows
from .kernels.gemm import tile_shape

# (layer, first vector of outputs, last, first row of inputs, last)
Piece = tuple[int, int, int, int, int]


def pieces(shapes, dtype, threads):
    """The pieces of all layers, in the order to be taken.

    A piece has few of a layer's inputs and all its outputs: what it needs of the inputs is then read once. Only where that
    makes too few pieces to share, each has some of the outputs.
    """
    panel, found = tile_shape()[1], []
    for i, shape in enumerate(shapes):
        height = piece_rows(shape, dtype)
        parts = 1 if shape.units_in >= 4 * threads * height else threads
        step = -(-shape.vectors_out // (parts * panel)) * panel
        for v in range(0, shape.vectors_out, step):
            for first in range(0, shape.units_in, height):
                found.append((i, v, min(v + step, shape.vectors_out), first, min(first + height, shape.units_in)))
    return found


def share(found, threads):
    """(pieces, where each thread's begin): about equal work, a piece cut in two where a share ends.

    ``starts`` has an entry more than there are threads: the end of the last one's pieces.
    """
    panel, tasks, starts, done = tile_shape()[1], [], [0], 0
    whole = sum((last - first) * (last_vector - v) for _, v, last_vector, first, last in found) / threads
    for layer, v, last_vector, first, last in found:
        rows = last - first
        while len(starts) < threads and done + rows * (last_vector - v) > whole * len(starts):
            fitting = panel * max(0, round((whole * len(starts) - done) / (rows * panel)))
            cut = min(v + fitting, last_vector)
            if cut > v:
                tasks.append((layer, v, cut, first, last))
                done += rows * (cut - v)
            v = cut
            starts.append(len(tasks))
        if v < last_vector:
            tasks.append((layer, v, last_vector, first, last))
            done += rows * (last_vector - v)
    return tasks, starts + [len(tasks)] * (threads + 1 - len(starts))
