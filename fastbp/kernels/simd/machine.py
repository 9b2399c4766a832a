"""What the kernels need to know of the CPU that code is compiled for."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import llvmlite.binding
from numba.core import config

from .element_types import itemsize

# What a CPU chosen with NUMBA_CPU_NAME has, as (vector bytes, vector registers, fused multiply-add).
# Names that are not here are treated as the smallest machine, which is safe everywhere.
_NAMED_MACHINES = {
    "haswell": (32, 16, True),
    "broadwell": (32, 16, True),
    "skylake": (32, 16, True),
    "znver3": (32, 16, True),
    "skylake-avx512": (64, 32, True),
    "icelake-server": (64, 32, True),
    "sapphirerapids": (64, 32, True),
    "znver4": (64, 32, True),
    "znver5": (64, 32, True),
}


@dataclass(frozen=True)
class Machine:
    """What the kernels need to know of the CPU: its vector width in bytes, its vector registers, and whether it fuses."""

    vector_bytes: int
    registers: int
    fma: bool

    def lanes(self, dtype: Any) -> int:
        """Elements of one vector of ``dtype``."""
        return self.vector_bytes // itemsize(dtype)


@lru_cache(maxsize=1)
def machine() -> Machine:
    """The machine that code is compiled for: the host, or what NUMBA_CPU_NAME / NUMBA_CPU_FEATURES ask for."""
    name, features = (vars(config)[key] for key in ("CPU_NAME", "CPU_FEATURES"))
    if features:
        has = {item[1:]: item[0] == "+" for item in features.split(",") if item}
    elif name is not None:
        return Machine(*_NAMED_MACHINES.get(name, (16, 16, False)))
    else:
        has = dict(llvmlite.binding.get_host_cpu_features())
    if has.get("avx512f"):
        return Machine(64, 32, True)
    if has.get("avx2"):
        return Machine(32, 16, bool(has.get("fma")))
    if has.get("neon"):
        return Machine(16, 32, True)
    return Machine(16, 16, False)
