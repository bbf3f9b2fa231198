"""One of several workers: takes two epochs of each kind of dataset, and prints the rows that it saw."""

import json
import sys

import numpy as np
import pandas as pd
import tensorflow as tf

import mtl_keras as mtl

ROWS = 50


def write(folder):
    """Writes the table and the records that the workers read."""
    x, y = {"row": np.arange(ROWS, dtype="float32")}, {"even": np.arange(ROWS) % 2}
    pd.DataFrame(x | y).to_parquet(f"{folder}/table.parquet", row_group_size=20)
    mtl.data.write_records(mtl.data.from_arrays(x, y, 8), f"{folder}/records", shards=3)


def datasets(folder):
    x, y = np.arange(ROWS, dtype="float32"), np.arange(ROWS) % 2
    halves = {
        task: mtl.data.from_arrays({"row": x[rows]}, {task: y[rows]}, batch_size=4)
        for task, rows in {"even": slice(0, 25), "odd": slice(25, 50)}.items()
    }
    options = {"batch_size": 8, "shuffle": True}
    return {
        "from_arrays": mtl.data.from_arrays({"row": x}, {"even": y}, **options),
        "from_parquet": mtl.data.from_parquet(f"{folder}/table.parquet", y=["even"], shuffle_rows=16, **options),
        "from_records": mtl.data.from_records(f"{folder}/records", shuffle_rows=16, **options),
        "mix": mtl.data.mix(halves, batch_size=8),
    }


def main(folder):
    strategy = tf.distribute.MultiWorkerMirroredStrategy()
    seen = {}
    for name, dataset in datasets(folder).items():
        here = strategy.experimental_distribute_dataset(dataset)
        epochs = [[strategy.experimental_local_results(x["row"]) for x, *_ in here] for _ in range(2)]
        seen[name] = [np.concatenate(sum(epoch, ())).tolist() for epoch in epochs]
    print("SEEN", json.dumps(seen))


if __name__ == "__main__":
    main(*sys.argv[1:])
