"""The libraries that fastbp is compared with, each in the form that is its fastest, behind one small interface.

A module holds one library and is imported by the process that measures it, nowhere else.
"""

import importlib
import importlib.util

# name: (module and class here, the modules of which it needs one, the best first)
_PEERS = {
    "fastbp": ("own.FastBP", ("fastbp",)),
    "torch": ("pytorch.Eager", ("torch",)),
    "torch-compile": ("pytorch.Compiled", ("torch",)),
    "jax": ("jax_scan.Scan", ("jax",)),
    "scikit-learn": ("scikit.ScikitLearn", ("sklearn",)),
    "keras": ("keras_fit.Keras", ("tensorflow", "jax")),
}
NAMES = list(_PEERS)


def needs(name):
    """The module that a peer needs, or the one of several that is there."""
    modules = _PEERS[name][1]
    return next((module for module in modules if importlib.util.find_spec(module)), modules[0])


def installed():
    """The peers that are there."""
    found = [name for name in _PEERS if importlib.util.find_spec(needs(name))]
    return [name for name in found if name != "keras" or importlib.util.find_spec("keras")]


def able(name, workload):
    """Whether a peer has what a workload is made of."""
    if workload.iterations:
        return name in ("fastbp", "scikit-learn")
    return not (workload.dropout and name == "scikit-learn")


def make(name, workload):
    """A peer, ready to learn a workload."""
    module, kind = _PEERS[name][0].split(".")
    return getattr(importlib.import_module(f"{__name__}.{module}"), kind)(workload)
