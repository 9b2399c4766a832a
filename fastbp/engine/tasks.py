"""Phase two's work: the pieces of the weights to update, and which thread has which."""

from ..kernels.layers.dense_task import task_rows
from ..kernels.matrix.panels import panels

# (layer, first vector of outputs, last, first row of inputs, last)
Piece = tuple[int, int, int, int, int]


def pieces(shapes, dtype, threads):
    """The pieces of all layers, in the order to be taken.

    A piece has few of a layer's inputs and all its outputs: what it needs of the inputs is then read once. Only where that
    makes too few pieces to share, each has some of the outputs.
    """
    found = []
    for i, shape in enumerate(shapes):
        if not shape.weighted:
            continue
        height = task_rows(shape, dtype)
        parts = 1 if shape.units_in >= 4 * threads * height else threads
        starts = [v for v, _ in panels(shape.vectors_out)]
        step = -(-len(starts) // parts)
        for k in range(0, len(starts), step):
            last_vector = starts[k + step] if k + step < len(starts) else shape.vectors_out
            for first in range(0, shape.units_in, height):
                found.append((i, starts[k], last_vector, first, min(first + height, shape.units_in)))
    return found


def share(found, shapes, threads):
    """(pieces, where each thread's begin): about equal work, a piece cut in two where a share ends.

    ``starts`` has an entry more than there are threads: the end of the last one's pieces.
    """
    tasks, starts, done = [], [0], 0
    whole = sum((last - first) * (last_vector - v) for _, v, last_vector, first, last in found) / threads
    for layer, v, last_vector, first, last in found:
        rows = last - first
        while len(starts) < threads and done + rows * (last_vector - v) > whole * len(starts):
            cuts = [*(c for c, _ in panels(shapes[layer].vectors_out)), last_vector]
            fitting = v + (whole * len(starts) - done) / rows
            cut = min((c for c in cuts if v <= c <= last_vector), key=lambda c: abs(c - fitting))
            if cut > v:
                tasks.append((layer, v, cut, first, last))
                done += rows * (cut - v)
            v = cut
            starts.append(len(tasks))
        if v < last_vector:
            tasks.append((layer, v, last_vector, first, last))
            done += rows * (last_vector - v)
    return tasks, starts + [len(tasks)] * (threads + 1 - len(starts))
