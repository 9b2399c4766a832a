"""What callbacks say."""


def message(line: str) -> None:
    """Print a line, as far as that is possible."""
    from ..models.progress import show

    show(line)
