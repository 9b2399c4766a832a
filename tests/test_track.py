"""asv_bench/track.py: what it asks of asv, and that a benchmark's failure is its failure. No figure is judged here."""

import importlib.util
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
BENCH = ROOT / "asv_bench"


@pytest.fixture
def track(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCH))
    spec = importlib.util.spec_from_file_location("track", BENCH / "track.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def asked(track, monkeypatch):
    """The (arguments, environment) of each call of asv, which succeed."""
    calls = []

    def asv(*arguments, config=None, **environment):
        calls.append((list(arguments), config, environment))
        return asked.status

    def asked():
        return calls

    asked.status = 0
    monkeypatch.setattr(track, "asv", asv)
    monkeypatch.setattr(track, "commit", lambda name="HEAD": f"<{name}>")
    return asked


def test_smoke_measures_this_checkout_and_keeps_nothing(track, asked):
    assert track.smoke(track.parse(["smoke", "--bench", "rl"])) == 0
    ((arguments, config, environment),) = asked()
    assert arguments[0] == "run" and "existing:same" in arguments and "--quick" in arguments
    assert arguments[-2:] == ["--bench", "rl"]
    assert environment == {"ASV_PYTHONPATH": str(ROOT), "FASTBP_SMOKE": "1"}
    settings, kept = json.loads(config.read_text()), json.loads(without_comments(BENCH / "asv.conf.json"))
    assert (config.parent / settings["results_dir"]).resolve() != (BENCH / kept["results_dir"]).resolve()
    assert (config.parent / settings["repo"]).resolve() == (BENCH / kept["repo"]).resolve() == ROOT
    assert (config.parent / settings["benchmark_dir"]).resolve() == (BENCH / kept["benchmark_dir"]).resolve()


def without_comments(path):
    return re.sub(r"^\s*//.*$", "", path.read_text(), flags=re.MULTILINE)


def test_run_keeps_the_present_commit(track, asked):
    track.run(track.parse(["run", "--machine", "mine"]))
    ((arguments, config, _),) = asked()
    assert config is None and arguments[-1] == "<HEAD>^!" and "mine" in arguments and "--bench" not in arguments


def test_compare_takes_turns_and_judges_what_is_worse_when_larger(track, asked):
    assert track.compare(track.parse(["compare", "main"])) == 0
    ((arguments, config, _),) = asked()
    assert arguments[0] == "continuous" and arguments[-2:] == ["<main>", "<HEAD>"] and "--interleave-rounds" in arguments
    assert arguments[arguments.index("--factor") + 1] == "1.5" and config is not None
    pattern = arguments[arguments.index("--bench") + 1]
    for name in ("train.Train.time_epoch", "startup.Warm.timeraw_import", "memory.Fit.peakmem_fit"):
        assert re.search(pattern, name)
    assert not re.search(pattern, "train.Rates.track_gflops")


@pytest.mark.parametrize(("status", "calls"), [(1, ["continuous"]), (2, ["continuous", "compare"])])
def test_compare_passes_on_what_asv_found(track, asked, status, calls):
    asked.status = status
    assert track.compare(track.parse(["compare", "a", "b"])) == status
    assert [arguments[0] for arguments, *_ in asked()] == calls


def test_an_unknown_commit_is_named(track):
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("this is no git checkout")
    with pytest.raises(SystemExit, match="no commit 'nowhere'"):
        track.commit("nowhere")


@pytest.mark.parametrize("broken", [False, True])
def test_a_benchmark_that_fails_is_a_failure(broken, track, tmp_path):
    """A suite of one benchmark, run by asv itself."""
    pytest.importorskip("asv", reason="asv is not installed")
    (tmp_path / "benchmarks").mkdir()
    (tmp_path / "benchmarks" / "__init__.py").touch()
    body = "raise ValueError" if broken else "pass"
    (tmp_path / "benchmarks" / "one.py").write_text(f"def time_nothing():\n    {body}\n")
    settings = {"version": 1, "project": "one", "repo": str(tmp_path), "environment_type": "virtualenv"}
    (tmp_path / "asv.conf.json").write_text(json.dumps(settings))
    machine = [sys.executable, "-m", "asv", "machine", "--yes"]
    subprocess.run(machine, cwd=tmp_path, check=True, capture_output=True)
    status = track.asv("run", "-E", "existing:same", "--quick", config=tmp_path / "asv.conf.json")
    assert status == (track.FAILED if broken else 0)
