"""What the benchmarks take from fastbp's insides, in today's names and by the places that it had in older commits.

``track.py backfill`` measures those by the benchmarks of today. What a commit does not have, its benchmarks are skipped for.
"""

from importlib import import_module

from .common import SMOKE


class NotInThisCommit(NotImplementedError, AttributeError):
    """asv skips a benchmark whose ``setup`` raises a NotImplementedError."""


class Names:
    """Names of the first of several modules of fastbp that has them, as attributes.

    Parameters
    ----------
    *places : str
        Modules, today's before older ones; "" is fastbp itself.
    **renamed : str
        By today's name, the older one.
    """

    def __init__(self, *places, **renamed):
        self._modules, self._renamed = [module for place in places if (module := _module(place))], renamed

    def __getattr__(self, name):
        for module in self._modules:
            for spelling in (name, self._renamed.get(name, name)):
                try:
                    return getattr(module, spelling)
                except (AttributeError, ModuleNotFoundError):  # a public name may be imported when it is asked for
                    continue
        # Of this checkout a missing name is a mistake, and must not pass for a benchmark to skip.
        raise (AttributeError if SMOKE else NotInThisCommit)(f"this fastbp has no {name}")


def _module(place):
    name = f"fastbp.{place}".rstrip(".")
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        if not (error.name or "").startswith("fastbp."):
            raise
        return None


public = Names("")
parameters = Names("engine.parameters", "parameters")
buffers = Names("engine.buffers", "plan")
fields = Names("kernels.fields", "kernels.layout")
loss, memory, team = Names("kernels.loss"), Names("kernels.memory"), Names("kernels.team")
activation = Names("kernels.activation", "kernels.row_activation", "kernels.elementwise")
optimizer = Names(
    "kernels.optimizer",
    "kernels.update",
    DECAY="KEEP",
    BETA_1="FIRST",
    ONE_MINUS_BETA_1="FIRST_REST",
    ONE_MINUS_BETA_2="SECOND_REST",
)
codes = Names(
    "kernels.codes",
    "kernels.elementwise",
    "kernels.loss",
    "kernels.update",
    BINARY_CROSSENTROPY="BINARY",
    CATEGORICAL_CROSSENTROPY="CATEGORICAL",
    BINARY_CROSSENTROPY_LOGITS="BINARY_LOGITS",
    CATEGORICAL_CROSSENTROPY_LOGITS="CATEGORICAL_LOGITS",
    SPARSE_CROSSENTROPY_LOGITS="SPARSE_LOGITS",
)
gemm = Names("kernels.matrix.gemm", "kernels.gemm")
transpose = Names("kernels.matrix.transpose", "kernels.gemm")
dots = Names("kernels.matrix.dots", "kernels.dots")  # in kernels.gemm its arguments came in another order
machine = Names("kernels.simd.machine", "kernels.machine", "kernels.simd").machine

_panels = Names("kernels.matrix.panels", "kernels.panels")
_library = Names("kernels.functions", "kernels.library")
_module("kernels.train")  # which had every vector function listed, until kernels.functions did


def panels(vectors):
    """(first vector, width) of each panel of a matrix."""
    if hasattr(_panels, "panels"):
        return _panels.panels(vectors)
    width = gemm.tile_shape()[1]  # all had the same but the last
    return [(v, min(width, vectors - v)) for v in range(0, vectors, width)]


def entry(function, dtype):
    """The address of a VectorFunction's machine code."""
    if hasattr(_library, "address"):
        return _library.address(function, dtype)
    return _library.load(dtype).get_pointer_to_function(f"fastbp_{function.name}_{dtype}")
