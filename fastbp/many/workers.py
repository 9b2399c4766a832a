"""The workers of a dask.distributed cluster: that there are some, and that they compute as this process does."""

from importlib import import_module
from typing import Any

from ..conversion import describe
from ..notices import warn


def needed() -> Any:
    """The package ``distributed``, or the error that says how to install it."""
    try:
        return import_module("distributed")
    except ImportError as error:
        raise ImportError("fastbp.dask needs dask and distributed: pip install fastbp[dask]") from error


def usable_client(client: Any) -> Any:
    """A client whose workers can do the work of this process; None: the one that was made last.

    Raises
    ------
    ValueError
        If there is none, or its cluster has no workers, or a worker has no fastbp or another one, which is named.
    """
    distributed = needed()
    if client is None:
        try:
            client = distributed.get_client()
        except ValueError:
            raise ValueError("client must be a dask.distributed.Client, got None, and none has been made before") from None
    if not isinstance(client, distributed.Client) or client.asynchronous:
        other = "an asynchronous one" if isinstance(client, distributed.Client) else describe(client)
        raise TypeError(f"client must be a dask.distributed.Client that waits for results, got {other}")
    if not client.nthreads():
        scheduler = client.scheduler.address if client.scheduler is not None else "a closed one"
        raise ValueError(f"client must have workers, got a cluster without any ({scheduler}): client.wait_for_workers(1) waits")
    check_kinds(client.run(kind, on_error="return"))
    return client


def kind() -> tuple[str, str]:
    """What decides the bits that this process computes: the version of fastbp; its compiled kernels and the kind of CPU."""
    import llvmlite.binding as llvm
    from numba.core import config

    from .. import __version__
    from ..kernels.simd.machine import machine
    from ..kernels.simd.sources import KERNELS

    cpu = vars(config)["CPU_NAME"] or llvm.get_host_cpu_name()
    return __version__, f"{cpu} with vectors of {machine().vector_bytes} bytes, kernels {KERNELS.stamp[:8]}"


def check_kinds(found: dict[str, Any]) -> None:
    """Refuse workers that have another fastbp than this process; those with another kind of CPU get a warning.

    Parameters
    ----------
    found : dict
        What ``kind()`` gave on each worker, by its address, or the exception that it raised.
    """
    version, cpu = kind()
    allowed = f"client must have workers with fastbp {version}"
    for worker, own in found.items():
        if isinstance(own, BaseException):
            raise ValueError(f"{allowed}, got {worker}, where it cannot be imported: {own!r}") from own
        if own[0] != version:
            raise ValueError(f"{allowed}, got {worker} with fastbp {own[0]}")
    others = {worker: own[1] for worker, own in found.items() if own[1] != cpu}
    if others:
        told = "; ".join(f"{worker} ({other})" for worker, other in others.items())
        warn(f"client has workers of another kind than this process ({cpu}), whose results differ by rounding: {told}")
