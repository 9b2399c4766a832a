"""Findings, and the diagnosis that they make."""

import textwrap
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

SEVERITIES = "error", "warning", "info"
WIDTH = 100  # characters of a line


@dataclass(frozen=True)
class Finding:
    """Something that is wrong, or worth a look.

    Attributes
    ----------
    name : str
        What kind of finding it is, as ``"vanishing_gradient"``.
    layer : str or None
        The layer it is about; None where it is about the data or the whole model.
    severity : {"error", "warning", "info"}
        Whether learning fails, is likely to suffer, or may be as it should be.
    message : str
        What was found.
    advice : str
        What to try.
    numbers : dict
        What it rests on.
    """

    name: str
    layer: str | None
    severity: str
    message: str
    advice: str
    numbers: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        where = f" ({self.layer})" if self.layer else ""
        return f"{self.severity}: {self.name}{where}: {self.message} {self.advice}"


class Diagnosis:
    """What ``model.diagnose`` found: a sequence of findings, the worst first.

    It is true where nothing is wrong.

    Attributes
    ----------
    findings : tuple of Finding
    layers : tuple of str
        The layers that were looked at.

    Examples
    --------
    >>> import numpy as np
    >>> import fastbp
    >>> x = np.random.default_rng(0).normal(size=(256, 4))
    >>> model = fastbp.Sequential([fastbp.Dense(16, "tanh"), fastbp.Dense(1)], seed=0)
    >>> model.compile("adam", "mse")
    >>> model.diagnose(x, x[:, 0] * x[:, 1])
    Diagnosis: nothing wrong with dense, dense_1
    >>> [finding.name for finding in model.diagnose(1000 * x, x[:, 0] * x[:, 1])]
    ['saturated_units', 'input_scale']
    """

    def __init__(self, findings: Iterable[Finding], layers: Iterable[str]) -> None:
        self.findings = tuple(sorted(findings, key=lambda finding: SEVERITIES.index(finding.severity)))
        self.layers = tuple(layers)

    @property
    def ok(self) -> bool:
        """Whether there is no finding but for what is worth a look."""
        return all(finding.severity == "info" for finding in self.findings)

    def __bool__(self) -> bool:
        return self.ok

    def __iter__(self) -> Iterator[Finding]:
        return iter(self.findings)

    def __len__(self) -> int:
        return len(self.findings)

    def __getitem__(self, name: str) -> list[Finding]:
        """The findings of a name."""
        return [finding for finding in self.findings if finding.name == name]

    def __contains__(self, name: object) -> bool:
        return any(finding.name == name for finding in self.findings)

    def __repr__(self) -> str:
        if not self.findings:
            return f"Diagnosis: nothing wrong with {', '.join(self.layers)}"
        count = len(self.findings)
        lines = [f"Diagnosis: {count} finding{'s' * (count != 1)}"]
        for finding in self.findings:
            where = f" in {finding.layer}" if finding.layer else ""
            lines.append(f"- {finding.severity}: {finding.name.replace('_', ' ')}{where}")
            for text in (finding.message, f"Try: {finding.advice}"):
                lines += textwrap.wrap(text, WIDTH, initial_indent="    ", subsequent_indent="    ")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        from ..views.html import table  # only where somebody wants to look

        if not self.findings:
            return f"<p>{self!r}</p>"
        rows = [[f.severity, f.name.replace("_", " "), f.layer or "", f.message, f.advice] for f in self.findings]
        return table(("severity", "finding", "layer", "what was found", "what to try"), rows, left=range(5))
