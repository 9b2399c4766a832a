"""Vector instructions, and how they become machine code.

Without Numba's JIT the kernels are nothing, and would fail far from the cause.
"""

from numba.core import config

if vars(config).get("DISABLE_JIT"):
    raise RuntimeError("the kernels need Numba's JIT: unset NUMBA_DISABLE_JIT")
