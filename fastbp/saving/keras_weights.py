"""The weights in Keras's files: .weights.h5 and .keras of Keras 3, .h5 of all of them.

What is in a file is not trusted: nothing in it is executed, no other file is followed, and no memory is taken for arrays that
the file does not hold.
"""

from __future__ import annotations

import io
import os
import zipfile
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, NoReturn

import numpy as np

from ..errors import ModelFileError
from ..layers import InputLayer

WEIGHTS_NAME = "model.weights.h5"
MAX_COMPRESSION = 1100  # how many times smaller zlib makes data at most
MAX_TEXT_BYTES = 64 * 2**20  # of settings
CONTAINERS = "layers", "_layer_checkpoint_dependencies"  # the group of a model's layers, in Keras 3 and at the end of Keras 2


class KerasFile:
    """A file that Keras wrote, opened for reading.

    Parameters
    ----------
    path : str
    """

    def __init__(self, path: Any) -> None:
        self.path = os.fspath(path)
        try:
            import h5py
        except ImportError as error:
            raise ImportError(f"{self.path!r} is a file of Keras: reading it needs h5py, as by pip install h5py") from error
        self._h5py = h5py
        self._zip: zipfile.ZipFile | None = None
        self.root: Any = None
        with open(self.path, "rb") as file:
            start = file.read(4)
        if start == b"PK\x03\x04":
            self._zip = zipfile.ZipFile(self.path)
            self.root = h5py.File(io.BytesIO(self.member(WEIGHTS_NAME, None)), "r")
        else:
            self.root = h5py.File(self.path, "r")

    def __enter__(self) -> KerasFile:
        return self

    def __exit__(self, *_: Any) -> None:
        self.root.close()
        if self._zip is not None:
            self._zip.close()

    def refuse(self, reason: str) -> NoReturn:
        raise ModelFileError(self.path, reason)

    @property
    def is_archive(self) -> bool:
        return self._zip is not None

    def member(self, name: str, most: int | None) -> bytes:
        """A part of a .keras file, of at most so many bytes."""
        assert self._zip is not None
        try:
            info = self._zip.getinfo(name)
        except KeyError:
            self.refuse(f"is a zip file without {name}, so no model of Keras")
        if info.file_size > (most or MAX_COMPRESSION * max(info.compress_size, 1)):
            self.refuse(f"says that its {name} has {info.file_size} bytes, which cannot be")
        with self._zip.open(info) as part:
            return part.read(info.file_size)

    # -- HDF5

    def has(self, group: Any, name: str) -> bool:
        """Whether a group holds something of this name itself: links to elsewhere are refused."""
        link = group.get(name, getlink=True) if isinstance(group, self._h5py.Group) else None
        if link is not None and not isinstance(link, self._h5py.HardLink):
            self.refuse(f"has a link at {name!r} to something else, which is not followed")
        return link is not None

    def group(self, group: Any, name: str) -> Any:
        """The group of this name within another."""
        if not self.has(group, name) or not isinstance(group[name], self._h5py.Group):
            self.refuse(f"has no group {name!r} in {group.name!r}")
        return group[name]

    def dataset(self, group: Any, path: str) -> Any:
        """The array at a path within a group, not read yet."""
        *folders, name = path.split("/")
        for folder in folders:
            group = self.group(group, folder)
        if not self.has(group, name) or not isinstance(group[name], self._h5py.Dataset):
            self.refuse(f"has no weights {name!r} in {group.name!r}")
        found = group[name]
        if found.external or found.is_virtual:
            self.refuse(f"has its weights {name!r} in other files, which are not read")
        if found.dtype.kind not in "fiub":
            self.refuse(f"has weights {name!r} of the type {found.dtype}, which are no real numbers")
        if found.nbytes > MAX_COMPRESSION * found.id.get_storage_size():
            self.refuse(f"says that its weights {name!r} have {found.nbytes} bytes, but holds {found.id.get_storage_size()}")
        return found

    def names(self, group: Any, attribute: str) -> list[str]:
        """A list of names, which Keras cuts into several attributes where it is long."""
        pieces = [attribute] if attribute in group.attrs else []
        while f"{attribute}{len(pieces)}" in group.attrs:
            pieces.append(f"{attribute}{len(pieces)}")
        if not pieces:
            self.refuse(f"has no {attribute!r} in {group.name!r}")
        found = [name for piece in pieces for name in np.ravel(group.attrs[piece]).tolist()]
        return [name.decode() if isinstance(name, bytes) else str(name) for name in found]

    def text(self, attribute: str) -> str:
        """A text that is an attribute of the file."""
        if attribute not in self.root.attrs:
            self.refuse(f"has no {attribute!r}, so it holds weights alone: give them to a model by model.load_weights")
        found = self.root.attrs[attribute]
        return found.decode() if isinstance(found, bytes) else str(found)

    # -- weights

    def datasets(self, model: Any) -> list[Any]:
        """The arrays for a model's weights in ``get_weights`` order, not read yet."""
        if any(self.has(self.root, name) for name in CONTAINERS):
            return list(self._by_class(self.root, model))
        if self.has(self.root, "model_weights"):
            return list(self._by_position(self.group(self.root, "model_weights"), model))
        if "layer_names" in self.root.attrs or "layer_names0" in self.root.attrs:
            return list(self._by_position(self.root, model))
        self.refuse("is an HDF5 file, but none of weights that Keras wrote")

    def _by_class(self, group: Any, model: Any) -> Iterator[Any]:
        """Keras 3: a group for each layer, named by its class and counted."""
        container = next((name for name in CONTAINERS if self.has(group, name)), CONTAINERS[0])
        layers, seen = self.group(group, container), Counter[str]()
        for layer in model._layers:
            number, seen[layer.kind] = seen[layer.kind], seen[layer.kind] + 1
            name = f"{layer.kind}_{number}" if number else layer.kind
            if is_model(layer):
                yield from self._by_class(self.group(layers, name), layer)
            else:
                count = len(layer._specs())
                variables = self.group(self.group(layers, name), "vars") if count else None
                if variables is not None and len(variables) != count:
                    self.refuse(f"has {len(variables)} arrays for {layer!r}, which has {count}")
                yield from (self.dataset(variables, str(i)) for i in range(count))

    def _by_position(self, group: Any, model: Any) -> Iterator[Any]:
        """Before Keras 3: the layers with weights in order, of each first those that learn."""
        named = [(name, self.names(self.group(group, name), "weight_names")) for name in self.names(group, "layer_names")]
        named = [(name, weights) for name, weights in named if weights]
        layers = [layer for layer in model._layers if any(leaf._specs() for leaf in layer.leaves())]
        if len(named) != len(layers):
            self.refuse(f"has {len(named)} layers with weights, the model has {len(layers)}")
        for layer, (name, weights) in zip(layers, named, strict=True):
            learns = [spec.trainable and leaf.trainable for leaf in layer.leaves() for spec in leaf._specs()]
            if len(learns) != len(weights):
                self.refuse(f"has {len(weights)} arrays for {layer!r}, which has {len(learns)}")
            order = sorted(range(len(learns)), key=lambda i: not learns[i])
            found = {i: self.dataset(group[name], weight) for i, weight in zip(order, weights, strict=True)}
            yield from (found[i] for i in range(len(learns)))

    def weights(self, model: Any) -> list[np.ndarray]:
        """The arrays for a model whose input is known; refused before they are read where they do not fit."""
        found = self.datasets(model)
        wanted = model._weight_shapes(model._input_units)
        for dataset, shape in zip(found, wanted, strict=True):
            if dataset.shape != tuple(shape):
                self.refuse(f"has weights {dataset.name!r} of shape {dataset.shape}, the model needs {tuple(shape)}")
        return [np.asarray(dataset[()]) for dataset in found]


def is_model(layer: Any) -> bool:
    """Whether a layer is a model itself."""
    return hasattr(layer, "_layers") and not isinstance(layer, InputLayer)


def read_weights(model: Any, path: Any) -> None:
    """Give a built model the weights of a file that Keras wrote.

    Parameters
    ----------
    model : Model
    path : str or path
        A ``.weights.h5`` or a ``.keras`` of Keras 3, or an ``.h5`` of Keras 2 or 3.
    """
    if not model.built:
        raise ValueError("load_weights needs a built model, got one whose input width is unknown: begin it with an Input")
    with reading(path), KerasFile(path) as file:
        arrays = file.weights(model)
    model.set_weights(arrays)


class reading:
    """Whatever goes wrong while a file is read is the file's fault: it is told as ``ModelFileError``."""

    _PASS: Sequence[type[BaseException]] = (ModelFileError, FileNotFoundError, IsADirectoryError, PermissionError, ImportError)

    def __init__(self, path: Any) -> None:
        self._path = os.fspath(path)

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if error is None or isinstance(error, tuple(self._PASS)) or not isinstance(error, Exception):
            return
        raise ModelFileError(self._path, f"cannot be read as a model of Keras: {error}") from error
