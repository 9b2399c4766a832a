"""``python -m fastbp bench`` and ``info``, and the choices of compare.py. What they measure is not judged here."""

import importlib.util
import os
import subprocess
import sys

import pytest

from fastbp.__main__ import main
from fastbp.bench import bench
from fastbp.info import info
from fastbp.kernels.run import is_cached, run_kernel
from fastbp.kernels.simd.machine import machine
from paths import ROOT


def run(arguments, capsys):
    main(arguments)
    return capsys.readouterr().out


def test_bench_prints_what_was_measured(capsys):
    options = ["--layers", "3,8,2", "--batch", "16", "--seconds", "0.05", "--no-compilation"]
    lines = run(["bench", *options], capsys).splitlines()
    assert lines[0] == "3-8-2 tanh, batch 16, adam, mse, float32"
    assert [line.split()[0] for line in lines[2:-1]] == ["1", "2"][: len(lines) - 3]
    assert sum(line.endswith("best") for line in lines) == 1
    assert "50 parameters" in lines[-1]


@pytest.mark.parametrize("loss", ["mse", "binary_crossentropy", "sparse_categorical_crossentropy"])
def test_bench_of_each_loss_and_dtype(loss):
    found = bench((5, 7, 3), 32, loss=loss, dtype="float64", threads=2, seconds=0.02, compilation=False)
    (speed,) = found.speeds
    assert found.parameters == 5 * 7 + 7 + 7 * 3 + 3
    assert speed.threads == 2 and speed.gflops > 0 and speed.limit > 0
    assert speed.gflops * 1e9 * speed.seconds == pytest.approx(32 * (6 * (35 + 21) - 2 * 35))
    assert found.parameter_bytes >= 8 * 4 * found.parameters - 8 * 5 * 7  # weights, two slots, all but the first transposed
    assert found.buffer_bytes > 0


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (["--layers", "3,x"], "'3,x'"),
        (["--layers", "3"], "layers"),
        (["--layers", "3,0"], "got 0"),
        (["--batch", "0"], "batch_size"),
        (["--threads", "0"], "threads"),
        (["--activation", "tahn"], "'tanh'"),
        (["--optimizer", "adma"], "'adam'"),
        (["--loss", "mea"], "'mse'"),
        (["--dtype", "float16"], "float32"),
        (["--seconds", "nan"], "seconds"),
    ],
)
def test_bad_arguments_are_named(options, named, capsys):
    with pytest.raises(SystemExit) as error:
        main(["bench", *options])
    assert error.value.code == 2
    assert named in capsys.readouterr().err


def test_info_tells_of_the_machine_and_the_cache(capsys):
    run_kernel("float32")
    out = run(["info"], capsys)
    assert f"{machine().vector_bytes} bytes" in out and "float32 warm" in out
    assert [line.split()[0] for line in out.splitlines()] == list(info())


def test_a_cold_cache_is_called_cold(tmp_path):
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "fastbp", "info"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True, cwd=tmp_path)
    assert f"{tmp_path / 'fastbp'}: float32 cold, float64 cold" in done.stdout
    assert is_cached("float32") == ("float32 warm" in info()["cache"])


@pytest.fixture(scope="module")
def compare():
    sys.path.insert(0, str(ROOT / "asv_bench"))
    try:
        spec = importlib.util.spec_from_file_location("compare", ROOT / "asv_bench" / "compare.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        yield module
    finally:
        sys.path.pop(0)


@pytest.mark.parametrize("options", [["--only", "rl,higs"], ["--peers", "torhc"], ["--sizes", "3"], ["--rounds", "0"]])
def test_compare_names_what_is_wrong(options, compare):
    with pytest.raises(SystemExit, match=options[0]):
        compare.choose(compare.parse(options))


def test_compare_measures_and_writes(compare, tmp_path, capsys):
    """A tiny network, fastbp and scikit-learn: same loss, and all three files."""
    options = ["--sizes", "3,8,2", "--batch", "50", "--rounds", "2", "--seconds", "0.01", "--peers", "scikit-learn"]
    assert compare.main([*options, "--out", str(tmp_path)]) == 0
    out = capsys.readouterr().out
    assert "3-8-2 tanh, batch 50, adam" in out
    assert (tmp_path / "compare.md").read_text() in out + "\n"
    assert (tmp_path / "compare.json").exists() and (tmp_path / "compare.png").stat().st_size > 5_000


def test_another_loss_is_a_disagreement(compare):
    from turns import disagreement

    assert not disagreement({"fastbp": 0.5, "torch": 0.501})
    assert "torch" in disagreement({"fastbp": 0.5, "torch": 0.6})
    assert "jax" in disagreement({"fastbp": 0.5, "jax": float("nan")})
