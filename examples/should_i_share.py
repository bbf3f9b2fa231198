"""Should these tasks share a tower? Compares single-task models, the plain sum and a method, with a verdict.

    python examples/should_i_share.py

There are two tasks on scikit-learn's 8x8 digits; `odd` has labels on one training image in fifty. Every candidate has
the same number of epochs, tuning trials and seeds. With `--storage study.db` you can stop it and start it again: it
continues where it stopped, and `python -m mtl_keras study study.db` prints the results so far.
"""

import pathlib

import _common
import keras
import numpy as np
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression

import mtl_keras as mtl

TASKS = [
    mtl.Task("digit", mtl.heads.Multiclass(10)),
    mtl.Task("odd", mtl.heads.Binary()),
]
CANDIDATES = {
    "single-task": {"sharing": "single_task"},
    "sum": {},
    "mmoe": {"sharing": "mmoe"},
}


def load(smoke):
    """Returns (images, labels) for training, validation and test."""
    digits = load_digits()
    x = (digits.images / 16).astype("float32")
    y = {"digit": digits.target, "odd": digits.target % 2}
    rows = mtl.data.hold_out({"digit": digits.target}, {"train": 0.5, "valid": 0.2, "test": 0.3})
    parts = {name: [mtl.data.take(x, rows[name]), mtl.data.take(y, rows[name])] for name in ("train", "valid", "test")}
    there = np.random.default_rng(0).uniform(size=len(parts["train"][0])) < (0.5 if smoke else 0.02)
    parts["train"][1]["odd"] = np.where(there, parts["train"][1]["odd"], -1)  # a missing label
    return [tuple(mtl.data.take(part, np.arange(96)) if smoke else part) for part in parts.values()]


def build(sharing="hard", rate=1e-2):
    """Returns a compiled model."""
    model = mtl.build_model((8, 8), TASKS, tower=mtl.towers.MLP((64, 32)), sharing=sharing)
    model.compile(keras.optimizers.Adam(rate))
    return model


def main():
    parser = _common.parser(__doc__, epochs=15)
    parser.add_argument("--seeds", type=int, default=5, help="how often each candidate is trained, 5 by default")
    parser.add_argument("--storage", metavar="FILE", help="where to store the runs, to continue after an interruption")
    parser.add_argument("--report", metavar="FOLDER", help="where to write the report with its pictures")
    arguments = parser.parse_args()
    candidates = {name: CANDIDATES[name] for name in ("single-task", "sum")} if arguments.smoke else CANDIDATES
    study = mtl.study.compare(
        build,
        candidates,
        *load(arguments.smoke),
        baseline="single-task",
        baselines={"linear": LogisticRegression(max_iter=500)},
        seeds=2 if arguments.smoke else arguments.seeds,
        epochs=_common.epochs(arguments),
        batch_size=64,
        storage=arguments.storage,
        seed=arguments.seed,
    )
    if arguments.report:
        print("Wrote", study.report(arguments.report))
    if arguments.plot:
        of_gains = {name: {t: (g.mean, g.low, g.high) for t, g in of.items()} for name, of in study.gains.items()}
        mtl.plots.gains(of_gains, study.baseline, pathlib.Path(arguments.plot), study.verdicts())
    print(f"\n{study}")
    _common.print_table({name: _common.means(study, name) for name in study.candidates}, study.tasks)


if __name__ == "__main__":
    main()
