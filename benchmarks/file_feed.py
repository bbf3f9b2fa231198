"""Are files read as fast as arrays and as other readers, and do training steps wait for them? Rows/s are medians."""

import argparse
import pathlib
import tempfile
import time

import keras
import numpy as np
import pandas as pd
import pyarrow.csv
import pyarrow.parquet as pq
import tensorflow as tf
from data_feed import compiled, lenet
from large_table import CATEGORIES, NUMBERS, write

import mtl_keras as mtl

TASKS = ["click", "price"]
SHUFFLE = 65_536
PASSES = 10  # so that the start of a pipeline hardly counts


def compare(question, rows, callables, rounds, reference):
    """Times callables in turn, and prints the rows/s of each and the median of its rate relative to the reference."""
    times = {name: [] for name in callables}
    for turn in range(rounds + 1):
        for name in callables if turn % 2 else reversed(callables):
            start = time.perf_counter()
            callables[name]()
            times[name].append(time.perf_counter() - start)
    times = {name: np.array(one[1:]) for name, one in times.items()}
    for name, one in times.items():
        low, median, high = np.quantile(times[reference] / one, [0.25, 0.5, 0.75])
        print(
            f"{question}: {name}: {rows / np.median(one):,.0f} rows/s, {median:.2f} times {reference} "
            f"(quartiles {low:.2f} to {high:.2f})",
            flush=True,
        )


def drain(dataset):
    """Iterates over all batches of a dataset without Python."""
    dataset.reduce(np.int64(0), lambda count, *batch: count + 1).numpy()


def table(folder, num_rows, batch, rounds):
    """One shuffled pass over a table of 20 floats, 4 strings and 2 labels: files, arrays and other readers."""
    write(folder, num_rows)
    (file,) = folder.glob("*.parquet")
    read = pq.read_table(file)
    text = folder / "table.csv"
    pyarrow.csv.write_csv(read, text)
    frame = read.to_pandas()
    frame = frame.astype({f"category{k}": object for k in range(CATEGORIES)})
    options = {"batch_size": batch, "shuffle": True, "weights": "always"}
    arrays = mtl.data.from_arrays(frame.drop(columns=TASKS), frame[TASKS], **options)
    parquet = mtl.data.from_parquet(file, y=TASKS, **options)
    csv = mtl.data.from_csv(text, y=TASKS, **options)
    theirs = tf.data.experimental.make_csv_dataset(
        str(text), batch, num_epochs=1, shuffle_buffer_size=SHUFFLE, num_rows_for_inference=100
    )

    def chunks():
        for chunk in pd.read_csv(text, chunksize=batch):
            x = {name: tf.constant(chunk[name].to_numpy()) for name in chunk if name not in TASKS}
            y = {name: tf.constant(chunk[name].to_numpy()) for name in TASKS}
            del x, y

    rows = by_row(frame, batch)
    readers = {
        "from_arrays": lambda: drain(arrays),
        "from_tensor_slices().shuffle().batch()": lambda: drain(rows),
        "from_parquet": lambda: drain(parquet),
        "from_csv": lambda: drain(csv),
        "make_csv_dataset": lambda: drain(theirs),
        "pandas chunks, not shuffled": chunks,
    }
    compare("table", num_rows, readers, rounds, "from_arrays")


def records(folder, num_rows, batch, rounds):
    """Shuffled passes over 28x28 images with two labels: from_records and a tuned tf.data pipeline."""
    mtl.data.write_records(digits(num_rows), folder / "records", shards=8)
    ours = mtl.data.from_records(folder / "records", batch, shuffle=True)
    ours = ours.repeat().take(PASSES * int(ours.cardinality()))
    files = sorted(map(str, (folder / "records").glob("*.tfrecord")))
    rates = {}
    for cycle in (1, 2, 8):
        dataset = tuned(files, ["digit", "ink"], batch, cycle).take(PASSES * num_rows // batch)
        drain(dataset)
        start = time.perf_counter()
        drain(dataset)
        rates[cycle] = time.perf_counter() - start
    best = tuned(files, ["digit", "ink"], batch, min(rates, key=rates.get)).take(PASSES * num_rows // batch)
    print(f"records: tf.data reads {min(rates, key=rates.get)} files at a time best", flush=True)
    readers = {"tuned tf.data": lambda: drain(best), "from_records": lambda: drain(ours)}
    compare("records", PASSES * num_rows, readers, rounds, "tuned tf.data")


def tuned(files, labels, batch, cycle):
    """Returns a hand-written, endless tf.data pipeline that reads such records from several files at a time."""
    features = {"x": tf.io.FixedLenFeature([], tf.string)}
    dtypes = {"digit": tf.int64, "ink": tf.float32}
    features |= {f"y/{label}": tf.io.FixedLenFeature([], dtypes[label]) for label in labels}

    def parse(serialized):
        parsed = tf.io.parse_example(serialized, features)
        image = tf.reshape(tf.io.decode_raw(parsed["x"], tf.uint8), [-1, 28, 28, 1])
        return image, {label: parsed[f"y/{label}"] for label in labels}

    dataset = tf.data.Dataset.from_tensor_slices(files).shuffle(len(files)).repeat()
    if cycle == 1:
        dataset = dataset.flat_map(tf.data.TFRecordDataset)
    else:
        dataset = dataset.interleave(tf.data.TFRecordDataset, cycle, 16, num_parallel_calls=2, deterministic=False)
    dataset = dataset.shuffle(16_384).batch(batch).map(parse, num_parallel_calls=tf.data.AUTOTUNE)
    return dataset.prefetch(tf.data.AUTOTUNE)


def digits(num_rows):
    rng = np.random.default_rng(0)
    x = rng.integers(0, 256, (num_rows, 28, 28, 1)).astype("uint8")
    return mtl.data.from_arrays(x, {"digit": rng.integers(0, 10, num_rows), "ink": rng.normal(size=num_rows)}, 256)


def by_row(frame, batch):
    """Returns a table in memory, shuffled row by row by tf.data."""
    x = {name: column.to_numpy() for name, column in frame.drop(columns=TASKS).items()}
    y = {task: frame[task].to_numpy() for task in TASKS}
    dataset = (
        tf.data.Dataset.from_tensor_slices((x, y)).shuffle(SHUFFLE).batch(batch, num_parallel_calls=tf.data.AUTOTUNE)
    )
    return dataset.prefetch(tf.data.AUTOTUNE)


def tabular():
    names = [f"value {k}" for k in range(200)]
    numeric, categories = (
        tuple(f"number{k}" for k in range(NUMBERS)),
        {f"category{k}": names for k in range(CATEGORIES)},
    )
    tower = mtl.towers.Tabular(numeric, categories)
    tasks = [mtl.Task("click", mtl.heads.Binary()), mtl.Task("price", mtl.heads.Regression())]
    model = mtl.build_model(tower.inputs(), tasks, tower=tower)
    model.compile("adam")
    return model


class EpochTimes(keras.callbacks.Callback):
    """The seconds of each epoch."""

    def on_epoch_begin(self, epoch, logs=None):
        self.start = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        self.seconds = time.perf_counter() - self.start


def waits(question, model, datasets, steps, rounds):
    """Prints how much longer a step of `fit` on a dataset is than on a single batch of it, repeated.

    It measures the second of two epochs. The first one starts the pipeline; its start is printed separately.
    """
    batch = next(iter(next(iter(datasets.values()))))
    model.optimizer.learning_rate = 0.0  # otherwise the repeated batch would be learnt, and numbers near 0 are slow
    datasets = {"one batch": tf.data.Dataset.from_tensors(batch), **datasets}
    times = {name: [] for name in datasets}
    starts = {name: [] for name in datasets}
    for turn in range(rounds + 1):
        for name in datasets if turn % 2 else reversed(datasets):
            timer, start = EpochTimes(), time.perf_counter()
            data = datasets[name].repeat()
            model.fit(data, steps_per_epoch=steps, epochs=2, verbose=0, shuffle=False, callbacks=[timer])
            times[name].append(timer.seconds)
            starts[name].append(time.perf_counter() - start - 2 * timer.seconds)
    for name in list(datasets)[1:]:
        low, median, high = np.quantile(1 - np.array(times["one batch"][1:]) / times[name][1:], [0.25, 0.5, 0.75])
        print(
            f"{question}, {name}: {median:.1%} of the time waits for data (quartiles {low:.1%} to {high:.1%}), a "
            f"step of {np.median(times[name]) / steps * 1e3:.1f} ms, started in {np.median(starts[name]):.2f} s",
            flush=True,
        )


def mix(num_rows, batch, rounds):
    """Passes over mixes of two halves of a table of 40 floats and of images, compared with one dataset of all rows."""
    rng = np.random.default_rng(0)
    table = {f"number{k}": rng.normal(size=num_rows).astype("float32") for k in range(40)}
    images = rng.integers(0, 256, (num_rows // 5, 28, 28, 1)).astype("uint8")
    for kind, x, size in (("table", table, batch), ("images", images, 128)):
        one, two = halves(x, size)
        passes = max(1, PASSES // (5 if kind == "table" else 1))

        def drained(dataset, passes=passes):
            endless = dataset.repeat().take(passes * int(dataset.cardinality()))
            return lambda: drain(endless)

        datasets = {"one": drained(one)}
        datasets |= {
            f"mix by {unit}": drained(mtl.data.mix(two, batch_size=size, unit=unit)) for unit in ("row", "batch")
        }
        compare(f"mix of {kind}", passes * len(next(iter(tf.nest.flatten(x)))), datasets, rounds, "one")


def halves(x, batch):
    """Returns one dataset of all rows, and two with the labels of other tasks."""
    num_rows = len(tf.nest.flatten(x)[0])
    labels = np.random.default_rng(1).integers(0, 10, num_rows)
    cuts = {"one": slice(0, num_rows // 2), "two": slice(num_rows // 2, None)}
    parts = {
        name: mtl.data.from_arrays(
            tf.nest.map_structure(lambda column, rows=rows: column[rows], x), {name: labels[rows]}, batch, shuffle=True
        )
        for name, rows in cuts.items()
    }
    return mtl.data.from_arrays(x, {"one": labels, "two": labels}, batch, shuffle=True, weights="always"), parts


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("questions", nargs="*", default=["table", "records", "mix", "tabular", "lenet"])
    parser.add_argument("--rows", type=int, default=500_000)
    parser.add_argument("--batch", type=int, default=1024)
    parser.add_argument("--rounds", type=int, default=7)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = pathlib.Path(place)
        if "table" in arguments.questions:
            table(folder / "table", arguments.rows, arguments.batch, arguments.rounds)
        if "records" in arguments.questions:
            records(folder, min(arguments.rows, 60_000), 256, arguments.rounds)
        if "tabular" in arguments.questions:
            write(folder / "waits", 1_000_000)
            options = {"batch_size": arguments.batch, "shuffle": True, "weights": "always"}
            frame = pq.read_table(folder / "waits").to_pandas()
            frame = frame.astype({f"category{k}": object for k in range(CATEGORIES)})
            sources = {
                "from_parquet": mtl.data.from_parquet(folder / "waits", y=TASKS, **options),
                "from_arrays": mtl.data.from_arrays(frame.drop(columns=TASKS), frame[TASKS], **options),
            }
            waits(f"Tabular, batch {arguments.batch}", tabular(), sources, 1000, arguments.rounds)
        if "mix" in arguments.questions:
            mix(arguments.rows, arguments.batch, arguments.rounds)
        if "lenet" in arguments.questions:
            mtl.data.write_records(digits(60_000).map(lambda x, y: (x, {"digit": y["digit"]})), folder / "digits")
            images = {"from_records": mtl.data.from_records(folder / "digits", 256, shuffle=True)}
            images["tuned tf.data"] = tuned(sorted(map(str, (folder / "digits").glob("*.tfrecord"))), ["digit"], 256, 1)
            waits("LeNet, batch 256", compiled(lenet()), images, 250, arguments.rounds)
            x = np.random.default_rng(0).integers(0, 256, (60_000, 28, 28, 1)).astype("uint8")
            one, parts = halves(x, 256)
            sources = {"mix of two": mtl.data.mix(parts, batch_size=256), "from_arrays": one}
            waits("LeNet of two tasks, batch 256", compiled(lenet(), ["one", "two"]), sources, 250, arguments.rounds)


if __name__ == "__main__":
    keras.utils.set_random_seed(0)
    main()
