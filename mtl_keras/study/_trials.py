"""Makes the trials of a search."""

import time

from mtl_keras.callbacks._directions import mean_gain
from mtl_keras.engine.tensorflow.freed_graphs import freed_graphs
from mtl_keras.study import _queue
from mtl_keras.study._plan import first_figures
from mtl_keras.study._queue import Queue
from mtl_keras.study._run import run
from mtl_keras.study._searching import Searching
from mtl_keras.study._storage import optuna, plain, quiet

FIRST, SKIPPED = "first", "skipped"  # user attributes: of the reference trial, and of a trial that was skipped


def make_trials(searching: Searching, queue: Queue, verbose: bool) -> None:
    """Makes the trials of a search, together with other processes, until all are complete."""
    make_reference(searching, queue, verbose)
    while True:
        states = [trial.state for trial in _trials(queue) if _counts(trial)]
        if len(states) < searching.trials:
            _one(searching, queue, verbose)
        elif all(state.is_finished() for state in states):
            return
        else:
            _wait(queue)


def make_reference(searching: Searching, queue: Queue, verbose: bool) -> None:
    """Makes the first trial, or waits until another process has made it. Its figures are the reference of the others.

    If a baseline is given, its figures are the reference, and the first trial is only queued.

    Raises:
        RuntimeError: If the first trial fails.
    """
    queue.fail_dead()
    before = {trial.number for trial in _trials(queue) if trial.state.is_finished()}
    if searching.rule.reference is not None:
        if not _trials(queue):
            queue.study.enqueue_trial(searching.first_trial(), user_attrs={FIRST: True})
        return
    while searching.rule.reference is None:
        first = [trial for trial in _trials(queue) if FIRST in trial.user_attrs]
        done = [trial for trial in first if trial.state.name == "COMPLETE"]
        errors = [trial.user_attrs["error"] for trial in first if _failed(trial) and trial.number not in before]
        if done:
            searching.rule.reference = first_figures(done[0].user_attrs["run"]["valid"])
        elif errors:
            raise RuntimeError(f"The first trial failed, with which the others are compared: {errors[0]}")
        elif any(trial.state.name == "RUNNING" for trial in first):
            _wait(queue)
        else:
            if not any(trial.state.name == "WAITING" for trial in first):
                queue.study.enqueue_trial(searching.first_trial(), user_attrs={FIRST: True})
            _one(searching, queue, verbose)


def _one(searching, queue, verbose):
    """Makes one trial, and stores it."""
    study, several = queue.study, searching.objective == "pareto"

    @freed_graphs()
    def objective(trial):
        queue.begin(trial)
        is_first = searching.rule.reference is None
        if (is_first and FIRST not in trial.user_attrs) or _is_surplus(searching, queue, trial):
            trial.set_user_attr(SKIPPED, True)
            raise optuna().TrialPruned

        def on_score(epoch, score):
            trial.report(score, epoch)
            return not is_first and trial.should_prune()

        callback = None if several else on_score
        try:
            stored, _ = run(lambda: searching.make(trial), searching.rule, searching.seed, callback, complete=False)
        except Exception as error:  # a user's model may raise anything
            trial.set_user_attr("error", plain(error))
            raise
        figures = first_figures(stored["valid"])
        gain = mean_gain(figures, searching.rule.reference or figures, searching.rule.signs)
        trial.set_user_attr("run", _short(stored, gain))
        if verbose:
            shown = ", ".join(f"{task} {figure:.4g}" for task, figure in figures.items())
            print(f"trial {trial.number}: {shown}, gain {100 * gain:+.2f} %, {stored['seconds']:.1f} s", flush=True)
        if not several and not is_first and trial.should_prune():
            raise optuna().TrialPruned
        return list(figures.values()) if several else gain

    with quiet():
        study.optimize(objective, n_trials=1, catch=(Exception,))


def _trials(queue):
    return queue.study.get_trials(deepcopy=False)


def _wait(queue):
    """Waits a moment for other processes, and checks whether one was killed."""
    time.sleep(_queue.POLL)
    queue.fail_dead()


def _failed(trial):
    return trial.state.name == "FAIL" and "error" in trial.user_attrs


def _counts(trial):
    """Returns whether a trial runs or is complete; False if it waits, was killed, or was left to another process."""
    if SKIPPED in trial.user_attrs or trial.state.name == "WAITING":
        return False
    return trial.state.name != "FAIL" or _failed(trial)


def _is_surplus(searching, queue, trial):
    """Returns whether there are enough trials without this one: two processes may both begin the last one."""
    earlier = [other for other in _trials(queue) if other.number < trial.number and _counts(other)]
    return len(earlier) >= searching.trials


def _short(stored, gain):
    kept = ("valid", "epoch", "history", "parameters", "seconds", "seconds_per_epoch", "versions")
    return {**{name: stored[name] for name in kept}, "gain": gain, "at": time.time()}
