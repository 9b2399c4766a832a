"""asv_bench/track.py: what it asks of asv, and that a benchmark's failure is its failure; the names of machines; how the graphs
of the site open. No figure is judged here."""

import importlib.util
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from paths import ROOT

BENCH = ROOT / "asv_bench"


@pytest.fixture
def track(monkeypatch):
    pytest.importorskip("asv", reason="asv is not installed")
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


@pytest.fixture
def history(track):
    """The commits of the main line, newest first."""
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("this is no git checkout")
    return track.main_line()


def backfilled(track, asked, monkeypatch, tmp_path, *arguments):
    """The commits that asv is asked for, and its other arguments."""
    monkeypatch.setattr(track, "ENVIRONMENTS", tmp_path / "env")
    assert track.backfill(track.parse(["backfill", *arguments])) == 0
    ((given, config, _),) = asked()
    assert given[0] == "run" and config is None
    kind, _, place = given[-1].partition(":")
    assert kind == "HASHFILE"
    return Path(place).read_text().split(), given[1:-1]


def test_backfill_measures_the_given_commits_newest_first_and_once(track, asked, monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(track, "main_line", lambda: ["<c>", "<b>", "<a>"])
    commits, _ = backfilled(track, asked, monkeypatch, tmp_path, "a", "side", "c", "a")
    assert commits == ["<c>", "<a>", "<side>"]
    assert "<side>" in capsys.readouterr().out


def test_backfill_goes_on_with_what_is_missing(track, asked, monkeypatch, tmp_path):
    monkeypatch.setattr(track, "main_line", list)
    _, arguments = backfilled(track, asked, monkeypatch, tmp_path, "a", "--machine", "mine")
    assert "--skip-existing" in arguments and "mine" in arguments and "rounds=1" in arguments


def test_backfill_can_measure_again(track, asked, monkeypatch, tmp_path):
    monkeypatch.setattr(track, "main_line", list)
    _, arguments = backfilled(track, asked, monkeypatch, tmp_path, "a", "--again", "--rounds", "3", "--bench", "rl")
    assert not any(argument.startswith("--skip") for argument in arguments)
    assert "rounds=3" in arguments and arguments[arguments.index("--bench") + 1] == "rl"


@pytest.mark.parametrize(("status", "result"), [(0, 0), (1, 1), (2, 0)])
def test_what_cannot_work_with_an_old_commit_is_no_failure(track, asked, monkeypatch, tmp_path, status, result):
    asked.status = status
    monkeypatch.setattr(track, "ENVIRONMENTS", tmp_path / "env")
    monkeypatch.setattr(track, "main_line", list)
    assert track.backfill(track.parse(["backfill", "a"])) == result


def test_backfill_chooses_landmarks_that_the_graphs_show(track, history):
    marks = [track.commit(abbreviated) for abbreviated in track.landmarks()]
    assert 8 <= len(marks) <= 12
    assert track.in_order([track.commit(), *marks], history) == [track.commit(), *reversed(marks)]
    assert set(marks) <= set(history)


def test_the_benchmarks_that_backfill_chooses(track):
    (_, pattern) = track.parse(["backfill"]).bench
    names = [name for name in json.loads((BENCH / "results" / "benchmarks.json").read_text()) if name != "version"]
    chosen = {name.split(".")[0] for name in names if re.search(pattern, name)}
    assert chosen == {"train", "kernels", "graph", "predict", "startup"}


@pytest.mark.parametrize(
    ("name", "chosen"),
    [
        ("kernels.Product.time_product('64x64x64', 'float32', 'fastbp')", True),
        ("kernels.Product.time_product('64x64x64', 'float64', 'fastbp')", False),
        ("kernels.Product.time_product('64x64x64', 'float32', 'numpy')", False),
        ("train.Train.time_epoch('matexp-200')", True),
        ("train.Train.time_epoch('mid-64')", False),
        ("graph.CurveFit.time_curve_fit(100, 'scipy')", False),
    ],
)
def test_backfill_leaves_out_what_other_libraries_take_and_double_precision(track, name, chosen):
    (_, pattern) = track.parse(["backfill"]).bench
    assert bool(re.search(pattern, name)) == chosen


def test_a_name_that_this_checkout_lost_is_a_mistake_and_one_that_an_old_commit_lacks_is_skipped(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCH))
    for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):  # which the benchmarks set
        monkeypatch.setenv(variable, "1")
    from benchmarks import finder

    names = finder.Names("nowhere", "kernels.codes", LINE="LINEAR")
    assert names.LINEAR == names.LINE == 0
    for smoke, wanted in ((True, AttributeError), (False, NotImplementedError)):
        monkeypatch.setattr(finder, "SMOKE", smoke)
        with pytest.raises(AttributeError, match="has no nothing") as raised:
            _ = names.nothing
        assert isinstance(raised.value, wanted)
        assert isinstance(raised.value, NotImplementedError) != smoke


def test_an_unknown_commit_is_named(track, history):
    with pytest.raises(SystemExit, match="no commit 'nowhere'"):
        track.commit("nowhere")


@pytest.mark.parametrize("broken", [False, True])
def test_a_benchmark_that_fails_is_a_failure(broken, track, tmp_path):
    """A suite of one benchmark, run by asv itself."""
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


@pytest.mark.parametrize(
    ("description", "architecture", "name"),
    [
        ("AMD EPYC", "znver5", "epyc-zen5"),
        ("AMD EPYC 7763 64-Core Processor", "znver3", "epyc-zen3"),
        ("AMD Ryzen 9 5950X 16-Core Processor", "znver3", "ryzen-zen3"),
        ("Intel(R) Xeon(R) Platinum 8375C CPU @ 2.90GHz", "icelake-server", "xeon-icelake-server"),
        ("Intel Xeon Processor (Skylake, IBRS)", "skylake-avx512", "xeon-skylake-avx512"),
        ("11th Gen Intel(R) Core(TM) i7-1165G7 @ 2.80GHz", "tigerlake", "core-tigerlake"),
        ("Apple M1", "apple-m1", "apple-m1"),
        ("", "neoverse-n1", "neoverse-n1"),
    ],
)
def test_a_machine_is_named_by_its_cpu(track, description, architecture, name):
    assert track.machine.name_of(description, architecture) == name


def test_another_kernel_is_no_other_machine(track, monkeypatch):
    """Of the same CPU: asv would have the build of the kernel, and the memory that it leaves, in what tells results apart."""
    from asv import machine

    plain, kept = machine.Machine.get_defaults(), []
    monkeypatch.setattr(machine.MachineCollection, "save", lambda name, found: kept.append((name, found)))
    for build, ram in (("Linux 6.18.44-fc-v782", 25276063744), ("Linux 6.18.44-fc-v657", 25276510208)):
        monkeypatch.setattr(machine.Machine, "get_defaults", lambda s=build, r=ram: plain | {"os": s, "ram": str(r)})
        track.machine.register("mine")
    first, second = kept
    assert first == second and first[0] == first[1]["machine"] == "mine" and first[1]["ram"] == "24GB"
    assert set(first[1]) == set(plain)


def test_kept_results_of_a_machine_are_one_line(track):
    """asv makes a graph of its own for each combination of what a result says of its machine."""
    for folder in (path.parent for path in (BENCH / "results").glob("*/machine.json")):
        own = json.loads((folder / "machine.json").read_text())
        del own["version"]
        for path in folder.glob("*-*.json"):
            said = json.loads(path.read_text())["params"]
            assert {key: said[key] for key in own} == own, path


@pytest.mark.parametrize(
    ("values", "unit", "scale"),
    [
        ([[1e-5], [2e-4]], "seconds", "log"),
        ([[3e-5, 2.0], [1e-5, 1.0]], "seconds", "log"),
        ([[1.0, 2.0], [1.5, 3.0]], "seconds", None),
        ([[0.0, 2.0], [1.5, 30.0]], "seconds", None),
        ([[3.0, 90.0]], "% of the limit", None),
    ],
)
def test_the_axis_is_logarithmic_where_values_span_decades(track, values, unit, scale):
    points = list(enumerate(values))
    assert track.site_views.view({"mine": points}, unit).get("y-axis-scale") == scale


def test_a_graph_opens_with_the_machine_that_has_most_commits(track):
    machines = {"a": [(5, [1.0])], "b": [(1, [1.0]), (2, [1.0])], "c": [(7, [1.0]), (7, [1.0]), (7, [1.0])]}
    assert track.site_views.view(machines, "seconds")["machine"] == "b"
    assert track.site_views.view({}, "seconds") == {}


def test_a_published_site_names_landmarks_and_opens_each_graph(track, tmp_path):
    """On the pages of the installed asv."""
    import asv
    from asv.graph import Graph

    shutil.copytree(Path(asv.__file__).parent / "www", tmp_path, dirs_exist_ok=True)
    state = {"machine": "mine", "os": "Linux"}
    index = {
        "benchmarks": {"one": {"unit": "seconds"}, "none": {"unit": "seconds"}},
        "graph_param_list": [state],
        "revision_to_hash": {"3": "abcdef123", "9": "123456abc"},
        "tags": {"v1": 9},
    }
    (tmp_path / "index.json").write_text(json.dumps(index))
    graph = tmp_path / (Graph.get_file_path(state, "one") + ".json")
    graph.parent.mkdir(parents=True)
    graph.write_text("[[3, [1.0, NaN, null]], [9, null], [9, 20.0]]")
    track.site_views.add(tmp_path, {"abcdef": "first", "777777": "not measured"})
    assert json.loads((tmp_path / "index.json").read_text())["tags"] == {"v1": 9, "first": 3}
    page = (tmp_path / "index.html").read_text()
    views = json.loads(re.search(r"const views = (.*);", page)[1])
    assert views == {"one": {"machine": "mine", "x-axis-scale": "even", "y-axis-scale": "log"}, "none": {}}
    assert page.index("const views") < page.index("asv.js")


def test_pages_of_another_asv_are_refused(track, tmp_path):
    (tmp_path / "index.html").write_text("<html>")
    with pytest.raises(SystemExit, match="index.html does not have '<script language'"):
        track.site_views.insert(tmp_path / "index.html", "", track.site_views.ASV_SCRIPT)
