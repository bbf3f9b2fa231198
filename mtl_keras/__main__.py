"""Shows an export and predicts with it; prints a comparison; runs a program as several workers.

python -m mtl_keras inspect saved_models/digits
python -m mtl_keras predict saved_models/digits --task digit image.png
python -m mtl_keras predict saved_models/people people.csv
python -m mtl_keras study study.db --html report/index.html
python -m mtl_keras launch --workers 2 train.py --epochs 3

`inspect` reads the description in an export and runs none of its code. `predict` loads and runs the export, which is a
program, so use it only with exports that you trust. `launch` starts the processes on this machine, each as a worker of
`tf.distribute.MultiWorkerMirroredStrategy`.
"""

import argparse
import pathlib
import sys
import zipfile
from collections.abc import Sequence

import numpy as np

from mtl_keras import data, export, study
from mtl_keras._arguments import choice, count, error
from mtl_keras._frames import as_array
from mtl_keras._launch import launch
from mtl_keras.export._contents import Contents

_BATCH = 1024  # rows of a table to predict at a time


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command and returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m mtl_keras", description="Shows exports and comparisons, and starts several workers."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    looks = commands.add_parser(
        "inspect", help="print the tasks, labels and signatures of an export; runs none of its code"
    )
    looks.add_argument("folder", help="folder of a model, or of one of its versions")
    predicts = commands.add_parser("predict", help="load an export, which runs its code, and predict")
    predicts.add_argument("folder", help="folder of a model, or of one of its versions")
    predicts.add_argument(
        "files",
        nargs="+",
        metavar="FILE",
        help="an image; a .csv or .parquet table with one column per input; or rows as .npy, or as .npz by input name",
    )
    predicts.add_argument("--task", help="the only task to predict")
    predicts.add_argument("--top", type=int, default=1, help="how many labels to print, 1 by default")
    compares = commands.add_parser(
        "study", help="print the table of a comparison, with the verdict; or that of a search"
    )
    compares.add_argument("folder", metavar="storage", help="file or URL of its storage")
    compares.add_argument("--name", help="name of the study, if the storage holds several")
    compares.add_argument(
        "--html", metavar="FILE", help="where to write the report; pictures and runs go into the same folder"
    )
    launches = commands.add_parser("launch", help="run a program as several workers on this machine")
    launches.add_argument("--workers", type=int, required=True, help="how many processes")
    launches.add_argument("--logs", metavar="DIR", help="folder for the output of the workers, one file for each")
    launches.add_argument(
        "--grace",
        type=float,
        default=30.0,
        help="seconds that workers have to stop, 30 by default",
    )
    launches.add_argument("folder", metavar="program", help="a Python file")
    launches.add_argument("arguments", nargs=argparse.REMAINDER, help="its arguments")
    given = parser.parse_args(arguments)
    try:
        if given.command == "launch":
            return _launch(given)
        if given.command == "study":
            _study(given.folder, given.name, given.html)
            return 0
        if given.command == "inspect":
            _inspect(Contents(given.folder))
        else:
            top = count("--top", given.top)
            _predict(_load(given.folder), given.files, given.task, top)
    except Exception as error:  # TensorFlow and NumPy raise many kinds of errors for broken files
        kind = "" if isinstance(error, (OSError, ValueError)) else f"{given.folder}: {type(error).__name__}: "
        print(f"{parser.prog}: {_printable(' '.join(f'{kind}{error}'.split()))}", file=sys.stderr)
        return 1
    return 0


def _launch(given):
    count("--workers", given.workers)
    if not given.grace >= 0:
        raise ValueError(error("--grace", "a number of seconds, at least 0", given.grace))
    if not pathlib.Path(given.folder).is_file():
        raise ValueError(f"`program` must be a Python file. Received: {given.folder}, which is not a file.")
    return launch(given.folder, given.arguments, given.workers, given.logs, given.grace)


def _study(storage, name, page):
    found = study.load(storage, name)
    print(_printable_lines(str(found)))
    if page is not None:
        page = pathlib.Path(page)
        written = pathlib.Path(found.report(page.parent))
        written.rename(page)


def _load(folder):
    try:
        return export.load(folder)
    except OSError:
        raise
    except Exception as error:
        raise ValueError(f"{folder} cannot be loaded: {type(error).__name__}: {error}") from error


def _inspect(contents):
    versions = contents.description.get("versions", {})
    print(
        _printable(" ".join([str(contents.path), *(f"{package} {version}" for package, version in versions.items())]))
    )
    rows = [["task", "head", "output", "labels"]]
    for task, known in contents.tasks.items():
        rows.append([task, known.get("head", "?"), _shape(known["shape"]), ", ".join(known.get("labels", []))])
    _print_table(rows)
    rows = [["signature", "takes", "gives"]]
    for name, signature in contents.signatures.items():
        sides = [
            [f"{key} {spec.dtype.name} {_shape(spec.shape)}" for key, spec in sorted(signature[side].items())]
            for side in ("inputs", "outputs")
        ]
        for i in range(max(map(len, sides))):
            rows.append([name if i == 0 else "", *(side[i] if i < len(side) else "" for side in sides)])
    _print_table(rows)
    if contents.description.get("metrics"):
        _print_table(
            [["metric", "value"], *([m, f"{value:.4g}"] for m, value in contents.description["metrics"].items())]
        )


def _predict(served, files, task, top):
    if task is not None:
        choice("--task", task, served.tasks)
    rows = [["file", "row", "task", "prediction"]]
    for file in files:
        outputs = _outputs(served, pathlib.Path(file), task)
        if not outputs or not all(np.ndim(array) and len(array) for array in outputs.values()):
            raise ValueError(f"{file}: there must be at least one row, and one task that the export predicts for it.")
        for row in range(len(next(iter(outputs.values())))):
            for name in [name for name in served.tasks if name in outputs]:
                answer = _answer(outputs[name][row], served.tasks[name].get("labels"), top)
                rows.append([file, str(row), name, answer])
    _print_table(rows)


def _outputs(served, file, task):
    """Returns `{task: array}` for a file."""
    signature = task if task in served.signatures else "serving_default"
    if file.suffix in (".csv", ".parquet"):
        parts = [
            _known(served.predict(x, signature=signature), served, task) for x in _batches(file, served, signature)
        ]
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    if file.suffix in (".npy", ".npz"):
        try:
            given = np.load(file)
            inputs = dict(given) if file.suffix == ".npz" else given
        except (EOFError, ValueError, zipfile.BadZipFile) as error:
            raise ValueError(f"{file} is not an array file that NumPy can read: {error}") from error
    elif "serving_bytes" in served.signatures:  # it turns pixels into inputs
        signature = "serving_bytes"
        inputs = [file.read_bytes()]
    else:
        inputs = served.read_image(file, signature)
    return _known(served.predict(inputs, signature=signature), served, task)


def _batches(file, served, signature):
    """Yields the rows of a table as the inputs of a signature."""
    specs = served.signatures[signature]["inputs"]
    if file.suffix == ".parquet":
        dataset = data.from_parquet(file, list(specs), batch_size=_BATCH)
    else:
        dtypes = {
            name: "string" if spec.dtype == "string" else spec.dtype.as_numpy_dtype for name, spec in specs.items()
        }
        dataset = data.from_csv(file, list(specs), batch_size=_BATCH, dtypes=dtypes)
    for batch in dataset.as_numpy_iterator():
        yield {name: as_array(name, batch[name], tuple(spec.shape)) for name, spec in specs.items()}


def _known(outputs, served, task):
    """Returns the outputs of a task, or of all tasks."""
    return {name: array for name, array in outputs.items() if name == task or (task is None and name in served.tasks)}


def _answer(values, labels, top):
    """Returns the printed prediction for one sample."""
    values = np.ravel(values)
    if labels and len(values) == 1 and len(labels) == 2:
        values = np.array([1 - values[0], values[0]])
    if labels and len(values) == len(labels):
        return ", ".join(f"{labels[i]} {values[i]:.4g}" for i in np.argsort(-values)[:top])
    return " ".join(f"{value:.4g}" for value in values)


def _shape(shape):
    if shape is None or getattr(shape, "rank", 0) is None:
        return "[...]"
    return f"[{', '.join('B' if size is None else str(size) for size in shape)}]"


def _print_table(rows):
    rows = [[_printable(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    print()
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def _printable_lines(text):
    return "\n".join(map(_printable, text.splitlines()))


def _printable(text):
    """Returns a text with escapes in place of control characters and of characters that the terminal cannot show."""
    text = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
    encoding = sys.stdout.encoding or "utf-8"
    return text.encode(encoding, "backslashreplace").decode(encoding)


if __name__ == "__main__":
    sys.exit(main())
