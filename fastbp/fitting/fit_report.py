"""The report of a fit, as text and for notebooks."""

from __future__ import annotations

import inspect
import textwrap
from html import escape
from typing import Any

import numpy as np

_CORRELATED = 0.1  # from so much on correlations are shown
_MAX_CORRELATIONS = 20
_WIDTH = 100


def _title(fit: Any) -> str:
    f = fit.parameters.f
    name = getattr(f, "__name__", type(f).__name__)
    first = next(iter(inspect.signature(f).parameters))
    return f"Fit of {name}({', '.join([first, *fit.params])}) to {fit.ndata:,} values"


def _statistics(fit: Any) -> list[tuple[str, str]]:
    found = [
        ("chi-square", f"{fit.chisqr:.6g}"),
        ("reduced chi-square", f"{fit.redchi:.6g}"),
        ("Akaike (AIC)", f"{fit.aic:.6g}"),
        ("Bayes (BIC)", f"{fit.bic:.6g}"),
        ("R-squared", f"{fit.rsquared:.6f}"),
        ("parameters", f"{fit.nvarys} fitted, {fit.nfree} degrees of freedom"),
    ]
    return found + ([("loss", f"{fit.loss['loss']}, f_scale {fit.loss['f_scale']:g}")] if fit.loss else [])


def _parameters(fit: Any) -> list[tuple[str, str, str, str]]:
    """Name, value, error, and a remark."""
    rows = []
    start = dict(zip(fit.free, fit.parameters.start.tolist(), strict=True))
    low, high = (dict(zip(fit.free, ends.tolist(), strict=True)) for ends in (fit.parameters.low, fit.parameters.high))
    for name, value in fit.params.items():
        error = fit.stderr[name]
        if name in fit.parameters.fixed:
            rows.append((name, f"{value:.7g}", "", "fixed"))
            continue
        share = f" ({100 * abs(error / value):.2g}%)" if value and np.isfinite(error) else ""
        shown = f"{error:.3g}{share}" if np.isfinite(error) else "not determined"
        if name in fit.parameters.tied:
            remark = f"tied to {', '.join(fit.parameters.needs[name])}"
        else:
            at = " (at its bound)" if value in (low[name], high[name]) else ""
            remark = f"start {start[name]:.5g}{at}"
        rows.append((name, f"{value:.7g}", shown, remark))
    return rows


def _correlations(fit: Any) -> list[tuple[str, str, float]]:
    return [(a, b, c) for (a, b), c in fit.correlations.items() if abs(c) >= _CORRELATED][:_MAX_CORRELATIONS]


def as_text(fit: Any) -> str:
    """The report as lines of text."""
    lines = textwrap.wrap(_title(fit), _WIDTH, subsequent_indent="  ")
    lines += [f"  {name:<20}{value}" for name, value in _statistics(fit)]
    rows = _parameters(fit)
    widths = [max(len(row[i]) for row in rows) for i in range(3)]
    lines.append("Parameters")
    for name, value, error, remark in rows:
        shown = f"+/- {error}" if error else ""
        lines.append(f"  {name:<{widths[0]}}  {value:>{widths[1]}}  {shown:<{widths[2] + 4}}  {remark}".rstrip())
    pairs = _correlations(fit)
    if pairs:
        lines.append(f"Correlations of {_CORRELATED} and more")
        width = max(len(f"{a}, {b}") for a, b, _ in pairs)
        lines += [f"  {f'{a}, {b}':<{width}}  {c:+.4f}" for a, b, c in pairs]
    return "\n".join(lines)


def _table(heads: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    head = "".join(f"<th>{escape(h)}</th>" for h in heads)
    body = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def as_html(fit: Any) -> str:
    """The report as tables."""
    parts = [f"<p>{escape(_title(fit))}</p>", _table(("statistic", "value"), list(_statistics(fit)))]
    parts.append(_table(("parameter", "value", "standard error", ""), list(_parameters(fit))))
    pairs = [(a, b, f"{c:+.4f}") for a, b, c in _correlations(fit)]
    if pairs:
        parts.append(_table(("parameter", "parameter", "correlation"), list(pairs)))
    return "".join(parts)
