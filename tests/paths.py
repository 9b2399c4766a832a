"""Where things are, and what tests are called."""

import re
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent  # of the repository


def name_of(value: Any) -> str:
    """A parameter in the name of its test: without addresses, so that every process has the same names."""
    return re.sub(r" at 0x[0-9a-f]+", "", str(value))
