"""Arrays by name and texts in one file, in the safetensors format, with a checksum: see FORMAT.md beside this file.

Nothing in a file is trusted: the sizes it states are compared with its length before memory is taken for them, and the
checksum with its contents before anything is made of these.
"""

import json
import os
import stat
import zlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import cycle, pairwise
from math import prod
from typing import Any, BinaryIO, NamedTuple

import numpy as np

from ..engine.packed import PackedRows
from ..errors import ModelFileError
from .atomic import replacing, write_all
from .kinds import kind_of

CHECKSUM = "checksum"  # the name of the last array: the CRC-32 of all bytes of the file before it, four bytes
MAX_HEADER = 1 << 25  # bytes; a header as Python objects takes some twenty times that at most
MAX_AXES = 8
_DTYPES = {
    **{f"F{8 * size}": np.dtype(f"<f{size}") for size in (2, 4, 8)},
    **{f"I{8 * size}": np.dtype(f"<i{size}") for size in (1, 2, 4, 8)},
    **{f"U{8 * size}": np.dtype(f"<u{size}") for size in (1, 2, 4, 8)},
    "BOOL": np.dtype(bool),
}
_NAMES = {dtype: name for name, dtype in _DTYPES.items()}
_PREFIX = 8  # bytes that say how long the header is
_BLOCK = 1 << 22  # bytes written at a time: fewer and larger, since the two threads hand over to each other at each

_Chunk = np.ndarray | PackedRows | memoryview


@dataclass(frozen=True)
class Contents:
    """What a file holds: texts and arrays by name."""

    metadata: dict[str, str]
    arrays: dict[str, np.ndarray]


class _Place(NamedTuple):
    """Where an array lies in the data, and what it is."""

    first: int
    stop: int
    dtype: np.dtype
    shape: tuple[int, ...]


# -- writing


def write_file(path: str, arrays: Mapping[str, np.ndarray | PackedRows], metadata: Mapping[str, str]) -> None:
    """Put a file in the place of ``path``, as a whole."""
    ordered = dict(sorted(arrays.items(), key=lambda item: -item[1].dtype.itemsize))  # so that each is aligned
    header: dict[str, Any] = {"__metadata__": dict(metadata)}
    first = 0
    for name, array in [*ordered.items(), (CHECKSUM, np.zeros(4, np.uint8))]:
        place = {"dtype": _NAMES[array.dtype], "shape": list(array.shape), "data_offsets": [first, first + array.nbytes]}
        header[name], first = place, first + array.nbytes
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    if len(text) > MAX_HEADER:
        raise ValueError(f"a model file holds at most {MAX_HEADER} bytes of settings and logs, got {len(text)}")
    start = memoryview(len(text).to_bytes(_PREFIX, "little") + text)
    with replacing(path) as file:
        checksum = _write_chunks(file, [start, *ordered.values()])
        write_all(file, memoryview(checksum.to_bytes(4, "little")))


def _write_chunks(file: BinaryIO, chunks: Iterable[_Chunk]) -> int:
    """Write chunks one after the other; gives the CRC-32 of all.

    Another thread gets the next blocks ready, while they are in its cache, since that takes about as long as writing them.
    """
    source, ready = _Blocks(), deque[Future[memoryview]]()
    with ThreadPoolExecutor(1) as pool:
        for read in source.of(chunks):
            ready.append(pool.submit(source.checked, read))
            if len(ready) == len(source.buffers):
                write_all(file, ready.popleft().result())
        for block in ready:
            write_all(file, block.result())
    return source.checksum


class _Blocks:
    """Chunks of bytes cut into blocks, with the CRC-32 of those that have been read."""

    def __init__(self) -> None:
        self.buffers = [np.empty(_BLOCK, np.uint8) for _ in range(4)]
        self.checksum = 0

    def of(self, chunks: Iterable[_Chunk]) -> Iterator[Callable[[], memoryview]]:
        """The blocks, each as the function that reads it: in turn, the one but three before it having been written."""
        buffers = cycle(self.buffers)
        for chunk in chunks:
            if isinstance(chunk, PackedRows):
                rows = max(1, _BLOCK // (chunk.nbytes // chunk.shape[0]))
                for first in range(0, chunk.shape[0], rows):
                    yield partial(_rows, chunk, first, min(rows, chunk.shape[0] - first), next(buffers))
            else:
                whole = chunk if isinstance(chunk, memoryview) else _bytes(chunk)
                for first in range(0, len(whole), _BLOCK):
                    next(buffers)
                    yield partial(_part, whole, first)

    def checked(self, read: Callable[[], memoryview]) -> memoryview:
        block = read()
        self.checksum = zlib.crc32(block, self.checksum)
        return block


def _part(whole: memoryview, first: int) -> memoryview:
    return whole[first : first + _BLOCK]


def _rows(packed: PackedRows, first: int, rows: int, buffer: np.ndarray) -> memoryview:
    """Some rows, in a buffer if there is room."""
    size = rows * packed.shape[1] * packed.dtype.itemsize
    out = buffer[:size] if size <= len(buffer) else np.empty(size, np.uint8)
    return _bytes(packed.read(first, out.view(packed.dtype).reshape(rows, -1)))


def _bytes(array: np.ndarray) -> memoryview:
    return memoryview(np.ascontiguousarray(array).reshape(-1).view(np.uint8))  # type: ignore[arg-type]


# -- reading


def read_file(path: str) -> Contents:
    """What a file holds, or the error for one that ``write_file`` has not written, or that was altered since."""
    if os.path.isdir(path):
        raise ModelFileError(path, "is a folder: fastbp keeps a model in one file")
    try:
        with open(path, "rb", buffering=0) as file:
            return _read(path, file)
    except FileNotFoundError:
        raise FileNotFoundError(f"there is no file {path!r}") from None


def _read(path: str, file: Any) -> Contents:
    status = os.fstat(file.fileno())
    if not stat.S_ISREG(status.st_mode):
        raise ModelFileError(path, "is no regular file: fastbp keeps a model in one")
    start = _taken(path, file, min(_PREFIX, status.st_size))
    length = int.from_bytes(start.tobytes(), "little")
    if len(start) < _PREFIX or not 2 <= length <= min(MAX_HEADER, status.st_size - _PREFIX):
        raise ModelFileError(path, kind_of(path))
    text, size = _taken(path, file, length), status.st_size - _PREFIX - length
    header = _parsed(path, text.tobytes())
    metadata = header.pop("__metadata__", None)
    if not isinstance(metadata, dict) or not all(isinstance(value, str) for value in metadata.values()):
        raise ModelFileError(path, "is a safetensors file, but fastbp has not written it: it says nothing about itself")
    places = {name: _place(path, name, entry) for name, entry in header.items()}
    _check_cover(path, places, size)
    data, checksum = _taken(path, file, size), places.pop(CHECKSUM)
    crc = 0
    for part in (start, text, data[: checksum.first]):
        crc = zlib.crc32(_bytes(part), crc)
    if int.from_bytes(data[checksum.first :].tobytes(), "little") != crc:
        raise ModelFileError(path, "is damaged or was altered: its checksum is not that of its contents")
    return Contents(metadata, {name: data[p.first : p.stop].view(p.dtype).reshape(p.shape) for name, p in places.items()})


def _taken(path: str, file: Any, size: int) -> np.ndarray:
    """The next ``size`` bytes: the file is at least so long."""
    taken, done = np.empty(size, np.uint8), 0
    rest = _bytes(taken)
    while done < size:
        count = file.readinto(rest[done:])
        if not count:
            raise ModelFileError(path, "became shorter while it was read")
        done += count
    return taken


def _parsed(path: str, text: bytes) -> dict[str, Any]:
    try:
        header = json.loads(text, object_pairs_hook=_unlike_names)
    except (ValueError, RecursionError) as error:
        raise ModelFileError(path, f"is damaged, or no model file: its header cannot be read ({error})") from None
    if not isinstance(header, dict):
        raise ModelFileError(path, "is damaged, or no model file: its header is no table of arrays")
    return header


def _unlike_names(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name is there twice")
    return found


def _place(path: str, name: str, entry: Any) -> _Place:
    """Where an array lies, if what the header says of it agrees with itself."""
    try:
        dtype, shape, (first, stop) = _DTYPES[entry["dtype"]], tuple(entry["shape"]), entry["data_offsets"]
        sizes = *shape, first, stop
        is_right = len(shape) <= MAX_AXES and all(type(size) is int and 0 <= size < 1 << 48 for size in sizes)
        if is_right and stop - first == prod(shape) * dtype.itemsize and not first % dtype.itemsize:
            return _Place(first, stop, dtype, shape)
    except (KeyError, TypeError, ValueError):
        pass
    raise ModelFileError(
        path, f"is damaged, or written by something else: its header says {str(entry)[:200]} of {name[:100]!r}"
    )


def _check_cover(path: str, places: Mapping[str, _Place], size: int) -> None:
    """Make sure that the arrays, one after the other, are all of the data, the checksum being the last."""
    ordered = sorted(places.values(), key=lambda place: (place.first, place.stop))
    ends = [0, *(edge for place in ordered for edge in (place.first, place.stop)), size]
    if any(a != b for a, b in list(pairwise(ends))[::2]):
        raise ModelFileError(path, f"is cut off, or damaged: its arrays do not fill the {size} bytes there are for them")
    last = places.get(CHECKSUM)
    if last is None or last.stop != size or last.dtype != np.uint8 or last.shape != (4,):
        raise ModelFileError(path, "is a safetensors file, but fastbp has not written it: it has no checksum")
