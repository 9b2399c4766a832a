"""What the compiler made of the kernels: full-width registers, no calls to the mathematical library, few instructions.

Instructions are counted, not timed, so that a busy machine changes nothing.
"""

import os
import platform
import re
import shutil
import subprocess
import sys

import pytest
from llvmlite import ir
from numba.core import cgutils
from numba.core.compiler_lock import global_compiler_lock

from fastbp.kernels.codes import ADAM, MSE, TANH
from fastbp.kernels.functions import vector_functions
from fastbp.kernels.matrix.tile import tile_heights
from fastbp.kernels.simd import library
from fastbp.kernels.simd.machine import machine
from paths import ROOT

# Calls that a vector function must not make: each does one element at a time.
LIBM = re.compile(r"\b(?:call|jmp|bl|b)\w*\s+\*?\$?_?((?:exp|expm1|log|log1p|tanh|sin|cos|pow|sqrt|erf|fma|fmin|fmax)f?)\b")
MOVES = re.compile(r"\bmovabs\w*\s+\$((?:exp|expm1|log|log1p|tanh|sin|cos|pow|sqrt|erf|fma|fmin|fmax)f?),")
X86 = platform.machine().lower() in ("x86_64", "amd64")
REGISTER = {64: "zmm", 32: "ymm", 16: "xmm"}

# Instructions of a step for each multiply-add instruction that it cannot do without: a load for each, about, the loops, and
# a small network's activations and loss.
MOST_PER_FMA = 4.0

STEPS = """
import sys
import numpy as np
import fastbp
x = np.ones((6400, 64), np.float32)
model = fastbp.Sequential([fastbp.Dense(128, "relu"), fastbp.Dense(128, "relu"), fastbp.Dense(32)], seed=0)
model.compile(fastbp.SGD(1e-6), "mse")
model.fit(x, np.ones((6400, 32), np.float32), batch_size=64, epochs=int(sys.argv[1]), verbose=0, threads=1)
"""
FLOP_OF_EPOCH = 6400 * (6 * (64 * 128 + 128 * 128 + 128 * 32) - 2 * 64 * 128)


@pytest.fixture(scope="module", params=["float32", "float64"])
def assembly(request):
    """The text of the library of vector functions, compiled anew."""
    with global_compiler_lock:
        return library.compiled(f"assembly-{request.param}", vector_functions(), request.param).get_asm_str()


def functions(assembly, prefix):
    """name: instructions, of the functions whose names begin with ``prefix``."""
    found, name = {}, None
    for line in assembly.splitlines():
        if label := re.match(r'^"?(fastbp_\w+)"?:', line):
            name = label[1]
            found[name] = []
        elif name and line.startswith("\t") and not line.startswith("\t."):
            found[name].append(line.strip())
    return {name: lines for name, lines in found.items() if name.startswith(f"fastbp_{prefix}")}


def test_no_calls_to_the_mathematical_library(assembly):
    calls = LIBM.findall(assembly) + MOVES.findall(assembly)
    assert not calls


def test_such_a_call_would_be_found():
    """LLVM's own exp of a vector becomes calls of the mathematical library, one for each element."""

    def body(s, address):
        exp = cgutils.get_or_insert_function(s.b.module, ir.FunctionType(s.vector, [s.vector]), f"llvm.exp.v{s.lanes}f32")
        s.store(s.wrap(s.b.call(exp, [s.load(address).value])), address)

    function = library.VectorFunction("calls_exp", 1, body)
    with global_compiler_lock:
        text = library.compiled("calls", [function], "float32").get_asm_str()
    assert set(LIBM.findall(text) + MOVES.findall(text)) == {"expf"}


@pytest.mark.skipif(not X86, reason="knows x86's registers only")
@pytest.mark.parametrize("prefix", ["tiles_", f"activate_{TANH}_", f"update_{ADAM}_", f"loss_{MSE}_", "copy_rows"])
def test_full_width_registers(assembly, prefix):
    """Most of the vector instructions of each kernel use the widest registers there are."""
    widest = REGISTER[machine().vector_bytes]
    kernels = functions(assembly, prefix)
    assert kernels
    for name, lines in kernels.items():
        wide = sum(f"%{widest}" in line for line in lines)
        assert wide, name
        if widest != "xmm":
            narrow = sum("%xmm" in line and f"%{widest}" not in line for line in lines)
            assert wide > 2 * narrow, (name, wide, narrow)


@pytest.mark.skipif(not (X86 and machine().fma), reason="this CPU does not fuse multiply-adds")
def test_a_tile_is_multiply_adds(assembly):
    """The inner loop of the tiles that most of the work is done in: a multiply-add for each vector, none of them in memory."""
    for vectors, heights in tile_heights().items():
        for rows in heights:
            (lines,) = functions(assembly, f"tiles_{rows}x{vectors}_").values()
            fused = [line for line in lines if line.startswith("vfmadd")]
            assert len(fused) >= rows * vectors
            assert not [line for line in fused if "(%rsp)" in line], (rows, vectors)


def count_instructions(epochs):
    """By ``perf stat``, in user mode; None where the processor's counters cannot be read."""
    command = ["perf", "stat", "-x,", "-e", "instructions:u", sys.executable, "-c", STEPS, str(epochs)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONHASHSEED": "0"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    found = re.search(r"^(\d+),[^\n]*instructions", done.stderr, re.MULTILINE)
    return int(found[1]) if found else None


def test_instructions_per_flop():
    """The difference between two runs leaves out the start of the process."""
    if shutil.which("perf") is None:
        pytest.skip("perf is not installed")
    few = count_instructions(2)
    if few is None:
        pytest.skip("perf cannot read this machine's instruction counter")
    epochs = 20
    instructions = (count_instructions(2 + epochs) - few) / epochs
    least = FLOP_OF_EPOCH / (2 * machine().lanes("float32")) * (1 if machine().fma else 2)
    assert 1.0 < instructions / least < MOST_PER_FMA
