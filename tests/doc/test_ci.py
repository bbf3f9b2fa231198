"""CI runs what README tells a reader to run."""

import pathlib
import re

ROOT = pathlib.Path(__file__).parents[2]


def test_ci_runs_the_test_command_of_the_readme():
    pattern = re.search(r"grep -E '(.+)' README.md", (ROOT / ".ci/run").read_text()).group(1)
    commands = re.findall(pattern, (ROOT / "README.md").read_text(), flags=re.MULTILINE)
    assert commands == [
        "python3 -m venv .venv && .venv/bin/pip install -U pip "
        '&& .venv/bin/pip install -e ".[test]" && .venv/bin/python -m pytest',
    ]


def test_contributing_has_the_same_test_command():
    assert (
        '.venv/bin/pip install -U pip && .venv/bin/pip install -e ".[test]" && .venv/bin/python -m pytest\n'
        in (ROOT / "CONTRIBUTING.md").read_text()
    )
