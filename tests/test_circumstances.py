"""Odd circumstances: no JIT, no home, nowhere to write. The package and its command line say what is wrong, in a line."""

import os
import subprocess
import sys

import pytest

NO_JIT = "the kernels need Numba's JIT: unset NUMBA_DISABLE_JIT"
DESCRIBE = """
import fastbp as bp
model = bp.Sequential([bp.Input((3,)), bp.Dense(4, "tanh"), bp.Dense(1)], seed=0)
model.compile("adam", "mse", metrics=["mae"])
model.summary()
assert model.count_params() == 21 and model.output_shape == (None, 1)
"""


def python(*arguments, code=0, **settings):
    environment = {key: value for key, value in {**os.environ, **settings.pop("env", {})}.items() if value is not None}
    done = subprocess.run(
        [sys.executable, *arguments], env=environment, stderr=subprocess.PIPE, encoding="utf-8", timeout=500, **settings
    )
    assert done.returncode == code, done.stderr
    return done


def told(*arguments, **settings):
    return python(*arguments, stdout=subprocess.PIPE, **settings).stdout


@pytest.mark.parametrize(
    "use",
    [
        "model.fit([[1, 2, 3]], [1], verbose=0)",
        "model.predict([[1, 2, 3]])",
        "model.get_weights()",
        "bp.warmup()",
        "bp.fit_formula(lambda p, x: bp.mean((x - p) ** 2), [1.0, 2.0], 0.0)",
    ],
)
def test_without_the_jit_there_is_one_clear_error(use):
    script = f"""{DESCRIBE}
for _ in range(2):
    try:
        {use}
    except RuntimeError as error:
        print(error)
"""
    assert told("-c", script, env={"NUMBA_DISABLE_JIT": "1"}).splitlines()[-2:] == [NO_JIT, NO_JIT]


def test_the_command_line_without_the_jit():
    off = {"NUMBA_DISABLE_JIT": "1"}
    assert told("-m", "fastbp", "info", env=off).splitlines()[-1].endswith(f"none: {NO_JIT}")
    for command in (["warmup"], ["bench", "--seconds", "0"]):
        done = python("-m", "fastbp", *command, code=1, env=off, stdout=subprocess.PIPE)
        assert done.stderr == f"python -m fastbp: error: {NO_JIT}\n"


def test_info_names_what_limits_the_threads():
    lines = told("-m", "fastbp", "info", env={"OMP_NUM_THREADS": "1", "FASTBP_NUM_THREADS": None})
    assert "up to 1, of" in lines and "OMP_NUM_THREADS 1)" in lines


def test_info_without_a_home():
    lines = told("-m", "fastbp", "info", env={"HOME": "/no/such/place", "NUMBA_CACHE_DIR": None, "XDG_CACHE_HOME": None})
    assert "float32 cold, float64 cold" in lines


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no full disk here")
def test_output_that_cannot_be_written():
    with open("/dev/full", "w") as full:
        done = python("-m", "fastbp", "info", code=1, stdout=full)
    assert done.stderr == "python -m fastbp: error: the output could not be written: [Errno 28] No space left on device\n"
    reader, writer = os.pipe()
    os.close(reader)
    assert python("-m", "fastbp", "info", stdout=writer).stderr == ""  # a reader who has seen enough
    os.close(writer)


def test_a_cache_that_cannot_be_written_costs_one_warning(tmp_path):
    (tmp_path / "file").write_text("a file where a folder is wanted")
    script = "import fastbp; print([round(fastbp.grad(lambda x, k=k: x**2 * k)(3.0)) for k in range(1, 4)])"
    done = python("-c", script, stdout=subprocess.PIPE, env={"NUMBA_CACHE_DIR": str(tmp_path / "file")})
    assert done.stdout == "[6, 12, 18]\n" and done.stderr.count("Warning") == 1
