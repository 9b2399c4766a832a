"""The part of a model that takes it to other programs. What each method needs is imported when it is called."""

from typing import TYPE_CHECKING, Any


if TYPE_CHECKING:
    from ..interchange.predict_function import PredictFunction


class Exportable:
    """What a model can become elsewhere: always its predictions, without noise, with the weights as they are now."""

    def export_c(self, path: Any, name: str = "predict") -> None:
        """Write the network as C99: one file with the weights and a function, and its header.

        The function takes one sample and writes the output: ``void predict(const float *x, float *y)``, of double where the
        model's dtype is float64. It needs ``<math.h>`` and room on the stack for two rows of the widest layer, allocates nothing
        and keeps nothing between calls. Its outputs differ from those of ``predict`` by rounding, at most about 1e-5.

        Parameters
        ----------
        path : str or path
            Of the file, which ends in ``.c``; the header is beside it and ends in ``.h``.
        name : str
            Of the function, so that a program can have several networks. The header has ``PREDICT_INPUTS`` and
            ``PREDICT_OUTPUTS``, after this name.

        Examples
        --------
        >>> import fastbp, pathlib, tempfile
        >>> model = fastbp.Sequential([fastbp.Input((3,)), fastbp.Dense(2, "tanh")])
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     model.export_c(pathlib.Path(folder) / "net.c")
        ...     sorted(path.name for path in pathlib.Path(folder).iterdir())
        ['net.c', 'net.h']
        """
        from ..interchange.c_source import export_c

        export_c(self, path, name)
