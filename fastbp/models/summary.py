"""The table that ``Sequential.summary`` prints."""

from collections.abc import Iterator, Sequence

from ..layers.dense import Dense


def summary_lines(name: str, layers: Sequence[Dense], units: int | None, itemsize: int) -> Iterator[str]:
    """One line for each layer, with a head above and the sum below; ``units`` of the input are None before build."""
    rows, total = [("Layer (type)", "Output shape", "Activation", "Params")], 0
    for layer in layers:
        count = None if units is None else (units + layer.use_bias) * layer.units
        total += count or 0
        units = layer.units if units is not None else None
        shown = "?" if count is None else f"{count:,}"
        rows.append((f"{layer.name} (Dense)", f"(None, {layer.units})", layer.activation.name, shown))
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    yield f'Model: "{name}"'
    for *left, count_text in rows:
        cells = [text.ljust(width + 3) for text, width in zip(left, widths, strict=False)]
        yield "".join(cells) + count_text.rjust(widths[3])
    known = units is not None or not layers
    yield f"Total params: {total:,} ({total * itemsize / 1024:,.2f} KB)" if known else "Total params: ? (not built yet)"
