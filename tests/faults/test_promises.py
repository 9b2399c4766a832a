"""The README's promises name tests; they are there."""

import re

import pytest

from paths import ROOT

PROMISES = (ROOT / "README.md").read_text().partition("\n## Promises\n")[2].partition("\n## ")[0]
NAMED = re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", PROMISES)


def test_each_line_has_a_test():
    lines = [line for line in PROMISES.splitlines() if line.startswith("| ")][2:]
    assert len(lines) > 10 and all("`tests/" in line.split("|")[2] for line in lines)


@pytest.mark.parametrize(("file", "name"), NAMED)
def test_the_test_is_there(file, name):
    text = (ROOT / file).read_text()
    assert f"def {name}(" in text if name else "def test_" in text
