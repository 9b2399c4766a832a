"""The command line: ``python -m fastbp warmup``."""

import argparse
from collections.abc import Sequence

from . import __version__, warmup


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command."""
    parser = argparse.ArgumentParser(prog="python -m fastbp", description="Fast training of dense networks on a CPU.")
    parser.add_argument("--version", action="version", version=f"fastbp {__version__}")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("warmup", help="compile everything ahead and keep it on disk")
    parser.parse_args(arguments)
    warmup()


if __name__ == "__main__":
    main()
