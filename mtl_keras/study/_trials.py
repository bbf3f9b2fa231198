"""Makes the trials of a search."""

import time

from mtl_keras.callbacks._directions import mean_gain
from mtl_keras.study._plan import first_figures
from mtl_keras.study._queue import Queue, optuna, quiet
from mtl_keras.study._run import run
from mtl_keras.study._searching import Searching


def make_trials(searching: Searching, queue: Queue, verbose: bool, most: int | None = None) -> bool:
    """Makes trials of a search, `most` at most; returns whether all are made, here or by other processes."""
    make_reference(searching, queue, verbose)
    made = 0
    while _taken(queue) < searching.trials:
        if made == most:
            return False
        _one(searching, queue, verbose)
        made += 1
    return True


def make_reference(searching: Searching, queue: Queue, verbose: bool) -> None:
    """Makes the first trial, whose figures are the reference of the others; none where a baseline is given."""
    with quiet():
        optuna().storages.fail_stale_trials(queue.study)
    if not queue.study.get_trials(deepcopy=False):
        queue.study.enqueue_trial(searching.first_trial())
    while searching.rule.reference is None:
        about = queue.about()
        if "reference" in about:
            searching.rule.reference = about["reference"]
        else:
            _one(searching, queue, verbose)


def _one(searching, queue, verbose):
    """Makes one trial, and stores it."""
    study, several = queue.study, searching.objective == "pareto"

    def objective(trial):
        is_first = searching.rule.reference is None

        def on_score(epoch, score):
            trial.report(score, epoch)
            return not is_first and trial.should_prune()

        callback = None if several else on_score
        try:
            stored, _ = run(lambda: searching.make(trial), searching.rule, searching.seed, callback, complete=False)
        except Exception as error:  # whatever a user's model raises
            trial.set_user_attr("error", f"{type(error).__name__}: {error}"[:1000])
            raise
        figures = first_figures(stored["valid"])
        if is_first:
            queue.set_about({**queue.about(), "reference": figures})
        reference = searching.rule.reference or figures
        gain = mean_gain(figures, reference, searching.rule.signs)
        trial.set_user_attr("run", _short(stored, gain))
        if verbose:
            shown = ", ".join(f"{task} {figure:.4g}" for task, figure in figures.items())
            print(f"trial {trial.number}: {shown}, gain {100 * gain:+.2f} %, {stored['seconds']:.1f} s", flush=True)
        if not several and not is_first and trial.should_prune():
            raise optuna().TrialPruned
        return list(figures.values()) if several else gain

    with quiet():
        study.optimize(objective, n_trials=1, catch=(Exception,))
    last = study.get_trials(deepcopy=False)[-1]
    if searching.rule.reference is None and last.state.name == "FAIL":
        error = last.user_attrs.get("error", "it was stopped")
        raise RuntimeError(f"The first trial failed, to whose figures the others are compared: {error}")


def _taken(queue):
    """Returns how many trials have been made, or are being made."""
    return sum(trial.state.name != "WAITING" for trial in queue.study.get_trials(deepcopy=False))


def _short(stored, gain):
    kept = ("valid", "epoch", "history", "parameters", "seconds", "seconds_per_epoch", "versions")
    return {**{name: stored[name] for name in kept}, "gain": gain, "at": time.time()}
