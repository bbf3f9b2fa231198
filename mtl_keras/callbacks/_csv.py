"""A CSV file that grows during training."""

import csv
import os
import pathlib

from mtl_keras._unfinished import unfinished


class GrowingCSV:
    """Appends rows to a CSV file. A new training overwrites it; a resumed training continues it.

    If a training was killed, the file may have rows of steps that the resumed training repeats, and an incomplete last
    row: these are removed.

    Args:
        path: The file; None to write no file.
        model: The model. If several workers train it, the chief alone writes.
        header: List of the names of the columns, one of which is "step".
        fresh: True overwrites the file. False continues it, and it must have this header.
        num_steps: Number of steps trained before; 0 if the steps in the file may be of another training.

    Raises:
        ValueError: If the file is continued and has another header.
    """

    def __init__(self, path, model, header, fresh, num_steps=0):
        self.path = path = path if model.workers.is_chief else None
        if path is None:
            return
        os.makedirs(os.path.dirname(os.path.abspath(path)), exist_ok=True)
        if not fresh and os.path.exists(path) and os.path.getsize(path):
            self._go_on(header, num_steps)
        else:
            with open(path, "w", encoding="utf-8", newline="") as file:
                csv.writer(file).writerow(header)

    def append(self, rows):
        """Writes rows, each a list with one entry per column, and closes the file."""
        if self.path is not None:
            with open(self.path, "a", encoding="utf-8", newline="") as file:
                csv.writer(file).writerows(rows)

    def _go_on(self, header, num_steps):
        with open(self.path, encoding="utf-8", newline="") as file:
            lines = file.read().splitlines(keepends=True)
        found, *rows = csv.reader(lines)
        if found != header:
            raise ValueError(
                f"`path` names a file with the columns {found}, and the training goes on with {header}. "
                f"Received: path={str(self.path)!r}. Use another file."
            )
        if not lines[-1].endswith("\n"):
            del rows[-1:]  # incomplete after a kill
        step = header.index("step")
        kept = [row for row in rows if not num_steps or int(row[step]) <= num_steps]
        if len(kept) < len(lines) - 1:
            path = pathlib.Path(os.path.realpath(self.path))
            with unfinished(path.parent) as place:
                with open(place, "w", encoding="utf-8", newline="") as file:
                    csv.writer(file).writerows([header, *kept])
                os.replace(place, path)
