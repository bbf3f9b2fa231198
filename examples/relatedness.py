"""Which tasks belong together? Cheap measures against the gain from training each pair, on census-income or CIFAR-10.

    python examples/relatedness.py --data census-income.data.gz --seeds 2
    python examples/relatedness.py --cifar10

The tasks are eight yes-or-no questions about columns of census-income, which are removed from the inputs; or whether an
image shows a class, for each of the ten classes of CIFAR-10. `transfer` trains each task alone, and every pair of tasks
together. For each cheaper measure, the table has its rank correlation with these gains, over all ordered pairs of
tasks, and the seconds that it took. `--plot` saves the matrix of gains.
"""

import functools
import time

import _common
import census_income as census
import ensembles
import keras
import numpy as np
import pandas as pd
from scipy.stats import spearmanr

import mtl_keras as mtl

TASKS = {  # {task: function of the rows that returns yes or no}
    "income": lambda row: row.income.str.startswith("50000+"),
    "never_married": lambda row: row.marital_status == "Never married",
    "male": lambda row: row.sex == "Male",
    "college": lambda row: row.education.str.contains("degree"),
    "works_all_year": lambda row: row.weeks_worked == 52,
    "dividends": lambda row: row.dividends > 0,
    "householder": lambda row: row.household_detailed == "Householder",
    "born_abroad": lambda row: row.birth_country != "United-States",
}
SOURCES = ["income", "marital_status", "sex", "education", "weeks_worked", "dividends", "household_detailed"]
SOURCES += ["household", "birth_country", "citizenship", "instance_weight"]  # columns that reveal a label
CLASSES = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]


def rows(arguments):
    """Returns a function that builds a model from names of tasks; and (x, y) to train, validate and test on."""
    frame = pd.read_csv(
        arguments.data, header=None, names=census.COLUMNS, skipinitialspace=True, keep_default_na=False
    ).sample(20_000, random_state=2026)
    y = {task: rule(frame).to_numpy("int32") for task, rule in TASKS.items()}
    return _of_table(frame.drop(columns=SOURCES), y, [12_000, 16_000])


def made_up():
    """Returns the same for made-up rows in which two of three tasks are nearly equal, for `--smoke`."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(600, 4)), columns=[*"abcd"])
    y = {"one": frame.a + frame.b > 0, "same": frame.a + 0.9 * frame.b > 0, "other": frame.c > frame.d}
    return _of_table(frame, {task: label.to_numpy("int32") for task, label in y.items()}, [300, 450])


def _of_table(frame, y, cuts):
    places = np.split(np.arange(len(frame)), cuts)
    parts = [(frame.iloc[p], {task: label[p] for task, label in y.items()}) for p in places]
    categorical = [code for code in census.CODES if code in frame]
    tower = mtl.towers.Tabular.from_data(parts[0][0], categorical=categorical, min_count=20, units=(32,))
    return functools.partial(_built, None, tower, None), parts


def images(arguments):
    """Returns the same for the classes of CIFAR-10 on a narrow tower and 5,000 images."""
    _, parts = ensembles.images(arguments)
    places = [slice(0, 5000), slice(0, 2500), slice(0, 5000)]
    parts = [
        (x[place], {name: np.int32(y["class"][place] == i) for i, name in enumerate(CLASSES)})
        for place, (x, y) in zip(places, parts, strict=True)
    ]
    scale = keras.layers.Rescaling(1 / 255)
    return functools.partial(_built, (32, 32, 3), mtl.towers.Conv(filters=(8, 16, 32)), scale), parts


def _built(shape, tower, preprocess, names, sharing="hard"):
    tasks = [mtl.Task(name, mtl.heads.Binary(), metrics=[mtl.metrics.ROCAUC()]) for name in names]
    model = mtl.build_model(shape or tower.inputs(), tasks, tower=tower, sharing=sharing, preprocess=preprocess)
    model.compile(keras.optimizers.Adam(2e-3))
    return model


def measured(build, train, epochs):
    """Yields the name, the matrix and the seconds of each cheap measure."""
    names, batches = list(train[1]), mtl.data.from_arrays(*train, 128, shuffle=True)
    model = build(names)

    def trained_gradients():
        model.fit(batches, epochs=1, verbose=0)
        return mtl.relatedness.gradients(model, batches)

    ways = {
        "labels": lambda: mtl.relatedness.labels(train[1]),
        "lasso": lambda: mtl.relatedness.lasso(train[1]),
        "gradients": lambda: mtl.relatedness.gradients(model, batches),
        "gradients_epoch_1": trained_gradients,
        "affinity": lambda: mtl.relatedness.affinity(build(names), batches, epochs, every=5),
    }
    for name, measure in ways.items():
        keras.utils.set_random_seed(0)
        start = time.perf_counter()
        yield name, measure(), time.perf_counter() - start


def main():
    parser = _common.parser(__doc__, epochs=5)
    parser.add_argument("--data", metavar="FILE", help="rows in UCI's form, gzipped or not")
    parser.add_argument("--cifar10", action="store_true", help="CIFAR-10's classes instead of census-income")
    parser.add_argument("--seeds", type=int, default=1, help="how often each pair is trained, 1 by default")
    parser.add_argument("--storage", metavar="FILE", help="where to store the runs, to continue after an interruption")
    parser.add_argument(
        "--workers", type=int, default=1, help="number of training processes; more than one needs --storage"
    )
    arguments = parser.parse_args()
    if not (arguments.data or arguments.cifar10 or arguments.smoke):
        parser.error("--data must be a file of census-income; or use --cifar10")
    build, (train, valid, test) = (
        made_up() if arguments.smoke else images(arguments) if arguments.cifar10 else rows(arguments)
    )
    names, epochs = list(train[1]), _common.epochs(arguments)
    found = list(measured(build, train, epochs))
    start, options = time.perf_counter(), {"seeds": arguments.seeds, "epochs": epochs, "batch_size": 128}
    options |= {"storage": arguments.storage, "workers": arguments.workers}
    gains = mtl.relatedness.transfer(build, names, train, valid, test, **options)
    seconds = time.perf_counter() - start
    print(f"\n{gains}\n")
    groups = {name: mtl.relatedness.group_tasks(matrix, 3) for name, matrix, _ in [*found, ("transfer", gains, 0)]}
    print("\n".join(f"three groups by {name}: {of}" for name, of in groups.items()))
    if arguments.plot:
        gains.plot(arguments.plot)
    pairs = ~np.eye(len(names), dtype=bool)
    print("\nmethod             correlation  seconds")
    for name, matrix, took in found:
        values = matrix.values if matrix.gain else np.abs(matrix.values)
        correlation = spearmanr(values[pairs], gains.values[pairs], nan_policy="omit").statistic
        print(f"{name:20}{correlation:10.3f}{took:9.1f}")
    print(f"{'transfer':20}{1:10.3f}{seconds:9.1f}")


if __name__ == "__main__":
    main()
