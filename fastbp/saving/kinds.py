"""What a file is that is no model file of fastbp."""

import zipfile
from types import ModuleType
from typing import BinaryIO

from ..engine.interrupts import import_to_end
from ..errors import ModelFileError

_KERAS_FILES = "fastbp.saving.keras_files"
_HDF5 = b"\x89HDF\r\n\x1a\n"
_ZIP = b"PK\x03\x04", b"PK\x05\x06"
_SENTENCES = {
    b"\x93NUMPY": "is an array of NumPy's: numpy.load reads it, and model.set_weights takes arrays",
    b"\x1f\x8b": "is compressed with gzip: unpack it first",
    b"\x80": "looks like a pickle: pickle.load reads it, if you trust whoever wrote it",
    b"{": "looks like JSON: fastbp.models.model_from_json makes a model of the text that model.to_json() gave, without weights",
    _HDF5: "is an HDF5 file, as Keras writes",
}


def is_of_keras(path: str) -> bool:
    """Whether a file is one that Keras may have written: HDF5, or a zip with a config in it."""
    try:
        with open(path, "rb") as file:
            start = file.read(8)
            return start == _HDF5 or (start.startswith(_ZIP) and _has_config(file))
    except (OSError, zipfile.BadZipFile, ValueError):
        return False


def _has_config(file: BinaryIO) -> bool:
    with zipfile.ZipFile(file) as archive:
        return "config.json" in archive.namelist()


def kind_of(path: str) -> str:
    """The sentence that says what a file is, as far as its first bytes tell."""
    with open(path, "rb") as file:
        start = file.read(8)
    if not start:
        return "is an empty file: whoever wrote it was stopped, or it was made by something else"
    if start.startswith(_ZIP):
        return "is a zip archive, as .npz files are: numpy.load reads those, and model.set_weights takes arrays"
    for beginning, sentence in _SENTENCES.items():
        if start.startswith(beginning):
            return sentence
    return "is not a model file of fastbp, or its beginning was altered"


def keras_files(path: str) -> ModuleType:
    """The module that reads files of Keras."""
    try:
        return import_to_end(_KERAS_FILES)
    except ModuleNotFoundError as error:
        if error.name != _KERAS_FILES:
            raise
        raise ModelFileError(
            path, "is a file of Keras: there model.get_weights() gives arrays that model.set_weights takes here"
        ) from None
