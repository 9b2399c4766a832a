"""README's figures are those that were measured last, and its Python runs."""

import importlib.util
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
KEPT = ROOT / "asv_bench" / "reports" / "compare.json"


@pytest.fixture(scope="module")
def report_module():
    sys.path.insert(0, str(ROOT / "asv_bench"))
    try:
        spec = importlib.util.spec_from_file_location("report", ROOT / "asv_bench" / "report.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module
    finally:
        sys.path.pop(0)


def test_the_table_is_that_of_the_kept_report(report_module):
    """Whoever measures anew runs ``compare.py --readme``, which writes both."""
    report = json.loads(KEPT.read_text(encoding="utf-8"))
    assert report_module.readme_table() == report_module.markdown(report)


def test_the_kept_report_is_of_all_workloads_and_all_agree(report_module):
    report = json.loads(KEPT.read_text(encoding="utf-8"))
    workloads = sys.modules[report_module.Workload.__module__].WORKLOADS
    measured = [row["workload"]["name"] for row in report["rows"]]
    assert measured == [*workloads]
    assert not any(row["disagreement"] for row in report["rows"])


def test_another_figure_is_noticed(report_module):
    """The comparison is not blind: the table follows the figures."""
    report = json.loads(KEPT.read_text(encoding="utf-8"))
    before = report_module.markdown(report)
    report["rows"][0]["peers"]["fastbp"]["seconds"] = [1.0]
    assert report_module.markdown(report) != before


def test_the_python_blocks_run_one_after_another(tmp_path):
    """In an interpreter of their own, where a warning is an error."""
    blocks = re.findall(r"^```python\n(.*?)^```$", (ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    assert len(blocks) >= 3
    script = tmp_path / "readme.py"
    script.write_text("\n".join(blocks), encoding="utf-8")
    subprocess.run([sys.executable, "-W", "error", str(script)], check=True, cwd=tmp_path)
    assert (tmp_path / "graph.svg").read_text(encoding="utf-8").startswith("<svg")
