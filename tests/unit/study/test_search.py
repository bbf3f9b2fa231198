"""search: the trials, what is pruned, and what is found."""

import types

import keras
import optuna
import pytest

import mtl_keras as mtl
from mtl_keras.__main__ import main
from mtl_keras.study import _queue, _trials
from tests.unit.study._problem import TASKS, TRAIN, VALID, build

RATE = {"rate": mtl.study.Float(1e-6, 0.1, log=True)}


def search(space=RATE, function=build, **options):
    options = {"trials": 2, "epochs": 1, "batch_size": 64, "verbose": False, **options}
    return mtl.study.search(function, space, TRAIN, VALID, **options)


def test_the_first_trial_has_the_defaults_and_gain_0():
    found = search()
    first, second = found.study.trials
    assert first.params == {"rate": 0.02}
    assert first.value == 0
    start, end = ({t: trial.user_attrs["run"]["valid"][t]["accuracy"] for t in TASKS} for trial in (first, second))
    assert second.value == pytest.approx(mtl.metrics.delta_m(end, start) / 100)
    assert found.best == max((first, second), key=lambda trial: trial.value).params
    lines = str(found).splitlines()
    assert lines[0].split() == ["trial", "digit", "accuracy", "odd", "accuracy", "gain", "%", "rate"]
    assert "2 complete" in lines[-2]


@pytest.mark.slow
def test_pareto_and_suggestions_of_optuna(capsys):
    def function(trial):
        return build(width=trial.suggest_int("width", 2, 6), sharing=trial.suggest_categorical("s", ["hard", "mmoe"]))

    found = search(None, function, objective="pareto", trials=3, verbose=True)
    assert len(capsys.readouterr().out.splitlines()) == 3
    assert [direction.name for direction in found.study.directions] == ["MAXIMIZE", "MAXIMIZE"]
    for trial in found.study.trials:
        figures = [trial.user_attrs["run"]["valid"][task]["accuracy"] for task in TASKS]
        assert trial.values == figures
        beaten = [
            all(a >= b for a, b in zip(o.values, figures, strict=True)) and o.values != figures
            for o in found.study.trials
        ]
        assert (trial in found.front) == (not any(beaten))
    assert found.best.keys() == {"width", "s"}


@pytest.mark.slow
def test_pruning_by_epoch_and_going_on(tmp_path):
    """With a pruner that stops every trial but the first after its first epoch."""
    pruner = optuna.pruners.ThresholdPruner(lower=1e9)
    options = {"epochs": 3, "storage": tmp_path / "s.db", "pruner": pruner}
    found = search(trials=2, **options)
    assert [trial.state.name for trial in found.study.trials] == ["COMPLETE", "PRUNED"]
    assert [len(trial.intermediate_values) for trial in found.study.trials] == [3, 1]
    assert [trial.state.name for trial in search(trials=3, **options).study.trials][2:] == ["PRUNED"]
    with pytest.raises(ValueError, match="`storage` holds a search with other settings: epochs"):
        search(**{**options, "epochs": 2})


@pytest.mark.slow
def test_report_and_load(tmp_path, capsys):
    space = {**RATE, "width": mtl.study.Int(2, 6)}
    search(space, trials=5, storage=tmp_path / "s.db", name="one")
    search(space, trials=3, storage=tmp_path / "p.db", objective="pareto")
    assert main(["study", str(tmp_path / "s.db"), "--html", str(tmp_path / "one" / "index.html")]) == 0
    found = mtl.study.load(tmp_path / "s.db")
    assert capsys.readouterr().out == f"{found}\n"
    assert found.best.keys() == {"rate", "width"}
    with pytest.raises(ValueError, match="has no `build`"):
        found.build_best()
    pictures = {path.name for path in (tmp_path / "one").glob("*.png")}
    assert pictures == {"history.png", "parallel_coordinates.png", "importances.png"}
    text = (tmp_path / "one" / "index.html").read_text()
    assert text.count("data:image/png;base64,") == 3
    assert len((tmp_path / "one" / "trials.csv").read_text().splitlines()) == 6
    mtl.study.load(tmp_path / "p.db").report(tmp_path / "two")
    assert (tmp_path / "two" / "front.png").exists()


@pytest.mark.slow
def test_a_given_baseline_and_a_model_of_the_best():
    found = search({"weighting": mtl.study.Choice([None, "uncertainty"])}, baseline={"digit": 0.5, "odd": 0.5})
    for trial in found.study.trials:
        valid = trial.user_attrs["run"]["valid"]
        assert trial.value == pytest.approx(sum(valid[task]["accuracy"] / 0.5 - 1 for task in TASKS) / 2)
    figures = found.build_best().evaluate(*VALID, verbose=0, return_dict=True)
    best = found.study.best_trial.user_attrs["run"]["valid"]
    assert figures["digit_accuracy"] == pytest.approx(best["digit"]["accuracy"])


def _figures(digit, odd):
    return {"valid": {"digit": {"accuracy": digit}, "odd": {"accuracy": odd}}, "gain": 0.0}


@pytest.mark.filterwarnings("ignore:Heartbeat")
def test_another_machine_makes_the_first_trial(tmp_path, monkeypatch):
    """This one waits for its figures, whatever trials have begun after it, and makes no more than are to be made."""
    queue = _queue.Queue(tmp_path / "s.db", "search")
    queue.study.enqueue_trial({"rate": 0.02}, user_attrs={_trials.FIRST: True})
    first, later = queue.study.ask(), queue.study.ask()
    sleeps = []

    def sleep(seconds):
        sleeps.append(seconds)
        for trial, figures in ((first, (0.25, 0.5)), (later, (0.9, 0.9))):
            if len(sleeps) == (1 if trial is first else 2):
                trial.set_user_attr("run", _figures(*figures))
                queue.study.tell(trial, 0.0)

    monkeypatch.setattr(_trials.time, "sleep", sleep)
    found = search(trials=3, storage=tmp_path / "s.db")
    assert len(sleeps) == 2  # for the first trial, and at the end for the other one
    assert [trial.state.name for trial in found.study.trials] == ["COMPLETE"] * 3
    own = found.study.trials[2]
    figures = [own.user_attrs["run"]["valid"][task]["accuracy"] for task in TASKS]
    assert own.value == pytest.approx((figures[0] / 0.25 + figures[1] / 0.5) / 2 - 1)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:Heartbeat")
def test_a_surplus_trial_and_one_that_was_killed_count_for_nothing(tmp_path):
    search(trials=1, storage=tmp_path / "s.db")
    queue = _queue.Queue(tmp_path / "s.db", "search")
    queue.study.tell(queue.study.ask(), state=optuna.trial.TrialState.FAIL)  # without an error: killed
    _trials._one(_searching(1), queue, False)
    assert [trial.state.name for trial in queue.study.trials] == ["COMPLETE", "FAIL", "PRUNED"]
    found = search(trials=2, storage=tmp_path / "s.db")
    assert [trial.state.name for trial in found.study.trials] == ["COMPLETE", "FAIL", "PRUNED", "COMPLETE"]
    assert "2 complete, 1 failed;" in str(found)


def _searching(trials):
    return types.SimpleNamespace(trials=trials, objective="mean_gain", rule=types.SimpleNamespace(reference={"a": 1.0}))


@pytest.mark.slow
def test_a_first_trial_that_failed_is_made_again_by_the_next_call(tmp_path):
    def fails(rate=0.02):
        model = build(rate=rate)
        model.compile("sgd", weighting=Failing())
        return model

    with pytest.raises(RuntimeError, match=r"The first trial failed, .*: ValueError: .*never"):
        search(function=fails, storage=tmp_path / "s.db")
    found = search(trials=2, storage=tmp_path / "s.db")
    assert [trial.state.name for trial in found.study.trials] == ["FAIL", "COMPLETE"]


@keras.saving.register_keras_serializable("tests")
class Failing(mtl.weightings.Equal):
    """Fails when it is called."""

    def call(self, losses, present):
        raise ValueError("never")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"space": {"rat": RATE["rate"]}}, r"`space` has parameters \['rat'\]"),
        ({"space": {"rate": 0.1}}, r"`space\['rate'\]` must be one of"),
        ({"objective": "loss"}, "`objective` must be one of"),
        ({"objective": "pareto", "pruner": optuna.pruners.NopPruner()}, "`pruner` must be None"),
        ({"baseline": {"digit": 0.5}}, "`baseline` must be a dict"),
        (
            {"space": {"fails": mtl.study.Choice([True, False])}, "function": lambda fails: build(fails=fails)},
            "`build` failed",
        ),
        ({"trials": 0}, "`trials` must be"),
        ({"workers": 2}, "need a common storage"),
    ],
)
def test_wrong_arguments(options, message):
    with pytest.raises(ValueError, match=message):
        search(**options)
