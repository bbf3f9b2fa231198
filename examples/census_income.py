"""Census-income (KDD): does a person earn over $50,000, and was never married? Sharing schemes side by side.

    python examples/census_income.py --schemes hard mmoe --seeds 3

40 columns of the US census of 1994 and 1995, less the marital status, which is a label, and the instance weight. With
`--data FILE`, one file of rows in UCI's form, 80 % of the rows are for training, 10 % to choose the epoch and 10 % for
the test, at random; without it, UCI's two files are downloaded, and the rows of the second are for validation and
test, half and half, as in the paper of MMoE. A row of the table: mean and standard deviation over the seeds.
"""

import time

import _common
import keras
import numpy as np
import pandas as pd
import tensorflow as tf
from sklearn.metrics import roc_auc_score

import mtl_keras as mtl

URL = "https://archive.ics.uci.edu/ml/machine-learning-databases/census-income-mld/"
COLUMNS = """age class_of_worker industry_code occupation_code education wage_per_hour enrolled_in_education
    marital_status industry occupation race hispanic_origin sex labor_union reason_for_unemployment employment
    capital_gains capital_losses dividends tax_filer previous_region previous_state household_detailed household
    instance_weight migration_msa migration_region migration_within_region same_house_a_year_ago previous_sunbelt
    num_employees_of_employer parents_present father_birth_country mother_birth_country birth_country citizenship
    own_business veterans_questionnaire veterans_benefits weeks_worked year income""".split()
SPLITS = ["data", "test"]
CODES = ["industry_code", "occupation_code", "own_business", "veterans_benefits", "year"]
AMOUNTS = ["wage_per_hour", "capital_gains", "capital_losses", "dividends"]
TASKS = [
    mtl.Task("income", mtl.heads.Binary(hidden=(8,))),
    mtl.Task("never_married", mtl.heads.Binary(hidden=(8,))),
]
SCHEMES = {
    "single_task": mtl.sharing.SingleTask(),
    "hard": mtl.sharing.Hard(),
    "soft": mtl.sharing.Soft(),  # with callbacks.SoftSharing
}


def read(file):
    """Returns the inputs and the labels of a file of rows."""
    return labelled(pd.read_csv(file, header=None, names=COLUMNS, skipinitialspace=True, keep_default_na=False))


def made_up(num_rows=500):
    """Returns rows of the form of UCI's, for `--smoke`."""
    rng = np.random.default_rng(0)
    of_numbers = {"age", "num_employees_of_employer", "weeks_worked", *CODES, *AMOUNTS}
    rows = {c: rng.integers(0, 4, num_rows) if c in of_numbers else rng.choice([*"abc"], num_rows) for c in COLUMNS}
    rows["income"] = np.where(rows["age"] > 2, "50000+.", "- 50000.")
    rows["marital_status"] = np.where(rows["tax_filer"] == "a", "Never married", "Divorced")
    return labelled(pd.DataFrame(rows))


def labelled(rows):
    """Returns the inputs, a frame, and the labels by task."""
    income, married = rows.pop("income"), rows.pop("marital_status")
    labels = {"income": income.str.startswith("50000+"), "never_married": married == "Never married"}
    return rows.drop(columns="instance_weight"), {task: label.astype("int32") for task, label in labels.items()}


def parts(arguments):
    """Returns (inputs, labels) to train on, to choose the epoch by, and to test."""
    if not arguments.data and not arguments.smoke:
        files = [keras.utils.get_file(f"census-income.{part}.gz", f"{URL}census-income.{part}.gz") for part in SPLITS]
        (x, y), (x_rest, y_rest) = map(read, files)
        first = [(x, y)]
    else:
        first, (x_rest, y_rest) = [], made_up() if arguments.smoke else read(arguments.data)
    shares = [0.5, 0.5] if first else [0.8, 0.1, 0.1]
    order = np.random.default_rng(0).permutation(len(x_rest))
    ends = np.cumsum([int(share * len(order)) for share in shares[:-1]])
    rows = [np.sort(part) for part in np.split(order, ends)]
    return first + [(x_rest.iloc[r], {task: label.iloc[r] for task, label in y_rest.items()}) for r in rows]


def train(scheme, seed, data, arguments):
    """Returns the trained model, its history, and what it reaches on the test set."""
    keras.utils.set_random_seed(seed)
    (x, y), valid, (x_test, y_test) = data
    tower = mtl.towers.Tabular.from_data(x, categorical=CODES, min_count=MIN, units=UNITS, dropout=DROPOUT)
    model = mtl.build_model(tower.inputs(), TASKS, tower=tower, sharing=SCHEMES[scheme], name=scheme)
    model.compile(keras.optimizers.Adam(RATE))
    callbacks = [keras.callbacks.EarlyStopping("val_income_auc", mode="max", patience=3, restore_best_weights=True)]
    if scheme == "soft":
        callbacks.append(mtl.callbacks.SoftSharing(1e-4))
    batches = mtl.data.from_arrays(x, y, batch_size=1024, shuffle=True, seed=seed)
    start = time.perf_counter()
    history = model.fit(
        batches,
        validation_data=mtl.data.from_arrays(*valid, batch_size=4096),
        epochs=_common.epochs(arguments),
        callbacks=callbacks,
        verbose=2,
    )
    seconds = (time.perf_counter() - start) / len(history.epoch)
    predicted = model.predict(mtl.data.from_arrays(x_test, y_test, batch_size=4096), verbose=0)
    result = {f"{task}_auc": roc_auc_score(label, predicted[task]) for task, label in y_test.items()}
    return model, history, {**result, "model_parameters": model.count_params(), "model_seconds": seconds}
