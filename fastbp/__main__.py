"""The command line: ``python -m fastbp warmup``, ``bench`` and ``info``."""

import argparse
import os
import sys
from collections.abc import Sequence

from . import __version__, warmup


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command."""
    parser = argparse.ArgumentParser(prog="python -m fastbp", description="Fast training of dense networks on a CPU.")
    parser.add_argument("--version", action="version", version=f"fastbp {__version__}")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("warmup", help="compile everything in advance and keep it on disk")
    commands.add_parser("info", help="versions, processor, vector width, threads, and the cache of compiled kernels")
    bench_parser = commands.add_parser("bench", help="how fast this machine trains a network of your choice")
    _add_bench_arguments(bench_parser)
    chosen = vars(parser.parse_args(arguments))
    command = chosen.pop("command")
    try:
        lines = {"warmup": _warmup, "info": _info, "bench": lambda: _bench(chosen)}[command]()
    except (TypeError, ValueError) as error:
        parser.error(str(error))
    except RuntimeError as error:
        parser.exit(1, f"{parser.prog}: error: {error}\n")
    try:
        print("\n".join(lines), end="\n" if lines else "", flush=True)
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # Python flushes it once more at exit
        if not isinstance(error, BrokenPipeError):  # that is a reader, such as head, that stops early
            parser.exit(1, f"{parser.prog}: error: the output could not be written: {error}\n")


def _add_bench_arguments(parser: argparse.ArgumentParser) -> None:
    defaults = argparse.ArgumentDefaultsHelpFormatter
    parser.formatter_class = defaults
    parser.add_argument("--layers", type=_sizes, default="17,64,64,6", help="features and units of each layer")
    parser.add_argument("--batch", dest="batch_size", type=int, default=64, help="samples of a step")
    parser.add_argument("--activation", default="tanh", help="of the hidden layers")
    parser.add_argument("--optimizer", default="adam", help="by name")
    parser.add_argument("--loss", default="mse", help="mse, binary_crossentropy or sparse_categorical_crossentropy")
    parser.add_argument("--dtype", default="float32", choices=("float32", "float64"), help="of weights and arithmetic")
    parser.add_argument("--threads", type=int, help="this number of threads only (otherwise several are tried)")
    parser.add_argument("--seconds", type=float, default=2.0, help="about how long to train")
    parser.add_argument(
        "--no-compilation", dest="compilation", action="store_false", help="do not measure how long compilation takes"
    )


def _sizes(text: str) -> list[int]:
    try:
        return [int(part) for part in text.split(",")]
    except ValueError:
        raise argparse.ArgumentTypeError(f"must be whole numbers such as 17,64,64,6, got {text!r}") from None


def _warmup() -> list[str]:
    warmup()
    return []


def _info() -> list[str]:
    from .info import info_lines

    return info_lines()


def _bench(chosen: dict) -> list[str]:
    from .bench import bench

    return bench(**chosen).lines()


if __name__ == "__main__":
    main()
