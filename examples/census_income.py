"""Census-income (KDD): who earns over $50,000, and who was never married? Sharing schemes side by side.

    python examples/census_income.py --schemes hard soft --seeds 3

The inputs are the columns of UCI's table, without the instance weight and the marital status, which is a label. UCI's
two files are downloaded. The first one trains the model. Half of the second one chooses the epoch, the other half is
the test set. With `--data FILE`, a single file of such rows is split at random into 60, 20 and 20 %. The figures are
areas under the ROC curve, with a verdict on each scheme against single-task models, or against the first scheme if
these are left out. `--trials` tunes the learning rate, with the same number of trials for each scheme.
"""

import functools

import _common
import keras
import numpy as np
import pandas as pd
import tensorflow as tf

import mtl_keras as mtl

URL = "https://archive.ics.uci.edu/ml/machine-learning-databases/census-income-mld/"
NAMES = """
    age class_of_worker industry_code occupation_code education wage_per_hour enrolled_in_education
    marital_status industry occupation race hispanic_origin sex labor_union reason_for_unemployment employment
    capital_gains capital_losses dividends tax_filer previous_region previous_state household_detailed household
    instance_weight migration_msa migration_region migration_within_region same_house_a_year_ago previous_sunbelt
    num_employees_of_employer parents_present father_birth_country mother_birth_country birth_country citizenship
    own_business veterans_questionnaire veterans_benefits weeks_worked year income
"""
COLUMNS = NAMES.split()
CODES = ["industry_code", "occupation_code", "own_business", "veterans_benefits", "year"]
AMOUNTS = ["wage_per_hour", "capital_gains", "capital_losses", "dividends"]
TASKS = ["income", "never_married"]
SCHEMES = {  # {name: (scheme, widths of the tower or of each expert)}
    "single_task": (mtl.sharing.SingleTask(), (64,)),
    "hard": (mtl.sharing.Hard(), (64,)),
    "soft": (mtl.sharing.Soft(), (64,)),  # with callbacks.SoftSharing
    "mmoe": (mtl.sharing.MMoE(num_experts=8), (16,)),
    "omoe": (mtl.sharing.OMoE(num_experts=8), (16,)),
    "dselect_k": (mtl.sharing.DSelectK(num_experts=8), (16,)),
    "cgc": (mtl.sharing.CGC(num_shared_experts=1, num_task_experts=2), (16,)),
    "ple": (mtl.sharing.PLE(num_shared_experts=1, num_task_experts=2), (16, 16)),
    "aitm": (mtl.sharing.AITM(split_after="columns"), (64,)),
    "cross_stitch": (mtl.sharing.CrossStitch(split_after="columns"), (64,)),
    "sluice": (mtl.sharing.Sluice(split_after="columns"), (64,)),
    "nddr": (mtl.sharing.NDDR(split_after="columns"), (64,)),
    "mtan": (mtl.sharing.MTAN(), (64,)),
    "ltb": (mtl.sharing.LTB(split_after="columns", anneal_steps=500), (64,)),
    "cascade": (mtl.sharing.Cascade(order=["never_married", "income"]), (64,)),
}
SMOKE = ["ple"]


def read(file):
    """Returns the inputs and the labels of a file of rows."""
    return labelled(pd.read_csv(file, header=None, names=COLUMNS, skipinitialspace=True, keep_default_na=False))


def made_up(num_rows=500):
    """Returns made-up rows in the form of UCI's, for `--smoke`."""
    rng = np.random.default_rng(0)
    of_numbers = {"age", "num_employees_of_employer", "weeks_worked", *CODES, *AMOUNTS}
    rows = {c: rng.integers(0, 4, num_rows) if c in of_numbers else rng.choice([*"abc"], num_rows) for c in COLUMNS}
    rows["income"] = np.where(rows["age"] > 2, "50000+.", "- 50000.")
    rows["marital_status"] = np.where(rows["tax_filer"] == "a", "Never married", "Divorced")
    return labelled(pd.DataFrame(rows))


def labelled(rows):
    """Returns the inputs as a frame, and the labels by task."""
    income, married = rows.pop("income"), rows.pop("marital_status")
    labels = {"income": income.str.startswith("50000+"), "never_married": married == "Never married"}
    return rows.drop(columns="instance_weight"), {task: label.astype("int32") for task, label in labels.items()}


def load(arguments):
    """Returns (inputs, labels) for training, for the choice of the epoch, and for the test."""
    if arguments.smoke:
        return split(made_up(), [0.6, 0.2, 0.2])
    if arguments.data:
        return split(read(arguments.data), [0.6, 0.2, 0.2])
    files = [f"census-income.{part}.gz" for part in ("data", "test")]
    train, rest = (read(keras.utils.get_file(file, URL + file)) for file in files)
    return [train, *split(rest, [0.5, 0.5])]


def split(rows, shares):
    """Returns random parts of the rows, always the same."""
    x, y = rows
    ends = np.round(np.cumsum(shares) * len(x)).astype(int)[:-1]
    parts = np.split(np.random.default_rng(2026).permutation(len(x)), ends)
    return [(x.iloc[part], {task: label.iloc[part] for task, label in y.items()}) for part in parts]


def build(x, scheme="hard", rate=2e-3):
    """Returns a compiled model, and its callbacks if it has any."""
    sharing, units = SCHEMES[scheme]
    tower = mtl.towers.Tabular.from_data(x, categorical=CODES, min_count=20, units=units)
    head = mtl.heads.Binary(hidden=(16,), activation="elu")
    tasks = [mtl.Task(task, head, metrics=[mtl.metrics.ROCAUC()]) for task in TASKS]
    model = mtl.build_model(tower.inputs(), tasks, tower=tower, sharing=sharing, name=scheme)
    model.compile(keras.optimizers.Adam(rate))
    return (model, [mtl.callbacks.SoftSharing(1e-4)]) if scheme == "soft" else model


def main():
    parser = _common.parser(__doc__, epochs=12)
    parser.add_argument("--data", metavar="FILE", help="rows in UCI's form, gzipped or not; downloaded by default")
    parser.add_argument("--schemes", nargs="+", choices=SCHEMES, help="all by default")
    parser.add_argument("--seeds", type=int, default=3, help="how often each scheme is trained, 3 by default")
    parser.add_argument("--trials", type=int, default=0, help="learning rates to try for each scheme, 0 by default")
    parser.add_argument("--storage", metavar="FILE", help="where to store the runs, to continue after an interruption")
    parser.add_argument("--export", metavar="FOLDER", help="where to save the last model for TensorFlow Serving")
    arguments = parser.parse_args()
    (x, y), valid, test = load(arguments)
    schemes = arguments.schemes or (SMOKE if arguments.smoke else list(SCHEMES))
    study = mtl.study.compare(
        functools.partial(build, x),
        {scheme: {"scheme": scheme} for scheme in schemes},
        (x, y),
        valid,
        test,
        baseline="single_task" if "single_task" in schemes else schemes[0],
        tune={"rate": mtl.study.Float(5e-4, 8e-3, log=True)} if arguments.trials else None,
        trials=max(1, arguments.trials),
        seeds=1 if arguments.smoke else arguments.seeds,
        epochs=_common.epochs(arguments),
        patience=3,
        batch_size=1024,
        storage=arguments.storage,
        seed=arguments.seed,
    )
    _common.plot(study, arguments.plot)
    if arguments.export:
        model = study.build_best()
        folder = mtl.export.saved_model(model, arguments.export)
        row = {c: tf.constant(test[0][c][:1], x.dtype) for c, x in model.input.items()}
        answer = tf.saved_model.load(folder).signatures["serving_default"](**row)
        print(f"Saved {folder}, which takes raw rows:", {task: float(p[0, 0]) for task, p in answer.items()})
    print(f"\n{study}")
    _common.print_table({name: _common.means(study, name) for name in study.candidates}, TASKS)


if __name__ == "__main__":
    main()
