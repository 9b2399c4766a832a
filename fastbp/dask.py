"""Training on the workers of a dask.distributed cluster: ``pip install fastbp[dask]``.

Many models at once train there by ``fastbp.fit_many(..., client=client)`` and ``fastbp.search(..., client=client)``.
"""

from .many.dask import fit

__all__ = ["fit"]
