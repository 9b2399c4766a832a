"""Models in files: the methods. What is in a file stands in ``fastbp/saving``, which is imported with the first use."""

from typing import Any

from ..arguments import boolean
from ..engine.interrupts import import_to_end
from .diagnosing import Diagnosable


class Savable(Diagnosable):
    """What can be put into a file."""

    def save(self, filepath: Any, overwrite: bool = True) -> None:
        """Put the model into a file, which ``fastbp.load_model`` reads.

        The file has all that the model is: layers and weights, how it is compiled, the optimizer's state, the random state.
        Training goes on with the same bits, on a machine of another kind too as far as that computes the same. The history
        is not in it. Losses, activations, metrics and schedules of your own that are formulas are kept as what they compute,
        other functions and classes by their names.

        Parameters
        ----------
        filepath : str or path
            Of any suffix, as "model.keras", "model.h5" or "model.safetensors": whatever it is, the file is one of fastbp's, in
            the safetensors format (fastbp/saving/FORMAT.md describes it), which Keras does not read.
        overwrite : bool
            Whether it may take the place of another file. Who reads that meanwhile sees the file from before or the new one,
            never a part of it, whatever happens to the program or the machine.

        Raises
        ------
        ValueError
            If the model is not built.
        OSError
            If there can be no such file: the folder is missing, or the disk full. Nothing is left behind.

        Examples
        --------
        >>> import tempfile
        >>> from pathlib import Path
        >>> import numpy as np
        >>> import fastbp
        >>> model = fastbp.Sequential([fastbp.Dense(1)], seed=0)
        >>> model.compile("adam", "mse")
        >>> x = np.ones((8, 2), "float32")
        >>> history = model.fit(x, x[:, :1], epochs=2, verbose=0)
        >>> file = Path(tempfile.mkdtemp()) / "model.keras"
        >>> model.save(file)
        >>> loaded = fastbp.load_model(file)
        >>> model.fit(x, x[:, :1], verbose=0).history == loaded.fit(x, x[:, :1], verbose=0).history
        True
        """
        import_to_end("fastbp.saving.saver").save(self, filepath, boolean("overwrite", overwrite))

    def save_weights(self, filepath: Any, overwrite: bool = True) -> None:
        """Put the weights alone into a file, which ``load_weights`` reads.

        Parameters
        ----------
        filepath : str or path
            Of any suffix, as "model.weights.h5" or "model.safetensors"; see ``save``.
        overwrite : bool
            Whether it may take the place of another file.

        Examples
        --------
        >>> import tempfile
        >>> from pathlib import Path
        >>> import fastbp
        >>> file = Path(tempfile.mkdtemp()) / "model.weights.h5"
        >>> model = fastbp.Sequential([fastbp.Input((3,)), fastbp.Dense(2)])
        >>> model.save_weights(file)
        >>> other = fastbp.Sequential([fastbp.Input((3,)), fastbp.Dense(2)])
        >>> other.load_weights(file)
        >>> bool((other.get_weights()[0] == model.get_weights()[0]).all())
        True
        """
        import_to_end("fastbp.saving.saver").save_weights(self, filepath, boolean("overwrite", overwrite))

    def load_weights(self, filepath: Any, skip_mismatch: bool = False) -> None:
        """Take the weights of a file that ``save_weights`` or ``save`` wrote; the layers' names do not matter.

        Parameters
        ----------
        filepath : str or path
            A file that Keras wrote is read too, where h5py is installed.
        skip_mismatch : bool
            Leave layers as they are whose weights in the file have other shapes, with a warning.

        Raises
        ------
        FileNotFoundError, ModelFileError
            If there is no file, or it has no weights that fit. The model is as it was.
        """
        import_to_end("fastbp.saving.saver").load_weights(self, filepath, boolean("skip_mismatch", skip_mismatch))
