"""Scripts written for Keras run here with only the import changed, and come to the same numbers.

Keras's numbers are kept in keras_scripts/figures.json (tests/keras_figures.py makes it); where Keras is installed, that is made
anew and must be the same.
"""

import ast
import importlib.util
import json
import os
import subprocess
import sys
import warnings

import pytest

import keras_figures
from keras_figures import FIGURES, checksum, run, scripts, source, with_import_changed
from paths import ROOT

TOLERANCE = 1e-4  # relative: single precision, and sums in another order
KERAS = importlib.util.find_spec("keras") is not None
KEPT = json.loads(FIGURES.read_text(encoding="utf-8"))["scripts"]


def differences(got, wanted, tolerance, place=""):
    """Where two printed values are not the same: names, lengths, numbers up to the tolerance."""
    if isinstance(wanted, dict) and isinstance(got, dict):
        if sorted(got) != sorted(wanted):
            yield f"{place}: names {sorted(got)}, not {sorted(wanted)}"
        for name in [name for name in wanted if name in got]:
            yield from differences(got[name], wanted[name], tolerance, f"{place}/{name}")
    elif isinstance(wanted, list) and isinstance(got, list):
        if len(got) != len(wanted):
            yield f"{place}: {len(got)} values, not {len(wanted)}"
        for i, (one, other) in enumerate(zip(got, wanted, strict=False)):
            yield from differences(one, other, tolerance, f"{place}/{i}")
    elif isinstance(wanted, float) and isinstance(got, float):
        if got != pytest.approx(wanted, rel=tolerance, abs=tolerance / 100):
            yield f"{place}: {got!r}, not {wanted!r}"
    elif got != wanted or type(got) is not type(wanted):
        yield f"{place}: {got!r}, not {wanted!r}"


@pytest.mark.parametrize("name", scripts())
def test_a_script_comes_to_the_numbers_of_keras(name, tmp_path, monkeypatch):
    assert KEPT[name]["checksum"] == checksum(name), "the script has changed: run tests/keras_figures.py with Keras"
    monkeypatch.chdir(tmp_path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # Keras warns of input_shape= too
        assert not list(differences(run(name, "fastbp"), KEPT[name]["printed"], TOLERANCE))


@pytest.mark.soak  # a minute and a half
@pytest.mark.skipif(not KERAS, reason="Keras is not installed")
def test_the_kept_numbers_are_those_of_keras(tmp_path):
    fresh = tmp_path / "figures.json"
    command = [sys.executable, keras_figures.__file__, "--out", str(fresh)]
    subprocess.run(command, check=True, timeout=900, cwd=tmp_path, env={"KERAS_BACKEND": "torch", **os.environ})
    fresh = json.loads(fresh.read_text(encoding="utf-8"))["scripts"]
    assert list(fresh) == list(KEPT) == scripts()
    for name in KEPT:
        assert not list(differences(fresh[name], KEPT[name], TOLERANCE / 2, name))


EXAMPLE = ROOT / "examples" / "from_keras.py"


def test_the_example_differs_in_the_name_of_the_package_and_nowhere_else():
    tree = ast.parse(EXAMPLE.read_text(encoding="utf-8"))
    keras, own = (ast.unparse(f) for f in tree.body if getattr(f, "name", "").startswith("with_"))
    assert "import keras" in keras and with_import_changed(keras, "fastbp").replace("def with_keras", "def with_fastbp") == own


def test_the_example_comes_to_the_numbers_of_keras(tmp_path):
    """It compares them itself, where Keras is installed."""
    environment = {"OMP_NUM_THREADS": "1", **os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, str(EXAMPLE), "--picture", str(tmp_path / "curves.png")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "curves.png").read_bytes().startswith(b"\x89PNG")
    assert ("largest difference" in done.stdout) == KERAS and "malignant tumours" in done.stdout


def test_the_scripts_are_short_and_many():
    assert len(scripts()) >= 24
    for name in scripts():
        assert len(source(name).splitlines()) < 40, name
        assert "keras" in source(name) and "fastbp" not in source(name), name
        assert "json.dumps(" in source(name).split("\nprint(")[-1], name


def test_only_the_name_is_changed():
    text = "import keras\nfrom keras.layers import Dense\nkerasy = keras.ops.mean(x)"
    assert with_import_changed(text, "p") == "import p\nfrom p.layers import Dense\nkerasy = p.ops.mean(x)"


@pytest.mark.parametrize(
    ("got", "wanted", "where"),
    [
        ({"a": [1.0, 2.0]}, {"a": [1.0, 2.0]}, []),
        ({"a": [1.0, 2.00019]}, {"a": [1.0, 2.0]}, []),
        ({"a": [1.0, 2.0003]}, {"a": [1.0, 2.0]}, ["/a/1"]),
        ({"a": [1.0]}, {"a": [1.0, 2.0]}, ["/a"]),
        ({"b": 1.0, "a": 1.0}, {"a": 1.0, "b": 1.0}, []),
        ({"a": 1.0, "c": 1.0}, {"a": 1.0, "b": 1.0}, [""]),
        ({"a": 1}, {"a": 1.0}, ["/a"]),
        ({"a": float("nan")}, {"a": 1.0}, ["/a"]),
        ({"a": "tanh"}, {"a": "relu"}, ["/a"]),
    ],
)
def test_a_difference_is_found(got, wanted, where):
    assert [text.split(":")[0] for text in differences(got, wanted, TOLERANCE)] == where
