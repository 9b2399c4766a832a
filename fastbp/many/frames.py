"""Tables of results for pandas."""

from collections.abc import Mapping
from typing import Any


def frame(columns: Mapping[str, Any], index: str) -> Any:
    """Columns as a DataFrame of pandas, rows numbered from 0."""
    try:
        import pandas
    except ImportError:
        raise ImportError("to_frame makes a DataFrame of pandas, which is not installed: pip install pandas") from None
    found = pandas.DataFrame(dict(columns))
    found.index.name = index
    return found
