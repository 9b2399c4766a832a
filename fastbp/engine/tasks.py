"""Phase two's work: the tasks of the update, each some rows of some panels of a layer's weights, and which thread has which."""

from collections.abc import Iterable, Sequence

import numpy as np

from ..kernels.layers.dense_task import task_rows
from ..kernels.matrix.panels import panels
from ..kernels.simd.element_types import element_type
from .shapes import Shape

# (layer, first vector of outputs, last, first row of inputs, last, the place of the first panel's sum of squares)
Task = tuple[int, int, int, int, int, int]


def variable_starts(shapes: Sequence[Shape], dtype: np.dtype) -> list[int]:
    """Where the sums of squares of each variable that learns begin, and where the last one's end.

    Of a kernel there is one for so many rows of a panel as a task has, of other variables one for a panel.
    """
    starts = [0]
    for shape in shapes:
        if shape.trainable:
            count = len(panels(shape.vectors_out))
            blocks = [-(-shape.units_in // task_rows(shape, element_type(dtype)))] if shape.is_dense else []
            for rows in blocks + [1] * (shape.variables - len(blocks)):
                starts.append(starts[-1] + rows * count)
    return starts


def update_tasks(shapes: Sequence[Shape], dtype: np.dtype, threads: int) -> list[Task]:
    """The tasks of all layers that are trainable, in the order to be taken.

    A task has few of a layer's inputs and all its outputs: what it needs of the inputs is then read once. Only where that
    makes too few tasks for the threads, each has some of the outputs.
    """
    found: list[Task] = []
    slots, variable = variable_starts(shapes, dtype), 0
    for i, shape in enumerate(shapes):
        if not shape.trainable:
            continue
        height = task_rows(shape, element_type(dtype))
        rows = shape.units_in if shape.is_dense else 1  # the bias goes with the last ones, and all vectors go together
        parts = 1 if rows >= 4 * threads * height else threads
        starts = [v for v, _ in panels(shape.vectors_out)]
        step = -(-len(starts) // parts)
        for k in range(0, len(starts), step):
            last_vector = starts[k + step] if k + step < len(starts) else shape.vectors_out
            for block, first in enumerate(range(0, rows, height)):
                slot = slots[variable] + block * len(starts) + k
                found.append((i, starts[k], last_vector, first, min(first + height, rows), slot))
        variable += shape.variables
    return found


def partition(whole_tasks: Iterable[Task], shapes: Sequence[Shape], threads: int) -> tuple[list[Task], list[int]]:
    """(tasks, where each thread's begin): about equal work, a task cut in two where a thread's part ends.

    ``starts`` has an entry more than there are threads: the end of the last one's tasks.
    """
    tasks: list[Task] = []
    starts, done = [0], 0
    share = sum((last - first) * (last_vector - v) for _, v, last_vector, first, last, _ in whole_tasks) / threads
    for layer, v, last_vector, first, last, slot in whole_tasks:
        rows = last - first
        while len(starts) < threads and done + rows * (last_vector - v) > share * len(starts):
            cuts = [*(c for c, _ in panels(shapes[layer].vectors_out)), last_vector]
            fitting = v + (share * len(starts) - done) / rows
            cut = min((c for c in cuts if v <= c <= last_vector), key=lambda c: abs(c - fitting))
            if cut > v:
                tasks.append((layer, v, cut, first, last, slot))
                done += rows * (cut - v)
            slot += sum(v <= start < cut for start in cuts)
            v = cut
            starts.append(len(tasks))
        if v < last_vector:
            tasks.append((layer, v, last_vector, first, last, slot))
            done += rows * (last_vector - v)
    return tasks, starts + [len(tasks)] * (threads + 1 - len(starts))
