"""A CSV file that grows with training."""

import csv
import os


class GrowingCSV:
    """Appends rows to a CSV file, which a new training starts afresh and a resumed one goes on with.

    Args:
        path: The file, or None for none.
        header: List of the names of the columns.
        fresh: Whether what the file holds gives way; else it stays and must have this header.

    Raises:
        ValueError: If the file stays and has another header.
    """

    def __init__(self, path, header, fresh):
        self.path = path
        if path is None:
            return
        os.makedirs(os.path.dirname(os.path.abspath(path)), exist_ok=True)
        if not fresh and os.path.exists(path) and os.path.getsize(path):
            self._check(header)
        else:
            with open(path, "w", encoding="utf-8", newline="") as file:
                csv.writer(file).writerow(header)

    def append(self, rows):
        """Writes rows, each a list with one entry a column, so that they are on the disk."""
        if self.path is not None:
            with open(self.path, "a", encoding="utf-8", newline="") as file:
                csv.writer(file).writerows(rows)

    def _check(self, header):
        with open(self.path, encoding="utf-8", newline="") as file:
            found = next(csv.reader(file))
        if found != header:
            raise ValueError(
                f"`path` names a file with the columns {found}, and the training goes on with {header}. "
                f"Received: path={str(self.path)!r}. Use another file."
            )
