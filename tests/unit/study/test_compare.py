"""compare: what is run, stored and printed."""

import json
import os

import keras
import numpy as np
import optuna
import pytest
from sklearn.linear_model import LogisticRegression

import mtl_keras as mtl
from mtl_keras.study import _resamples
from tests.unit.study._problem import TASKS, TEST, TRAIN, VALID, build, compare

TUNE = {"rate": mtl.study.Float(0.01, 0.1, log=True)}


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    """A comparison with a candidate that fails, an estimator and kept models, and its file.

    The processes that test share its runs, as those of a user would.
    """
    folder = tmp_path_factory.getbasetemp()
    file = (folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder) / "stored.db"
    candidates = {"sum": {}, "sometimes": {"weighting": Sometimes()}}
    return compare(candidates, baselines={"logistic": LogisticRegression()}, storage=file, keep="best"), file


@pytest.fixture(scope="module")
def tuned(tmp_path_factory):
    """A comparison with two tuning trials, and its file."""
    file = tmp_path_factory.mktemp("study") / "tuned.db"
    return compare({"sum": {}}, tune=TUNE, trials=2, storage=file), file


@keras.saving.register_keras_serializable("tests")
class Sometimes(mtl.weightings.Equal):
    """Fails when it is called, as a model that runs out of memory in training does."""

    def call(self, losses, present):
        raise MemoryError("out of memory")


@pytest.mark.slow
def test_every_candidate_trial_and_seed_is_a_run(stored):
    study, _ = stored
    assert study.candidates == ["single-task", "sum", "sometimes", "logistic"]
    for name in study.candidates:
        assert list(study.runs(name)) == [0, 1]


@pytest.mark.slow
def test_a_run_has_all_that_is_promised(stored):
    study, _ = stored
    run = study.runs("sum")[0]
    for part in ("valid", "test"):
        assert {task: list(figures) for task, figures in run[part].items()} == {
            "digit": ["accuracy", "loss"],
            "odd": ["accuracy", "auc", "loss"],
        }
    assert run["parameters"] == [build().count_params()]
    assert len(run["history"]["val_digit_accuracy"]) == 2
    assert run["epoch"]["all"] in (1, 2)
    assert run["valid"]["digit"]["accuracy"] == run["history"]["val_digit_accuracy"][run["epoch"]["all"] - 1]
    assert run["versions"] == {"mtl_keras": mtl.__version__, "keras": keras.__version__}
    assert 0 < run["seconds_per_epoch"] < run["seconds"]
    assert run["megabytes"] > 100
    assert run["data"] == study.runs("single-task")[1]["data"]


@pytest.mark.slow
def test_the_single_tasks_are_a_model_each(stored):
    study, _ = stored
    run = study.runs("single-task")[0]
    tower = 6 * 4 + 4
    assert run["parameters"] == [tower + 4 * 4 + 4, tower + 4 + 1]
    for task in TASKS:
        curve = run["history"][f"val_{task}_accuracy"]
        assert run["epoch"][task] == 1 + int(np.argmax(curve))  # each its own best epoch
        assert run["valid"][task]["accuracy"] == max(curve)


@pytest.mark.slow
def test_tuning_has_another_seed_and_tries_the_default_first(tuned):
    study, _ = tuned
    trials = study.runs("sum", "tune")
    assert trials[0]["params"]["rate"] == 0.02
    assert trials[0]["params"] == study.runs("single-task", "tune")[0]["params"]
    assert trials[1]["params"] == study.runs("single-task", "tune")[1]["params"]
    assert not {run["seed"] for run in trials.values()} & set(study.seeds)
    assert all(run["test"] == {} for run in trials.values())
    gains = {}
    base = {task: np.mean(list(study.figures("single-task", task, part="valid").values())) for task in TASKS}
    for number, run in trials.items():
        gains[number] = np.mean([run["valid"][task]["accuracy"] / base[task] - 1 for task in TASKS])
    best = max(gains, key=gains.get)
    assert all(run["params"] == trials[best]["params"] for run in study.runs("sum").values())


@pytest.mark.slow
def test_a_failed_run_is_a_row(stored):
    study, _ = stored
    rows = [row for row in study.rows() if row["candidate"] == "sometimes"]
    assert [row["error"].split("\n")[0][:11] for row in rows] == ["MemoryError"] * 2
    assert len(study.rows()) == 8
    assert "sometimes, seed 1 failed: MemoryError: " in str(study)
    assert study.verdicts()["all tasks"]["sometimes"] == "cannot be told apart"


@pytest.mark.slow
def test_an_estimator_is_evaluated_by_the_metrics_of_the_tasks(stored):
    study, _ = stored
    for task in TASKS:
        model = LogisticRegression(random_state=0).fit(TRAIN[0], TRAIN[1][task])
        expected = model.score(TEST[0], TEST[1][task])
        assert study.figures("logistic", task) == pytest.approx({0: expected, 1: expected})


@pytest.mark.slow
def test_the_table(stored):
    study, _ = stored
    head, *rows = [line.split("   ") for line in str(study).split("\n\n")[0].splitlines()]
    assert [cell.strip() for cell in head if cell.strip()] == [
        *("candidate", "digit accuracy", "odd accuracy", "Δm % [95 %]", "parameters", "s/epoch", "runs")
    ]
    names = [row[0].strip() for row in rows]
    assert names[0] == "single-task"
    assert set(names) == set(study.candidates)
    table = {row[0].strip(): [cell.strip() for cell in row if cell.strip()] for row in rows}
    assert table["single-task"][3:5] == ["0", "81 in 2"]
    assert table["sum"][-1] == "0+2"
    assert table["sometimes"][-1] == "0+2, 2 failed"
    mean = np.mean(list(study.figures("sum", "digit").values()))
    assert float(table["sum"][1].split(" ± ")[0]) == pytest.approx(mean, abs=6e-4)


@pytest.mark.slow
def test_gains_are_delta_m(stored):
    study, _ = stored
    base = {task: np.mean(list(study.figures("single-task", task).values())) for task in TASKS}
    own = {task: np.mean(list(study.figures("sum", task).values())) for task in TASKS}
    assert study.gains["sum"]["all tasks"].mean == pytest.approx(mtl.metrics.delta_m(own, base))


@pytest.mark.slow
def test_called_again_it_makes_nothing_anew(stored, capsys):
    study, file = stored
    candidates = {"sum": {}, "sometimes": {"weighting": Sometimes()}}
    again = compare(candidates, baselines={"logistic": LogisticRegression()}, storage=str(file), verbose=True)
    assert capsys.readouterr().out == ""
    assert again.rows() == study.rows()


@pytest.mark.slow
def test_more_seeds_and_candidates_are_added(tuned, capsys):
    study, file = tuned
    again = compare({"sum": {}, "wide": {"width": 8}}, tune=TUNE, trials=2, storage=file, seeds=3, verbose=True)
    lines = capsys.readouterr().out.splitlines()
    assert sorted(line.split("] ")[1].split(":")[0] for line in lines) == sorted(
        [*("single-task, seed 2", "sum, seed 2"), *(f"wide, trial {i}" for i in (0, 1))]
        + [f"wide, seed {i}" for i in (0, 1, 2)]
    )
    assert again.runs("sum")[1] == study.runs("sum")[1]


@pytest.mark.slow
def test_the_best_model_is_read_from_its_file_or_trained_again(stored):
    study, _ = stored
    assert study.best in ("single-task", "sum")
    kept = study.build_best()
    for run in study.runs(study.best).values():
        run.pop("file")
    trained = study.build_best()
    for a, b in zip(kept.get_weights(), trained.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    with pytest.raises(ValueError, match="There is no model of 'sometimes' with the seed 0"):
        study.model("sometimes", 0)
    figures = kept.evaluate(*TEST, verbose=0, return_dict=True)
    assert figures["digit_accuracy"] in [pytest.approx(f) for f in study.figures(study.best, "digit").values()]


@pytest.mark.slow
def test_optuna_reads_the_storage(stored):
    _, file = stored
    trials = optuna.load_study(study_name="comparison", storage=f"sqlite:///{file}").trials
    assert {json.dumps(trial.user_attrs["key"]) for trial in trials} >= {
        '["single-task", "final", 0]',
        '["sum", "final", 1]',
    }
    assert {trial.state.name for trial in trials} == {"COMPLETE", "FAIL"}


@pytest.mark.slow
def test_another_order_of_the_data_for_each_seed():
    study = compare({"sum": {}}, epochs=1)
    losses = [run["history"]["loss"] for run in study.runs("sum").values()]
    assert losses[0] != losses[1]


@pytest.mark.slow
def test_equal_runs_are_equal_bit_for_bit():
    a, b = (compare({"sum": {}}, seeds=1).rows() for _ in range(2))
    for one, other in zip(a, b, strict=True):
        assert {k: v for k, v in one.items() if k.startswith(("valid", "test"))} == {
            k: v for k, v in other.items() if k.startswith(("valid", "test"))
        }


@pytest.mark.slow
def test_resampled_test_rows_widen_the_intervals():
    """Each resample has the same rows for all runs: the accuracy on them, by hand."""
    options = {"baselines": {"logistic": LogisticRegression()}, "test": (TEST[0], {**TEST[1], "odd": ODD})}
    study = compare({"sum": {}}, resamples=20, **options)
    (x, y), model = options["test"], LogisticRegression(random_state=0).fit(TRAIN[0], TRAIN[1]["odd"])
    rows = np.random.default_rng(_resamples._SEED).integers(len(x), size=len(x))
    there = y["odd"][rows] >= 0
    by_hand = (model.predict(x[rows]) == y["odd"][rows])[there].mean()
    assert study.runs("logistic")[0]["resampled"]["odd"][0] == pytest.approx(by_hand)
    best = study.model("sum", 1).predict(x, verbose=0)["odd"][:, 0] > 0.5
    assert study.runs("sum")[1]["resampled"]["odd"][0] == pytest.approx((best == y["odd"])[rows][there].mean())
    assert all(gain.of_rows > 0 for of in study.gains.values() for gain in of.values())
    gain = study.gains["sum"]["odd"]
    assert gain.high - gain.mean == pytest.approx(12.706 * np.hypot(gain.sd / 2**0.5, gain.of_rows), rel=1e-3)
    assert "20 resamples of the test rows" in str(study)


ODD = np.where(np.arange(len(TEST[0])) % 3, TEST[1]["odd"], -1)  # a third without labels


@pytest.mark.slow
def test_equal_seconds():
    """The others train for as long as the baseline did for its epochs."""
    study = compare({"first": {}, "again": {}}, seeds=1, epochs=5, budget="seconds", baseline="first")
    given, taken = (study.runs(name)[0]["training_seconds"] for name in ("first", "again"))
    assert given <= taken < 2 * given + 0.5
    assert "as many seconds as the baseline" in str(study)


@pytest.mark.slow
def test_data_as_datasets_and_as_functions_of_the_seed():
    def train(seed):
        return mtl.data.from_arrays(*TRAIN, 64, shuffle=True, seed=seed)

    arrays = compare({"sum": {}}, epochs=1)
    given = compare({"sum": {}}, epochs=1, train=train, valid=mtl.data.from_arrays(*VALID, 64), test=lambda seed: TEST)
    assert [given.figures("sum", task) for task in TASKS] == [arrays.figures("sum", task) for task in TASKS]
    assert [given.figures("single-task", t) for t in TASKS] == [arrays.figures("single-task", t) for t in TASKS]


def test_missing_labels_and_callbacks():
    """With callbacks a model whose tasks share nothing is trained as a whole: they may connect its towers."""

    def soft(sharing="soft"):
        return build(sharing), [mtl.callbacks.SoftSharing(0.1)]

    x, y = TRAIN
    train = x, {**y, "odd": np.where(np.arange(len(x)) % 2, y["odd"], -1)}
    study = compare({"soft": {}}, soft, baseline="soft", train=train, seeds=1)
    run = study.runs("soft")[0]
    assert not run["apart"]
    assert "soft_sharing_penalty" in run["history"]


@pytest.mark.slow
def test_what_changed_in_the_storage_is_an_error(tmp_path):
    file = tmp_path / "s.db"
    compare({"sum": {}}, seeds=1, epochs=1, storage=file)
    for options, what in [({"epochs": 2}, "epochs"), ({"seed": 3}, "first_seed"), ({"patience": 1}, "patience")]:
        with pytest.raises(ValueError, match=f"`storage` holds a comparison with other settings: {what}"):
            compare({"sum": {}}, **{"seeds": 1, "epochs": 1, "storage": file, **options})
    with pytest.raises(ValueError, match=r"other settings: candidates\['sum'\]"):
        compare({"sum": {"width": 3}}, seeds=1, epochs=1, storage=file)
    with pytest.warns(UserWarning, match="first batches differ"):
        study = compare({"sum": {}}, seeds=2, epochs=1, storage=file, test=VALID)
    assert "! The runs were made on different data" in str(study)
    compare({"sum": {"width": 3}}, seeds=1, epochs=1, storage=file, name="other")
