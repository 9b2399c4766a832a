"""The examples run as a person runs them, and leave a picture behind."""

import importlib.util
import os
import subprocess
import sys

import pytest

from paths import ROOT

PNG = b"\x89PNG\r\n\x1a\n"


def run(name, *arguments):
    command = [sys.executable, "-W", "error", str(ROOT / "examples" / name), *arguments]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(command, capture_output=True, text=True, timeout=300, env=environment)


EXAMPLES = (
    "quickstart",
    "curve",
    "universal",
    "backprop_by_hand",
    "custom_loss",
    "vanishing_gradient",
    "brain",
    "solvers",
    "control",
    "uncertainty",
    "spectrum",
)


@pytest.mark.parametrize("name", EXAMPLES)
def test_example(name, tmp_path):
    picture = tmp_path / f"{name}.png"
    done = run(f"{name}.py", "--picture", str(picture))
    assert done.returncode == 0, done.stdout + done.stderr
    assert not done.stderr
    assert picture.read_bytes()[:8] == PNG and picture.stat().st_size > 10_000


def test_quickstart_tells_how_it_goes(tmp_path):
    done = run("quickstart.py", "--picture", str(tmp_path / "curves.png"))
    lines = done.stdout.splitlines()
    epochs = [line for line in lines if line.startswith("Epoch")]
    assert len(epochs) > 5
    assert all("loss: " in line and "val_accuracy: " in line and "samples/s" in line for line in epochs)
    assert any("test accuracy" in line for line in lines)


def test_quickstart_fails_where_it_has_not_learnt(tmp_path):
    """One epoch is not enough for 97 %: the exit code says so."""
    done = run("quickstart.py", "--epochs", "1", "--picture", str(tmp_path / "curves.png"))
    assert done.returncode == 1
    assert "97" in done.stdout + done.stderr


def test_backprop_by_hand_tells_the_story_and_draws_the_graphs(tmp_path):
    done = run("backprop_by_hand.py", "--picture", str(tmp_path / "story.png"))
    for words in ("Random nudges", "The derivative", "The gradient", "The chain rule", "Gradient descent", "v4 = v3 * v3"):
        assert words in done.stdout
    by_nudges, by_chain_rule = (
        [float(word) for word in line.split(":")[1].split("(")[0].split()]
        for line in done.stdout.splitlines()
        if line.startswith(("   by nudges:", "   by the chain rule:"))
    )
    assert len(by_nudges) == 6 and by_nudges == pytest.approx(by_chain_rule, abs=1e-4)
    for what in ("forward", "backward", "polynomial"):
        assert (tmp_path / f"story_{what}.png").read_bytes()[:8] == PNG


def test_brain_tells_what_each_rule_has_learnt(tmp_path):
    """Backpropagation goes along the gradient. One epoch is not enough for the others, and the exit code says so."""
    done = run("brain.py", "--epochs", "1", "--picture", str(tmp_path / "brain.png"))
    rows = {line.split()[0]: line.split()[1:] for line in done.stdout.splitlines() if "%" in line}
    assert list(rows) == ["backpropagation", "sign", "direct", "alignment"]
    assert rows["backpropagation"][2:] == ["0", "0"] and float(rows["alignment"][2]) > 60
    assert done.returncode == 1 and "should read at least 93%" in done.stderr


def test_a_place_that_is_not_there_is_named(tmp_path):
    done = run("quickstart.py", "--picture", str(tmp_path / "nowhere" / "curves.png"))
    assert done.returncode != 0 and "nowhere" in done.stderr and "Traceback" not in done.stderr


def test_a_search_by_optuna_or_what_it_needs():
    done = run("optuna_search.py", "--trials", "2")
    if importlib.util.find_spec("optuna") is None:
        assert done.returncode == 1 and done.stderr == "this example needs Optuna: pip install optuna\n"
    else:
        assert "accuracy" in done.stdout and "learning_rate" in done.stdout, done.stderr
