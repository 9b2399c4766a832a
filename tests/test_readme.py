"""README's figures are those that were measured last, its Python runs, and what it points to is there."""

import importlib.util
import json
import re
import shutil
import subprocess
import sys

import pytest

from paths import ROOT

REPORTS = ROOT / "asv_bench" / "reports"
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = ["README.md", "asv_bench/limits.md", "asv_bench/reports/compare.md"]
NOT_MEASURED_YET = {
    "higgs-dropout",
    "rl-layernorm",
    "diabetes-lbfgs",
    "online-rl",
    "online-wide",
    "batch-8",
}  # on the machine of the report
WITHOUT_BLOCKS = re.sub(r"^```.*?^```$", "", README, flags=re.MULTILINE | re.DOTALL)


def _imported(name):
    """A script of asv_bench as a module; those that it imports are found beside it."""
    spec = importlib.util.spec_from_file_location(name, ROOT / "asv_bench" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def report_module():
    sys.path.insert(0, str(ROOT / "asv_bench"))
    try:
        yield _imported("report")
    finally:
        sys.path.pop(0)


@pytest.fixture
def report():
    return json.loads((REPORTS / "compare.json").read_text(encoding="utf-8"))


def test_the_tables_are_those_of_the_kept_report(report_module, report):
    """Whoever measures anew runs ``compare.py --readme``, which writes both."""
    assert report_module.readme_table() == report_module.excerpt(report)
    assert (REPORTS / "compare.md").read_text(encoding="utf-8") == report_module.markdown(report) + "\n"


def test_the_kept_report_is_of_all_workloads_and_all_agree(report_module, report):
    workloads = sys.modules[report_module.Workload.__module__].WORKLOADS
    measured = [row["workload"]["name"] for row in report["rows"]]
    assert measured == [name for name in workloads if name not in NOT_MEASURED_YET]
    assert {*report_module.README_ROWS} <= {*workloads}
    assert not any(row["disagreement"] for row in report["rows"])


def test_another_figure_is_noticed(report_module, report):
    """The comparison is not blind: the tables follow the figures."""
    before = report_module.markdown(report), report_module.excerpt(report)
    for row in report["rows"]:
        row["peers"]["fastbp"]["seconds"] = [1.0]
    after = report_module.markdown(report), report_module.excerpt(report)
    assert after[0] != before[0] and after[1] != before[1]


def test_the_figures_of_the_first_paragraph_are_measured(report_module, report):
    rows = {row["workload"]["name"]: row for row in report["rows"]}
    times = report_module.medians(rows["rl"])
    own = times.pop("fastbp")
    paragraph = " ".join(README.split("\n\n")[1].split())
    network = "-".join(map(str, rows["rl"]["workload"]["sizes"]))
    assert f"({network}, batch {rows['rl']['workload']['batch']}) takes {report_module.time_text(own)} on one core" in paragraph
    best = min(times, key=times.get)
    assert re.search(f"where {best}, .* takes {report_module.time_text(times[best])};", paragraph, re.IGNORECASE)
    assert f"the lead shrinks to {report_module.summary(rows['wide'])[2]:.1f} times" in paragraph


def test_a_table_takes_the_place_of_the_one_between_the_markers(report_module, tmp_path, monkeypatch):
    copy = tmp_path / "README.md"
    shutil.copy(ROOT / "README.md", copy)
    monkeypatch.setattr(report_module, "README", copy)
    before = report_module.readme_table()
    report_module.put_into_readme("| another |")
    assert report_module.readme_table() == "| another |"
    report_module.put_into_readme(before)
    assert copy.read_text(encoding="utf-8") == README


def test_a_measurement_goes_to_the_report_and_to_readme(report_module, tmp_path, monkeypatch):
    """``compare.py --readme`` of two workloads, one of which is none of README's."""
    copy = tmp_path / "README.md"
    shutil.copy(ROOT / "README.md", copy)
    compare = _imported("compare")
    writer = sys.modules[compare.put_into_readme.__module__]
    monkeypatch.setattr(writer, "README", copy)
    options = ["--only", "curve,online", "--peers", "fastbp", "--rounds", "1", "--seconds", "0.01", "--out", str(tmp_path)]
    assert compare.main(["--readme", *options]) == 0
    measured = json.loads((tmp_path / "compare.json").read_text(encoding="utf-8"))
    assert [row["workload"]["name"] for row in measured["rows"]] == ["curve", "online"]
    assert (tmp_path / "compare.md").read_text(encoding="utf-8") == report_module.markdown(measured) + "\n"
    assert writer.readme_table() == report_module.excerpt(measured)
    assert "online" in writer.readme_table() and "curve" not in writer.readme_table()


def test_the_python_blocks_run_one_after_another(tmp_path):
    """In an interpreter of their own, where a warning is an error."""
    blocks = re.findall(r"^```python\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
    assert len(blocks) >= 3
    script = tmp_path / "readme.py"
    script.write_text("\n".join(blocks), encoding="utf-8")
    subprocess.run([sys.executable, "-W", "error", str(script)], check=True, cwd=tmp_path)
    assert (tmp_path / "graph.svg").read_text(encoding="utf-8").startswith("<svg")


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    headings = {re.sub(r"[^\w -]", "", h).lower().replace(" ", "-") for h in re.findall(r"^#+ (.*)$", text, re.MULTILINE)}
    for target in re.findall(r"\]\(([^)]+)\)", text):
        if target.startswith("#"):
            assert target[1:] in headings, target
        elif "://" not in target:
            assert ((ROOT / page).parent / target).exists(), target


def test_paths_are_there():
    """Whatever is written like a file or a folder, here or below fastbp, its graph, the examples."""
    spans = re.findall(r"`([\w./]+(?:/|\.py|\.md|\.toml))`", WITHOUT_BLOCKS)
    commands = re.findall(r"(?:\.venv/bin/)?python ([\w/]+\.py)", README)
    assert len(spans) >= 10 and len(commands) >= 3
    for path in [*spans, *commands]:
        assert any((ROOT / place / path).exists() for place in ("", "fastbp", "fastbp/graph", "examples")), path


def test_commands_take_these_options():
    """Each command of the shell blocks is asked for its help, which must know every option that README gives it."""
    commands = re.findall(r"^(?:\S*python) (-m fastbp \w+|asv_bench/\w+\.py(?: \w+)?)([^#\n]*)", README, re.MULTILINE)
    assert len(commands) >= 8
    helps = {}
    for command, rest in commands:
        if command not in helps:
            asked = [sys.executable, *command.split(), "--help"]
            helps[command] = subprocess.run(asked, check=True, cwd=ROOT, capture_output=True, text=True).stdout
        for option in re.findall(r"--[a-z-]+", rest):
            assert option in helps[command], f"{command} {option}"
