"""The part of a model that takes it to other programs. What each method needs is imported when it is called."""

from typing import TYPE_CHECKING, Any

from ..arguments import boolean

if TYPE_CHECKING:
    from ..interchange.predict_function import PredictFunction


class Exportable:
    """What a model can become elsewhere: always its predictions, without noise, with the weights as they are now."""

    def export_c(self, path: Any, name: str = "predict") -> None:
        """Write the network as C99: one file with the weights and a function, and its header.

        The function takes one sample and writes the output: ``void predict(const float *x, float *y)``, of double where the
        model's dtype is float64. It needs ``<math.h>`` and room on the stack for two rows of the widest layer, allocates
        nothing and keeps nothing between calls. Its outputs differ from those of ``predict`` by rounding, at most about 1e-5.

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

    def export_onnx(self, path: Any) -> None:
        """Write the network as an ONNX file, with the operators of opset 18: it needs the package onnx.

        The file has one input ``x`` of shape (samples, ...) and one output ``y``, of the model's dtype, and passes onnx's
        checker.
        onnxruntime computes the outputs of ``predict`` from it but for rounding, about 1e-5. It has no kernels of double for
        some operators; a model of float32 goes through it whatever its layers are.

        Parameters
        ----------
        path : str or path

        Examples
        --------
        >>> import fastbp, pathlib, tempfile
        >>> model = fastbp.Sequential([fastbp.Input((3,)), fastbp.Dense(2, "tanh")])
        >>> with tempfile.TemporaryDirectory() as folder:  # doctest: +SKIP
        ...     model.export_onnx(pathlib.Path(folder) / "net.onnx")
        """
        from ..interchange.onnx_export import export_onnx

        export_onnx(self, path)

    def to_torch(self) -> Any:
        """The network as a ``torch.nn.Sequential`` in ``eval`` mode, with a copy of the weights: it needs torch.

        Layers become modules of torch.nn where it has them; formulas and standardizations become small modules of fastbp's,
        which torch differentiates like all others. Noise is left out. The activation sparsemax is refused.

        Returns
        -------
        torch.nn.Sequential

        Examples
        --------
        >>> import fastbp
        >>> model = fastbp.Sequential([fastbp.Input((3,)), fastbp.Dense(2, "tanh")])
        >>> model.to_torch()  # doctest: +SKIP
        Sequential(
          (0): Linear(in_features=3, out_features=2, bias=True)
          (1): Tanh()
        )
        """
        from ..interchange.torch_export import to_torch

        return to_torch(self)

    def predict_function(self, gradient: bool = False) -> "PredictFunction":
        """The network as a function that code compiled by Numba can call: a simulator, the right-hand side of an equation.

        ``predict(x)`` gives the outputs for one sample (inputs,) or for some (samples, inputs) as a new array, and
        ``predict(x, out)`` writes them into an array. The bits are those of ``model.predict``. With ``gradient``,
        ``f(x, direction)`` gives three arrays: the outputs, and the gradients of ``sum(direction * outputs)`` with respect to
        x, of its shape, and to all weights, in one row, those of an array after those of the one before it, in the order of
        ``get_weights``; of some samples, the sum. Weights that gradients do not change, such as moving means, have zeros.

        Parameters
        ----------
        gradient : bool

        Returns
        -------
        PredictFunction
            A global name of compiled functions, or an argument of theirs. It is called like that in plain Python too.

        Notes
        -----
        It has a copy of the weights: what the model learns later has no effect until ``refresh()``, which writes them all
        anew, for callers that are compiled already too, and which no call may overlap.

        Any number of threads may call it at a time, ``prange`` too. Its machine code is that of ``predict``, and is kept on
        disk. A caller with ``cache=True`` is kept too where the function is its argument; where it is a global name, Numba
        says that it cannot, since the weights lie somewhere else in the next process.

        Examples
        --------
        >>> import fastbp, numba, numpy as np
        >>> model = fastbp.Sequential([fastbp.Input((2,)), fastbp.Dense(8, "tanh"), fastbp.Dense(1)], seed=0)
        >>> policy = model.predict_function()
        >>> @numba.njit
        ... def steps(policy, state, count):
        ...     for _ in range(count):
        ...         state = state + 0.1 * np.array([state[1], policy(state)[0]])
        ...     return state
        >>> steps(policy, np.array([1.0, 0.0]), 10).shape
        (2,)
        """
        from ..interchange.operations import stages

        differentiates = boolean("gradient", gradient)
        found = stages(self, "predict_function")
        from ..interchange.predict_function import PredictFunction

        return PredictFunction(self, found, self.dtype, differentiates)  # type: ignore[attr-defined]
