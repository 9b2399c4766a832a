"""The libraries that fastbp is compared with, each in the form that is its fastest, behind one small interface.

A module holds one library and is imported by the process that measures it, nowhere else.
"""

import importlib
import importlib.util

# name: (module and class here, the module it needs)
_PEERS = {
    "fastbp": ("own.FastBP", "fastbp"),
    "torch": ("pytorch.Eager", "torch"),
    "torch-compile": ("pytorch.Compiled", "torch"),
    "jax": ("jax_scan.Scan", "jax"),
    "scikit-learn": ("scikit.ScikitLearn", "sklearn"),
    "keras": ("keras_fit.Keras", "tensorflow"),
}
NAMES = list(_PEERS)


def needs(name):
    """The module that a peer needs."""
    return _PEERS[name][1]


def installed():
    """The peers that are there."""
    return [name for name in _PEERS if importlib.util.find_spec(needs(name))]


def able(name, workload):
    """Whether a peer has what a workload is made of."""
    if workload.iterations:
        return name in ("fastbp", "scikit-learn")
    return not (workload.dropout and name == "scikit-learn")


def make(name, workload):
    """A peer, ready to learn a workload."""
    module, kind = _PEERS[name][0].split(".")
    return getattr(importlib.import_module(f"{__name__}.{module}"), kind)(workload)
