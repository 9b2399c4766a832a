"""This machine as asv's results know it: by its CPU, and by nothing that an update of its system changes."""

import os
import platform
import re

import llvmlite.binding
from asv.machine import Machine, MachineCollection
from asv.util import get_cpu_info


def name():
    """What the results of this machine are kept under."""
    return name_of(get_cpu_info(), os.environ.get("NUMBA_CPU_NAME") or llvmlite.binding.get_host_cpu_name())


def name_of(description, architecture):
    """Such as epyc-zen5: the family, in the CPU's own description, and what LLVM calls its architecture."""
    family = re.search(r"\b(?:AMD|Intel(?:\(R\))?) (\w+)", description)
    architecture = re.sub("^znver", "zen", architecture)
    return f"{family[1]}-{architecture}".lower() if family else architecture


def register(name):
    """Tell asv about this machine. What it would say by itself has the kernel's build and the memory to the byte in it."""
    found = Machine.get_defaults()
    ram = found["ram"] and f"{round(int(found['ram']) / 2**30)}GB"  # Windows does not say
    MachineCollection.save(name, found | {"machine": name, "os": platform.system(), "ram": ram})
