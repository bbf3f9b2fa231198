"""The report, load and `python -m mtl_keras study`, of a comparison that is stored but was not trained."""

import csv
import json

import pytest

import mtl_keras as mtl
from mtl_keras.__main__ import main
from mtl_keras.study import _storage
from mtl_keras.study._queue import Queue

FIGURES = {  # accuracies of `a` and errors of `b` of three seeds, made up
    "single-task": ([0.90, 0.91, 0.92], [0.40, 0.41, 0.39]),
    "good": ([0.95, 0.965, 0.975], [0.30, 0.315, 0.295]),
    "<b>|bad": ([0.80, 0.81, 0.815], [0.50, 0.52, 0.49]),
    "same": ([0.91, 0.90, 0.92], [0.39, 0.40, 0.41]),
}


def _run(a, b):
    figures = {"a": {"accuracy": a, "loss": 1.0}, "b": {"mae": b}}
    history = {
        "a_accuracy": [0.5, a + 0.03],
        "val_a_accuracy": [0.5, a],
        "b_mae": [1.0, b - 0.1],
        "val_b_mae": [1.0, b],
    }
    costs = {"seconds": 3.0, "seconds_per_epoch": 1.0, "parameters": [10]}
    return {"valid": figures, "test": figures, "history": history, "epoch": {"all": 2}, "flags": [], **costs}


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    file = tmp_path_factory.mktemp("study") / "study.db"
    queue = Queue(file, "made-up")
    settings = {"baseline": "single-task", "signs": {"a": 1, "b": -1}, "trials": 6, "epochs": 2, "equal_seconds": False}
    about = {"kind": "comparison", "settings": settings, "metrics": {"a": ["accuracy", "loss"], "b": ["mae"]}}
    about |= {
        "candidates": {name: {} for name in FIGURES},
        "estimators": {},
        "seeds": [0, 1, 2],
        "trials": {},
        "data": "",
    }
    queue.set_about(about)
    queue.fill([(name, "final", seed) for name in FIGURES for seed in range(3)], lambda key: {})

    def make(key, trial):
        return 0.0, _run(*(values[key[2]] for values in FIGURES[key[0]]))

    while queue.waits():
        queue.work(make, lambda key: {})
    return file


def test_verdict(file):
    study = mtl.study.load(file)
    assert study.verdicts() == {
        "all tasks": {"good": "gains", "<b>|bad": "loses", "same": "cannot be told apart"},
        "a": {"good": "gains", "<b>|bad": "loses", "same": "cannot be told apart"},
        "b": {"good": "gains", "<b>|bad": "loses", "same": "cannot be told apart"},
    }
    assert study.best == "good"
    lines = study.verdict().splitlines()
    assert lines[0] == "all tasks, Δm"
    # on average a gains 0.16 / 3 of 0.91, and b 0.29 / 3 of 0.4
    assert study.gains["good"]["all tasks"].mean == pytest.approx(100 * (0.16 / 3 / 0.91 + 0.29 / 3 / 0.4) / 2)


def test_report(file, tmp_path):
    page = mtl.study.load(file).report(tmp_path / "report")
    text = (tmp_path / "report" / "index.html").read_text()
    assert page == str(tmp_path / "report" / "index.html")
    assert "&lt;b&gt;|bad" in text
    assert "<b>" not in text
    pictures = sorted(path.name for path in (tmp_path / "report").glob("*.png"))
    expected = ["a_accuracy_against_b_mae", "a_accuracy_validation", "b_mae_validation", "cost", "gains"]
    assert pictures == [f"{name}.png" for name in expected]
    assert text.count("data:image/png;base64,") == 5
    markdown = (tmp_path / "report" / "report.md").read_text()
    assert all(f"]({name})" in markdown for name in pictures)
    assert "| <b>\\|bad |" in markdown
    with open(tmp_path / "report" / "runs.csv", newline="") as lines:
        rows = list(csv.DictReader(lines))
    assert len(rows) == 12
    assert float(rows[-1]["test b mae"]) == 0.39 or float(rows[-1]["test b mae"]) == 0.41


def test_report_shows_how_related_the_tasks_are(file, tmp_path):
    matrix = mtl.relatedness.Matrix(["a", "b"], [[1.0, -0.25], [float("nan"), 1.0]], "mine")
    study = mtl.study.load(file)
    study.report(tmp_path, relatedness=matrix)
    text = (tmp_path / "report.md").read_text()
    assert "| from / to | a | b |\n|---|---|---|\n| a |  | -0.250 |\n| b | – |  |" in text
    assert "](relatedness.png)" in text
    assert (tmp_path / "index.html").read_text().count("data:image/png;base64,") == 6
    with pytest.raises(ValueError, match=r"`relatedness` must be a mtl_keras.relatedness.Matrix or None"):
        study.report(tmp_path, relatedness=[[1.0]])


def test_a_candidate_with_some_of_the_tasks_counts_in_these():
    """Runs that are made up, of which those of "only b" have no figures of `a`."""
    runs = {("single-task", "final", i): _run(0.9 + i / 100, 0.4 - i / 100) for i in range(3)}
    for i in range(3):
        run = _run(0.9, 0.3 - i / 100)
        runs["only b", "final", i] = {**run, **{part: {"b": run[part]["b"]} for part in ("valid", "test")}}
    settings = {"baseline": "single-task", "signs": {"a": 1, "b": -1}, "trials": 6, "epochs": 2, "equal_seconds": False}
    about = {"settings": settings, "metrics": {"a": ["accuracy"], "b": ["mae"]}, "estimators": {}, "seeds": [0, 1, 2]}
    about |= {"candidates": {"single-task": {}, "only b": {}}, "trials": {}, "data": ""}
    study = mtl.study.Comparison(about, runs)
    assert study.has("only b", "b")
    assert not study.has("only b", "a")
    assert study.gains["only b"]["b"].mean == pytest.approx(100 * 0.1 / 0.39)
    assert study.verdicts() == {"all tasks": {}, "a": {}, "b": {"only b": "cannot be told apart"}}
    assert study.verdict().splitlines()[0] == "b, mae"
    assert study.best == "single-task"
    (row,) = (line for line in str(study).splitlines() if line.startswith("only b"))
    assert row.split()[2] == "-"


def test_gap_between_training_and_validation_by_hand(file):
    """Of accuracies 0.03 more in training; of errors 0.1 less, which is a gap of 0.1 as well."""
    from mtl_keras.study._measures import gaps

    _, first, *_ = gaps(mtl.study.load(file))
    assert first == ["single-task", "+0.030 ± 0.000", "+0.100 ± 0.000"]


def test_command(file, tmp_path, capsys):
    assert main(["study", str(file), "--html", str(tmp_path / "page.html")]) == 0
    printed = capsys.readouterr().out
    assert printed == f"{mtl.study.load(file)}\n"
    assert "<h1>" in (tmp_path / "page.html").read_text()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["{file}.none"], "must be a file of a comparison"),
        (["{file}", "--name", "x"], "must be one of the studies"),
    ],
)
def test_errors_are_one_line(file, arguments, message, capsys):
    assert main(["study", *(part.format(file=file) for part in arguments)]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert message in line


def test_a_run_queued_twice_is_made_once(tmp_path):
    """As two machines may queue it at the same moment; the second trial is pruned and counts for nothing."""
    queue = Queue(tmp_path / "s.db", "s")
    for _ in range(2):
        queue.study.enqueue_trial({}, user_attrs={"key": ["c", "final", 0]})
    made = []
    while queue.waits():
        queue.work(lambda key, trial: (made.append(key) or 0.0, {"valid": {}}), lambda key: {})
    assert made == [("c", "final", 0)]
    assert [trial.state.name for trial in queue.study.trials] == ["COMPLETE", "PRUNED"]
    assert json.loads(queue.study.trials[0].user_attrs["run"]) == {"valid": {}}


@pytest.mark.filterwarnings("ignore:Heartbeat")
def test_a_run_killed_before_its_first_sign_of_life_is_made_again(tmp_path, monkeypatch):
    """Optuna alone would take it for running for ever."""
    queue = Queue(tmp_path / "s.db", "s")
    key = ("c", "final", 0)
    queue.fill([key], lambda key: {})
    queue.study.ask()
    queue.fill([key], lambda key: {})
    assert [trial.state.name for trial in queue.study.trials] == ["RUNNING"]
    monkeypatch.setattr(_storage, "GRACE", 0)
    queue.fill([key], lambda key: {})
    assert [trial.state.name for trial in queue.study.trials] == ["FAIL", "WAITING"]
    queue.work(lambda key, trial: (0.0, {"valid": {}}), lambda key: {})
    queue.fill([key], lambda key: {})
    assert list(queue.runs()) == [key]
    assert [trial.state.name for trial in queue.study.trials] == ["FAIL", "COMPLETE"]
