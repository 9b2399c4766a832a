"""The table that ``Sequential.summary`` prints."""

import math
from collections.abc import Iterator, Sequence

from ..layers import Layer


def summary_lines(name: str, layers: Sequence[Layer], units: int | None, itemsize: int) -> Iterator[str]:
    """One line for each layer, with a head above and the sum below; ``units`` of the input are None before build."""
    rows, total, known = [("Layer (type)", "Output shape", "Activation", "Params")], 0, units is not None or not layers
    for layer in layers:
        count = sum(math.prod(weight.shape) for weight in layer.weight_specs(units)) if units is not None else None
        outputs = layer.output_units(units)
        units = outputs if units is not None else None
        total += count or 0
        shape = f"(None, {'?' if outputs is None else outputs})"
        shown = "?" if count is None else f"{count:,}"
        rows.append((f"{layer.name} ({type(layer).__name__})", shape, layer.output_activation or "", shown))
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    yield f'Model: "{name}"'
    for *left, count_text in rows:
        cells = [text.ljust(width + 3) for text, width in zip(left, widths, strict=False)]
        yield "".join(cells) + count_text.rjust(widths[3])
    yield f"Total params: {total:,} ({total * itemsize / 1024:,.2f} KB)" if known else "Total params: ? (not built yet)"
