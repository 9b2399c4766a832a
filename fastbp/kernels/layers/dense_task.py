"""A task of the update of a dense layer: some rows of its weight gradient, formed and used before they leave the cache."""

from typing import Protocol

from ..matrix.dots import max_dot_units
from ..matrix.gradient_product import full_task_rows
from ..matrix.panels import PANEL_VECTORS
from ..simd.element_types import ElementType
from ..simd.machine import machine


class HasUnits(Protocol):
    """A layer's shape, as far as it matters here."""

    @property
    def units_out(self) -> int: ...


def dot_task_rows(dtype: ElementType) -> int:
    """Rows of a task of a layer whose products are dot products: their transposed gradient is a full panel wide."""
    return PANEL_VECTORS * machine().lanes(dtype)


def task_rows(shape: HasUnits, dtype: ElementType) -> int:
    """Rows of a layer's weight gradient that one task forms and updates."""
    if shape.units_out <= max_dot_units(dtype):
        return dot_task_rows(dtype)
    return full_task_rows(machine().lanes(dtype))


def scratch_bytes(dtype: ElementType) -> int:
    """Room for the largest gradient of a task, with its bias and, up to MAX_DOT_UNITS units, before it is transposed."""
    usual = (full_task_rows(machine().lanes(dtype)) + 1) * PANEL_VECTORS
    with_transposed = dot_task_rows(dtype) + 1 + max_dot_units(dtype) * PANEL_VECTORS
    return max(usual, with_transposed) * machine().vector_bytes
