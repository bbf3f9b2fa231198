"""CI runs what README tells a reader to run, and the slow tests."""

import configparser
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


def test_ci_runs_the_slow_tests_after_it():
    lines = (ROOT / ".ci/run").read_text().splitlines()
    slow = ".venv/bin/python -m pytest -m slow </dev/null || failed=1"
    assert lines.index('bash -c "$command" </dev/null || failed=1') < lines.index(slow)
    assert "`pytest -m slow`" in (ROOT / "CONTRIBUTING.md").read_text()


def test_pytest_leaves_the_slow_tests_out_by_default():
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    assert config["tool:pytest"]["addopts"].endswith(' -m "not slow"')


def test_a_test_of_graphs_is_marked_as_one():
    """Without the mark `graph`, `tf.function` and `jit_compile` would run eagerly and test nothing."""
    for path in (ROOT / "tests").rglob("test_*.py"):
        text = path.read_text()
        if path != pathlib.Path(__file__) and re.search(r"tf\.function\(|jit_compile|steps_per_execution", text):
            assert "mark.graph" in text, path
