"""Every example runs, and prints a table with a row for each task or method."""

import os
import pathlib
import re
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[2]
EXAMPLES = sorted(path.name for path in (ROOT / "examples").glob("[!_]*.py"))
ROWS = {  # what the first column of the table has
    "atis_intent_slots.py": ["intent", "slots", "sentence", "model"],
    "should_i_share.py": ["digit", "odd"],
    "quickstart.py": ["digit", "odd", "ink"],
    "mnist_hard_sharing.py": ["digit", "odd", "ink"],
    "mnist_soft_sharing.py": ["digit", "odd", "ink"],
    "export_and_serve.py": ["digit", "odd", "ink"],
    "own_weighting.py": ["digit", "odd", "ink"],
    "census_income.py": ["income", "never_married"],
    "text_classification.py": ["intent", "slots"],
    "cifar10_hard_sharing.py": ["class", "is_cat", "is_dog", "animal"],
    "detect_digits.py": ["count", "largest", "where"],
    "cifar10_towers.py": ["class", "is_cat", "is_dog", "animal", "model"],
    "two_sources.py": ["odd", "digit"],
    "ensembles.py": ["single", "average_of_5", "vote", "stack", "soup", "bag", "snapshot", "specialists"],
    "relatedness.py": ["labels", "lasso", "gradients", "affinity", "transfer"],
    "compare_weightings.py": ["single_task", "famo", "pcgrad", "modo"],
}

PICTURES = {"detect_digits.py": "detected_digits.png"}  # that it saves by default


def run(example, folder, *arguments):
    """Runs an example in a folder, and returns its table: `{(first, second column): [numbers]}`."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONWARNINGS": "default"}
    command = [sys.executable, str(ROOT / "examples" / example), *arguments]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    assert "UserWarning" not in done.stderr
    _, table = re.split(r"\n(?:task|method) .*\n", done.stdout)
    rows = [line.split() for line in table.splitlines()]
    return {(first, second): [float(number) for number in numbers] for first, second, *numbers in rows}


def test_every_example_is_listed():
    assert sorted(ROWS) == EXAMPLES


@pytest.mark.parametrize("example", EXAMPLES)
def test_short(example):
    text = (ROOT / "examples" / example).read_text()
    assert len(text.splitlines()) < 150
    assert "def main():" in text


@pytest.mark.slow
@pytest.mark.parametrize("example", EXAMPLES)
def test_smoke(example, tmp_path):
    table = run(example, tmp_path, "--smoke", "--plot", "curves.png")
    assert {first for first, _ in table} >= set(ROWS[example])
    assert (tmp_path / "curves.png").exists()
    assert (tmp_path / PICTURES.get(example, "curves.png")).exists()


@pytest.mark.slow
def test_cifar10_with_five_classes_has_no_dogs(tmp_path):
    table = run("cifar10_hard_sharing.py", tmp_path, "--smoke", "--classes", "5", "--export", "exported")
    assert {task for task, _ in table} == {"class", "is_cat", "animal"}
    assert (tmp_path / "exported" / "1" / "saved_model.pb").exists()


@pytest.mark.slow
def test_census_income_reads_a_file(tmp_path):
    """Rows of UCI's form, of which the income is a matter of the education and the marital status of the sex."""
    row = [*["0", "a", "1", "2", "b", "0", "c", "", "d", "e", "f", "g", "", "h", "i", "j", "0", "0", "0", "k", "l"]]
    row += [*"mno", "1.5", *"pqrst", "1", *"uvwxy", "0", "z", "2", "52", "95", ""]
    lines = []
    for i in range(4000):
        row[0], row[7], row[12] = str(i % 90), "Never married" if i % 3 else "Divorced", "Male" if i % 3 else "Female"
        row[4], row[41] = ("a", "50000+.") if i % 7 > 4 else ("b", "- 50000.")
        lines.append(", ".join(row))
    (tmp_path / "rows.data").write_text("\n".join(lines))
    arguments = ["--data", "rows.data", "--schemes", "hard", "--seeds", "1", "--epochs", "10", "--export", "exported"]
    table = run("census_income.py", tmp_path, *arguments)
    assert table["income", "auc"][0] > 0.9
    assert table["never_married", "auc"][0] > 0.9
    assert (tmp_path / "exported" / "1" / "saved_model.pb").exists()


@pytest.mark.slow
def test_quickstart_in_full(tmp_path):
    table = run("quickstart.py", tmp_path)
    assert table["digit", "accuracy"][0] >= 0.95
    assert (tmp_path / "saved_models" / "digits.keras").exists()
    assert (tmp_path / "saved_models" / "digits" / "1" / "saved_model.pb").exists()


@pytest.mark.slow
def test_comparison_of_weightings(tmp_path):
    """Δm is the mean of the relative gains over the single tasks, in per cent; Krum needs three tasks."""
    methods = ["equal", "schedule", "krum"]
    table = run("compare_weightings.py", tmp_path, "--smoke", "--methods", *methods)
    assert {first for first, _ in table if not first.startswith("sum_")} == {"single_task", "equal", "schedule"}
    left, right, gain, _ = table["equal", "losses"]
    single_left, single_right, none, _ = table["single_task", "-"]
    assert none == 0
    relative = [(left - single_left) / single_left, (right - single_right) / single_right]
    assert gain == pytest.approx(50 * sum(relative), abs=0.2)  # of accuracies with four digits
    assert table["schedule", "losses"][:2] == [left, right]  # without a schedule, it is the plain sum
