"""Does memory grow with the table? Writes a Parquet table, reads one epoch of it, and prints the peak."""

import argparse
import pathlib
import resource
import threading
import time

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

import mtl_keras as mtl

ROWS_OF_A_FILE = 1_000_000
NUMBERS, CATEGORIES = 20, 4


def write(folder, num_rows):
    """Writes about 100 bytes per row: 20 floats, 4 strings and 2 labels, in files of a million rows."""
    folder.mkdir(parents=True, exist_ok=True)
    for i, start in enumerate(range(0, num_rows, ROWS_OF_A_FILE)):
        path = folder / f"part-{i:03}.parquet"
        if path.exists():
            continue
        rng = np.random.default_rng(i)
        rows = min(ROWS_OF_A_FILE, num_rows - start)
        numbers = rng.normal(size=(NUMBERS, rows)).astype("float32")
        columns = {f"number{k}": numbers[k] for k in range(NUMBERS)}
        names = np.array([f"value {k}" for k in range(200)], object)
        columns |= {f"category{k}": names[rng.integers(0, 200, rows)] for k in range(CATEGORIES)}
        columns |= {"click": (numbers[0] + rng.normal(size=rows) > 0).astype("int64"), "price": numbers[1] * 2}
        table = pa.table(columns)
        pq.write_table(table, path, row_group_size=100_000)


class Peak:
    """The largest resident memory since it was created, in MiB, sampled 100 times per second."""

    def __init__(self):
        self.mib = 0.0
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def stop(self):
        self._stopped.set()
        self._thread.join()
        return self.mib

    def _watch(self):
        pages = resource.getpagesize() / 2**20
        while not self._stopped.wait(0.01):
            self.mib = max(self.mib, int(pathlib.Path("/proc/self/statm").read_text().split()[1]) * pages)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--rows", type=int, default=20_000_000)
    parser.add_argument("--files", type=int, help="how many of the files to read; all by default")
    parser.add_argument("--train", action="store_true", help="train a Tabular tower instead of only iterating")
    parser.add_argument("--batch", type=int, default=1024)
    arguments = parser.parse_args()

    write(arguments.folder, arguments.rows)
    files = sorted(arguments.folder.glob("*.parquet"))[: arguments.files]
    size = sum(file.stat().st_size for file in files)
    dataset = mtl.data.from_parquet(files, y=["click", "price"], batch_size=arguments.batch, shuffle=True)
    if arguments.train:
        names = [f"value {k}" for k in range(200)]
        tower = mtl.towers.Tabular(
            tuple(f"number{k}" for k in range(NUMBERS)), {f"category{k}": names for k in range(CATEGORIES)}
        )
        tasks = [mtl.Task("click", mtl.heads.Binary()), mtl.Task("price", mtl.heads.Regression())]
        model = mtl.build_model(tower.inputs(), tasks, tower=tower)
        model.compile("adam")
    peak, start = Peak(), time.perf_counter()
    if arguments.train:
        model.fit(dataset, verbose=0)
    else:
        for _ in dataset:
            pass
    seconds, mib = time.perf_counter() - start, peak.stop()
    rows = dataset.facts.num_rows
    print(
        f"{rows:,} rows in {len(files)} files of {size / 1e6:,.0f} MB: {rows / seconds:,.0f} rows/s, peak of "
        f"{mib:,.0f} MiB resident"
    )


if __name__ == "__main__":
    main()
