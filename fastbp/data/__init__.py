"""Data from a user: samples, targets and weights, checked, and in a form that the engine takes.

Data that is already C-contiguous in the model's dtype passes through as it is, never copied.
"""

from .batches import Batches
from .checks import arrays, columns, output_gradient
from .combine import combine
from .prepare import Data, prepare, training_data, validation
from .rows import Rows, prepare_rows
from .samples import inputs
from .source import Source
from .spec import Spec
from .weights import ClassWeights

__all__ = [
    "Batches",
    "ClassWeights",
    "Data",
    "Rows",
    "Source",
    "Spec",
    "arrays",
    "columns",
    "combine",
    "inputs",
    "output_gradient",
    "prepare",
    "prepare_rows",
    "training_data",
    "validation",
]
